/*
 * daemon/outbox: what leaves together, and in which order, on a real reactor.
 *
 * A SOCK_SEQPACKET socket keeps each send as a record of its own, so that a test
 * sees what left together.
 */
#include "daemon/outbox.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "support/backend.h"
#include "support/clean.h"
#include "support/wait.h"
#include "sys/sock.h"
#include "wire/frame.h"

struct fixture {
	struct reactor *reactor;
	struct outbox_pool pool;
	struct owner owner;
	struct outbox out;
	int slot, peer;
	bool drained;
	int error;
	unsigned sends; /* that were reported */
};

static void on_drained(struct owner *owner)
{
	container_of(owner, struct fixture, owner)->drained = true;
}

static void on_progress(struct outbox *outbox, int error)
{
	struct fixture *f = container_of(outbox, struct fixture, out);

	f->sends++;
	f->error = error;
}

static void set_up(struct fixture *f, int type)
{
	const struct reactor_options options = {
		.backend = backend_wanted(),
		.entries = 64,
		.slots = 16,
		.read_buffers = 4,
	};
	int fds[2];

	*f = (struct fixture){ .owner = { .on_drained = on_drained } };
	cr_assert(eq(int, reactor_open(&options, &f->reactor), 0));
	cr_assert(eq(int, socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0));
	f->slot = reactor_slot_take(f->reactor);
	reactor_slot_fill(f->reactor, f->slot, fds[0]);
	f->peer = fds[1];
	outbox_pool_init(&f->pool, f->reactor);
	f->pool.buffers_floor = UINT_MAX; /* everything is copied */
	outbox_init(&f->out, &f->pool, &f->owner, f->slot, on_progress);
}

static void tear_down(struct fixture *f)
{
	outbox_close(&f->out);
	owner_close(&f->owner);
	while (!f->drained)
		cr_assert(eq(int, reactor_turn(f->reactor, true), 0));
	outbox_done(&f->out);
	cr_expect(eq(sz, f->pool.queued_bytes, 0));
	cr_expect(eq(uint, f->pool.busy, 0));
	outbox_pool_done(&f->pool);
	reactor_slot_drop(f->reactor, f->slot);
	reactor_turn(f->reactor, false);
	reactor_close(f->reactor);
	close(f->peer);
}

static void turn(struct fixture *f)
{
	cr_assert(eq(int, reactor_turn(f->reactor, false), 0));
}

static void queue_started(struct fixture *f, uint32_t job, enum outbox_when when)
{
	const struct usp_event event = { .kind = USP_EVENT_STARTED,
					 .started = { 42, -1, NULL, 0 } };

	cr_assert(eq(int, outbox_event(&f->out, &event, job, when), 0));
}

static void queue_output(struct fixture *f, const void *data, size_t size,
			 enum outbox_when when)
{
	const struct usp_event event = {
		.kind = USP_EVENT_OUTPUT,
		.output = { .stream = 1, .data = data, .size = size },
	};

	cr_assert(eq(int, outbox_event(&f->out, &event, 1, when), 0));
}

/* The bytes of the next record, or 0. */
static size_t record(struct fixture *f)
{
	static char bytes[1 << 20];
	ssize_t n = recv(f->peer, bytes, sizeof(bytes), MSG_DONTWAIT);

	return n < 0 ? 0 : (size_t)n;
}

CLEAN_TEST(outbox, frames_of_one_turn_leave_together)
{
	struct fixture f;

	set_up(&f, SOCK_SEQPACKET);
	for (uint32_t job = 1; job <= 5; job++)
		queue_started(&f, job, OUTBOX_SOON);
	queue_output(&f, "hi\n", 3, OUTBOX_SOON);
	cr_expect(eq(sz, f.out.queued_bytes, 6 * USP_WIRE_HEADER_BYTES + 3));
	turn(&f);
	turn(&f);

	cr_expect(eq(sz, record(&f), 6 * USP_WIRE_HEADER_BYTES + 3));
	cr_expect(eq(sz, record(&f), 0));
	cr_expect(eq(uint, f.sends, 1));
	cr_expect(outbox_empty(&f.out));
	tear_down(&f);
}

