/*
 * What a pool is to be, checked and completed.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include "base/clock.h"

#define SPARE_DEFAULT	 1u
#define WAITING_DEFAULT	 1024u
#define IDLE_NS_DEFAULT	 (30 * NS_PER_S)
#define READY_NS_DEFAULT (30 * NS_PER_S)
#define CHANNEL_DEFAULT	 3

/* ---- the pool itself --------------------------------------------------------------- */

static bool is_kind(const struct usp_pool_options *o)
{
	return (unsigned)o->kind <= USP_POOL_WORKER;
}

static bool is_order(const struct usp_pool_options *o)
{
	return (unsigned)o->order <= USP_POOL_LIFO;
}

static bool is_name(const struct usp_pool_options *o)
{
	size_t size = o->name ? strnlen(o->name, USP_POOL_NAME_MAX + 1) : 1;

	return size > 0 && size <= USP_POOL_NAME_MAX;
}

static bool is_min(const struct usp_pool_options *o)
{
	return !o->max || o->min <= o->max;
}

static bool is_spare(const struct usp_pool_options *o)
{
	return !o->max || o->spare <= o->max || o->spare == USP_POOL_NO_SPARE;
}

static bool is_worker(const struct usp_pool_options *o)
{
	return o->kind == USP_POOL_WORKER;
}

/* What only a worker has. */
static bool has_uses(const struct usp_pool_options *o)
{
	return is_worker(o) || !o->max_uses;
}

static bool has_channel(const struct usp_pool_options *o)
{
	return (is_worker(o) || !o->channel) && o->channel >= 0 &&
	       o->channel <= USP_FD_TARGET_MAX;
}

static bool has_reset(const struct usp_pool_options *o)
{
	return (is_worker(o) && !o->replace) || !o->reset.ask_bytes;
}

static bool has_replace(const struct usp_pool_options *o)
{
	return is_worker(o) || !o->replace;
}

static bool has_ping(const struct usp_pool_options *o)
{
	return is_worker(o) || !o->ping.ask_bytes;
}

static bool pings_on_use(const struct usp_pool_options *o)
{
	return o->ping.ask_bytes || !o->ping_on_use;
}

static bool pings_at_intervals(const struct usp_pool_options *o)
{
	return o->ping.ask_bytes || !o->ping_interval_ns;
}

static bool has_output(const struct usp_pool_options *o)
{
	return is_worker(o) || !o->on_output;
}

static bool has_ready(const struct usp_pool_options *o)
{
	return o->ready_stream >= 0 && o->ready_stream <= USP_FD_TARGET_MAX;
}

static int check(const struct usp_pool_options *o, const char **ret_field)
{
	static const struct {
		const char *field;
		bool (*is_fine)(const struct usp_pool_options *o);
	} checks[] = {
		{ "kind", is_kind },
		{ "order", is_order },
		{ "name", is_name },
		{ "min", is_min },
		{ "spare", is_spare },
		{ "max_uses", has_uses },
		{ "channel", has_channel },
		{ "reset", has_reset },
		{ "replace", has_replace },
		{ "ping", has_ping },
		{ "ping_on_use", pings_on_use },
		{ "ping_interval_ns", pings_at_intervals },
		{ "on_output", has_output },
		{ "ready_stream", has_ready },
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		*ret_field = checks[i].field;
		if (!checks[i].is_fine(o))
			return -EINVAL;
	}
	return 0;
}

void pool_set_size(struct pool *pool, unsigned min, unsigned max, unsigned spare)
{
	pool->o.min = min;
	pool->o.max = max;
	pool->o.spare = spare ? spare : SPARE_DEFAULT;
	if (spare == USP_POOL_NO_SPARE)
		pool->o.spare = 0;
	pool->max = max ? max : UINT_MAX;
}

static void complete(struct pool *pool)
{
	struct usp_pool_options *o = &pool->o;

	o->member = NULL;
	if (!o->order)
		o->order = is_worker(o) ? USP_POOL_LIFO : USP_POOL_FIFO;
	if (!o->idle_ns)
		o->idle_ns = IDLE_NS_DEFAULT;
	if (!o->ready_timeout_ns)
		o->ready_timeout_ns = READY_NS_DEFAULT;
	if (!o->waiting_max)
		o->waiting_max = WAITING_DEFAULT;
	if (is_worker(o) && !o->channel)
		o->channel = CHANNEL_DEFAULT;
	pool_set_size(pool, o->min, o->max, o->spare);
	pool->channel = is_worker(o) ? o->channel : LEND_ALL;
	pool->ready = o->ready_stream ? o->ready_stream : -1;
}

static int copy_texts(struct pool *pool, const struct usp_pool_options *given,
		      const char **ret_field)
{
	int ret;

	*ret_field = "reset";
	ret = message_copy(&pool->reset, &given->reset);
	if (ret < 0)
		return ret;
	*ret_field = "ping";
	ret = message_copy(&pool->ping, &given->ping);
	if (ret < 0)
		return ret;
	pool->o.reset = (struct usp_pool_message){ .timeout_ns = pool->reset.timeout_ns };
	pool->o.ping = (struct usp_pool_message){ .timeout_ns = pool->ping.timeout_ns };
	if (!given->name)
		return 0;
	pool->name = mem_alloc(strlen(given->name) + 1);
	if (!pool->name)
		return -ENOMEM;
	strcpy(pool->name, given->name);
	pool->o.name = pool->name;
	return 0;
}

