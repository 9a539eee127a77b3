/*
 * The engine: which descriptors a child has, what each of them is, and the channels
 * that are served beside the first three.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "programs/pattern.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(engine_fds, .timeout = 60);

#define LIST ARGV(PROGRAM("print_fds"), "-l")
#define FDS(...)                                                                         \
	.fds = (const struct usp_fd[]){ __VA_ARGS__ },                                   \
	.n_fds = ARRAY_SIZE(((const struct usp_fd[]){ __VA_ARGS__ }))
#define STREAM(number, ...)                                                              \
	{                                                                                \
		.target = number, .stdio = { __VA_ARGS__ }                               \
	}

#define READ  .direction = USP_DIRECTION_READ
#define WRITE .direction = USP_DIRECTION_WRITE

/* ---- which there are, and what they are ---------------------------------- */

/* What the first three are by default. */
#define FIRST "0 null rw\n1 pipe w\n2 pipe w\n"

static const struct row {
	const char *name;
	struct usp_stdio stdio[3];
	struct usp_fd fds[4];
	size_t n_fds;
	const char *want;
} rows[] = {
	{ .name = "none but the first three", .want = FIRST },
	{ .name = "a pipe to read",
	  .fds = { STREAM(3, USP_STDIO_PIPE, READ) },
	  .n_fds = 1,
	  .want = FIRST "3 pipe r\n" },
	{ .name = "a pipe to write, by default",
	  .fds = { STREAM(3, USP_STDIO_PIPE) },
	  .n_fds = 1,
	  .want = FIRST "3 pipe w\n" },
	{ .name = "a stdin to write, and a stdout to read",
	  .stdio = { { .kind = USP_STDIO_PIPE, WRITE } },
	  .fds = { STREAM(4, USP_STDIO_PIPE, READ) },
	  .n_fds = 1,
	  .want = "0 pipe w\n1 pipe w\n2 pipe w\n4 pipe r\n" },
	{ .name = "a socket pair",
	  .fds = { STREAM(3, USP_STDIO_DUPLEX) },
	  .n_fds = 1,
	  .want = FIRST "3 socket rw\n" },
	{ .name = "the highest",
	  .fds = { STREAM(USP_FD_TARGET_MAX, USP_STDIO_NULL) },
	  .n_fds = 1,
	  .want = FIRST "255 null rw\n" },
	{ .name = "with gaps, in no order",
	  .fds = { STREAM(40, USP_STDIO_NULL), STREAM(5, USP_STDIO_DUPLEX),
		   STREAM(200, USP_STDIO_PIPE), STREAM(7, USP_STDIO_PIPE, READ) },
	  .n_fds = 4,
	  .want = FIRST "5 socket rw\n7 pipe r\n40 null rw\n200 pipe w\n" },
	{ .name = "duplicates of one another",
	  .stdio = { [2] = { .kind = USP_STDIO_DUP, .fd = 9 } },
	  .fds = { STREAM(9, USP_STDIO_DUPLEX), STREAM(3, USP_STDIO_DUP, .fd = 9),
		   STREAM(4, USP_STDIO_DUP, .fd = 0) },
	  .n_fds = 3,
	  .want = "0 null rw\n1 pipe w\n2 socket rw\n3 socket rw\n4 null rw\n"
		  "9 socket rw\n" },
	{ .name = "files",
	  .stdio = { { .kind = USP_STDIO_FILE, .path = "/proc/self/comm" },
		     [2] = { .kind = USP_STDIO_DUP, .fd = 6 } },
	  .fds = { STREAM(6, USP_STDIO_FILE, .path = "/dev/null", .flags = O_RDWR),
		   STREAM(9, USP_STDIO_FILE, .path = "/dev/null", READ),
		   STREAM(3, USP_STDIO_DUP, .fd = 0) },
	  .n_fds = 3,
	  .want = "0 file r 0\n1 pipe w\n2 null rw\n3 file r 0\n6 null rw\n9 null r\n" },
	{ .name = "only what was asked for does not block",
	  .fds = { STREAM(3, USP_STDIO_FILE, .path = "/dev/null",
			  .flags = O_RDONLY | O_NONBLOCK),
		   STREAM(4, USP_STDIO_FILE, .path = "/dev/null",
			  .flags = O_WRONLY | O_APPEND | O_CLOEXEC) },
	  .n_fds = 2,
	  .want = FIRST "3 null r nonblock\n4 null w append\n" },
};

ParameterizedTestParameters(engine_fds, table)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

