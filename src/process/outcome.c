/*
 * What the end of a process says.
 */
#include "process/outcome.h"

#include <sys/wait.h>
#include "base/clock.h"

enum usp_reason outcome_reason(const struct process *p)
{
	if (p->reason)
		return p->reason;
	if (p->failed)
		return USP_REASON_FAILED;
	if (p->status_lost)
		return USP_REASON_STATUS_LOST;
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
	return p->given_up ? USP_TREE_PENDING : USP_TREE_NOT_ASKED;
}
