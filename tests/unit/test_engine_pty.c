/*
 * The engine: children on a terminal of their own.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_pty, .timeout = 60);

#define PTY                                                                              \
	{                                                                                \
		{ .kind = USP_STDIO_PTY }, { .kind = USP_STDIO_PTY },                    \
		{                                                                        \
			.kind = USP_STDIO_PTY                                            \
		}                                                                        \
	}

/* It is told, and written, what a terminal makes of it. */
#define expect_text(text, ...)                                                           \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, __VA_ARGS__);                                               \
		record_expect_exit(&record, 0);                                          \
		cr_assert(eq(str, (char *)record_text(&record, 1), (char *)(text)));     \
		cr_assert(record.eof[1]);                                                \
		record_done(&record);                                                    \
	} while (0)

/* Start it on @engine, and wait until it says that it is ready. */
static void start(struct record *r, struct usp_engine *engine,
		  const struct usp_options *options)
{
	record_spawn(r, engine, options);
	while (!r->ended && !strstr(record_text(r, 1), "ready"))
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(not(r->ended), "failed at %s: %s", usp_stage_name(r->failure.stage),
		  strerror(r->failure.error));
}

CLEAN_TEST(engine_pty, all_three_are_its_terminal)
{
	expect_text("yes\r\n",
		    .argv = SHELL("test -t 0 && test -t 1 && test -t 2 && "
				  "echo yes > /dev/tty"),
		    .stdio = PTY);
}

CLEAN_TEST(engine_pty, it_is_the_session_that_the_terminal_controls)
{
	int pid, group, session, tty, foreground;
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("cat", "/proc/self/stat"), .stdio = PTY);
	record_expect_exit(&r, 0);
	cr_assert(eq(int,
		     sscanf(record_text(&r, 1), "%d (cat) %*c %*d %d %d %d %d", &pid,
			    &group, &session, &tty, &foreground),
		     5));
	cr_assert(eq(int, pid, r.pid));
	cr_assert(eq(int, group, pid));
	cr_assert(eq(int, session, pid));
	cr_assert(ne(int, tty, 0));
	cr_assert(eq(int, foreground, pid));
	record_done(&r);
}

CLEAN_TEST(engine_pty, it_has_the_descriptors_that_were_asked_for)
{
	expect_text("0 device rw\r\n1 device rw\r\n2 device rw\r\n",
		    .argv = ARGV(PROGRAM("print_fds"), "-l"), .stdio = PTY);
	expect_text("0 null rw\r\n1 device rw\r\n2 null rw\r\n5 device rw\r\n",
		    .argv = ARGV(PROGRAM("print_fds"), "-l"),
		    .stdio = { { .kind = USP_STDIO_NULL },
			       { .kind = USP_STDIO_PTY },
			       { .kind = USP_STDIO_NULL } },
		    .fds = (struct usp_fd[]){ { 5, { .kind = USP_STDIO_DUP, .fd = 1 } } },
		    .n_fds = 1);
}

CLEAN_TEST(engine_pty, its_size_is_as_asked)
{
	expect_text("24 80\r\n", .argv = ARGV("stty", "size"), .stdio = PTY);
	expect_text("50 132\r\n", .argv = ARGV("stty", "size"), .stdio = PTY,
		    .pty = { .rows = 50, .columns = 132 });
}

#define ON_WINCH                                                                         \
	"trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done"

