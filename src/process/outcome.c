/*
 * What the end of a process says.
 */
#include "process/outcome.h"

#include <signal.h>
#include <sys/wait.h>
#include "base/clock.h"

/* What could not be read, then or now, is not known. */
static uint64_t since(uint64_t now, uint64_t before)
{
	return now < before || now == UINT64_MAX ? UINT64_MAX : now - before;
}

bool outcome_cgroup(const struct process *p, struct usp_cgroup_usage *ret_usage)
{
	const struct usp_cgroup_usage *now = &p->tree.walk.usage;
	const struct usp_cgroup_usage *before;

	if (!p->tree.settled || !p->tree.walk.dir)
		return false;
	before = &p->tree.walk.dir->before;
	*ret_usage = (struct usp_cgroup_usage){
		.user_ns = since(now->user_ns, before->user_ns),
		.system_ns = since(now->system_ns, before->system_ns),
		.memory_peak_bytes = now->memory_peak_bytes,
		.pids_peak = now->pids_peak,
		.oom_kills = since(now->oom_kills, before->oom_kills),
	};
	return true;
}

/* SIGKILL came from the kernel: all of a cgroup with a limit go together. */
static bool ran_out_of_memory(const struct process *p)
{
	struct usp_cgroup_usage usage;

	return outcome_cgroup(p, &usage) && usage.oom_kills != UINT64_MAX &&
	       usage.oom_kills > 0 && p->exit_info.si_code != CLD_EXITED &&
	       p->exit_info.si_status == SIGKILL;
}

enum usp_reason outcome_reason(const struct process *p)
{
	if (p->reason)
		return p->reason;
	if (p->failed)
		return USP_REASON_FAILED;
	if (p->status_lost)
		return USP_REASON_STATUS_LOST;
	if (ran_out_of_memory(p))
		return USP_REASON_CGROUP_OOM;
	return p->exit_info.si_code == CLD_EXITED ? USP_REASON_EXITED
						  : USP_REASON_SIGNALLED;
}

/* @stamp_ns, or now where it was not reached, held between the one before it and now:
 * a launcher's clock may be ahead of the turn's. */
static uint64_t between(uint64_t before_ns, uint64_t stamp_ns, uint64_t now_ns)
{
	if (stamp_ns == 0 || stamp_ns > now_ns)
		return now_ns;
	return stamp_ns > before_ns ? stamp_ns : before_ns;
}

struct usp_timings outcome_timings(const struct process *p, uint64_t now_ns)
{
	uint64_t end_ns = now_ns > p->queued_ns ? now_ns : p->queued_ns;
	uint64_t taken_ns = between(p->queued_ns, p->taken_ns, end_ns);
	uint64_t execed_ns = between(taken_ns, p->execed_ns, end_ns);
	uint64_t exited_ns = between(execed_ns, p->exited_ns, end_ns);

	return (struct usp_timings){
		.queued_ns = taken_ns - p->queued_ns,
		.launch_ns = execed_ns - taken_ns,
		.running_ns = exited_ns - execed_ns,
		.drain_ns = end_ns - exited_ns,
	};
}

static uint64_t ns_of(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_usec * NS_PER_US;
}

bool outcome_usage(const struct process *p, struct usp_rusage *ret_usage)
{
	const struct rusage *usage = &p->usage;

	if (!p->usage_known)
		return false;
	*ret_usage = (struct usp_rusage){
		.user_ns = ns_of(&usage->ru_utime),
		.system_ns = ns_of(&usage->ru_stime),
		.max_rss_bytes = (uint64_t)usage->ru_maxrss << 10,
		.minor_faults = (uint64_t)usage->ru_minflt,
		.major_faults = (uint64_t)usage->ru_majflt,
		.blocks_read = (uint64_t)usage->ru_inblock,
		.blocks_written = (uint64_t)usage->ru_oublock,
		.voluntary_switches = (uint64_t)usage->ru_nvcsw,
		.involuntary_switches = (uint64_t)usage->ru_nivcsw,
	};
	return true;
}

enum usp_tree outcome_tree(const struct process *p)
{
	return p->given_up ? USP_TREE_PENDING : tree_result(&p->tree);
}

uint32_t outcome_orphans(const struct process *p, const struct holders *holders)
{
	unsigned left = p->exited ? p->tree.walk.left : 0;
	unsigned seen = holders ? holders->seen : 0;

	return left > seen ? left : seen;
}
