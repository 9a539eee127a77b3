/*
 * Where the programs are attached: to tracepoints, to functions of the kernel's tracing, to
 * a program's own functions and probes.
 */
#include "uringspawn-trace/probe_parts.h"
#include "uringspawn-trace/tracefs.h"

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

int probe_attach(struct probe *probe, enum backend backend, struct failure *why)
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
