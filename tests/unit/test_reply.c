/*
 * wire/reply: docs/PROTOCOL.md section 6.
 */
#include "wire/reply.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define N_ROWS	    (sizeof(rows) / sizeof(rows[0]))
#define PAYLOAD_MAX 65536

static const uint8_t zeros[256];

/* One line per rule.  Payloads not given are zeros. */
static const struct row {
	const char *name;
	struct frame frame;
	int want;
} rows[] = {
	{ "started", { .type = 0x81, .job = 1, .arg = 1 }, 0 },
	{ "started with the largest pid",
	  { .type = 0x81, .job = 1, .arg = INT32_MAX },
	  0 },
	{ "started without pid", { .type = 0x81, .job = 1 }, -EINVAL },
	{ "started with a negative pid",
	  { .type = 0x81, .job = 1, .arg = UINT32_MAX },
	  -EINVAL },
	{ "started with a payload",
	  { .type = 0x81, .job = 1, .arg = 1, .payload_bytes = 1 },
	  -EINVAL },
	{ "started of no job", { .type = 0x81, .arg = 1 }, -EINVAL },
	{ "started with a descriptor",
	  { .type = 0x81, .job = 1, .arg = 1, .fds = 1 },
	  -EINVAL },
	{ "started with a payload but no descriptor",
	  { .type = 0x81, .job = 1, .arg = 1, .payload_bytes = 2 },
	  -EINVAL },
	{ "started with the other end of stream 0",
	  { .type = 0x81, .job = 1, .arg = 1, .fds = 1, .payload_bytes = 2 },
	  0 },
	{ "started with a stream twice",
	  { .type = 0x81, .job = 1, .arg = 1, .fds = 2, .payload_bytes = 4 },
	  -EINVAL },
	{ "started with a stream above all",
	  { .type = 0x81,
	    .job = 1,
	    .arg = 1,
	    .fds = 1,
	    .payload_bytes = 2,
	    .payload = (const uint8_t *)"\0\1" },
	  -EINVAL },
	{ "started with a pidfd",
	  { .type = 0x81,
	    .job = 1,
	    .arg = 1,
	    .fds = 1,
	    .payload_bytes = 2,
	    .payload = (const uint8_t *)"\377\377" },
	  0 },
	{ "started with two pidfds",
	  { .type = 0x81,
	    .job = 1,
	    .arg = 1,
	    .fds = 2,
	    .payload_bytes = 4,
	    .payload = (const uint8_t *)"\377\377\377\377" },
	  -EINVAL },
	{ "started with 65 descriptors",
	  { .type = 0x81, .job = 1, .arg = 1, .fds = 65, .payload_bytes = 130 },
	  -EINVAL },
	{ "exit with a descriptor", { .type = 0x84, .job = 1, .fds = 1 }, -EINVAL },
	{ "output of stdin", { .type = 0x82, .job = 1, .payload_bytes = 1 }, 0 },
	{ "output of stdout",
	  { .type = 0x82, .job = 1, .flags = 1, .payload_bytes = 1 },
	  0 },
	{ "output of stderr",
	  { .type = 0x82, .job = 1, .flags = 2, .payload_bytes = 1 },
	  0 },
	{ "output of the last stream",
	  { .type = 0x82, .job = 1, .flags = 255, .payload_bytes = 1 },
	  0 },
	{ "output of a stream above all",
	  { .type = 0x82, .job = 1, .flags = 256, .payload_bytes = 1 },
	  -EINVAL },
	{ "eof of stderr", { .type = 0x83, .job = 1, .flags = 2 }, 0 },
	{ "eof of a stream above all",
	  { .type = 0x83, .job = 1, .flags = 256 },
	  -EINVAL },
	{ "eof with a payload",
	  { .type = 0x83, .job = 1, .flags = 1, .payload_bytes = 1 },
	  -EINVAL },
	{ "exit 255", { .type = 0x84, .job = 1, .arg = 255 }, 0 },
	{ "exit 256", { .type = 0x84, .job = 1, .arg = 256 }, -EINVAL },
	{ "exit with a payload",
	  { .type = 0x84, .job = 1, .payload_bytes = 1 },
	  -EINVAL },
	{ "exit by signal 0", { .type = 0x84, .job = 1, .flags = 1 }, -EINVAL },
	{ "exit by signal 64", { .type = 0x84, .job = 1, .flags = 1, .arg = 64 }, 0 },
	{ "exit by signal 65",
	  { .type = 0x84, .job = 1, .flags = 1, .arg = 65 },
	  -EINVAL },
	{ "core by signal 0", { .type = 0x84, .job = 1, .flags = 2 }, -EINVAL },
	{ "core by signal 11", { .type = 0x84, .job = 1, .flags = 2, .arg = 11 }, 0 },
	{ "a lost exit", { .type = 0x84, .job = 1, .flags = 3 }, 0 },
	{ "an unknown kind of exit", { .type = 0x84, .job = 1, .flags = 4 }, -EINVAL },
	{ "end", { .type = 0x85, .job = 1, .arg = 1, .payload_bytes = 64 }, 0 },
	{ "end for a reason of a newer daemon",
	  { .type = 0x85, .job = 1, .arg = 99, .payload_bytes = 64 },
	  0 },
	{ "end without reason",
	  { .type = 0x85, .job = 1, .payload_bytes = 64 },
	  -EINVAL },
	{ "end with a negative reason",
	  { .type = 0x85, .job = 1, .arg = UINT32_MAX, .payload_bytes = 64 },
	  -EINVAL },
	{ "end of 63 bytes",
	  { .type = 0x85, .job = 1, .arg = 1, .payload_bytes = 63 },
	  -EINVAL },
	{ "end of 65 bytes",
	  { .type = 0x85, .job = 1, .arg = 1, .payload_bytes = 65 },
	  -EINVAL },
	{ "failed without path",
	  { .type = 0x86, .job = 1, .flags = 10, .arg = 2, .payload_bytes = 8 },
	  0 },
	{ "failed at a stage of a newer daemon",
	  { .type = 0x86, .job = 1, .flags = 99, .arg = 2, .payload_bytes = 8 },
	  0 },
	{ "failed at no stage",
	  { .type = 0x86, .job = 1, .arg = 2, .payload_bytes = 8 },
	  -EINVAL },
	{ "failed with a negative errno",
	  { .type = 0x86, .job = 1, .flags = 1, .arg = UINT32_MAX, .payload_bytes = 8 },
	  -EINVAL },
	{ "failed of 7 bytes",
	  { .type = 0x86, .job = 1, .flags = 1, .arg = 2, .payload_bytes = 7 },
	  -EINVAL },
	{ "failed with a NUL in its path",
	  { .type = 0x86, .job = 1, .flags = 1, .arg = 2, .payload_bytes = 9 },
	  -EINVAL },
	{ "failed by signal 64",
	  { .type = 0x86,
	    .job = 1,
	    .flags = 4,
	    .payload_bytes = 8,
	    .payload = (const uint8_t *)"\100\0\0\0\0\0\0\0" },
	  0 },
	{ "failed by signal 65",
	  { .type = 0x86,
	    .job = 1,
	    .flags = 4,
	    .payload_bytes = 8,
	    .payload = (const uint8_t *)"\101\0\0\0\0\0\0\0" },
	  -EINVAL },
	{ "window", { .type = 0x87, .job = 1, .arg = 1 }, 0 },
	{ "window of nothing", { .type = 0x87, .job = 1 }, -EINVAL },
	{ "window closed", { .type = 0x87, .job = 1, .flags = 1 }, 0 },
	{ "window of stream 255",
	  { .type = 0x87, .job = 1, .flags = 0xff00, .arg = 1 },
	  0 },
	{ "window with a payload",
	  { .type = 0x87, .job = 1, .arg = 1, .payload_bytes = 1 },
	  -EINVAL },
	{ "error is of no process", { .type = 0x88, .arg = 71 }, -ENOTSUP },
	{ "hello is of no process", { .type = 0x01 }, -ENOTSUP },
	{ "a client's frame", { .type = 0x04, .job = 1 }, -ENOTSUP },
	{ "an unknown type", { .type = 0xff, .job = 1 }, -ENOTSUP },
};

