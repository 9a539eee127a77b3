/*
 * Pools of a daemon: what was asked for is kept here as well, for a daemon that comes
 * after the one that is lost.
 *
 * A use is a remote.  Of a pool without a name its streams are known here.  One with a
 * name may be somebody else's, with other streams than were asked for: its uses have
 * whatever stream the daemon or the program names.
 */
#include "client/pool.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "api/options.h"
#include "api/pool.h"
#include "base/alloc.h"
#include "client/ask.h"
#include "client/client.h"
#include "client/remote.h"
#include "client/template.h"

#define CHANNEL_DEFAULT 3

struct client_pool {
	struct usp_pool handle; /* first; home: the client, or NULL: it was freed */
	struct list link;	/* client.pools */
	uint32_t id;
	bool opening; /* on_opened is owed */
	bool failed;  /* it could not be opened, and is being closed */
	bool closing;
	bool lost; /* and nobody is there to say that it is closed */
	bool has_name;
	bool resized;
	struct pool_new_size size;	 /* of the last resize */
	struct usp_pool_options options; /* no more than its numbers and calls */
	void (*on_closed)(void *user);
	void *closed_user;
	struct usp_options shape; /* the streams of a use, where they are known */
	struct usp_fd fds[USP_FDS_MAX + 1];
	struct usp_template *base; /* of its member, held; or NULL */
	uint32_t payload_bytes;
	uint8_t payload[];
};

static const struct pool_verbs client_pool_verbs;

static struct client_pool *of_link(struct list *link)
{
	return container_of(link, struct client_pool, link);
}

static struct client_pool *of_handle(struct usp_pool *handle)
{
	return container_of(handle, struct client_pool, handle);
}

static struct usp_client *client_of(const struct client_pool *pool)
{
	return (struct usp_client *)pool->handle.home;
}

static bool is_connected(const struct usp_client *client)
{
	return client && !client->error && !client->freeing;
}

static struct client_pool *find(struct usp_client *client, uint32_t id)
{
	list_each(link, next, &client->pools)
		if (of_link(link)->id == id)
			return of_link(link);
	return NULL;
}

static uint32_t free_id(struct usp_client *client)
{
	do
		client->last_pool++;
	while (client->last_pool == 0 || find(client, client->last_pool));
	return client->last_pool;
}

static void forget(struct client_pool *pool)
{
	list_remove(&pool->link);
	if (pool->base)
		client_template_drop(pool->base);
	mem_free(pool);
}

/* ---- what the daemon hears ---------------------------------------------------- */

static int send_open(struct client_pool *pool)
{
	struct frame frame = {
		.type = USP_WIRE_POOL_OPEN,
		.job = pool->id,
		.payload = pool->payload,
		.payload_bytes = pool->payload_bytes,
	};

	return sendq_put(&client_of(pool)->out, &frame, NULL);
}

static int send_size(struct client_pool *pool)
{
	uint8_t place[POOL_RESIZE_BYTES];
	struct frame frame = pool_resize_frame(pool->id, &pool->size, place);

	return sendq_put(&client_of(pool)->out, &frame, NULL);
}

static void post_close(struct client_pool *pool, enum usp_wire_pool_close how,
		       uint64_t drain_ns)
{
	uint8_t place[POOL_CLOSE_BYTES];
	struct pool_closing closing = { .how = how, .drain_ns = drain_ns };
	struct frame frame = pool_close_frame(pool->id, &closing, place);

	client_post(client_of(pool), &frame);
}