ParameterizedTest(size_t *number, engine_fds, table)
{
	const struct row *row = &rows[*number];
	int low = dup(1), high = fcntl(1, F_DUPFD, 500), before = open_fds();
	struct record r = { 0 };

	RUN(&r, .argv = LIST, .stdio = { row->stdio[0], row->stdio[1], row->stdio[2] },
	    .fds = row->fds, .n_fds = row->n_fds);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), (char *)row->want), "%s",
		  row->name);
	record_done(&r);
	cr_assert(eq(int, open_fds(), before), "%s", row->name);
	cr_assert(eq(int, leaks(), 0), "%s", row->name);
	close(low);
	close(high);
}

/* A file with @size bytes, to be told from others, at descriptor @fd of this process. */
static void put_file(int fd, off_t size)
{
	char name[16];
	int file;

	snprintf(name, sizeof(name), "file-%d", fd);
	file = open(tmpdir_path(name), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
	cr_assert(lt(int, 2, file));
	cr_assert(eq(int, ftruncate(file, size), 0));
	if (file != fd) {
		cr_assert(eq(int, dup3(file, fd, O_CLOEXEC), fd));
		close(file);
	}
}

/* Each comes from where another one goes to, or from its own place. */
CLEAN_TEST(engine_fds, places_and_sources_may_be_the_same_numbers)
{
	struct record r = { 0 };

	for (int fd = 20; fd < 24; fd++)
		put_file(fd, fd);
	RUN(&r, .argv = LIST,
	    FDS(STREAM(20, USP_STDIO_FD, .fd = 21), STREAM(21, USP_STDIO_FD, .fd = 20),
		STREAM(22, USP_STDIO_FD, .fd = 22), STREAM(3, USP_STDIO_FD, .fd = 23)));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1),
		     FIRST
		     "3 file rw 23\n20 file rw 21\n21 file rw 20\n22 file rw 22\n"));
	record_done(&r);
	for (int fd = 20; fd < 24; fd++)
		close(fd);
}

CLEAN_TEST(engine_fds, a_descriptor_that_is_not_open_is_refused)
{
	struct record r = { 0 }, many = { 0 };
	struct usp_fd fds[USP_FDS_MAX + 1] = { { 0 } };

	RUN(&r, .argv = LIST,
	    FDS(STREAM(3, USP_STDIO_FD, .fd = 1), STREAM(4, USP_STDIO_FD, .fd = 999)));
	record_expect_failed(&r, USP_STAGE_VALIDATE, EBADF, "fds");
	record_done(&r);

	for (int i = 0; i <= USP_FDS_MAX; i++)
		fds[i] = (struct usp_fd)STREAM(3 + i, USP_STDIO_FD, .fd = 1);
	RUN(&many, .argv = LIST, .fds = fds, .n_fds = USP_FDS_MAX + 1);
	record_expect_failed(&many, USP_STAGE_VALIDATE, EINVAL, "fds");
	record_done(&many);
}

CLEAN_TEST(engine_fds, as_many_as_there_may_be)
{
	struct usp_fd fds[USP_FDS_MAX];
	struct record r = { 0 };
	char want[64 * 20] = FIRST;

	for (int i = 0; i < USP_FDS_MAX; i++) {
		int target = USP_FD_TARGET_MAX - 3 * i;

		fds[i] = (struct usp_fd)STREAM(target, USP_STDIO_FD, .fd = 2);
	}
	for (int i = USP_FDS_MAX - 1; i >= 0; i--)
		sprintf(want + strlen(want), "%d null r\n", fds[i].target);
	int saved = fcntl(2, F_DUPFD_CLOEXEC, 100);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	dup2(null, 2);
	RUN(&r, .argv = LIST, .fds = fds, .n_fds = USP_FDS_MAX);
	dup2(saved, 2);
	close(saved);
	close(null);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), want));
	record_done(&r);
}

/* Whoever is started at the same moment gets none of them. */
CLEAN_TEST(engine_fds, none_gets_what_is_anothers)
{
	enum { JOBS = 64, ROUNDS = 4, EACH = 5 };
	static struct record records[JOBS];
	struct usp_engine *engine = record_engine(NULL);

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < JOBS; i++) {
			struct usp_fd fds[EACH];

			for (int k = 0; k < EACH; k++)
				fds[k] = (struct usp_fd){
					.target = 3 + (i + k * (i % 7 + 1)) % 250,
					.stdio.kind =
						k % 2 ? USP_STDIO_DUPLEX : USP_STDIO_PIPE,
				};
			records[i] = (struct record){ 0 };
			record_spawn(&records[i], engine,
				     &USP_OPTIONS(.argv = LIST, .fds = fds,
						  .n_fds = (size_t)(i % EACH + 1)));
		}
		cr_assert(eq(int, usp_engine_run(engine), 0));
		for (int i = 0; i < JOBS; i++) {
			const char *text = record_text(&records[i], 1);
			int lines = 0;

			record_expect_exit(&records[i], 0);
			for (const char *c = text; *c; c++)
				lines += *c == '\n';
			cr_assert(eq(int, lines, 3 + i % EACH + 1), "job %d has:\n%s", i,
				  text);
			for (int k = 0; k <= i % EACH; k++) {
				char line[32];

				sprintf(line, "\n%d %s\n",
					3 + (i + k * (i % 7 + 1)) % 250,
					k % 2 ? "socket rw" : "pipe w");
				cr_assert(strstr(text, line) != NULL,
					  "job %d has not: %s", i, line);
			}
			record_done(&records[i]);
		}
	}
	usp_engine_free(engine);
}