#define END_FIELD(tag, size) #tag "\0\0\0" #size "\0\0\0"
#define U32_ZERO	     "\0\0\0\0"
#define U64_ZERO	     U32_ZERO U32_ZERO

/* What stands behind the fixed part of an END, which is zeros. */
static const struct end_row {
	const char *name;
	const char *bytes;
	size_t size;
	int want;
} end_rows[] = {
#define END(name, bytes, want)                                                           \
	{                                                                                \
		name, bytes, sizeof(bytes) - 1, want                                     \
	}
	END("half a field", "\1\0\0\0\1\0\0\0", -EINVAL),
	END("an unknown field", END_FIELD(\11, \2) "xy", 0),
	END("an unknown field that must be understood", "\11\0\1\0\0\0\0\0", 0),
	END("an outcome", END_FIELD(\1, \20) "\1\0\0\0\3\0\0\0" U64_ZERO, 0),
	END("an outcome with a third drain",
	    END_FIELD(\1, \20) "\2\0\0\0" U32_ZERO U64_ZERO, -EINVAL),
	END("an outcome with a fifth tree",
	    END_FIELD(\1, \20) U32_ZERO "\4\0\0\0" U64_ZERO, -EINVAL),
	END("an outcome of 8 bytes", END_FIELD(\1, \10) U64_ZERO, -EINVAL),
	END("stream 3", END_FIELD(\2, \30) "\3\0\0\0" U32_ZERO U64_ZERO U64_ZERO, 0),
	END("stream 3 twice",
	    END_FIELD(\2, \30) "\3\0\0\0" U32_ZERO U64_ZERO U64_ZERO
		    END_FIELD(\2, \30) "\3\0\0\0" U32_ZERO U64_ZERO U64_ZERO,
	    -EINVAL),
	END("stream 256", END_FIELD(\2, \30) "\0\1\0\0" U32_ZERO U64_ZERO U64_ZERO,
	    -EINVAL),
	END("stream 1 with something dropped",
	    END_FIELD(\2, \30) "\1\0\0\0" U32_ZERO U64_ZERO "\1\0\0\0" U32_ZERO, 0),
	END("stream 1 with other bytes than before",
	    END_FIELD(\2, \30) "\1\0\0\0" U32_ZERO "\1\0\0\0" U32_ZERO
			       "\1\0\0\0" U32_ZERO,
	    -EINVAL),
	END("stream 1 with nothing dropped",
	    END_FIELD(\2, \30) "\1\0\0\0" U32_ZERO U64_ZERO U64_ZERO, -EINVAL),
	END("a stream of 16 bytes", END_FIELD(\2, \20) "\3\0\0\0" U32_ZERO U64_ZERO,
	    -EINVAL),
	END("a holder", END_FIELD(\3, \6) "\1\0\0\0sh", 0),
	END("a holder without a name", END_FIELD(\3, \4) "\1\0\0\0", 0),
	END("a holder without a pid", END_FIELD(\3, \4) U32_ZERO, -EINVAL),
	END("a holder with a NUL", END_FIELD(\3, \5) "\1\0\0\0\0", -EINVAL),
	END("a holder of 3 bytes", END_FIELD(\3, \3) "\1\0\0", -EINVAL),
	END("an rusage of 8 bytes", END_FIELD(\4, \10) U64_ZERO, -EINVAL),
	END("a cgroup of 8 bytes", END_FIELD(\5, \10) U64_ZERO, -EINVAL),
};

