/*
 * The queue is a list of chunks.  A chunk is a piece of memory that frames are
 * written to one after the other, and at its end, perhaps, bytes that stay in a
 * buffer of the reactor's.  So one list keeps the order, and each chunk is at
 * most two elements of a gathering send.
 *
 * A frame with descriptors begins a chunk, and that chunk begins a send: the kernel
 * hands them over with the first byte of a message.
 */
#include "daemon/outbox.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "wire/frame.h"
#include "wire/reply.h"

/* Descriptors, as the message that they travel in has them. */
struct parcel {
	unsigned n;
	size_t control_bytes;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int) * USP_WIRE_FDS_MAX)];
	} control;
};

/*
 * @own is a view of @memory: its maximum is its capacity, so appending never
 * moves bytes that a send is reading.  Nothing is consumed from it; @sent
 * counts instead, through @own and then through @held_bytes.
 */
struct chunk {
	struct chunk *next;
	struct buf own;
	const uint8_t *held_bytes;
	size_t held_size;
	struct buffer *held; /* NULL: the chunk may take more frames */
	struct parcel
		*parcel; /* leaves with the first byte; NULL: none, or it has left */
	size_t counted;	 /* of @own: in queued_bytes; the rest is being written */
	size_t sent;
	uint8_t memory[];
};

#define CHUNK_BYTES 16384
#define CHUNK_ROOM  (CHUNK_BYTES - sizeof(struct chunk))
#define SPARE_MAX   16

_Static_assert(OUTBOX_FRAME_BYTES <= CHUNK_ROOM, "a frame fits in an empty chunk");

void outbox_pool_init(struct outbox_pool *pool, struct reactor *reactor)
{
	*pool = (struct outbox_pool){
		.reactor = reactor,
		.buffers_floor = reactor_read_buffers_free(reactor) / 4,
	};
}

void outbox_pool_done(struct outbox_pool *pool)
{
	while (pool->spare) {
		struct chunk *c = pool->spare;

		pool->spare = c->next;
		mem_free(c);
	}
	pool->n_spare = 0;
}

/* ---- parcels -------------------------------------------------------------- */

/* Takes @fds, also when it fails. */
static struct parcel *parcel_new(const int *fds, unsigned n)
{
	struct parcel *p = mem_zalloc(sizeof(*p));

	if (!p) {
		for (unsigned i = 0; i < n; i++)
			sys_close(fds[i]);
		return NULL;
	}
	p->n = n;
	p->control_bytes = CMSG_SPACE(sizeof(int) * n);
	p->control.header = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(int) * n),
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
	};
	memcpy(CMSG_DATA(&p->control.header), fds, sizeof(int) * n);
	return p;
}

static void drop_parcel(struct outbox *o, struct chunk *c)
{
	struct parcel *p = c->parcel;
	const int *fds;

	if (!p)
		return;
	fds = (const int *)CMSG_DATA(&p->control.header);
	for (unsigned i = 0; i < p->n; i++)
		sys_close(fds[i]);
	o->n_fds -= p->n;
	c->parcel = NULL;
	mem_free(p);
}

/* ---- chunks -------------------------------------------------------------- */

static size_t chunk_size(const struct chunk *c)
{
	return c->own.end + c->held_size;
}

static struct chunk *add_chunk(struct outbox *o)
{
	struct outbox_pool *pool = o->pool;
	struct chunk *c = pool->spare;

	if (c) {
		pool->spare = c->next;
		pool->n_spare--;
	} else {
		c = mem_alloc(CHUNK_BYTES);
		if (!c)
			return NULL;
	}
	*c = (struct chunk){
		.own = { .bytes = c->memory, .capacity = CHUNK_ROOM, .max = CHUNK_ROOM },
	};
	if (o->last)
		o->last->next = c;
	else
		o->first = c;
	o->last = c;
	return c;
}

static void drop_first(struct outbox *o) REACTOR_ONLY
{
	struct outbox_pool *pool = o->pool;
	struct chunk *c = o->first;

	o->first = c->next;
	if (!o->first)
		o->last = NULL;
	drop_parcel(o, c);
	if (c->held) {
		buffer_give_back(pool->reactor, c->held);
		o->held--;
	}
	if (pool->n_spare == SPARE_MAX) {
		mem_free(c);
		return;
	}
	c->next = pool->spare;
	pool->spare = c;
	pool->n_spare++;
}

/* The last chunk, with room for @bytes more of its own.  NULL: no memory. */
static struct chunk *chunk_with_room(struct outbox *o, size_t bytes)
{
	struct chunk *c = o->last;

	if (c && !c->held && CHUNK_ROOM - c->own.end >= bytes)
		return c;
	return add_chunk(o);
}

