#include "uringspawn-trace/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include "uringspawn-trace/privilege.h"
#include "uringspawn-trace/probe_parts.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

const char *probe_backend_name(enum backend backend)
{
	return backend == BACKEND_TP ? "tp" : "raw";
}

static int mute(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!getenv("URINGSPAWN_TRACE_VERBOSE"))
		return 0;
	(void)level;
	return vfprintf(stderr, format, args);
}

/* ---- loading ------------------------------------------------------------- */

static void choose_programs(struct spawn_trace *programs,
			    const struct probe_options *options)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, programs->obj)
	{
		const char *name = bpf_program__name(program);

		if (begins(name, "tp_"))
			bpf_program__set_autoload(program,
						  options->backend == BACKEND_TP);
		else if (begins(name, "function_"))
			bpf_program__set_autoload(program, options->function);
		else if (begins(name, "job_"))
			bpf_program__set_autoload(program, options->jobs);
		else if (begins(name, "raw_"))
			bpf_program__set_autoload(program,
						  options->backend == BACKEND_RAW);
	}
	if (libbpf_find_vmlinux_btf_id("sched_prepare_exec", BPF_TRACE_RAW_TP) < 0)
		bpf_program__set_autoload(programs->progs.on_prepare_exec, false);
}

static int check_before(struct failure *why)
{
	char missing[64];

	if (access(BTF_FILE, R_OK))
		return failure_set(why, CODE_KERNEL,
				   "this kernel does not describe itself: no " BTF_FILE
				   " (CONFIG_DEBUG_INFO_BTF)");
	if (!privilege_bpf(missing, sizeof(missing)))
		return failure_set(why, CODE_DENIED,
				   "not permitted: %s missing; run it as root, or once: "
				   "setcap cap_bpf,cap_perfmon+ep uringspawn-trace",
				   missing);
	return 0;
}

static int load(struct probe *probe, const struct probe_options *options,
		struct failure *why)
{
	int ret;

	libbpf_set_print(mute);
	probe->programs = spawn_trace__open();
	if (!probe->programs)
		return failure_of_errno(why, -errno, "reading of the BPF programs");
	probe->programs->rodata->every_process = options->every;
	probe->programs->rodata->follow = options->follow;
	probe->programs->rodata->commands = options->commands;
	choose_programs(probe->programs, options);
	ret = spawn_trace__load(probe->programs);
	return ret ? failure_of_errno(why, ret, "loading of BPF programs") : 0;
}

/* ---- what is told -------------------------------------------------------- */

static int on_record(void *user, void *data, size_t size)
{
	struct probe *probe = user;

	probe->told(data, size, probe->user);
	return 0;
}

static int open_ring(struct probe *probe, struct failure *why)
{
	int fd = bpf_map__fd(probe->programs->maps.ring);

	probe->ring = ring_buffer__new(fd, on_record, probe, NULL);
	return probe->ring ? 0 : failure_of_errno(why, -errno, "ring buffer");
}

int probe_open(const struct probe_options *options, probe_told *told, void *user,
	       struct probe **ret_probe, struct failure *why)
{
	struct probe *probe;
	int ret = check_before(why);

	if (ret)
		return ret;
	probe = calloc(1, sizeof(*probe));
	if (!probe)
		return failure_set(why, CODE_KERNEL, "no memory");
	probe->told = told;
	probe->user = user;
	ret = load(probe, options, why);
	if (!ret)
		ret = open_ring(probe, why);
	if (!ret)
		ret = probe_attach(probe, options->backend, why);
	if (ret) {
		probe_close(probe);
		return ret;
	}
	*ret_probe = probe;
	return 0;
}

int probe_fd(const struct probe *probe)
{
	return ring_buffer__epoll_fd(probe->ring);
}

void probe_drain(struct probe *probe)
{
	(void)ring_buffer__consume(probe->ring);
}

struct probe_losses probe_losses(const struct probe *probe)
{
	return (struct probe_losses){
		.records = probe->programs->bss->lost_records,
		.threads = probe->programs->bss->lost_threads,
	};
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	ring_buffer__free(probe->ring);
	for (size_t i = 0; i < probe->n_functions; i++)
		bpf_link__destroy(probe->functions[i]);
	spawn_trace__destroy(probe->programs);
	free(probe);
}