/* ---- its members ---------------------------------------------------------------------- */

/* What is a use's to say, or cannot be given to more than one process. */
static const char *wrong_in_member(const struct usp_options *o)
{
	const struct {
		const char *field;
		bool is_said;
	} said[] = {
		{ "group",
		  o->group == USP_GROUP_SAME || o->group == USP_GROUP_FOREGROUND },
		{ "timeout_ns", o->timeout_ns },
		{ "queue_timeout_ns", o->queue_timeout_ns },
		{ "launch_timeout_ns", o->launch_timeout_ns },
		{ "idle_timeout_ns", o->idle_timeout_ns },
		{ "output",
		  o->output_max_bytes || o->output_tail_bytes || o->output_action },
		{ "drain", o->drain_ns || o->drain_action },
		{ "gone", o->gone == USP_GONE_RELEASE },
		{ "flags", o->flags & USP_FLAG_PIDFD },
		{ "pool", o->pool || o->priority },
	};

	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		if (said[i].is_said)
			return said[i].field;
	return NULL;
}

static bool is_passed(const struct usp_stdio *stdio)
{
	return stdio->kind == USP_STDIO_FD || stdio->kind == USP_STDIO_HANDOVER;
}

static const char *passed_in_member(const struct usp_options *o)
{
	for (int i = 0; i < 3; i++)
		if (is_passed(&o->stdio[i]))
			return "stdio";
	for (size_t i = 0; o->fds && i < o->n_fds && i < USP_FDS_MAX; i++)
		if (is_passed(&o->fds[i].stdio))
			return "fds";
	return NULL;
}

static bool names_stream(const struct usp_options *o, int stream)
{
	for (size_t i = 0; i < o->n_fds; i++)
		if (o->fds[i].target == stream)
			return true;
	return stream < 3;
}

/* @fds: room for one more than there are. */
static void add_channel(const struct pool *pool, struct usp_options *o,
			struct usp_fd fds[USP_FDS_MAX + 1])
{
	if (!pool_is_worker(pool) || pool->channel != CHANNEL_DEFAULT ||
	    names_stream(o, CHANNEL_DEFAULT) || o->n_fds >= USP_FDS_MAX)
		return;
	if (o->n_fds)
		memcpy(fds, o->fds, o->n_fds * sizeof(*fds));
	fds[o->n_fds++] = (struct usp_fd){ .target = CHANNEL_DEFAULT,
					   .stdio.kind = USP_STDIO_DUPLEX };
	o->fds = fds;
}

/* What each member is, whatever was said. */
static void bind_to_pool(const struct pool *pool, struct usp_options *o)
{
	o->flags = (o->flags & ~USP_FLAG_RUN) | USP_FLAG_BOUND | USP_FLAG_RUSAGE;
	if (o->kill.target == USP_TARGET_GROUP)
		o->kill.target = USP_TARGET_TREE;
	o->launch_timeout_ns = pool->o.ready_timeout_ns;
	o->window_bytes = 0;
	o->gone = USP_GONE_KILL;
	o->on_event = NULL;
	o->user = NULL;
	o->base = NULL;
}

static const struct spec_fd *find(const struct spec *spec, int stream)
{
	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].target == stream)
			return &spec->fds[i];
	return NULL;
}

static int check_streams(const struct pool *pool, const char **ret_field)
{
	const struct spec_fd *channel = find(pool->shape, pool->channel);
	const struct spec_fd *ready = find(pool->shape, pool->ready);

	*ret_field = "channel";
	if (pool_is_worker(pool) && (!channel || channel->kind != USP_STDIO_DUPLEX))
		return -EINVAL;
	*ret_field = "ready_stream";
	if (pool->ready < 0)
		return 0;
	if (!ready)
		return -EINVAL;
	if (ready->kind == USP_STDIO_PIPE && !ready->is_read)
		return 0;
	return ready->kind == USP_STDIO_DUPLEX ? 0 : -EINVAL;
}

static int read_member(struct pool *pool, const struct spec_input *given,
		       const char **ret_field)
{
	struct usp_fd fds[USP_FDS_MAX + 1];
	struct spec_input input = *given;
	const char *wrong = wrong_in_member(&input.options);
	int ret;

	if (!wrong)
		wrong = passed_in_member(&input.options);
	if (wrong) {
		*ret_field = wrong;
		return -EINVAL;
	}
	add_channel(pool, &input.options, fds);
	bind_to_pool(pool, &input.options);
	input.last_env = NULL;
	ret = spec_new(&input, &pool->shape, ret_field);
	if (ret < 0)
		return ret;
	spec_forget_program(pool->shape);
	ret = check_streams(pool, ret_field);
	return ret < 0 ? ret : template_new(&input, &pool->program, ret_field);
}

int pool_configure(struct pool *pool, const struct pool_setup *setup,
		   const char **ret_field)
{
	int ret = check(setup->options, ret_field);

	if (ret < 0)
		return ret;
	pool->o = *setup->options;
	pool->o.name = NULL;
	complete(pool);
	ret = copy_texts(pool, setup->options, ret_field);
	if (ret == 0)
		ret = read_member(pool, setup->member, ret_field);
	return ret;
}
