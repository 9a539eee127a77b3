#include "cli/run_stats.h"

#include <inttypes.h>
#include <stdio.h>
#include "base/clock.h"

static double ms(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

static void print_rusage(const struct usp_rusage *used)
{
	fprintf(stderr,
		"  cpu      %.3f ms user, %.3f ms system\n"
		"  memory   %" PRIu64 " KiB at most; %" PRIu64 " minor faults, %" PRIu64
		" major\n"
		"  disk     %" PRIu64 " blocks read, %" PRIu64 " written\n"
		"  switches %" PRIu64 " voluntary, %" PRIu64 " not\n",
		ms(used->user_ns), ms(used->system_ns), used->max_rss_bytes / 1024,
		used->minor_faults, used->major_faults, used->blocks_read,
		used->blocks_written, used->voluntary_switches,
		used->involuntary_switches);
}

void run_stats_print(const struct usp_end *end)
{
	fprintf(stderr,
		"uringspawn: %s\n"
		"  time     %.3f ms queued, %.3f launching, %.3f running, %.3f draining\n",
		usp_reason_name(end->reason), ms(end->timings.queued_ns),
		ms(end->timings.launch_ns), ms(end->timings.running_ns),
		ms(end->timings.drain_ns));
	if (end->bytes[1] || end->bytes[2] || end->dropped[1] || end->dropped[2])
		fprintf(stderr,
			"  output   %" PRIu64 " bytes on stdout, %" PRIu64
			" on stderr; %" PRIu64 " dropped\n",
			end->bytes[1], end->bytes[2], end->dropped[1] + end->dropped[2]);
	if (end->tree == USP_TREE_BEST_EFFORT)
		fputs("  tree     all that could be found was ended\n", stderr);
	if (end->rusage)
		print_rusage(end->rusage);
}