/* ---- channels ------------------------------------------------------------ */

static void write_at_start(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_STARTED)
		return;
	cr_assert(eq(int, usp_process_write_stream(r->process, 3, "text", 4), 0));
	cr_assert(eq(int, usp_process_close_stream(r->process, 3), 0));
	cr_assert(eq(int, usp_process_write_stream(r->process, 3, "text", 4), -EPIPE));
	cr_assert(eq(int, usp_process_write_stream(r->process, 4, "text", 4), -ENOTSUP));
	cr_assert(eq(int, usp_process_close_stream(r->process, 5), -ENOTSUP));
	cr_assert(eq(int, usp_process_write(r->process, "text", 4), -ENOTSUP));
}

static uint64_t told_totals[RECORD_STREAMS];

static void keep_totals(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_END)
		for (size_t i = 0; i < event->end.n_streams; i++)
			told_totals[event->end.streams[i].stream] =
				event->end.streams[i].bytes;
	write_at_start(r, event);
}

CLEAN_TEST(engine_fds, a_pipe_each_way_beside_the_first_three)
{
	struct record r = { .also = keep_totals };

	RUN(&r, .argv = SHELL("cat <&3 >&4; echo done"),
	    FDS(STREAM(4, USP_STDIO_PIPE), STREAM(3, USP_STDIO_PIPE, READ)));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 4), "text"));
	cr_assert(eq(str, (char *)record_text(&r, 1), "done\n"));
	cr_assert(r.eof[4] && !r.eof[3]);
	cr_assert(eq(u64, r.window_bytes, 4));
	cr_assert(eq(u64, told_totals[3], 4));
	cr_assert(eq(u64, told_totals[4], 4));
	cr_assert(eq(sz, r.end.n_streams, 2));
	record_done(&r);
}

/* Closing our side of it ends what the child reads, and not what it writes. */
CLEAN_TEST(engine_fds, a_socket_pair_carries_both_ways)
{
	struct record r = { .also = keep_totals };

	RUN(&r, .argv = SHELL("cat <&3 >&3; echo more >&3"),
	    FDS(STREAM(3, USP_STDIO_DUPLEX), STREAM(4, USP_STDIO_NULL)));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 3), "textmore\n"));
	cr_assert(r.eof[3]);
	cr_assert(eq(u64, told_totals[3], 9));
	record_done(&r);
}

CLEAN_TEST(engine_fds, a_socket_pair_may_be_stdin_and_stdout)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { .kind = USP_STDIO_DUPLEX },
					     { .kind = USP_STDIO_DUP, .fd = 0 } }));
	cr_assert(eq(int, usp_process_write(r.process, "one ", 4), 0));
	while (!buf_size(&r.out[0]))
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, usp_process_write(r.process, "two", 3), 0));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 0), "one two"));
	cr_assert(eq(u64, r.end.bytes[0], 7));
	record_done(&r);
	usp_engine_free(engine);
}

/* As much as the window allows, and again what was taken: a socket's buffer may hold
 * more than a window, and it has an end. */
static void write_much(struct record *r, const struct usp_event *event)
{
	static const char much[256 << 10];
	int ret = 0;

	if (event->kind == USP_EVENT_STARTED)
		ret = usp_process_write_stream(r->process, 3, much, sizeof(much));
	if (event->kind == USP_EVENT_WINDOW && event->window.bytes > 0)
		ret = usp_process_write_stream(r->process, 3, much, event->window.bytes);
	cr_assert(ret == 0 || ret == -EPIPE);
}

/* What nobody took is counted, and is no failure. */
CLEAN_TEST(engine_fds, what_is_not_read_of_a_channel_is_counted)
{
	struct record pipe = { .also = write_much }, pair = { .also = write_much };

	RUN(&pipe, .argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES,
	    FDS(STREAM(3, USP_STDIO_PIPE, READ)));
	record_expect_exit(&pipe, 0);
	cr_assert(lt(u64, 0, pipe.end.stdin_unread_bytes));
	record_done(&pipe);
	RUN(&pair, .argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES,
	    FDS(STREAM(3, USP_STDIO_DUPLEX)));
	record_expect_exit(&pair, 0);
	cr_assert(lt(u64, 0, pair.end.stdin_unread_bytes));
	record_done(&pair);
}

