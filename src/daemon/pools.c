/*
 * Pools from their opening to their end.
 *
 * A pool that ends is found by nobody any more, and is in the daemon's list until none
 * of its members is left.  Uses are jobs of sessions, and job.c's.
 */
#include "daemon/pools.h"

#include <errno.h>
#include <string.h>
#include <uringspawn/wire.h>
#include "base/alloc.h"
#include "daemon/daemon.h"
#include "daemon/input.h"
#include "daemon/pool_stat.h"
#include "daemon/session.h"
#include "daemon/templates.h"
#include "pool/pool.h"
#include "wire/pool_frame.h"
#include "wire/request.h"

#define LONG_NS UINT64_MAX /* uses go on to their ends */

/* ---- answers ------------------------------------------------------------------ */

static void answer(struct session *s, uint32_t id, uint8_t type, int error,
		   const char *field) REACTOR_ONLY
{
	struct frame done = pool_done_frame(id, type, -error, error ? field : "");

	if (!session_listens(s))
		return;
	if (outbox_frame(&s->out, &done, OUTBOX_SOON) < 0)
		session_close(s);
	else
		session_queued(s);
}

/* What its members wrote, and is nobody's use: told while the client reads. */
static void on_output(struct usp_pool *pool, pid_t pid, int stream, const void *data,
		      size_t size, void *user) REACTOR_ONLY
{
	struct shared_pool *shared = user;
	struct list *first = list_first(&shared->openings);
	struct opening *opening =
		first ? container_of(first, struct opening, in_pool) : NULL;
	struct pool_said said = {
		.stream = stream, .pid = pid, .data = data, .size = size
	};
	struct frame frame;

	(void)pool;
	if (!opening || !session_listens(opening->session) || opening->session->paused) {
		shared->unheard_bytes += size;
		return;
	}
	frame = pool_output_frame(opening->id, &said);
	if (outbox_frame(&opening->session->out, &frame, OUTBOX_SOON) < 0)
		session_close(opening->session);
	else
		session_queued(opening->session);
}

/* ---- who has it open ------------------------------------------------------------ */

static struct opening *find(const struct session *s, uint32_t id)
{
	return table_get(&s->pools_by_id, id);
}

static struct usp_pool *find_pool(const struct session *s, uint32_t id)
{
	const struct opening *opening = find(s, id);

	return opening && opening->shared ? opening->shared->pool : NULL;
}

int pools_use(const struct session *s, uint32_t id, struct usp_pool **ret_pool)
{
	const struct opening *opening = find(s, id);

	if (!opening || !opening->shared)
		return -ENOENT;
	if (opening->shared->maker.uid != s->peer.uid)
		return -EACCES;
	*ret_pool = opening->shared->pool;
	return 0;
}

/* @bytes: held for it that are this client's to answer for. */
static int add_opening(struct session *s, uint32_t id, struct shared_pool *shared,
		       size_t bytes)
{
	struct opening *opening = mem_zalloc(sizeof(*opening));
	int ret = opening ? table_put(&s->pools_by_id, id, opening) : -ENOMEM;

	if (ret < 0) {
		mem_free(opening);
		return ret;
	}
	opening->session = s;
	opening->shared = shared;
	opening->id = id;
	opening->bytes = bytes;
	s->bytes += bytes;
	list_append(&shared->openings, &opening->in_pool);
	list_append(&s->pools, &opening->in_session);
	shared->n_openings++;
	return 0;
}

static void remove_opening(struct opening *opening)
{
	table_remove(&opening->session->pools_by_id, opening->id);
	list_remove(&opening->in_pool);
	list_remove(&opening->in_session);
	if (opening->shared)
		opening->shared->n_openings--;
	opening->session->bytes -= opening->bytes;
	mem_free(opening);
}

/* ---- the end of one -------------------------------------------------------------- */

static void free_shared(struct shared_pool *shared)
{
	struct daemon *d = shared->daemon;

	list_remove(&shared->link);
	d->n_pools--;
	d->request_bytes -= shared->bytes;
	peer_done(&shared->maker);
	mem_free(shared);
}

/* None of its members is left. */
static void on_closed(void *user) REACTOR_ONLY
{
	struct shared_pool *shared = user;
	struct list *first;

	pool_stat_keep(shared);
	while ((first = list_take_first(&shared->openings))) {
		struct opening *opening = container_of(first, struct opening, in_pool);
		struct session *s = opening->session;
		uint32_t id = opening->id;

		opening->shared = NULL;
		if (!opening->ends)
			continue;
		remove_opening(opening);
		answer(s, id, USP_WIRE_POOL_CLOSE, 0, "");
	}
	free_shared(shared);
}

static void end_pool(struct shared_pool *shared, uint64_t drain_ns) REACTOR_ONLY
{
	usp_pool_close(shared->pool, drain_ns, on_closed, shared);
}

