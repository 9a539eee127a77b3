#include "cli/run_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"

static double ms(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

void run_stats_keep(struct run_stats *stats, const struct usp_end *end)
{
	stats->has_rusage = end->rusage;
	stats->has_cgroup = end->cgroup;
	if (end->rusage)
		stats->rusage = *end->rusage;
	if (end->cgroup)
		stats->cgroup = *end->cgroup;
}

static void print_how(const struct usp_end *end, const struct usp_exit *exit)
{
	fprintf(stderr, "uringspawn: %s", usp_reason_name(end->reason));
	if (exit && exit->signal)
		fprintf(stderr, ", signal %d (%s)%s", exit->signal,
			strsignal(exit->signal), exit->core ? ", core dumped" : "");
	else if (exit && exit->code >= 0)
		fprintf(stderr, ", code %d", exit->code);
	fputc('\n', stderr);
}

static uint64_t real_ns(const struct usp_timings *t)
{
	return t->queued_ns + t->launch_ns + t->running_ns + t->drain_ns;
}

static void print_time(const struct usp_timings *t)
{
	fprintf(stderr,
		"  real     %.3f ms: %.3f queued, %.3f launching, %.3f running, %.3f "
		"draining\n",
		ms(real_ns(t)), ms(t->queued_ns), ms(t->launch_ns), ms(t->running_ns),
		ms(t->drain_ns));
}

/* Of one CPU, while it ran. */
static double percent(uint64_t cpu_ns, uint64_t running_ns)
{
	return running_ns ? 100.0 * (double)cpu_ns / (double)running_ns : 0;
}

static void print_rusage(const struct usp_rusage *used, const struct usp_timings *t)
{
	fprintf(stderr,
		"  cpu      %.3f ms user, %.3f system: %.0f %%\n"
		"  memory   %" PRIu64 " KiB at most; %" PRIu64 " minor faults, %" PRIu64
		" major\n"
		"  disk     %" PRIu64 " blocks read, %" PRIu64 " written\n"
		"  switches %" PRIu64 " voluntary, %" PRIu64 " not\n",
		ms(used->user_ns), ms(used->system_ns),
		percent(used->user_ns + used->system_ns, t->running_ns),
		used->max_rss_bytes / 1024, used->minor_faults, used->major_faults,
		used->blocks_read, used->blocks_written, used->voluntary_switches,
		used->involuntary_switches);
}

/* What is not known is left out. */
static void print_cgroup(const struct usp_cgroup_usage *used)
{
	fputs("  cgroup  ", stderr);
	if (used->user_ns != UINT64_MAX)
		fprintf(stderr, " %.3f ms user, %.3f system;", ms(used->user_ns),
			ms(used->system_ns));
	if (used->memory_peak_bytes != UINT64_MAX)
		fprintf(stderr, " %" PRIu64 " KiB at most;",
			used->memory_peak_bytes / 1024);
	if (used->pids_peak != UINT64_MAX)
		fprintf(stderr, " %" PRIu64 " processes at most;", used->pids_peak);
	if (used->oom_kills != UINT64_MAX)
		fprintf(stderr, " %" PRIu64 " killed for memory", used->oom_kills);
	fputc('\n', stderr);
}

static void print_tree(const struct usp_end *end)
{
	static const char *const words[] = {
		[USP_TREE_GONE] = "all that it started is gone",
		[USP_TREE_BEST_EFFORT] = "all that could be found was ended",
		[USP_TREE_PENDING] = "SIGKILL was sent, and not all are gone yet",
	};

	if (end->tree != USP_TREE_NOT_ASKED)
		fprintf(stderr, "  tree     %s\n", words[end->tree]);
	if (end->orphans)
		fprintf(stderr, "  orphans  %u outlived it\n", end->orphans);
}

void run_stats_print(const struct run_stats *stats, const struct usp_end *end,
		     const struct usp_exit *exit)
{
	print_how(end, exit);
	print_time(&end->timings);
	if (end->bytes[1] || end->bytes[2] || end->dropped[1] || end->dropped[2])
		fprintf(stderr,
			"  output   %" PRIu64 " bytes on stdout, %" PRIu64
			" on stderr; %" PRIu64 " dropped\n",
			end->bytes[1], end->bytes[2], end->dropped[1] + end->dropped[2]);
	print_tree(end);
	if (stats->has_rusage)
		print_rusage(&stats->rusage, &end->timings);
	if (stats->has_cgroup)
		print_cgroup(&stats->cgroup);
}
