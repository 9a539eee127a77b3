/*
 * The summary: who was kept for how long, where the time went, and its distribution.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "uringspawn-trace/report.h"

enum { BAR = 40, PROCESSES_SHOWN = 8 };

static double seconds(const struct summary *s)
{
	return (double)(s->to_ns - s->from_ns) / 1e9;
}

/* ---- the head ------------------------------------------------------------ */

static int by_blocked(const void *a, const void *b)
{
	const struct summary_process *x = *(const struct summary_process *const *)a;
	const struct summary_process *y = *(const struct summary_process *const *)b;
	uint64_t x_ns = x->main_ns + x->others_ns, y_ns = y->main_ns + y->others_ns;

	return (x_ns < y_ns) - (x_ns > y_ns);
}

static void print_process(FILE *to, const struct summary *s,
			  const struct summary_process *p)
{
	double wall = (double)(s->to_ns - s->from_ns);
	char whose[48];

	snprintf(whose, sizeof(whose), "%s (%d)", p->name, (int)p->tgid);
	if (p->by_main)
		fprintf(to,
			"%-24s main thread: blocked %.1f ms by %" PRIu64
			" spawns, %.1f %% of the time",
			whose, (double)p->main_ns / 1e6, p->by_main,
			100 * (double)p->main_ns / wall);
	if (p->main_sync_ns)
		fprintf(to, "; waiting for ends %.1f ms, %.1f %%",
			(double)p->main_sync_ns / 1e6,
			100 * (double)p->main_sync_ns / wall);
	if (p->by_main)
		fputc('\n', to);
	if (p->by_others)
		fprintf(to,
			"%-24s other threads: blocked %.1f ms by %" PRIu64 " spawns\n",
			p->by_main ? "" : whose, (double)p->others_ns / 1e6,
			p->by_others);
}

static void print_processes(FILE *to, const struct summary *s)
{
	const struct summary_process *sorted[SUMMARY_PROCESSES_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i].by_main + s->processes[i].by_others)
			sorted[n++] = &s->processes[i];
	qsort(sorted, n, sizeof(sorted[0]), by_blocked);
	for (size_t i = 0; i < n && i < PROCESSES_SHOWN; i++)
		print_process(to, s, sorted[i]);
	if (n > PROCESSES_SHOWN)
		fprintf(to, "and %zu processes that were blocked less\n",
			n - PROCESSES_SHOWN);
}

static void print_head(FILE *to, const struct summary *s)
{
	const struct tally *t = &s->all;

	fprintf(to, "%" PRIu64 " spawns in %.2f s, %.1f per second: ", t->spawns,
		seconds(s), (double)t->spawns / seconds(s));
	fprintf(to, "%" PRIu64 " by fork, %" PRIu64 " by vfork", t->forks, t->vforks);
	if (t->shared)
		fprintf(to, ", %" PRIu64 " with shared memory", t->shared);
	if (t->no_exec)
		fprintf(to, "; %" PRIu64 " executed nothing", t->no_exec);
	if (t->exec_failed)
		fprintf(to, "; %" PRIu64 " could not be executed", t->exec_failed);
	if (t->clone_failed)
		fprintf(to, "; %" PRIu64 " could not be made", t->clone_failed);
	if (t->sync)
		fprintf(to, "; %" PRIu64 " waited for", t->sync);
	if (s->jobs)
		fprintf(to, "; %" PRIu64 " jobs of uringspawn's ended", s->jobs);
	fprintf(to, " (%s)\n", s->backend);
}

/* ---- tables -------------------------------------------------------------- */

static void print_row(FILE *to, const struct options *options, const struct histogram *h,
		      const struct phase_name *name)
{
	static const double shares[] = { 0.5, 0.9, 0.99 };
	double unit = options->milliseconds ? 1e6 : 1e3;
	int digits = options->milliseconds ? 3 : 1;

	fprintf(to, "  %-13s %8" PRIu64 " %10.*f", name->row, h->n, digits,
		(double)h->sum_ns / (double)h->n / unit);
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++)
		fprintf(to, " %10.*f", digits,
			(double)histogram_percentile(h, shares[i]) / unit);
	fprintf(to, " %10.*f  %s\n", digits, (double)h->max_ns / unit, name->what);
}

static void print_table(FILE *to, const struct options *options, const struct tally *t)
{
	fprintf(to, "\n  %-13s %8s %10s %10s %10s %10s %10s\n",
		options->milliseconds ? "ms" : "us", "n", "avg", "p50", "p90", "p99",
		"max");
	for (enum phase i = 0; i < PHASE_COUNT; i++) {
		if (i == PHASE_QUEUE && t->ns[i].n)
			fputs("  of the new process\n", to);
		if (t->ns[i].n)
			print_row(to, options, &t->ns[i], &phase_names[i]);
	}
}

static void print_histogram(FILE *to, const struct options *options,
			    const struct histogram *h)
{
	uint64_t unit = options->milliseconds ? NS_PER_MS : NS_PER_US, most = 0, n;
	unsigned first = 64, last = 0;

	for (unsigned i = 0; i < 40; i++) {
		n = histogram_between(h, i, unit);
		if (n && first == 64)
			first = i;
		if (n)
			last = i;
		most = n > most ? n : most;
	}
	if (!most)
		return;
	fprintf(to, "\n  %21s : %-8s distribution of blocked\n",
		options->milliseconds ? "ms" : "us", "count");
	for (unsigned i = first; i <= last; i++) {
		n = histogram_between(h, i, unit);
		fprintf(to, "  %8" PRIu64 " -> %-9" PRIu64 " : %-8" PRIu64 " |%-*.*s|\n",
			i ? UINT64_C(1) << i : 0, (UINT64_C(2) << i) - 1, n, BAR,
			(int)(n * BAR / most),
			"****************************************");
	}
}

static void print_threads(FILE *to, const struct options *options,
			  const struct summary *s)
{
	for (size_t i = 0; i < s->n_threads; i++) {
		const struct summary_thread *thread = &s->threads[i];

		fprintf(to, "\nthread %d of %d (%s)%s", (int)thread->tid,
			(int)thread->tgid, thread->name,
			thread->tid == thread->tgid ? ", the first" : "");
		print_table(to, options, thread->tally);
	}
}

void report_summary(FILE *to, const struct options *options, const struct summary *s)
{
	print_head(to, s);
	print_processes(to, s);
	if (s->all.spawns)
		print_table(to, options, &s->all);
	print_histogram(to, options, &s->all.ns[PHASE_BLOCKED]);
	print_threads(to, options, s);
	if (s->losses.records || s->losses.threads)
		fprintf(to,
			"\nLOST: %" PRIu64 " records, and %" PRIu64
			" times a thread or process was not watched: there was no room. "
			"The numbers above are too low.\n",
			s->losses.records, s->losses.threads);
}
