#include "uringspawn-trace/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "uringspawn-trace/privilege.h"
#include "uringspawn-trace/probe.h"
#include "uringspawn-trace/tracefs.h"

static void print(const char *name, bool works, const char *remark)
{
	printf("  %-14s %-4s %s\n", name, works ? "yes" : "no", remark);
}

static void nothing(const void *record, size_t size, void *user)
{
	(void)record;
	(void)size;
	(void)user;
}

/* By doing it: everything is loaded, attached, and taken away again. */
static int try_backend(enum backend backend)
{
	struct probe_options options = { .backend = backend };
	struct failure why = { 0 };
	struct probe *probe;
	char name[32];
	int code = probe_open(&options, nothing, NULL, &probe, &why);

	if (!code)
		probe_close(probe);
	snprintf(name, sizeof(name), "--backend %s", probe_backend_name(backend));
	print(name, !code, code ? why.text : "");
	return code;
}

static void check_rights(void)
{
	char missing[64] = "", mode[32] = "";
	bool locked = privilege_lockdown(mode, sizeof(mode));

	print("capabilities", privilege_bpf(missing, sizeof(missing)),
	      *missing ? missing : "CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON");
	if (*mode)
		print("lockdown", !locked, mode);
}

static void check_kernel(void)
{
	int fd = tracefs_open();

	print("BTF", access("/sys/kernel/btf/vmlinux", R_OK) == 0,
	      "/sys/kernel/btf/vmlinux");
	print("tracefs", fd >= 0, fd >= 0 ? "for --backend tp" : strerrordesc_np(-fd));
	if (fd >= 0)
		close(fd);
}

int check_run(void)
{
	struct utsname kernel;
	int tp, raw;

	uname(&kernel);
	printf("%s %s %s\n", kernel.sysname, kernel.release, kernel.machine);
	check_rights();
	check_kernel();
	tp = try_backend(BACKEND_TP);
	raw = try_backend(BACKEND_RAW);
	return tp && raw ? tp : 0;
}
