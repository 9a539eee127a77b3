/*
 * Output that the caller reads itself: src/cli/bench_streams.c.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "cli/bench_streams.h"

struct owner {
	size_t bytes;
	unsigned ends;
};

static struct bench_streams *streams;

static void on_bytes(void *user, size_t size)
{
	struct owner *owner = user;

	owner->bytes += size;
	owner->ends += size == 0;
}

static void setup(void)
{
	cr_assert(eq(int, bench_streams_new(on_bytes, &streams), 0));
}

static void teardown(void)
{
	bench_streams_free(streams);
}

TestSuite(bench_streams, .init = setup, .fini = teardown, .timeout = 20);

static void write_all(int fd, size_t size)
{
	static const char text[4096];

	while (size > 0) {
		ssize_t n = write(fd, text, size < sizeof(text) ? size : sizeof(text));

		cr_assert(lt(sz, 0, (size_t)n));
		size -= (size_t)n;
	}
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

Test(bench_streams, each_is_read_to_its_end_for_its_owner)
{
	struct owner owners[2] = { 0 };
	struct usp_stdio ends[2];

	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, bench_streams_pipe(streams, &owners[i], &ends[i]), 0));
		cr_assert(eq(int, ends[i].kind, USP_STDIO_FD));
	}
	write_all(ends[0].fd, 10);
	close(ends[0].fd);
	write_all(ends[1].fd, 20);
	while (owners[0].ends == 0 || owners[1].bytes < 20)
		cr_assert(eq(int, bench_streams_turn(streams), 0));
	cr_expect(eq(sz, owners[0].bytes, 10));
	cr_expect(eq(uint, owners[1].ends, 0));
	close(ends[1].fd);
	while (owners[1].ends == 0)
		cr_assert(eq(int, bench_streams_turn(streams), 0));
	cr_expect(eq(sz, owners[1].bytes, 20));
}

Test(bench_streams, one_that_has_ended_is_not_told_again_while_another_has_a_copy)
{
	struct owner owner = { 0 };
	int fds[2], copy;

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	copy = dup(fds[0]);
	cr_assert(eq(int, bench_streams_add(streams, fds[0], &owner), 0));
	close(fds[1]);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, bench_streams_turn(streams), 0));
	cr_expect(eq(uint, owner.ends, 1));
	cr_expect(not(is_open(fds[0])));
	close(copy);
}

Test(bench_streams, what_is_watched_ends_the_wait_and_is_left_alone)
{
	int fds[2];
	char byte = 0;

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	cr_assert(eq(int, bench_streams_watch(streams, fds[0], POLLIN), 0));
	cr_assert(eq(int, bench_streams_watch(streams, fds[0], POLLIN | POLLOUT), 0));
	write_all(fds[1], 1);
	cr_assert(eq(int, bench_streams_turn(streams), 0));
	cr_expect(eq(sz, (size_t)read(fds[0], &byte, 1), 1));
	close(fds[0]);
	close(fds[1]);
}

Test(bench_streams, what_is_still_read_is_closed_in_the_end)
{
	struct bench_streams *others;
	struct owner owner = { 0 };
	int fds[2];

	cr_assert(eq(int, bench_streams_new(on_bytes, &others), 0));
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	cr_assert(eq(int, bench_streams_add(others, fds[0], &owner), 0));
	bench_streams_free(others);
	cr_expect(not(is_open(fds[0])));
	cr_expect(eq(uint, owner.ends, 0));
	close(fds[1]);
	bench_streams_free(NULL);
}

Test(bench_streams, what_cannot_be_waited_for_is_an_error_and_closed)
{
	struct owner owner = { 0 };
	/* A directory is always ready, and epoll refuses it. */
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = bench_streams_add(streams, fd, &owner);

	cr_expect(eq(int, ret, -EPERM));
	cr_expect(not(is_open(fd)));
}