Test(reply, each_rule_of_an_end_is_kept)
{
	for (size_t i = 0; i < sizeof(end_rows) / sizeof(end_rows[0]); i++) {
		const struct end_row *row = &end_rows[i];
		size_t size = USP_WIRE_END_BYTES + row->size;
		uint8_t *exact = calloc(1, size);
		struct frame frame = { .payload_bytes = (uint32_t)size,
				       .type = USP_WIRE_END,
				       .job = 1,
				       .arg = 1,
				       .payload = exact };
		struct usp_event event;
		struct reply_room room;

		memcpy(exact + USP_WIRE_END_BYTES, row->bytes, row->size);
		cr_assert(eq(int, reply_decode(&frame, &room, &event), row->want), "%s",
			  row->name);
		free(exact);
	}
}

ParameterizedTestParameters(reply, each_rule_is_kept)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

ParameterizedTest(size_t *number, reply, each_rule_is_kept)
{
	const struct row *row = &rows[*number];
	struct frame frame = row->frame;
	uint8_t *exact = malloc(frame.payload_bytes + 1);
	struct usp_event event = { .kind = 4711 };
	struct reply_room room;

	exact = realloc(exact, frame.payload_bytes + !frame.payload_bytes);
	memcpy(exact, frame.payload ? frame.payload : zeros, frame.payload_bytes);
	frame.payload = exact;
	cr_assert(eq(int, reply_decode(&frame, &room, &event), row->want), "%s",
		  row->name);
	cr_assert(eq(int, event.kind == 4711, row->want < 0), "%s", row->name);
	free(exact);
}

