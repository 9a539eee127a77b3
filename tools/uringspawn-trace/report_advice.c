/*
 * What to do about it, in one line.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include "base/clock.h"
#include "uringspawn-trace/report.h"

/* How often the cost of a vfork is measured, on the spot. */
enum { TRIES = 20 };

extern char **environ;

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* What posix_spawn() keeps this thread, on this machine as it is now; 0: not known.  Of
 * the quieter half: what is set against it does not wait for processors either. */
static uint64_t vfork_ns(void)
{
	char *argv[] = { "true", NULL };
	uint64_t took[TRIES];

	for (size_t i = 0; i < TRIES; i++) {
		uint64_t start = clock_now_ns();
		pid_t pid;

		if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ))
			return 0;
		took[i] = clock_now_ns() - start;
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	qsort(took, TRIES, sizeof(took[0]), ascending);
	return took[TRIES / 4];
}

/* "1.0 GB", "48 MB". */
static void print_bytes(FILE *to, uint64_t bytes)
{
	if (bytes >= UINT64_C(1) << 30)
		fprintf(to, "%.1f GB", (double)bytes / (double)(UINT64_C(1) << 30));
	else
		fprintf(to, "%.0f MB", (double)bytes / (double)(UINT64_C(1) << 20));
}

static double ms(const struct tally *t, enum phase phase)
{
	return (double)tally_p50(t, phase) / 1e6;
}

static void advise_fork(FILE *to, const struct tally *t)
{
	uint64_t other = vfork_ns();
	bool seen = t->ns[PHASE_TEARDOWN].n;

	fputs("fork of ", to);
	print_bytes(to, tally_fork_bytes(t));
	fprintf(to, ": %.2f ms copying + %.2f ms %s per spawn", ms(t, PHASE_COPY),
		ms(t, seen ? PHASE_TEARDOWN : PHASE_EXEC),
		seen ? "tearing down page tables" : "in execve(), page tables included");
	if (other)
		fprintf(to, "; a vfork launcher would take %.2f ms", (double)other / 1e6);
	fputc('\n', to);
}

void report_advice(FILE *to, const struct tally *t)
{
	if (!t->spawns)
		return;
	fputc('\n', to);
	if (t->forks > t->vforks && t->ns[PHASE_EXEC].n)
		advise_fork(to, t);
	else if (t->sync * 2 > t->spawns)
		fprintf(to,
			"most were waited for by the thread that asked, %.2f ms each: "
			"spawn without waiting, and be told of the end\n",
			ms(t, PHASE_SYNC));
	else if (ms(t, PHASE_REAP) > 2 * ms(t, PHASE_BLOCKED) && ms(t, PHASE_REAP) > 1)
		fprintf(to,
			"the end of a process is seen %.1f ms after it: the thread that "
			"waits is busy, and %.2f ms of each spawn are part of why\n",
			ms(t, PHASE_REAP), ms(t, PHASE_BLOCKED));
	else if (t->vforks)
		fprintf(to,
			"vfork copies nothing: of %.2f ms per spawn the new process waited "
			"%.2f ms for a processor and took %.2f ms to execute; a launcher "
			"in another thread or process takes that off this one\n",
			ms(t, PHASE_BLOCKED), ms(t, PHASE_QUEUE),
			ms(t, PHASE_SETUP) + ms(t, PHASE_EXEC));
}