/* Whoever had it open does no more. */
static void leave(struct opening *opening) REACTOR_ONLY
{
	struct shared_pool *shared = opening->shared;

	remove_opening(opening);
	if (shared && shared->n_openings == 0 && !shared->keep)
		end_pool(shared, LONG_NS);
}

void pools_leave_all(struct session *s)
{
	struct list *first;

	while ((first = list_first(&s->pools)))
		leave(container_of(first, struct opening, in_session));
}

/* ---- opening ---------------------------------------------------------------------- */

/* A POOL_OPEN in the making. */
struct opener {
	struct session *session;
	uint32_t id;
	struct request request;
	struct spec_input member;
	char name[USP_POOL_NAME_MAX + 1];
	size_t bytes;
	const char *field; /* at fault */
};

/*
 * Its own, or else the oldest, for root that looks after one: what root gives a program for
 * is not to be another user's who was there before.  Those that end are nobody's.
 */
static struct shared_pool *find_by_name(const struct opener *o)
{
	const struct peer *peer = &o->session->peer;
	bool looks_after = peer->uid == 0 && !request_has_program(&o->request);
	struct shared_pool *other = NULL;

	list_each(link, next, &o->session->daemon->pools) {
		struct shared_pool *shared = container_of(link, struct shared_pool, link);

		if (!shared->has_name || pool_is_closing(shared->pool) ||
		    strcmp(pool_options(shared->pool)->name, o->name) != 0)
			continue;
		if (shared->maker.uid == peer->uid)
			return shared;
		if (!other && looks_after)
			other = shared;
	}
	return other;
}

static int share(struct opener *o, struct shared_pool *shared)
{
	o->field = "name";
	if (!peer_may_share(&o->session->peer, &shared->maker))
		return -EACCES;
	/* It would give back what cannot be given back. */
	o->field = "kind";
	if (o->request.pool.kind == USP_POOL_WORKER &&
	    pool_options(shared->pool)->kind != USP_POOL_WORKER)
		return -EINVAL;
	return add_opening(o->session, o->id, shared, 0);
}

/* Returns 0, or -EAGAIN with the limit's name. */
static int check_room(struct opener *o)
{
	const struct session *s = o->session;
	const struct daemon *d = s->daemon;
	const struct {
		const char *name;
		bool reached;
	} limits[] = {
		{ "--pools-max", d->n_pools >= d->limits.pools_max },
		{ "--pool-members-max",
		  o->request.pool.min > d->limits.pool_members_max },
		{ "--bytes-max", d->request_bytes + o->bytes > d->limits.bytes_max },
		{ "--client-bytes-max",
		  s->bytes + o->bytes > d->limits.client_bytes_max },
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		o->field = limits[i].name;
		if (limits[i].reached)
			return -EAGAIN;
	}
	return 0;
}

/* The program of a member: what the request and its template say, as the peer may. */
static int read_member(struct opener *o)
{
	struct session *s = o->session;
	int ret = 0;

	o->member = input_of(&o->request);
	if (o->request.template_id)
		ret = templates_apply(s, o->request.template_id, &o->member, &o->field);
	if (ret == 0)
		ret = peer_may_spawn(&s->peer, &o->member, &o->field);
	if (ret < 0)
		return ret;
	peer_become(&s->peer, &s->daemon->self, &o->member);
	/* It is in the group of nobody's terminal. */
	o->field = "group";
	return o->member.options.group == USP_GROUP_JOIN ? -EINVAL : 0;
}

static struct shared_pool *new_shared(struct opener *o)
{
	struct shared_pool *shared = mem_zalloc(sizeof(*shared));

	if (!shared)
		return NULL;
	if (peer_copy(&shared->maker, &o->session->peer) < 0) {
		mem_free(shared);
		return NULL;
	}
	shared->daemon = o->session->daemon;
	shared->has_name = o->name[0] != '\0';
	shared->keep = o->request.pool.keep;
	shared->outputs = o->request.pool_outputs && !shared->has_name;
	shared->bytes = o->bytes;
	list_init(&shared->openings);
	return shared;
}

static int start(struct opener *o, struct shared_pool *shared) REACTOR_ONLY
{
	struct daemon *d = shared->daemon;
	struct usp_pool_options options = o->request.pool;
	const struct pool_setup setup = {
		.options = &options,
		.member = &o->member,
		.budget = d->pool_budget,
	};
	int ret;

	options.name = shared->has_name ? o->name : NULL;
	options.on_output = shared->outputs ? on_output : NULL;
	options.user = shared;
	ret = pool_new(d->engine, &setup, &shared->pool, &o->field);
	if (ret < 0)
		return ret;
	list_append(&d->pools, &shared->link);
	d->n_pools++;
	d->request_bytes += shared->bytes;
	ret = add_opening(o->session, o->id, shared, shared->bytes);
	if (ret < 0)
		end_pool(shared, 0);
	return ret;
}