/* A template of the member is sent before, by client_templates_send(). */
int client_pools_send(struct usp_client *client)
{
	list_each(link, next, &client->pools) {
		struct client_pool *pool = of_link(link);
		int ret = 0;

		if (pool->closing)
			continue;
		ret = send_open(pool);
		if (!ret && pool->resized)
			ret = send_size(pool);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- what the program hears --------------------------------------------------- */

static void tell_opened(struct client_pool *pool, int error, const char *field)
{
	pool->opening = false;
	if (pool->options.on_opened)
		pool->options.on_opened(&pool->handle, error, field, pool->options.user);
}

static void tell_closed(struct client_pool *pool)
{
	void (*on_closed)(void *user) = pool->on_closed;
	void *user = pool->closed_user;

	forget(pool);
	if (on_closed)
		on_closed(user);
}

/* The answer to an opening after the first one is not told. */
static void take_opened(struct client_pool *pool, const struct pool_done *done)
{
	if (!pool->opening)
		return;
	pool->failed = done->error != 0;
	tell_opened(pool, -done->error, done->field);
}

static int take_done(struct usp_client *client, const struct frame *frame)
{
	struct client_pool *pool = find(client, frame->job);
	struct pool_done done;

	if (pool_done_decode(frame, &done) < 0)
		return -EPROTO;
	if (!pool)
		return 0;
	if (done.answers == USP_WIRE_POOL_OPEN) {
		take_opened(pool, &done);
		/* Unless it was left from inside the call. */
		pool = find(client, frame->job);
		if (pool && pool->failed && !pool->closing)
			forget(pool);
	} else if (done.answers == USP_WIRE_POOL_CLOSE) {
		if (!pool->closing)
			return -EPROTO;
		tell_closed(pool);
	}
	return 0;
}

static int take_output(struct usp_client *client, const struct frame *frame)
{
	struct client_pool *pool = find(client, frame->job);
	struct pool_said said;

	if (pool_output_decode(frame, &said) < 0)
		return -EPROTO;
	if (pool && pool->options.on_output)
		pool->options.on_output(&pool->handle, said.pid, said.stream, said.data,
					said.size, pool->options.user);
	return 0;
}

int client_pools_take(struct usp_client *client, const struct frame *frame)
{
	if (frame->type == USP_WIRE_POOL_DONE)
		return take_done(client, frame);
	return take_output(client, frame);
}

/* Those that an event of another one opens or leaves are looked at as well. */
static struct client_pool *first_owed(struct usp_client *client, bool opening)
{
	list_each(link, next, &client->pools) {
		struct client_pool *pool = of_link(link);

		if (opening ? pool->opening : pool->lost)
			return pool;
	}
	return NULL;
}

void client_pools_tell(struct usp_client *client)
{
	struct client_pool *pool;

	while ((pool = first_owed(client, false)))
		tell_closed(pool);
}

static bool is_there(const struct usp_client *client, const struct client_pool *pool)
{
	list_each(link, next, (struct list *)&client->pools)
		if (of_link(link) == pool)
			return true;
	return false;
}

void client_pools_lose(struct usp_client *client)
{
	struct client_pool *pool;

	while ((pool = first_owed(client, true))) {
		tell_opened(pool, -EPIPE, "");
		if (is_there(client, pool) && !pool->closing)
			forget(pool);
	}
	client_pools_end(client);
}

void client_pools_end(struct usp_client *client)
{
	list_each(link, next, &client->pools)
		of_link(link)->lost |= of_link(link)->closing;
	client_pools_tell(client);
}

bool client_pools_wait(const struct usp_client *client)
{
	list_each(link, next, (struct list *)&client->pools)
		if (of_link(link)->opening || of_link(link)->closing)
			return true;
	return false;
}

void client_pools_orphan(struct usp_client *client)
{
	struct list *link;

	while ((link = list_take_first(&client->pools)))
		of_link(link)->handle.home = NULL;
}

/* ---- opening ------------------------------------------------------------------- */

/* What the daemon calls a field of the pool, as this library does. */
static const char *field_name(const char *wire)
{
	static const char *const names[][2] = {
		{ "pool_name", "name" },	  { "pool_kind", "kind" },
		{ "pool_ready", "ready_stream" }, { "pool_channel", "channel" },
		{ "pool_reset", "reset" },	  { "pool_ping", "ping" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i][0], wire) == 0)
			return names[i][1];
	return wire;
}

static int check(const struct usp_pool_options *options, const char **ret_field)
{
	*ret_field = "member";
	if (!options->member && !options->name)
		return -EINVAL;
	*ret_field = "name";
	if (options->keep && !options->name)
		return -EINVAL;
	/* Whose they are would be for many to hear. */
	*ret_field = "on_output";
	return options->name && options->on_output ? -EINVAL : 0;
}

/*
 * The member, as options of this library's size.  Returns 0; -EINVAL, -E2BIG;
 * @ret_template_id: what it is on top of.
 */
static int read_member(struct usp_client *client, const struct usp_options *given,
		       struct usp_options *ret_member, uint32_t *ret_template_id)
{
	int ret = options_copy(ret_member, sizeof(*ret_member), given, given->size);
	const struct usp_template *base = ret_member->base;

	ret_member->size = sizeof(*ret_member);
	*ret_template_id = 0;
	if (ret)
		return ret;
	if ((ret_member->n_fds && !ret_member->fds) || ret_member->n_fds > USP_FDS_MAX ||
	    (ret_member->n_groups && !ret_member->groups) || ret_member->pool)
		return -EINVAL;
	if (!base)
		return ret_member->argv ? 0 : -EINVAL;
	if (base->verbs != &client_template_verbs ||
	    (!ret_member->argv && !base->has_argv))
		return -EINVAL;
	return client_template_id(base, client, ret_template_id);
}

/* A worker's use has its channel; a standby's all streams of its member. */
static void set_shape(struct client_pool *pool, const struct usp_options *member)
{
	int channel = pool->options.channel ? pool->options.channel : CHANNEL_DEFAULT;

	if (pool->options.kind == USP_POOL_STANDBY) {
		pool->shape = *member;
		if (member->n_fds)
			memcpy(pool->fds, member->fds,
			       member->n_fds * sizeof(pool->fds[0]));
	} else {
		for (int i = 0; i < 3; i++)
			pool->shape.stdio[i].kind = USP_STDIO_NULL;
		if (channel < 3)
			pool->shape.stdio[channel].kind = USP_STDIO_DUPLEX;
		else
			pool->shape.n_fds = 1;
		pool->fds[0] = (struct usp_fd){ .target = channel,
						.stdio.kind = USP_STDIO_DUPLEX };
	}
	pool->shape.fds = pool->fds;
}

/* Of what is encoded in client.payload. */
static struct client_pool *new_pool(struct usp_client *client,
				    const struct usp_pool_options *options)
{
	size_t size = buf_size(&client->payload);
	struct client_pool *pool = mem_zalloc(sizeof(*pool) + size);

	if (!pool)
		return NULL;
	if (size)
		memcpy(pool->payload, buf_bytes(&client->payload), size);
	pool->payload_bytes = (uint32_t)size;
	pool->handle = (struct usp_pool){ .verbs = &client_pool_verbs, .home = client };
	pool->id = free_id(client);
	pool->opening = true;
	pool->has_name = options->name != NULL;
	pool->options = *options;
	pool->options.name = NULL;
	pool->options.member = NULL;
	pool->options.reset = pool->options.ping = (struct usp_pool_message){ 0 };
	return pool;
}

/* Into client.payload; and what a member has, its base included. */
static int encode(struct usp_client *client, const struct usp_pool_options *options,
		  struct usp_options *ret_whole, const char **ret_field)
{
	struct usp_options member = { .size = sizeof(member) };
	struct usp_failure refusal = { 0 };
	uint32_t template_id = 0;
	struct ask ask;
	int ret = 0;

	*ret_field = "member";
	if (options->member)
		ret = read_member(client, options->member, &member, &template_id);
	if (ret)
		return ret;
	ask_begin(&ask, client);
	ret = ask_add_pool(&ask, options, &member, template_id, &refusal);
	if (ask.n_fds) {
		ask_drop(&ask);
		*ret_field = "stdio";
		return -EINVAL;
	}
	if (!ret && refusal.stage) {
		*ret_field = field_name(refusal.path);
		return -EINVAL;
	}
	*ret_whole = member;
	if (member.base)
		options_inherit(ret_whole, &member.base->options);
	return ret;
}

static int open_pool(struct usp_client *client, const struct usp_pool_options *options,
		     struct usp_pool **ret_pool, const char **ret_field)
{
	struct client_pool *pool;
	struct usp_options whole;
	int ret = check(options, ret_field);

	if (!ret)
		ret = encode(client, options, &whole, ret_field);
	if (ret)
		return ret;
	pool = new_pool(client, options);
	if (!pool)
		return -ENOMEM;
	if (!pool->has_name)
		set_shape(pool, &whole);
	ret = send_open(pool);
	if (ret) {
		mem_free(pool);
		return ret;
	}
	pool->base = (struct usp_template *)whole.base;
	if (pool->base)
		client_template_hold(pool->base);
	list_append(&client->pools, &pool->link);
	*ret_pool = &pool->handle;
	return 0;
}

int usp_client_pool_open(struct usp_client *client,
			 const struct usp_pool_options *options,
			 struct usp_pool **ret_pool, const char **ret_field)
{
	struct usp_pool_options known;
	const char *field = "";
	int ret;

	if (!options)
		return -EINVAL;
	ret = options_copy(&known, sizeof(known), options, options->size);
	known.size = sizeof(known);
	if (!ret && !is_connected(client))
		ret = -EPIPE;
	if (!ret)
		ret = open_pool(client, &known, ret_pool, &field);
	if (ret == -EINVAL && ret_field)
		*ret_field = field;
	return ret;
}

/* ---- its calls ------------------------------------------------------------------ */

/* A shared one is a worker's if the program says so; else it is not known. */
static enum remote_use use_of(const struct client_pool *pool)
{
	if (pool->options.kind == USP_POOL_WORKER)
		return REMOTE_USE_WORKER;
	return pool->has_name ? REMOTE_USE_SHARED : REMOTE_USE_STANDBY;
}

struct remote *client_pool_use(struct usp_pool *handle, const struct usp_options *options)
{
	struct client_pool *pool = of_handle(handle);
	struct usp_options whole = pool->shape;
	struct remote *remote;

	whole.on_event = options->on_event;
	whole.user = options->user;
	whole.window_bytes = options->window_bytes;
	whole.flags = options->flags & (USP_FLAG_PIDFD | USP_FLAG_RUN);
	remote = pool->has_name ? remote_new_open(client_of(pool), &whole)
				: remote_new(client_of(pool), &whole);
	if (remote)
		remote->use = use_of(pool);
	return remote;
}

uint32_t client_pool_id(const struct usp_pool *handle)
{
	return of_handle((struct usp_pool *)handle)->id;
}

static int resize(struct usp_pool *handle, unsigned min, unsigned max, unsigned spare)
{
	struct client_pool *pool = of_handle(handle);
	const struct pool_new_size before = pool->size;
	int ret;

	if (!pool->handle.home)
		return -EPIPE;
	pool->size = (struct pool_new_size){ .min = min, .max = max, .spare = spare };
	ret = is_connected(client_of(pool)) && !pool->closing ? send_size(pool) : 0;
	if (ret)
		pool->size = before;
	else
		pool->resized = true;
	return ret;
}

static void close_pool(struct usp_pool *handle, uint64_t drain_ns,
		       void (*on_closed)(void *user), void *user)
{
	struct client_pool *pool = of_handle(handle);

	assert(!pool->closing);
	pool->closing = true;
	pool->on_closed = on_closed;
	pool->closed_user = user;
	if (!pool->handle.home)
		tell_closed(pool);
	else if (is_connected(client_of(pool)))
		post_close(pool, USP_WIRE_POOL_END, drain_ns);
	else
		pool->lost = true;
}

static int no_stats(const struct usp_pool *handle, struct usp_pool_stats *ret_stats)
{
	(void)handle;
	(void)ret_stats;
	return -ENOTSUP;
}

/* usp_client_spawn() goes its own way: a batch may hold uses as well. */
static const struct pool_verbs client_pool_verbs = {
	.resize = resize,
	.close = close_pool,
	.stats = no_stats,
};

struct usp_pool *usp_client_pool_leave(struct usp_pool *handle)
{
	struct client_pool *pool = handle ? of_handle(handle) : NULL;

	if (!pool)
		return NULL;
	assert(!pool->closing);
	if (is_connected(client_of(pool)) && !pool->failed)
		post_close(pool, USP_WIRE_POOL_LEAVE, 0);
	forget(pool);
	return NULL;
}