/* Encode, and decode what comes of it; an OUTPUT gets its payload behind. */
static struct usp_event round_trip(const struct usp_event *event, struct buf *out,
				   struct reply_room *room)
{
	struct usp_event again;
	struct frame frame;

	cr_assert(eq(int, reply_encode(event, 77, out), 0));
	if (event->kind == USP_EVENT_OUTPUT)
		cr_assert(eq(int, buf_append(out, event->output.data, event->output.size),
			     0));
	cr_assert(eq(i64,
		     frame_decode(buf_bytes(out), buf_size(out), PAYLOAD_MAX, &frame),
		     (int64_t)buf_size(out)));
	cr_assert(eq(u32, frame.job, 77));
	cr_assert(eq(int, reply_decode(&frame, room, &again), 0));
	cr_assert(eq(int, again.kind, event->kind));
	return again;
}

#define ROUND_TRIP(...)                                                                  \
	struct reply_room room;                                                          \
	struct buf out;                                                                  \
	buf_init(&out, 2 * PAYLOAD_MAX);                                                 \
	struct usp_event event =                                                         \
		round_trip(&(struct usp_event){ __VA_ARGS__ }, &out, &room)

Test(reply, started_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_STARTED, .started = { .pid = 4194304, .pidfd = -1 });

	cr_assert(eq(int, event.started.pid, 4194304));
	cr_assert(eq(int, event.started.pidfd, -1));
	cr_assert(eq(sz, event.started.n_fds, 0));
	buf_done(&out);
}

/* The numbers of the sender's descriptors are not sent; the receiver has its own. */
Test(reply, given_descriptors_get_their_places)
{
	const struct usp_given_fd fds[] = { { 255, 77 }, { 3, 78 } };
	const int received[] = { 20, 21, 22 };
	struct frame frame;
	ROUND_TRIP(.kind = USP_EVENT_STARTED,
		   .started = { .pid = 5, .pidfd = 79, .fds = fds, .n_fds = 2 });

	frame_decode(buf_bytes(&out), buf_size(&out), PAYLOAD_MAX, &frame);
	cr_assert(eq(u8, frame.fds, 3));
	cr_assert(eq(int, event.started.pidfd, -1));
	cr_assert(eq(int, event.started.fds[1].fd, -1));
	reply_place(received, &frame, &room, &event);

	cr_assert(eq(int, event.started.pidfd, 20));
	cr_assert(eq(sz, event.started.n_fds, 2));
	cr_assert(eq(int, event.started.fds[0].stream, 255));
	cr_assert(eq(int, event.started.fds[0].fd, 21));
	cr_assert(eq(int, event.started.fds[1].stream, 3));
	cr_assert(eq(int, event.started.fds[1].fd, 22));
	buf_done(&out);
}

Test(reply, output_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_OUTPUT,
		   .output = { .stream = 2, .data = "a\0b", .size = 3 });

	cr_assert(eq(int, event.output.stream, 2));
	cr_assert(eq(sz, event.output.size, 3));
	cr_assert(memcmp(event.output.data, "a\0b", 3) == 0);
	buf_done(&out);
}

Test(reply, an_output_is_encoded_without_its_bytes)
{
	struct usp_event event = { .kind = USP_EVENT_OUTPUT,
				   .output = {
					   .stream = 1, .data = NULL, .size = 65536 } };
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, reply_encode(&event, 1, &out), 0));

	cr_assert(eq(sz, buf_size(&out), USP_WIRE_HEADER_BYTES));
	buf_done(&out);
}

Test(reply, eof_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_EOF, .eof = { .stream = 2 });

	cr_assert(eq(int, event.eof.stream, 2));
	buf_done(&out);
}

