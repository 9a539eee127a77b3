/*
 * What an engine tells of itself.
 */
#include <string.h>
#include "engine/engine_parts.h"
#include "launch/launcher.h"

static uint64_t sum(const uint64_t *counts, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += counts[i];
	return total;
}

static struct usp_engine_stats stats_of(const struct usp_engine *engine) REACTOR_ONLY
{
	const struct metrics *m = &engine->metrics;
	struct usp_engine_stats stats = {
		.running = engine->admission.running,
		.queued = engine->admission.queued,
		.failed = sum(m->failed, USP_STATS_STAGES),
		.ended = sum(m->ended, USP_STATS_REASONS),
		.launches_stuck = engine->host.launches_stuck +
				  launchers_launches_stuck(engine->launchers),
		.reads_parked = reactor_stats(engine->reactor)->reads_parked,
		.launcher_wakeups = launchers_wakeups(engine->launchers),
		.leftovers_cleared = engine->host.cgroups.cleared,
		.refused = sum(engine->admission.refused, LIMITS),
		.launchers = launchers_count(engine->launchers),
		.launchers_stuck = launchers_stuck(engine->launchers),
		.files = reactor_slots(engine->reactor) -
			 reactor_slots_free(engine->reactor),
		.files_max = reactor_slots(engine->reactor),
		.queue_ns = m->queue,
		.launch_ns = m->launch,
		.run_ns = m->run,
		.drain_ns = m->drain,
	};

	stats.started = stats.ended - stats.failed;
	memcpy(stats.ended_by, m->ended, sizeof(stats.ended_by));
	memcpy(stats.failed_at, m->failed, sizeof(stats.failed_at));
	memcpy(stats.bytes, m->bytes, sizeof(stats.bytes));
	return stats;
}

void usp_engine_stats_sized(const struct usp_engine *engine,
			    struct usp_engine_stats *ret_stats, size_t size)
{
	enter_reactor();
	const struct usp_engine_stats stats = stats_of(engine);
	size_t known = size < sizeof(stats) ? size : sizeof(stats);

	memcpy(ret_stats, &stats, known);
	memset((char *)ret_stats + known, 0, size - known);
}
