/*
 * What a program used, for people.
 */
#ifndef CLI_RUN_STATS_H
#define CLI_RUN_STATS_H

#include <uringspawn/spawn.h>

/* What an end event has borrowed. */
struct run_stats {
	bool has_rusage, has_cgroup;
	struct usp_rusage rusage;
	struct usp_cgroup_usage cgroup;
};

/* Keep it, for when the event is over. */
void run_stats_keep(struct run_stats *stats, const struct usp_end *end);

/* Print it to stderr.  @exit is NULL when there was none. */
void run_stats_print(const struct run_stats *stats, const struct usp_end *end,
		     const struct usp_exit *exit);

#endif
