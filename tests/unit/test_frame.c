/*
 * wire/frame: docs/PROTOCOL.md section 1.
 */
#include "wire/frame.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/golden.h"

#define PAYLOAD_MAX 100
#define N_ROWS	    (sizeof(rows) / sizeof(rows[0]))

static const struct row {
	const char *name;
	const char *bytes;
	size_t size;
	int64_t want;
} rows[] = {
	{ "nothing waits", "", 0, 0 },
	{ "one byte waits", "\1", 1, 0 },
	{ "all but one byte of a header waits", "\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0", 15, 0 },
	{ "a header is a frame without payload", "\0\0\0\0\5\0\0\0\3\0\0\0\0\0\0\0", 16,
	  16 },
	{ "a header whose payload is missing waits", "\1\0\0\0\4\0\0\0\3\0\0\0\0\0\0\0",
	  16, 0 },
	{ "a whole frame is told", "\1\0\0\0\4\0\0\0\3\0\0\0\0\0\0\0x", 17, 17 },
	{ "what follows a frame is left", "\1\0\0\0\4\0\0\0\3\0\0\0\0\0\0\0xyz", 19, 17 },
	{ "a payload of the limit waits", "\144\0\0\0\4\0\0\0\3\0\0\0\0\0\0\0", 16, 0 },
	{ "a payload over the limit is refused before it came",
	  "\145\0\0\0\4\0\0\0\3\0\0\0\0\0\0\0", 16, -EMSGSIZE },
	{ "the largest length is refused", "\377\377\377\377\4\0\0\0\3\0\0\0\0\0\0\0", 16,
	  -EMSGSIZE },
	{ "a length over the limit waits for its whole header",
	  "\377\377\377\377\4\0\0\0\3\0\0\0\0\0\0", 15, 0 },
	{ "an unknown type has an end as well", "\1\0\0\0\177\0\0\0\3\0\0\0\0\0\0\0x", 17,
	  17 },
};

ParameterizedTestParameters(frame, length_is_judged)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

ParameterizedTest(size_t *number, frame, length_is_judged)
{
	const struct row *row = &rows[*number];
	uint8_t *exact = malloc(row->size + !row->size);
	struct frame frame;

	memcpy(exact, row->bytes, row->size);
	cr_assert(eq(i64, frame_decode(exact, row->size, PAYLOAD_MAX, &frame), row->want),
		  "%s", row->name);
	free(exact);
}

Test(frame, each_header_field_has_its_place)
{
	static const uint8_t bytes[] = { 2, 0, 0, 0,  0x82, 3,	5,    4,   9,
					 8, 7, 6, 13, 12,   11, 0xfa, 'a', 'b' };
	struct frame frame;

	cr_assert(eq(i64, frame_decode(bytes, sizeof(bytes), PAYLOAD_MAX, &frame), 18));

	cr_assert(eq(u32, frame.payload_bytes, 2));
	cr_assert(eq(u8, frame.type, USP_WIRE_OUTPUT));
	cr_assert(eq(u8, frame.fds, 3));
	cr_assert(eq(u16, frame.flags, 0x0405));
	cr_assert(eq(u32, frame.job, 0x06070809));
	cr_assert(eq(u32, frame.arg, 0xfa0b0c0d));
	cr_assert(frame.payload == bytes + USP_WIRE_HEADER_BYTES);
}

Test(frame, a_header_alone_tells_how_much_room_is_needed)
{
	static const uint8_t bytes[] = {
		77, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0
	};
	struct frame frame = { 0 };

	cr_assert(eq(i64, frame_decode(bytes, sizeof(bytes), PAYLOAD_MAX, &frame), 0));

	cr_assert(eq(u32, frame.payload_bytes, 77));
	cr_assert(eq(u32, frame.job, 9));
	cr_assert(frame.payload == NULL);
}