CLEAN_TEST(engine_pty, it_is_told_of_a_new_size)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 }, early = { 0 }, none = { 0 };

	start(&r, engine, &USP_OPTIONS(.argv = SHELL(ON_WINCH), .stdio = PTY));
	cr_assert(
		eq(int,
		   usp_process_resize(r.process,
				      &(struct usp_winsize){ .rows = 11, .columns = 22 }),
		   0));
	record_wait(&r);
	record_expect_exit(&r, 3);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\r\n11 22\r\n"));
	record_done(&r);

	/* One that is asked for before it runs. */
	record_spawn(&early, engine,
		     &USP_OPTIONS(.argv = SHELL("until [ \"$(stty size)\" = '3 4' ]; do "
						"sleep 0.01; done; echo yes"),
				  .stdio = PTY));
	cr_assert(eq(int,
		     usp_process_resize(early.process,
					&(struct usp_winsize){ .rows = 3, .columns = 4 }),
		     0));
	record_wait(&early);
	record_expect_exit(&early, 0);
	cr_assert(eq(str, (char *)record_text(&early, 1), "yes\r\n"));
	record_done(&early);

	record_spawn(&none, engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("true"))));
	cr_assert(eq(int,
		     usp_process_resize(none.process,
					&(struct usp_winsize){ .rows = 3, .columns = 4 }),
		     -ENOTTY));
	record_wait(&none);
	record_done(&none);
	usp_engine_free(engine);
}