CLEAN_TEST(outbox, what_may_wait_leaves_with_what_may_not)
{
	struct fixture f;

	set_up(&f, SOCK_SEQPACKET);
	queue_started(&f, 1, OUTBOX_LATER);
	cr_expect(f.out.later.node.linked);
	cr_expect(eq(sz, record(&f), 0));
	queue_started(&f, 2, OUTBOX_SOON);
	turn(&f);
	turn(&f);

	cr_expect(eq(sz, record(&f), 2 * USP_WIRE_HEADER_BYTES));
	cr_expect(not(f.out.later.node.linked));
	tear_down(&f);
}

CLEAN_TEST(outbox, what_waits_leaves_on_its_own_after_its_time)
{
	struct fixture f;

	set_up(&f, SOCK_SEQPACKET);
	turn(&f);
	queue_started(&f, 1, OUTBOX_LATER);
	while (f.sends == 0)
		cr_assert(eq(int, reactor_turn(f.reactor, true), 0));

	cr_expect(eq(sz, record(&f), USP_WIRE_HEADER_BYTES));
	tear_down(&f);
}

CLEAN_TEST(outbox, a_lot_does_not_wait)
{
	static char data[4096];
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	while (f.out.queued_bytes < OUTBOX_LATER_BYTES)
		queue_output(&f, data, sizeof(data), OUTBOX_LATER);
	turn(&f);
	turn(&f);

	cr_expect(lt(uint, 0, f.sends));
	tear_down(&f);
}

CLEAN_TEST(outbox, what_may_wait_long_does_not_keep_what_may_wait_less)
{
	struct fixture f;
	uint64_t late_ns;

	set_up(&f, SOCK_SEQPACKET);
	turn(&f);
	queue_started(&f, 1, OUTBOX_MUCH_LATER);
	late_ns = f.out.later.node.key;
	queue_started(&f, 2, OUTBOX_LATER);
	cr_expect(lt(u64, f.out.later.node.key, late_ns));
	late_ns = f.out.later.node.key;
	queue_started(&f, 3, OUTBOX_MUCH_LATER);
	cr_expect(eq(u64, f.out.later.node.key, late_ns));
	while (f.sends == 0)
		cr_assert(eq(int, reactor_turn(f.reactor, true), 0));

	cr_expect(eq(sz, record(&f), 3 * USP_WIRE_HEADER_BYTES));
	tear_down(&f);
}

CLEAN_TEST(outbox, more_is_a_lot_for_what_may_wait_long)
{
	static char data[4096];
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	while (f.out.queued_bytes < 2 * OUTBOX_LATER_BYTES)
		queue_output(&f, data, sizeof(data), OUTBOX_MUCH_LATER);
	cr_expect(list_empty(&f.out.flush.link));
	while (f.out.queued_bytes < OUTBOX_MUCH_LATER_BYTES)
		queue_output(&f, data, sizeof(data), OUTBOX_MUCH_LATER);
	cr_expect(not(list_empty(&f.out.flush.link)));
	turn(&f);
	turn(&f);

	cr_expect(lt(uint, 0, f.sends));
	tear_down(&f);
}

/* Fill the whole of @data so that a byte out of place shows. */
static void fill(uint8_t *data, size_t size)
{
	uint32_t x = 1;

	for (size_t i = 0; i < size; i++) {
		x = x * 1664525u + 1013904223u;
		data[i] = (uint8_t)(x >> 24);
	}
}