Test(frame, an_output_is_left_alone_without_a_header)
{
	struct frame frame = { .job = 4711 };

	cr_assert(eq(i64, frame_decode("\1\0\0", 3, PAYLOAD_MAX, &frame), 0));
	cr_assert(eq(i64,
		     frame_decode("\377\377\377\377\0\0\0\0\0\0\0\0\0\0\0\0", 16,
				  PAYLOAD_MAX, &frame),
		     -EMSGSIZE));

	cr_assert(eq(u32, frame.job, 4711));
}

/* A pseudo-random sequence, the same in each run. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 32);
}

Test(frame, a_decoded_header_is_the_encoded_one)
{
	uint64_t state = 1;

	for (int i = 0; i < 1000; i++) {
		struct frame in = {
			.type = (uint8_t)next_random(&state),
			.fds = (uint8_t)next_random(&state),
			.flags = (uint16_t)next_random(&state),
			.job = next_random(&state),
			.arg = next_random(&state),
		};
		uint8_t header[USP_WIRE_HEADER_BYTES];
		struct frame out;

		frame_encode_header(&in, header);
		cr_assert(eq(i64, frame_decode(header, 16, 0, &out), 16));
		cr_assert(eq(u8, out.type, in.type));
		cr_assert(eq(u8, out.fds, in.fds));
		cr_assert(eq(u16, out.flags, in.flags));
		cr_assert(eq(u32, out.job, in.job));
		cr_assert(eq(u32, out.arg, in.arg));
		cr_assert(eq(u32, out.payload_bytes, 0));
	}
}

/* A receiver: bytes arrive in pieces, each as a copy of exactly what is there. */
struct receiver {
	uint8_t bytes[1024];
	size_t size;
	uint8_t types[16];
	size_t payload_bytes;
	size_t n_frames;
};

static void receive(struct receiver *to, const uint8_t *bytes, size_t size)
{
	int64_t used;

	memcpy(to->bytes + to->size, bytes, size);
	to->size += size;
	do {
		uint8_t *exact = malloc(to->size + !to->size);
		struct frame frame;

		memcpy(exact, to->bytes, to->size);
		used = frame_decode(exact, to->size, PAYLOAD_MAX, &frame);
		if (used > 0) {
			to->types[to->n_frames++] = frame.type;
			to->payload_bytes += frame.payload_bytes;
			memmove(to->bytes, to->bytes + used, to->size - (size_t)used);
			to->size -= (size_t)used;
		}
		free(exact);
	} while (used > 0);
	cr_assert(eq(i64, used, 0));
}

static const uint8_t session_types[] = { USP_WIRE_HELLO,  USP_WIRE_STARTED,
					 USP_WIRE_OUTPUT, USP_WIRE_EOF,
					 USP_WIRE_EOF,	  USP_WIRE_EXIT,
					 USP_WIRE_END };

static void check_session(const struct receiver *got)
{
	cr_assert(eq(sz, got->n_frames, sizeof(session_types)));
	cr_assert(memcmp(got->types, session_types, sizeof(session_types)) == 0);
	cr_assert(eq(sz, got->payload_bytes, 49 + 3 + 64));
	cr_assert(eq(sz, got->size, 0));
}

Test(frame, every_split_in_two_gives_the_same_frames)
{
	struct golden session = golden_read("session-daemon.bin");

	cr_assert(lt(sz, 0, session.size), "run the tests from the top of the tree");
	for (size_t cut = 0; cut <= session.size; cut++) {
		struct receiver got = { .size = 0 };

		receive(&got, session.bytes, cut);
		receive(&got, session.bytes + cut, session.size - cut);
		check_session(&got);
	}
}

Test(frame, every_size_of_piece_gives_the_same_frames)
{
	struct golden session = golden_read("session-daemon.bin");

	for (size_t piece = 1; piece <= session.size; piece++) {
		struct receiver got = { .size = 0 };

		for (size_t at = 0; at < session.size; at += piece)
			receive(&got, session.bytes + at,
				at + piece < session.size ? piece : session.size - at);
		check_session(&got);
	}
}
