/*
 * What the end of a process says: why, how long each part of its life took, and what
 * it used.
 *
 * The first cause wins: whatever made it end, or cut its output, before the end was told
 * is its reason for good (process_end()).  Without one it is how it ended by itself.
 */
#ifndef PROCESS_OUTCOME_H
#define PROCESS_OUTCOME_H

#include "process/process.h"

enum usp_reason outcome_reason(const struct process *p);

/* As of @now_ns: the phases that were not reached are empty, and all of them together
 * are the time since it was asked for. */
struct usp_timings outcome_timings(const struct process *p, uint64_t now_ns);

/* False: it is not known, or was not asked for. */
bool outcome_usage(const struct process *p, struct usp_rusage *ret_usage);

/* Who was left of its tree. */
enum usp_tree outcome_tree(const struct process *p);

/* How many were seen to outlive it, in its cgroup or at its pipes. */
uint32_t outcome_orphans(const struct process *p, const struct holders *holders);

/* What its cgroup used since it was there.  False: it had none of its own. */
bool outcome_cgroup(const struct process *p, struct usp_cgroup_usage *ret_usage);

#endif