/* No descriptor is to be had for it: it waits for one. */
CLEAN_TEST(engine_pty, a_new_size_is_not_lost)
{
	struct usp_engine *engine = record_engine(NULL);
	struct rlimit before, none;
	struct record r = { 0 };

	start(&r, engine, &USP_OPTIONS(.argv = SHELL(ON_WINCH), .stdio = PTY));
	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &before), 0));
	none = (struct rlimit){ .rlim_cur = 3, .rlim_max = before.rlim_max };
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &none), 0));
	cr_assert(eq(int,
		     usp_process_resize(r.process, &(struct usp_winsize){ .rows = 11 }),
		     0));
	for (int i = 0; i < 100; i++)
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &before), 0));
	record_wait(&r);
	record_expect_exit(&r, 3);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\r\n11 0\r\n"));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_pty, its_keyboard_interrupts_it)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	start(&r, engine,
	      &USP_OPTIONS(.argv = SHELL("echo ready; exec cat"), .stdio = PTY));
	cr_assert(eq(int, usp_process_write(r.process, "\003", 1), 0));
	record_wait(&r);
	cr_assert(eq(int, r.exit.signal, SIGINT));
	cr_assert(eq(int, r.end.reason, USP_REASON_SIGNALLED));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_pty, its_keyboard_ends_its_input)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	start(&r, engine,
	      &USP_OPTIONS(.argv = SHELL("echo ready; exec cat"), .stdio = PTY));
	cr_assert(eq(int, usp_process_close_stdin(r.process), -ENOTSUP));
	cr_assert(eq(int, usp_process_write(r.process, "text\n\004", 6), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	/* What is typed is echoed, then cat writes it. */
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\r\ntext\r\ntext\r\n"));
	cr_assert(eq(u64, r.end.bytes[0], 6));
	record_done(&r);
	usp_engine_free(engine);
}

/* Nobody interprets what goes through then. */
CLEAN_TEST(engine_pty, a_job_may_set_it_to_raw)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	start(&r, engine,
	      &USP_OPTIONS(.argv = SHELL("stty raw -echo; echo ready; "
					 "head -c 3 | od -An -tx1"),
			   .stdio = PTY));
	cr_assert(eq(int, usp_process_write(r.process, "\003\004\n", 3), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\n 03 04 0a\n"));
	record_done(&r);
	usp_engine_free(engine);
}

/* More than a terminal takes at a time, to one who reads late. */
CLEAN_TEST(engine_pty, much_is_written_as_it_is_taken)
{
	enum { MUCH = 200000 };
	static char much[MUCH];
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	start(&r, engine,
	      &USP_OPTIONS(.argv = SHELL("stty raw -echo; echo ready; sleep 0.1; "
					 "head -c 200000 | wc -c"),
			   .stdio = PTY));
	memset(much, 'x', MUCH);
	cr_assert(eq(int, usp_process_write(r.process, much, MUCH), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\n200000\n"));
	cr_assert(eq(u64, r.window_bytes, MUCH));
	cr_assert(eq(u64, r.end.bytes[0], MUCH));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 0));
	record_done(&r);
	usp_engine_free(engine);
}

static void give_credit(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		usp_process_credit(r->process, 1, (uint32_t)event->output.size);
}

/* A writer that meets a full terminal waits, and the last byte comes though it has
 * exited by then. */
static void expect_numbers(uint32_t window_bytes)
{
	struct record r = { .also = window_bytes ? give_credit : NULL };
	const char *at;

	RUN(&r, .argv = ARGV("seq", "30000"), .stdio = PTY, .window_bytes = window_bytes);
	record_expect_exit(&r, 0);
	at = record_text(&r, 1);
	for (int i = 1; i <= 30000; i++) {
		char line[16];
		int n = sprintf(line, "%d\r\n", i);

		cr_assert(eq(int, strncmp(at, line, (size_t)n), 0), "line %d", i);
		at += n;
	}
	cr_assert(eq(str, (char *)at, ""));
	cr_assert(r.eof[1]);
	record_done(&r);
}

CLEAN_TEST(engine_pty, all_that_is_written_is_told)
{
	expect_numbers(0);
	expect_numbers(1000);
	for (int i = 0; i < 50; i++)
		expect_text("last\r\n", .argv = ARGV("echo", "last"), .stdio = PTY);
}

CLEAN_TEST(engine_pty, many_at_a_time)
{
	enum { JOBS = 32 };
	static struct record records[JOBS];
	struct usp_engine *engine = record_engine(NULL);

	for (int i = 0; i < JOBS; i++)
		record_spawn(&records[i], engine,
			     &USP_OPTIONS(.argv = SHELL("stty size"), .stdio = PTY,
					  .pty = { .rows = (uint16_t)(10 + i),
						   .columns = 7 }));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < JOBS; i++) {
		char want[16];

		sprintf(want, "%d 7\r\n", 10 + i);
		record_expect_exit(&records[i], 0);
		cr_assert(eq(str, (char *)record_text(&records[i], 1), want));
		record_done(&records[i]);
	}
	usp_engine_free(engine);
}

/* The engine's process is gone, and with it the other side of the terminal. */
CLEAN_TEST(engine_pty, a_terminal_that_goes_away_hangs_up)
{
	int ends[2];
	char text[32] = "";
	size_t size = 0;
	pid_t pid;

	cr_assert(eq(int, pipe(ends), 0));
	pid = fork();
	if (pid == 0) {
		struct usp_engine *engine = record_engine(NULL);
		struct record r = { 0 };

		start(&r, engine,
		      &USP_OPTIONS(.argv = SHELL("trap 'echo hung up >&3; exit' HUP; "
						 "echo ready; while :; do sleep 0.05; "
						 "done"),
				   .stdio = PTY,
				   .fds = (struct usp_fd[]){ { 3,
							       { .kind = USP_STDIO_FD,
								 .fd = ends[1] } } },
				   .n_fds = 1));
		_exit(0);
	}
	close(ends[1]);
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
	for (ssize_t n = 1; n > 0; size += (size_t)n) {
		cr_assert(wait_fd(ends[0], POLLIN, WAIT_MS));
		n = read(ends[0], text + size, sizeof(text) - 1 - size);
	}
	cr_assert(eq(str, text, "hung up\n"));
	close(ends[0]);
}

/* Somebody who stayed behind does not keep a killed job's terminal. */
CLEAN_TEST(engine_pty, what_holds_it_ends_with_the_kill_plan)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	start(&r, engine,
	      &USP_OPTIONS(.argv = SHELL("trap '' HUP; sleep 1000 & echo ready; wait"),
			   .stdio = PTY, .kill = { .signal = SIGKILL }));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_pty, it_belongs_to_who_uses_it)
{
	if (getuid())
		cr_skip("only root may become another");
	expect_text("65534\r\nyes\r\n",
		    .argv = SHELL("stat -c %u $(tty); echo yes > $(tty)"), .stdio = PTY,
		    .set = USP_SET_CREDENTIALS, .uid = 65534, .gid = 65534);
}
