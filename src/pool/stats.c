/*
 * A pool in numbers.
 */
#include "pool/pool_parts.h"

#include <unistd.h>
#include "base/clock.h"
#include "sys/proc.h"

uint64_t stats_look(struct member *m)
{
	struct pool *pool = m->pool;
	struct proc proc;

	if (!m->process->pid || m->exited || sys_proc_stat(m->process->pid, &proc) < 0)
		return m->rss_bytes;
	m->rss_bytes = proc.resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (m->rss_bytes > pool->counted.rss_peak_bytes)
		pool->counted.rss_peak_bytes = m->rss_bytes;
	return m->rss_bytes;
}

void stats_count_wait(struct pool *pool, uint64_t wait_ns)
{
	static const uint64_t bounds[] = USP_POOL_WAIT_US;
	unsigned bucket = 0;

	while (bucket < ARRAY_SIZE(bounds) && wait_ns > bounds[bucket] * NS_PER_US)
		bucket++;
	pool->counted.wait_bucket[bucket]++;
	pool->counted.wait_sum_ns += wait_ns;
	pool->wait_ns = pool->wait_ns - pool->wait_ns / 8 + wait_ns / 8;
}

void stats_count_end(struct pool *pool, const struct member *m, const struct usp_end *end)
{
	const struct usp_rusage *usage = end->rusage;

	pool->counted.exits[m->cause]++;
	if (!usage)
		return;
	pool->counted.members_cpu_ns += usage->user_ns + usage->system_ns;
	if (usage->max_rss_bytes > pool->counted.rss_peak_bytes)
		pool->counted.rss_peak_bytes = usage->max_rss_bytes;
}

int stats_read(const struct usp_pool *handle, struct usp_pool_stats *ret_stats)
{
	struct pool *pool = pool_of(handle);
	const unsigned *n = pool->n;
	uint64_t rss_bytes = 0;

	list_each(link, next, &pool->members)
		rss_bytes += stats_look(container_of(link, struct member, link));
	*ret_stats = pool->counted;
	ret_stats->size = sizeof(*ret_stats);
	ret_stats->starting = n[MEMBER_STARTING];
	ret_stats->idle = n[MEMBER_IDLE];
	ret_stats->busy = n[MEMBER_BUSY] + n[MEMBER_TAKEN];
	ret_stats->resetting = n[MEMBER_RESETTING] + n[MEMBER_PINGING];
	ret_stats->ending = n[MEMBER_ENDING];
	ret_stats->members = pool_live(pool) + n[MEMBER_ENDING];
	ret_stats->waiting = pool->n_waiting;
	ret_stats->rss_bytes = rss_bytes;
	return 0;
}