Test(reply, every_exit_decodes_to_what_was_encoded)
{
	static const struct usp_exit exits[] = {
		{ .code = 0 },
		{ .code = 255 },
		{ .code = -1, .signal = 9 },
		{ .code = -1, .signal = 64 },
		{ .code = -1, .signal = 6, .core = true },
		{ .code = -1 },
	};

	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++) {
		ROUND_TRIP(.kind = USP_EVENT_EXIT, .exit = exits[i]);

		cr_assert(eq(int, event.exit.code, exits[i].code), "row %zu", i);
		cr_assert(eq(int, event.exit.signal, exits[i].signal), "row %zu", i);
		cr_assert(eq(int, event.exit.core, exits[i].core), "row %zu", i);
		buf_done(&out);
	}
}

Test(reply, end_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_END,
		   .end = { .reason = USP_REASON_CLIENT_GONE,
			    .bytes = { 1, UINT64_MAX, UINT64_C(1) << 40 },
			    .stdin_unread_bytes = 4,
			    .timings = { 5, 6, 7, UINT64_C(0x0102030405060708) } });

	cr_assert(eq(int, event.end.reason, USP_REASON_CLIENT_GONE));
	cr_assert(eq(u64, event.end.bytes[0], 1));
	cr_assert(eq(u64, event.end.bytes[1], UINT64_MAX));
	cr_assert(eq(u64, event.end.bytes[2], UINT64_C(1) << 40));
	cr_assert(eq(u64, event.end.stdin_unread_bytes, 4));
	cr_assert(eq(u64, event.end.timings.queued_ns, 5));
	cr_assert(eq(u64, event.end.timings.launch_ns, 6));
	cr_assert(eq(u64, event.end.timings.running_ns, 7));
	cr_assert(eq(u64, event.end.timings.drain_ns, UINT64_C(0x0102030405060708)));
	buf_done(&out);
}

Test(reply, failed_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_FAILED,
		   .failed = { USP_STAGE_CHDIR, ENOTDIR, 0, "/etc/passwd" });

	cr_assert(eq(int, event.failed.stage, USP_STAGE_CHDIR));
	cr_assert(eq(int, event.failed.error, ENOTDIR));
	cr_assert(eq(int, event.failed.signal, 0));
	cr_assert(eq(str, (char *)event.failed.path, "/etc/passwd"));
	buf_done(&out);
}

Test(reply, a_signal_before_exec_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_FAILED, .failed = { USP_STAGE_EXEC, 0, 9, "" });

	cr_assert(eq(int, event.failed.error, 0));
	cr_assert(eq(int, event.failed.signal, 9));
	cr_assert(eq(str, (char *)event.failed.path, ""));
	buf_done(&out);
}

Test(reply, a_long_path_is_cut_by_the_encoder)
{
	static char path[10000];

	memset(path, 'x', sizeof(path) - 1);
	ROUND_TRIP(.kind = USP_EVENT_FAILED,
		   .failed = { USP_STAGE_EXEC, ENOENT, 0, path });

	cr_assert(eq(sz, strlen(event.failed.path), REPLY_PATH_BYTES - 1));
	cr_assert(
		eq(sz, buf_size(&out), USP_WIRE_HEADER_BYTES + 8 + REPLY_PATH_BYTES - 1));
	buf_done(&out);
}

Test(reply, a_long_path_is_cut_by_the_decoder)
{
	static uint8_t payload[8 + 10000];
	struct frame frame = { .type = USP_WIRE_FAILED,
			       .job = 1,
			       .flags = 10,
			       .arg = 2,
			       .payload = payload,
			       .payload_bytes = sizeof(payload) };
	struct reply_room room;
	struct usp_event event;

	memset(payload + 8, 'x', sizeof(payload) - 8);
	cr_assert(eq(int, reply_decode(&frame, &room, &event), 0));

	cr_assert(event.failed.path == room.path);
	cr_assert(eq(sz, strlen(room.path), REPLY_PATH_BYTES - 1));
}

