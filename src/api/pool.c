/*
 * The public usp_pool_*() calls: check the arguments that mean the same everywhere, then
 * leave the rest to whoever keeps the pool.  And the words.
 */
#include "api/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "base/annotate.h"

int usp_pool_resize(struct usp_pool *pool, unsigned min, unsigned max, unsigned spare)
{
	assert(pool);
	if (max && (min > max || (spare > max && spare != USP_POOL_NO_SPARE)))
		return -EINVAL;
	return pool->verbs->resize(pool, min, max, spare);
}

void usp_pool_close(struct usp_pool *pool, uint64_t drain_ns,
		    void (*on_closed)(void *user), void *user)
{
	assert(pool);
	pool->verbs->close(pool, drain_ns, on_closed, user);
}

int usp_pool_stats(const struct usp_pool *pool, struct usp_pool_stats *ret_stats)
{
	struct usp_pool_stats full = { 0 };
	size_t size = ret_stats ? ret_stats->size : 0;
	int ret;

	assert(pool && ret_stats);
	if (size < sizeof(size))
		return -EINVAL;
	ret = pool->verbs->stats(pool, &full);
	if (ret < 0)
		return ret;
	full.size = size;
	memset(ret_stats, 0, size);
	memcpy(ret_stats, &full, size < sizeof(full) ? size : sizeof(full));
	return 0;
}

const char *usp_pool_cause_name(enum usp_pool_cause cause)
{
	static const char *const names[USP_POOL_CAUSES] = {
		[USP_POOL_USED] = "used",
		[USP_POOL_REPLACED] = "replaced",
		[USP_POOL_DISCARDED] = "discarded",
		[USP_POOL_MAX_USES] = "max-uses",
		[USP_POOL_MAX_AGE] = "max-age",
		[USP_POOL_MAX_RSS] = "max-rss",
		[USP_POOL_IDLE] = "idle",
		[USP_POOL_CRASHED] = "crashed",
		[USP_POOL_NOT_STARTED] = "not-started",
		[USP_POOL_NOT_READY] = "not-ready",
		[USP_POOL_RESET_FAILED] = "reset-failed",
		[USP_POOL_PING_FAILED] = "ping-failed",
		[USP_POOL_RESIZED] = "resized",
		[USP_POOL_CLOSED] = "closed",
	};

	return (unsigned)cause < ARRAY_SIZE(names) ? names[cause] : "unknown";
}

const char *usp_pool_kind_name(enum usp_pool_kind kind)
{
	static const char *const names[] = {
		[USP_POOL_STANDBY] = "standby",
		[USP_POOL_WORKER] = "worker",
	};

	return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}