static int make(struct opener *o) REACTOR_ONLY
{
	struct shared_pool *shared;
	int ret;

	o->field = "name";
	if (!request_has_program(&o->request))
		return o->name[0] ? -ENOENT : -EINVAL;
	if (o->request.pool.keep && !o->name[0])
		return -EINVAL;
	ret = check_room(o);
	if (ret == 0)
		ret = read_member(o);
	if (ret < 0)
		return ret;
	shared = new_shared(o);
	if (!shared)
		return -ENOMEM;
	ret = start(o, shared);
	if (ret < 0 && !shared->pool) {
		peer_done(&shared->maker);
		mem_free(shared);
	}
	return ret;
}

static int decode(struct opener *o, const struct frame *frame)
{
	struct request *request = &o->request;
	int ret =
		request_decode(frame->payload, frame->payload_bytes, request, &o->field);

	if (ret == 0)
		ret = request_check_type(request, USP_WIRE_POOL_OPEN, &o->field);
	if (ret < 0)
		return ret;
	o->field = "stdio";
	if (request_fds(request) > 0 || frame->fds > 0)
		return -EINVAL;
	if (request->pool_name.size)
		memcpy(o->name, request->pool_name.bytes, request->pool_name.size);
	o->name[request->pool_name.size] = '\0';
	o->bytes = frame->payload_bytes;
	return 0;
}

/* Returns 0, or -errno with the field at fault. */
static int open_pool(struct opener *o, const struct frame *frame) REACTOR_ONLY
{
	const struct daemon *d = o->session->daemon;
	struct shared_pool *shared;
	int ret;

	if (!daemon_is_open(d))
		return -ESHUTDOWN;
	ret = decode(o, frame);
	if (ret < 0)
		return ret;
	o->field = "--pools-max";
	if (o->session->pools_by_id.count >= d->limits.pools_max)
		return -EAGAIN;
	shared = o->name[0] ? find_by_name(o) : NULL;
	return shared ? share(o, shared) : make(o);
}

/* Errors of which no field is to blame. */
static bool has_field(int error)
{
	return error != -ENOMEM && error != -ESHUTDOWN;
}

void pools_open(struct session *s, const struct frame *frame)
{
	struct opener o = { .session = s, .id = frame->job, .field = "" };
	int ret;

	if (frame->job == 0) {
		session_fail(s, EPROTO, "a pool 0");
	} else if (find(s, frame->job)) {
		session_fail(s, EEXIST, "pool %u is open", frame->job);
	} else {
		ret = open_pool(&o, frame);
		answer(s, frame->job, USP_WIRE_POOL_OPEN, ret,
		       has_field(ret) ? o.field : "");
	}
}

/* ---- what is done to one that is open ----------------------------------------------- */

static int resize(struct session *s, uint32_t id, const struct pool_new_size *size,
		  const char **ret_field) REACTOR_ONLY
{
	const unsigned members_max = s->daemon->limits.pool_members_max;
	struct usp_pool *pool = find_pool(s, id);

	*ret_field = "";
	if (!pool)
		return -ENOENT;
	*ret_field = "--pool-members-max";
	if (size->min > members_max)
		return -EAGAIN;
	*ret_field = size->min > size->max ? "min" : "spare";
	return usp_pool_resize(pool, size->min, size->max, size->spare);
}

void pools_resize(struct session *s, const struct frame *frame)
{
	struct pool_new_size size;
	const char *field;
	int ret;

	if (pool_resize_decode(frame, &size) < 0) {
		session_fail(s, EPROTO, "pool %u: a POOL_RESIZE that is none",
			     frame->job);
		return;
	}
	ret = resize(s, frame->job, &size, &field);
	answer(s, frame->job, USP_WIRE_POOL_RESIZE, ret, field);
}

void pools_close(struct session *s, const struct frame *frame)
{
	struct opening *opening = find(s, frame->job);
	struct pool_closing closing;

	if (pool_close_decode(frame, &closing) < 0) {
		session_fail(s, EPROTO, "pool %u: a POOL_CLOSE that is none", frame->job);
	} else if (opening && opening->shared && closing.how == USP_WIRE_POOL_END) {
		opening->ends = true;
		end_pool(opening->shared, closing.drain_ns);
	} else {
		bool ended = !opening ||
			     (!opening->shared && closing.how == USP_WIRE_POOL_END);

		if (opening)
			leave(opening);
		answer(s, frame->job, USP_WIRE_POOL_CLOSE, ended ? -ENOENT : 0, "");
	}
}

/* ---- the end of the daemon ------------------------------------------------------------- */

void pools_stop_all(struct daemon *d)
{
	list_each(link, next, &d->pools) {
		struct shared_pool *shared = container_of(link, struct shared_pool, link);

		if (!pool_is_closing(shared->pool))
			end_pool(shared, LONG_NS);
	}
}

void pools_end_all(struct daemon *d)
{
	list_each(link, next, &d->pools)
		end_pool(container_of(link, struct shared_pool, link), 0);
}

void pools_cut_all(struct daemon *d)
{
	list_each(link, next, &d->pools)
		pool_cut(container_of(link, struct shared_pool, link)->pool);
}