Test(reply, all_of_an_end_decodes_to_what_was_encoded)
{
	const struct usp_stream_total streams[] = { { 3, 1, 2 }, { 255, UINT64_MAX, 0 } };
	const struct usp_holder holders[] = { { 7, "cat" }, { 8, "fifteen letters" } };
	const struct usp_rusage rusage = { 1, 2, 3, 4, 5, 6, 7, 8, UINT64_MAX };
	const struct usp_cgroup_usage cgroup = { 1, 2, 3, 4, UINT64_MAX };
	ROUND_TRIP(.kind = USP_EVENT_END, .end = { .reason = USP_REASON_CGROUP_OOM,
						   .bytes = { 1, 2, 3 },
						   .dropped = { 0, 4, 5 },
						   .drain = USP_DRAIN_DEADLINE,
						   .tree = USP_TREE_PENDING,
						   .orphans = 6,
						   .holders = holders,
						   .n_holders = 2,
						   .streams = streams,
						   .n_streams = 2,
						   .rusage = &rusage,
						   .cgroup = &cgroup });
	const struct usp_end *end = &event.end;

	cr_assert(eq(u64, end->dropped[1], 4));
	cr_assert(eq(u64, end->dropped[2], 5));
	cr_assert(eq(int, end->drain, USP_DRAIN_DEADLINE));
	cr_assert(eq(int, end->tree, USP_TREE_PENDING));
	cr_assert(eq(u32, end->orphans, 6));
	cr_assert(eq(sz, end->n_holders, 2));
	cr_assert(eq(int, end->holders[0].pid, 7));
	cr_assert(eq(str, (char *)end->holders[1].name, "fifteen letters"));
	cr_assert(eq(sz, end->n_streams, 2));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, end->streams[i].stream, streams[i].stream));
		cr_assert(eq(u64, end->streams[i].bytes, streams[i].bytes));
		cr_assert(eq(u64, end->streams[i].dropped, streams[i].dropped));
	}
	cr_assert(memcmp(end->rusage, &rusage, sizeof(rusage)) == 0);
	cr_assert(memcmp(end->cgroup, &cgroup, sizeof(cgroup)) == 0);
	buf_done(&out);
}

Test(reply, holders_beyond_the_room_are_left_out)
{
	struct usp_holder holders[REPLY_HOLDERS_MAX + 3];

	for (size_t i = 0; i < REPLY_HOLDERS_MAX + 3; i++)
		holders[i] = (struct usp_holder){ .pid = (pid_t)i + 1 };
	ROUND_TRIP(.kind = USP_EVENT_END, .end = { .reason = USP_REASON_EXITED,
						   .holders = holders,
						   .n_holders = REPLY_HOLDERS_MAX + 3 });

	cr_assert(eq(sz, event.end.n_holders, REPLY_HOLDERS_MAX));
	buf_done(&out);
}

Test(reply, window_decodes_to_what_was_encoded)
{
	ROUND_TRIP(.kind = USP_EVENT_WINDOW,
		   .window = { .stream = 255, .bytes = 262144 });

	cr_assert(eq(u32, event.window.bytes, 262144));
	cr_assert(eq(int, event.window.stream, 255));
	buf_done(&out);
}

Test(reply, a_closed_stdin_is_a_window_of_nothing)
{
	ROUND_TRIP(.kind = USP_EVENT_WINDOW, .window = { .bytes = 0 });

	cr_assert(eq(u32, event.window.bytes, 0));
	cr_assert(eq(u8, buf_bytes(&out)[6], 1));
	buf_done(&out);
}

Test(reply, a_buffer_too_small_stays_as_it_was)
{
	struct usp_event event = { .kind = USP_EVENT_END, .end = { .reason = 1 } };
	struct buf out;

	buf_init(&out, 79);
	cr_assert(eq(int, reply_encode(&event, 1, &out), -EMSGSIZE));
	cr_assert(eq(int,
		     reply_encode_error(5,
					"0123456789012345678901234567890123456789"
					"012345678901234567890123",
					&out),
		     -EMSGSIZE));

	cr_assert(eq(sz, buf_size(&out), 0));
	buf_done(&out);
}

Test(reply, an_error_names_no_job_and_carries_its_sentence)
{
	struct frame frame;
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, reply_encode_error(EEXIST, "job 7 runs", &out), 0));
	cr_assert(
		eq(i64, frame_decode(buf_bytes(&out), buf_size(&out), 100, &frame), 26));

	cr_assert(eq(u8, frame.type, USP_WIRE_ERROR));
	cr_assert(eq(u32, frame.job, 0));
	cr_assert(eq(u32, frame.arg, EEXIST));
	cr_assert(memcmp(frame.payload, "job 7 runs", 10) == 0);
	buf_done(&out);
}
