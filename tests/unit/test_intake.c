/*
 * daemon/intake: frames and descriptors in the order of their arrival.
 */
#include "daemon/intake.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/golden.h"

#define FRAME_MAX 4096

/* The sum of what a run of frames said, to compare two runs. */
struct seen {
	unsigned n;
	uint64_t digest;
};

static void see(struct seen *seen, const struct frame *frame)
{
	uint64_t h = seen->digest;

	seen->n++;
	h = (h ^ frame->type ^ (uint64_t)frame->job << 8 ^ (uint64_t)frame->arg << 40) *
	    UINT64_C(1099511628211);
	for (uint32_t i = 0; i < frame->payload_bytes; i++)
		h = (h ^ frame->payload[i]) * UINT64_C(1099511628211);
	seen->digest = h;
}

static void feed(struct intake *in, const uint8_t *bytes, size_t size, struct seen *seen)
{
	struct frame frame;
	int ret;

	while ((ret = intake_next(in, &bytes, &size, &frame)) == 1)
		see(seen, &frame);
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(sz, size, 0), "bytes are left over");
}

/* All golden requests behind each other. */
static size_t all_requests(uint8_t *ret_bytes)
{
	static const char *const names[] = { "hello-client.bin", "run.bin",
					     "stdin.bin",	 "spawn-full.bin",
					     "window.bin",	 "stdin-eof.bin",
					     "signal.bin",	 "spawn-search.bin" };
	size_t size = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct golden golden = golden_read(names[i]);

		cr_assert(lt(sz, 0, golden.size), "%s is missing", names[i]);
		memcpy(ret_bytes + size, golden.bytes, golden.size);
		size += golden.size;
	}
	return size;
}

CLEAN_TEST(intake, any_split_gives_the_same_frames)
{
	uint8_t bytes[8192];
	size_t size = all_requests(bytes);
	struct seen whole = { 0 };
	struct intake in;

	intake_init(&in, FRAME_MAX);
	feed(&in, bytes, size, &whole);
	cr_assert(eq(uint, whole.n, 8));

	for (size_t part = 1; part < size; part++) {
		struct seen parts = { 0 };

		for (size_t at = 0; at < size; at += part)
			feed(&in, bytes + at, size - at < part ? size - at : part,
			     &parts);
		cr_assert(eq(uint, parts.n, whole.n), "in parts of %zu", part);
		cr_assert(eq(u64, parts.digest, whole.digest), "in parts of %zu", part);
		cr_assert(not(intake_partial(&in)));
	}
	intake_done(&in);
}

CLEAN_TEST(intake, a_frame_over_the_limit_is_told_with_its_header)
{
	const struct frame sent = { .type = 4, .job = 9, .payload_bytes = FRAME_MAX + 1 };
	uint8_t bytes[USP_WIRE_HEADER_BYTES];
	const uint8_t *at = bytes;
	size_t size = sizeof(bytes);
	struct frame frame;
	struct intake in;

	frame_encode_header(&sent, bytes);
	intake_init(&in, FRAME_MAX);
	cr_expect(eq(int, intake_next(&in, &at, &size, &frame), -EMSGSIZE));
	cr_expect(eq(u32, frame.payload_bytes, FRAME_MAX + 1));
	intake_done(&in);

	intake_init(&in, FRAME_MAX);
	at = bytes;
	size = 5;
	cr_expect(eq(int, intake_next(&in, &at, &size, &frame), 0));
	cr_expect(intake_partial(&in));
	size = sizeof(bytes) - 5;
	cr_expect(eq(int, intake_next(&in, &at, &size, &frame), -EMSGSIZE), "in pieces");
	intake_done(&in);
}

CLEAN_TEST(intake, the_limit_can_be_raised_for_the_next_frame)
{
	static uint8_t bytes[USP_WIRE_HEADER_BYTES + 2 * FRAME_MAX];
	const struct frame sent = { .type = 4, .job = 9, .payload_bytes = 2 * FRAME_MAX };
	struct seen seen = { 0 };
	struct intake in;

	frame_encode_header(&sent, bytes);
	intake_init(&in, FRAME_MAX);
	intake_limit(&in, 2 * FRAME_MAX);
	feed(&in, bytes, 100, &seen);
	feed(&in, bytes + 100, sizeof(bytes) - 100, &seen);

	cr_expect(eq(uint, seen.n, 1));
	intake_done(&in);
}

CLEAN_TEST(intake, descriptors_come_out_in_the_order_of_their_arrival)
{
	struct intake in;
	int fds[4], taken[4];

	for (int i = 0; i < 4; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	intake_init(&in, FRAME_MAX);
	cr_assert(eq(int, intake_add_fds(&in, fds, 3), 0));
	cr_assert(eq(int, intake_take_fds(&in, 2, taken), 0));
	cr_assert(eq(int, intake_add_fds(&in, fds + 3, 1), 0));

	cr_expect(eq(int, intake_take_fds(&in, 3, taken), -EBADF), "there are two");
	cr_expect(eq(int, intake_take_fds(&in, 0, taken), 0));
	cr_assert(eq(int, intake_take_fds(&in, 2, taken + 2), 0));
	for (int i = 0; i < 4; i++) {
		cr_expect(eq(int, taken[i], fds[i]));
		close(taken[i]);
	}
	intake_done(&in);
}

CLEAN_TEST(intake, descriptors_that_no_frame_took_are_closed)
{
	struct intake in;
	int fds[2] = { open("/dev/null", O_RDONLY | O_CLOEXEC),
		       open("/dev/null", O_RDONLY | O_CLOEXEC) };

	intake_init(&in, FRAME_MAX);
	cr_assert(eq(int, intake_add_fds(&in, fds, 2), 0));
	intake_done(&in);

	cr_expect(eq(int, fcntl(fds[0], F_GETFD), -1));
	cr_expect(eq(int, fcntl(fds[1], F_GETFD), -1));
}

CLEAN_TEST(intake, more_descriptors_than_may_wait_are_refused_and_closed)
{
	struct intake in;
	int fds[128], ret = 0;

	intake_init(&in, FRAME_MAX);
	for (int n = 0; n < INTAKE_FDS_MAX; n += 128) {
		for (int i = 0; i < 128; i++)
			fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		ret = intake_add_fds(&in, fds, 128);
		cr_assert(eq(int, ret, 0));
	}
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_expect(eq(int, intake_add_fds(&in, fds, 1), -EMSGSIZE));
	cr_expect(eq(int, fcntl(fds[0], F_GETFD), -1));
	intake_done(&in);
}
