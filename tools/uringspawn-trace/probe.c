#include "uringspawn-trace/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <spawn_trace.skel.h>
#include "bpf/event.h"
#include "uringspawn-trace/privilege.h"
#include "uringspawn-trace/tracefs.h"

#define BTF_FILE "/sys/kernel/btf/vmlinux"

struct probe {
	struct spawn_trace *programs;
	struct ring_buffer *ring;
	struct bpf_link *functions[8];
	size_t n_functions;
	probe_told *told;
	void *user;
};

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

static bool begins(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* Old system calls, which not each machine has, and those that say a little more. */
static bool is_optional(const char *name)
{
	static const char *const needed[] = { "tp_enter_clone", "tp_exit_clone",
					      "tp_enter_execve", "tp_exit_wait4" };

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (strcmp(name, needed[i]) == 0)
			return false;
	return begins(name, "tp_");
}

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

/* ---- attaching ----------------------------------------------------------- */

/* "tracepoint/syscalls/sys_enter_clone" by its number: libbpf needs tracefs mounted. */
static struct bpf_link *attach_tracepoint(struct bpf_program *program, int tracefs_fd)
{
	const char *section = bpf_program__section_name(program);
	int fd = tracefs_event(tracefs_fd, strchr(section, '/') + 1);
	struct bpf_link *link;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	link = bpf_program__attach_perf_event(program, fd);
	if (!link)
		close(fd);
	return link;
}

static int attach_one(struct bpf_program *program, struct bpf_link **link, int tracefs_fd,
		      struct failure *why)
{
	const char *section = bpf_program__section_name(program);

	if (!bpf_program__autoload(program) || begins(section, "iter/") ||
	    begins(section, "u"))
		return 0;
	*link = begins(section, "tracepoint/") ? attach_tracepoint(program, tracefs_fd)
					       : bpf_program__attach(program);
	if (*link || (errno == ENOENT && is_optional(bpf_program__name(program))))
		return 0;
	return failure_of_errno(why, -errno, section);
}

static int attach(struct probe *probe, int tracefs_fd, struct failure *why)
{
	const struct bpf_object_skeleton *all = probe->programs->skeleton;
	int ret = 0;

	for (int i = 0; i < all->prog_cnt && !ret; i++)
		ret = attach_one(*all->progs[i].prog, all->progs[i].link, tracefs_fd,
				 why);
	return ret;
}

static int attach_backend(struct probe *probe, enum backend backend, struct failure *why)
{
	int tracefs_fd = -1, ret;

	if (backend == BACKEND_TP) {
		tracefs_fd = tracefs_open();
		if (tracefs_fd == -EACCES || tracefs_fd == -EPERM)
			return failure_set(
				why, CODE_DENIED,
				"tracefs may not be read: run it as root, or add "
				"cap_dac_read_search by setcap, or use --backend raw");
		if (tracefs_fd < 0)
			return failure_of_errno(why, tracefs_fd, "tracefs");
	}
	ret = attach(probe, tracefs_fd, why);
	if (tracefs_fd >= 0)
		close(tracefs_fd);
	return ret;
}

static int attach_function(struct probe *probe, struct bpf_program *program,
			   bool at_return, const char *path, uint64_t offset)
{
	struct bpf_link *link =
		bpf_program__attach_uprobe(program, at_return, -1, path, offset);

	if (!link)
		return -errno;
	probe->functions[probe->n_functions++] = link;
	return 0;
}

int probe_function(struct probe *probe, const char *path, uint64_t offset,
		   struct failure *why)
{
	int ret;

	if (probe->n_functions == ARRAY_SIZE(probe->functions))
		return 0;
	ret = attach_function(probe, probe->programs->progs.function_left, true, path,
			      offset);
	if (!ret)
		ret = attach_function(probe, probe->programs->progs.function_entered,
				      false, path, offset);
	if (ret == -EACCES || ret == -EPERM)
		return failure_set(why, CODE_DENIED,
				   "--func: uprobes are not permitted: CAP_SYS_ADMIN "
				   "missing; run it as root");
	return ret ? failure_of_errno(why, ret, "uprobe") : 0;
}

int probe_jobs(struct probe *probe, const char *path)
{
	struct bpf_link *link =
		bpf_program__attach_usdt(probe->programs->progs.job_state, -1, path,
					 "uringspawn", "process_state", NULL);

	if (!link)
		return -errno;
	probe->programs->links.job_state = link;
	return 0;
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
		ret = attach_backend(probe, options->backend, why);
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

/* ---- who is watched ------------------------------------------------------ */

/* Their reading is what makes the program see each process once. */
static int read_all_processes(struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	char nothing[64];
	int fd, ret = 0;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		ret = -errno;
	while (fd >= 0 && read(fd, nothing, sizeof(nothing)) > 0)
		;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return ret;
}

int probe_watch(struct probe *probe, const pid_t *pids, size_t n, struct failure *why)
{
	int fd = bpf_map__fd(probe->programs->maps.wanted), ret;

	for (size_t i = 0; i < n; i++) {
		__u32 key = (__u32)pids[i];
		__u8 one = 1;

		if (bpf_map_update_elem(fd, &key, &one, BPF_ANY))
			return failure_of_errno(why, -errno, "map of processes");
	}
	ret = read_all_processes(probe->programs->progs.find_targets);
	return ret ? failure_of_errno(why, ret, "iter/task") : 0;
}

bool probe_has_targets(const struct probe *probe)
{
	__u32 first;

	return bpf_map_get_next_key(bpf_map__fd(probe->programs->maps.targets), NULL,
				    &first) == 0;
}

/* The record is the first member of what is kept of a child. */
static void tell_rest(struct probe *probe)
{
	struct bpf_map *map = probe->programs->maps.children;
	size_t size = bpf_map__value_size(map);
	__u32 key, *before = NULL;
	char *value = malloc(size);

	while (value && bpf_map_get_next_key(bpf_map__fd(map), before, &key) == 0) {
		if (bpf_map_lookup_elem(bpf_map__fd(map), &key, value) == 0)
			probe->told(value, sizeof(struct trace_spawn), probe->user);
		before = &key;
	}
	free(value);
}

void probe_finish(struct probe *probe)
{
	spawn_trace__detach(probe->programs);
	probe_drain(probe);
	tell_rest(probe);
}