CLEAN_TEST(outbox, short_sends_lose_and_reorder_nothing)
{
	static uint8_t sent[600000], got[700000];
	const int small = 4096;
	size_t n = 0, want = 0;
	struct fixture f;

	fill(sent, sizeof(sent));
	set_up(&f, SOCK_STREAM);
	setsockopt(f.peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	for (size_t at = 0, part = 1; at < sizeof(sent);
	     at += part, part = part * 3 + 1) {
		if (part > sizeof(sent) - at)
			part = sizeof(sent) - at;
		queue_output(&f, sent + at, part, OUTBOX_SOON);
		want += part + USP_WIRE_HEADER_BYTES;
	}
	while (n < want) {
		ssize_t ret;

		turn(&f);
		ret = recv(f.peer, got + n, n % 7001 + 1, MSG_DONTWAIT);
		if (ret > 0)
			n += (size_t)ret;
	}
	turn(&f);

	cr_expect(outbox_empty(&f.out));
	for (size_t at = 0, i = 0; at < want;) {
		struct frame frame;
		int64_t used = frame_decode(got + at, want - at, UINT_MAX, &frame);

		cr_assert(lt(i64, 0, used));
		cr_assert(
			eq(int, memcmp(frame.payload, sent + i, frame.payload_bytes), 0));
		i += frame.payload_bytes;
		at += (size_t)used;
	}
	tear_down(&f);
}

/* ---- bytes that stay in the buffer they were read into ------------------- */

/* An output event as processes make it: what engine_output_buffer() relies on. */
struct output_event {
	struct usp_event event;
	struct buffer *buffer;
};

struct reader {
	struct owner owner;
	struct op read;
	struct fixture *f;
};

static void on_read(struct op *op, const struct completion *done)
{
	struct reader *reader = container_of(op, struct reader, read);
	const struct output_event output = {
		.event = {
			.kind = USP_EVENT_OUTPUT,
			.output = { 1, buffer_bytes(done->buffer), (size_t)done->res },
		},
		.buffer = done->buffer,
	};

	cr_assert(
		eq(int, outbox_event(&reader->f->out, &output.event, 1, OUTBOX_SOON), 0));
}

/* Write @size bytes to a pipe, read them by the reactor, queue them as an output. */
static void pass_through_pipe(struct fixture *f, size_t size)
{
	static uint8_t data[65536];
	struct reader reader = { .f = f };
	int fds[2], slot = reactor_slot_take(f->reactor);

	fill(data, size);
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	cr_assert(eq(int, (int)write(fds[1], data, size), (int)size));
	reactor_slot_fill(f->reactor, slot, fds[0]);
	op_init(&reader.read, &reader.owner, on_read);
	reactor_read(f->reactor, &reader.read, slot, 65536);
	while (op_armed(&reader.read))
		cr_assert(eq(int, reactor_turn(f->reactor, true), 0));
	reactor_slot_drop(f->reactor, slot);
	close(fds[1]);
}

static void read_all(struct fixture *f)
{
	while (!outbox_empty(&f->out)) {
		turn(f);
		while (record(f))
			continue;
	}
	turn(f);
}

CLEAN_TEST(outbox, a_held_buffer_is_given_back_when_its_bytes_have_left)
{
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	f.pool.buffers_floor = 1;
	pass_through_pipe(&f, 60000);
	cr_expect(eq(uint, f.out.held, 1));
	cr_expect(eq(uint, reactor_read_buffers_free(f.reactor), 3));
	read_all(&f);

	cr_expect(eq(uint, f.out.held, 0));
	cr_expect(eq(uint, reactor_read_buffers_free(f.reactor), 4));
	tear_down(&f);
}

CLEAN_TEST(outbox, a_little_is_copied_and_its_buffer_is_free_at_once)
{
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	f.pool.buffers_floor = 1;
	pass_through_pipe(&f, OUTBOX_COPY_BYTES);

	cr_expect(eq(uint, f.out.held, 0));
	cr_expect(eq(uint, reactor_read_buffers_free(f.reactor), 4));
	tear_down(&f);
}

CLEAN_TEST(outbox, the_last_buffers_are_left_to_readers)
{
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	f.pool.buffers_floor = 2;
	for (int i = 0; i < 10; i++)
		pass_through_pipe(&f, 60000); /* more than the socket takes */

	cr_expect(le(uint, f.out.held, 2));
	cr_expect(ge(uint, reactor_read_buffers_free(f.reactor), 2));
	cr_expect(lt(sz, 120000, f.out.queued_bytes), "nothing was copied");
	tear_down(&f);
}

CLEAN_TEST(outbox, a_frame_is_made_in_place)
{
	uint8_t frame[100] = { 1 };
	struct fixture f;
	struct buf *buf;

	set_up(&f, SOCK_SEQPACKET);
	buf = outbox_open(&f.out);
	cr_assert(ne(ptr, buf, NULL));
	cr_assert(eq(int, buf_append(buf, frame, sizeof(frame)), 0));
	outbox_commit(&f.out, OUTBOX_SOON);
	turn(&f);

	cr_expect(eq(sz, record(&f), sizeof(frame)));
	tear_down(&f);
}

/* Started with two descriptors of its own. */
static void queue_given(struct fixture *f, uint32_t job)
{
	const struct usp_given_fd fd = { .stream = 6,
					 .fd = fcntl(0, F_DUPFD_CLOEXEC, 3) };
	const struct usp_event event = {
		.kind = USP_EVENT_STARTED,
		.started = { 42, fcntl(0, F_DUPFD_CLOEXEC, 3), &fd, 1 },
	};

	cr_assert(eq(int, outbox_event(&f->out, &event, job, OUTBOX_SOON), 0));
}

/* The next record: its bytes, and how many descriptors came with it. */
static size_t record_with_fds(struct fixture *f, unsigned *ret_n)
{
	static uint8_t bytes[1 << 16];
	int fds[SOCKET_FDS_MAX];
	ssize_t n = sys_socket_recv(f->peer, bytes, sizeof(bytes), fds, SOCKET_FDS_MAX,
				    ret_n, false);

	if (n < 0)
		return 0;
	for (unsigned i = 0; i < *ret_n; i++)
		close(fds[i]);
	return (size_t)n;
}

enum { STARTED_BYTES = USP_WIRE_HEADER_BYTES, GIVEN_BYTES = STARTED_BYTES + 4 };

CLEAN_TEST(outbox, descriptors_leave_with_the_first_byte_of_their_frame)
{
	struct fixture f;
	unsigned n;

	set_up(&f, SOCK_SEQPACKET);
	queue_started(&f, 1, OUTBOX_SOON);
	queue_given(&f, 2);
	queue_started(&f, 3, OUTBOX_SOON);
	queue_given(&f, 4);
	cr_expect(eq(uint, f.out.n_fds, 4));
	while (!outbox_empty(&f.out))
		cr_assert(eq(int, reactor_turn(f.reactor, true), 0));

	cr_expect(eq(sz, record_with_fds(&f, &n), STARTED_BYTES));
	cr_expect(eq(uint, n, 0));
	cr_expect(eq(sz, record_with_fds(&f, &n), GIVEN_BYTES + STARTED_BYTES));
	cr_expect(eq(uint, n, 2));
	cr_expect(eq(sz, record_with_fds(&f, &n), GIVEN_BYTES));
	cr_expect(eq(uint, n, 2));
	cr_expect(eq(uint, f.out.n_fds, 0));
	tear_down(&f);
}

/* A part of the frame has left, and its descriptors with it: they do not leave twice. */
CLEAN_TEST(outbox, descriptors_leave_once)
{
	static uint8_t data[2000000];
	struct fixture f;
	unsigned n, all = 0;

	set_up(&f, SOCK_STREAM);
	queue_given(&f, 1);
	queue_output(&f, data, sizeof(data), OUTBOX_SOON);
	turn(&f);
	turn(&f);
	cr_expect(not(outbox_empty(&f.out)),
		  "it fits in the socket: the test shows nothing");
	while (!outbox_empty(&f.out)) {
		while (record_with_fds(&f, &n))
			all += n;
		cr_assert(eq(int, reactor_turn(f.reactor, false), 0));
	}
	while (record_with_fds(&f, &n))
		all += n;

	cr_expect(eq(uint, all, 2));
	tear_down(&f);
}

CLEAN_TEST(outbox, descriptors_that_did_not_leave_are_closed)
{
	static uint8_t data[2000000];
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	queue_output(&f, data, sizeof(data), OUTBOX_SOON);
	queue_given(&f, 1);
	turn(&f);
	turn(&f);
	cr_expect(eq(uint, f.out.n_fds, 2), "they left: the test shows nothing");
	tear_down(&f);
}

CLEAN_TEST(outbox, a_peer_that_is_gone_is_reported)
{
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	shutdown(f.peer, SHUT_RD);
	queue_started(&f, 1, OUTBOX_SOON);
	while (f.sends == 0)
		cr_assert(eq(int, reactor_turn(f.reactor, true), 0));

	cr_expect(eq(int, f.error, -EPIPE));
	tear_down(&f);
}

CLEAN_TEST(outbox, closing_gives_up_what_did_not_leave)
{
	static uint8_t data[2000000];
	struct fixture f;

	set_up(&f, SOCK_STREAM);
	queue_output(&f, data, sizeof(data), OUTBOX_SOON);
	turn(&f);
	turn(&f);
	cr_expect(op_armed(&f.out.send), "it fits in the socket: the test shows nothing");

	tear_down(&f);
}