/* ---- counting ------------------------------------------------------------ */

static void count(struct outbox *o, size_t bytes)
{
	if (o->queued_bytes == 0)
		o->pool->busy++;
	o->queued_bytes += bytes;
	o->pool->queued_bytes += bytes;
}

static void uncount(struct outbox *o, size_t bytes)
{
	assert(bytes <= o->queued_bytes);
	o->queued_bytes -= bytes;
	o->pool->queued_bytes -= bytes;
	if (o->queued_bytes == 0)
		o->pool->busy--;
}

/* ---- sending ------------------------------------------------------------- */

static void consume(struct outbox *o, size_t bytes) REACTOR_ONLY
{
	uncount(o, bytes);
	o->sent_bytes += bytes;
	while (bytes > 0) {
		struct chunk *c = o->first;
		size_t left = chunk_size(c) - c->sent;

		if (bytes < left) {
			c->sent += bytes;
			return;
		}
		bytes -= left;
		drop_first(o);
	}
}

/* Describe what has not left of @c.  Returns the elements used, at most two. */
static unsigned describe(const struct chunk *c, struct iovec *iov)
{
	size_t sent = c->sent;
	unsigned n = 0;

	if (sent < c->own.end) {
		iov[n].iov_base = c->own.bytes + sent;
		iov[n++].iov_len = c->own.end - sent;
		sent = 0;
	} else {
		sent -= c->own.end;
	}
	if (sent < c->held_size) {
		iov[n].iov_base = (void *)(c->held_bytes + sent);
		iov[n++].iov_len = c->held_size - sent;
	}
	return n;
}

static void on_flush(struct deferred *deferred) REACTOR_ONLY
{
	struct outbox *o = container_of(deferred, struct outbox, flush);
	unsigned n = 0;

	if (op_armed(&o->send) || outbox_empty(o))
		return;
	timer_cancel(o->pool->reactor, &o->later);
	for (struct chunk *c = o->first; c && n + 2 <= OUTBOX_IOVECS; c = c->next) {
		if (c != o->first && c->parcel)
			break;
		n += describe(c, &o->iov[n]);
	}
	o->message = (struct msghdr){ .msg_iov = o->iov, .msg_iovlen = n };
	if (o->first->parcel) {
		o->message.msg_control = o->first->parcel->control.bytes;
		o->message.msg_controllen = o->first->parcel->control_bytes;
	}
	reactor_send(o->pool->reactor, &o->send, o->slot, &o->message);
}

static void on_sent(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct outbox *o = container_of(op, struct outbox, send);

	if (done->res > 0) {
		drop_parcel(o, o->first);
		consume(o, (size_t)done->res);
	}
	if (o->closed)
		return;
	/* The kernel bounds what is on its way to clients that do not read. */
	if (done->res == -ETOOMANYREFS) {
		timer_arm(o->pool->reactor, &o->later,
			  reactor_now_ns(o->pool->reactor) + OUTBOX_RETRY_NS);
		return;
	}
	if (done->res <= 0) {
		o->on_progress(o, done->res ? done->res : -EPIPE);
		return;
	}
	if (!outbox_empty(o))
		reactor_defer(o->pool->reactor, &o->flush);
	o->on_progress(o, 0);
}

static void on_later(struct timer *timer) REACTOR_ONLY
{
	struct outbox *o = container_of(timer, struct outbox, later);

	reactor_defer(o->pool->reactor, &o->flush);
}

/* How long a frame may wait for others, and for how many bytes of them. */
static const struct {
	uint64_t ns;
	size_t bytes;
} patience[] = {
	[OUTBOX_SOON] = { 0, 0 },
	[OUTBOX_LATER] = { OUTBOX_LATER_NS, OUTBOX_LATER_BYTES },
	[OUTBOX_MUCH_LATER] = { OUTBOX_MUCH_LATER_NS, OUTBOX_MUCH_LATER_BYTES },
};

/* A send in flight is followed by another one anyway. */
static void schedule(struct outbox *o, enum outbox_when when) REACTOR_ONLY
{
	struct reactor *r = o->pool->reactor;
	uint64_t due_ns;

	if (op_armed(&o->send))
		return;
	if (o->queued_bytes >= patience[when].bytes) {
		reactor_defer(r, &o->flush);
		return;
	}
	due_ns = reactor_now_ns(r) + patience[when].ns;
	if (!o->later.node.linked || due_ns < o->later.node.key)
		timer_arm(r, &o->later, due_ns);
}

/* ---- queueing ------------------------------------------------------------ */