/* A writer that meets a full channel waits, and finds no EAGAIN. */
static void expect_flood(struct usp_fd fd, uint32_t window_bytes)
{
	enum { BYTES = 3 << 20 };
	static unsigned char want[BYTES];
	struct record r = { 0 };
	char number[8];

	sprintf(number, "%d", fd.target);
	RUN(&r, .argv = ARGV(PROGRAM("flood"), "3145728", "7", number), .fds = &fd,
	    .n_fds = 1, .window_bytes = window_bytes);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[fd.target]), BYTES));
	pattern_fill(want, BYTES, 7, 0);
	cr_assert(eq(int, memcmp(buf_bytes(&r.out[fd.target]), want, BYTES), 0));
	record_done(&r);
}

CLEAN_TEST(engine_fds, a_writer_never_finds_that_it_would_have_to_wait)
{
	expect_flood((struct usp_fd)STREAM(3, USP_STDIO_PIPE), 0);
	expect_flood((struct usp_fd)STREAM(4, USP_STDIO_DUPLEX), 0);
}

static void give_credit(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		usp_process_credit(r->process, event->output.stream,
				   (uint32_t)event->output.size);
}

/* Each of them has its own window. */
CLEAN_TEST(engine_fds, channels_are_read_within_their_windows)
{
	struct record r = { .also = give_credit };

	RUN(&r,
	    .argv = SHELL("head -c 100000 /dev/zero >&3 & "
			  "head -c 100000 /dev/zero >&4; wait"),
	    .window_bytes = 1000,
	    FDS(STREAM(3, USP_STDIO_PIPE), STREAM(4, USP_STDIO_DUPLEX)));
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[3]), 100000));
	cr_assert(eq(sz, buf_size(&r.out[4]), 100000));
	record_done(&r);
}

/* ---- what is given ------------------------------------------------------- */

CLEAN_TEST(engine_fds, our_end_of_a_pipe_is_given)
{
	struct record r = { 0 };
	char text[8] = "";

	RUN(&r, .argv = SHELL("cat <&3 >&5; cat <&3 >&5"),
	    FDS(STREAM(5, USP_STDIO_HANDOVER), STREAM(4, USP_STDIO_HANDOVER),
		STREAM(3, USP_STDIO_FILE, .path = "/proc/sys/kernel/ostype", READ)));
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, r.n_given, 2));
	cr_assert(eq(int, r.given[0].stream, 4));
	cr_assert(eq(int, r.given[1].stream, 5));
	cr_assert(eq(int, fcntl(r.given[1].fd, F_GETFD), FD_CLOEXEC));
	cr_assert(eq(int, (int)read(r.given[1].fd, text, sizeof(text)), 6));
	cr_assert(eq(str, text, "Linux\n"));
	cr_assert(eq(int, (int)read(r.given[0].fd, text, sizeof(text)), 0));
	close(r.given[0].fd);
	close(r.given[1].fd);
	record_done(&r);
}

static void write_given(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_STARTED)
		return;
	cr_assert(eq(sz, r->n_given, 1));
	cr_assert(eq(int, (int)write(r->given[0].fd, "text", 4), 4));
	close(r->given[0].fd);
}

CLEAN_TEST(engine_fds, a_given_end_may_be_the_one_that_is_written)
{
	struct record r = { .also = write_given };

	RUN(&r, .argv = ARGV("cat"), .stdio = { { .kind = USP_STDIO_HANDOVER } });
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "text"));
	record_done(&r);
}

CLEAN_TEST(engine_fds, nothing_is_given_of_what_does_not_start)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("/no/such/program"), .flags = USP_FLAG_PIDFD,
	    .stdio = { { .kind = USP_STDIO_HANDOVER }, { .kind = USP_STDIO_DUPLEX } });
	record_expect_failed(&r, USP_STAGE_EXEC, ENOENT, "/no/such/program");
	record_done(&r);
}

CLEAN_TEST(engine_fds, its_pidfd_is_given)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 }, without = { 0 };

	record_spawn(&without, engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	record_wait(&without);
	cr_assert(eq(int, without.pidfd, -1));
	record_done(&without);

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"), .flags = USP_FLAG_PIDFD,
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	while (!r.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(lt(int, 2, r.pidfd));
	cr_assert(eq(int, fcntl(r.pidfd, F_GETFD), FD_CLOEXEC));
	cr_assert(not(wait_fd(r.pidfd, POLLIN, 0)));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(wait_fd(r.pidfd, POLLIN, 10000));
	close(r.pidfd);
	record_done(&r);
	usp_engine_free(engine);
}
