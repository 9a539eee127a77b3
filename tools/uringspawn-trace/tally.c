#include "uringspawn-trace/tally.h"

#include <unistd.h>

static void add_kind(struct tally *tally, const struct record *r)
{
	if (r->clone_failed)
		return;
	switch (r->spawn.kind) {
	case TRACE_FORK:
		tally->forks++;
		tally->fork_pages += r->spawn.rss_pages;
		break;
	case TRACE_VFORK:
		tally->vforks++;
		break;
	default:
		tally->shared++;
	}
}

void tally_add(struct tally *tally, const struct record *r)
{
	tally->spawns++;
	add_kind(tally, r);
	tally->clone_failed += r->clone_failed;
	tally->exec_failed += r->exec_failed;
	tally->no_exec += !r->clone_failed && !r->spawn.tries;
	tally->sync += r->sync;
	tally->unreaped += r->spawn.exit_at && !r->spawn.reap_at;
	for (enum phase i = 0; i < PHASE_COUNT; i++)
		if (record_has(r, i))
			histogram_add(&tally->ns[i], r->ns[i]);
}

uint64_t tally_fork_bytes(const struct tally *tally)
{
	if (!tally->forks)
		return 0;
	return tally->fork_pages / tally->forks * (uint64_t)sysconf(_SC_PAGESIZE);
}