void outbox_init(struct outbox *o, struct outbox_pool *pool, struct owner *owner,
		 int slot, void (*on_progress)(struct outbox *outbox, int error))
{
	*o = (struct outbox){ .pool = pool, .slot = slot, .on_progress = on_progress };
	o->later.on_fire = on_later;
	op_init(&o->send, owner, on_sent);
	deferred_init(&o->flush, on_flush);
}

void outbox_close(struct outbox *o)
{
	o->closed = true;
	reactor_undefer(&o->flush);
	timer_cancel(o->pool->reactor, &o->later);
	reactor_cancel(o->pool->reactor, &o->send);
}

void outbox_done(struct outbox *o)
{
	if (!outbox_empty(o))
		uncount(o, o->queued_bytes);
	while (o->first)
		drop_first(o);
}

struct buf *outbox_open(struct outbox *o)
{
	struct chunk *c = chunk_with_room(o, OUTBOX_FRAME_BYTES);

	return c ? &c->own : NULL;
}

void outbox_commit(struct outbox *o, enum outbox_when when)
{
	struct chunk *c = o->last;

	count(o, c->own.end - c->counted);
	c->counted = c->own.end;
	schedule(o, when);
}

/* Let the next frame begin a chunk, with the descriptors of @started. */
static int begin_parcel(struct outbox *o, const struct usp_started *started)
{
	int fds[USP_WIRE_FDS_MAX];
	unsigned n = 0;
	struct parcel *parcel;
	struct chunk *c;

	assert(started->n_fds + (started->pidfd >= 0) <= USP_WIRE_FDS_MAX);
	if (started->pidfd >= 0)
		fds[n++] = started->pidfd;
	for (size_t i = 0; i < started->n_fds; i++)
		fds[n++] = started->fds[i].fd;
	if (n == 0)
		return 0;
	parcel = parcel_new(fds, n);
	if (!parcel)
		return -ENOMEM;
	o->n_fds += n;
	c = o->last && o->last->own.end == 0 ? o->last : add_chunk(o);
	if (c) {
		c->parcel = parcel;
		return 0;
	}
	drop_parcel(o, &(struct chunk){ .parcel = parcel });
	return -ENOMEM;
}

/* Append a header, or a frame without much payload; uncounted so far. */
static int encode(struct outbox *o, const struct usp_event *event, uint32_t job)
{
	struct chunk *c = chunk_with_room(o, USP_WIRE_HEADER_BYTES);
	int ret;

	if (!c)
		return -ENOMEM;
	ret = reply_encode(event, job, &c->own);
	if (ret != -EMSGSIZE)
		return ret;
	c = add_chunk(o);
	return c ? reply_encode(event, job, &c->own) : -ENOMEM;
}

static int copy(struct outbox *o, const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		struct chunk *c = chunk_with_room(o, 1);
		size_t part;

		if (!c)
			return -ENOMEM;
		part = CHUNK_ROOM - c->own.end;
		if (part > size)
			part = size;
		buf_append(&c->own, bytes, part); /* it has the room */
		count(o, part);
		c->counted += part;
		bytes += part;
		size -= part;
	}
	return 0;
}

/* Keep the buffer that @event tells of, unless others need it more. */
static bool hold(struct outbox *o, const struct usp_event *event) REACTOR_ONLY
{
	struct reactor *r = o->pool->reactor;
	struct chunk *c = o->last;
	struct buffer *buffer;

	if (o->held == OUTBOX_HELD_MAX ||
	    reactor_read_buffers_free(r) <= o->pool->buffers_floor)
		return false;
	buffer = engine_output_buffer(event);
	if (!buffer)
		return false;
	buffer_keep(buffer);
	c->held = buffer;
	c->held_bytes = event->output.data;
	c->held_size = event->output.size;
	o->held++;
	count(o, c->held_size);
	return true;
}

int outbox_event(struct outbox *o, const struct usp_event *event, uint32_t job,
		 enum outbox_when when)
{
	int ret = 0;

	if (event->kind == USP_EVENT_STARTED)
		ret = begin_parcel(o, &event->started);
	if (ret == 0)
		ret = encode(o, event, job);
	if (ret < 0)
		return ret;
	count(o, o->last->own.end - o->last->counted);
	o->last->counted = o->last->own.end;
	if (event->kind == USP_EVENT_OUTPUT &&
	    (event->output.size <= OUTBOX_COPY_BYTES || !hold(o, event)))
		ret = copy(o, event->output.data, event->output.size);
	schedule(o, when);
	return ret;
}

int outbox_frame(struct outbox *o, const struct frame *frame, enum outbox_when when)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];
	int ret;

	frame_encode_header(frame, header);
	ret = copy(o, header, sizeof(header));
	if (ret == 0)
		ret = copy(o, frame->payload, frame->payload_bytes);
	schedule(o, when);
	return ret;
}
