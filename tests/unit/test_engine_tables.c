/*
 * The engine and descriptors: what children get, where those that wait lie, and what
 * happens where there are none to be had.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine.h"
#include "process/process.h"
#include "support/backend.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/full.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_tables, .timeout = 60);

#define ENGINE(...)                                                                      \
	record_engine(&(struct usp_engine_options){                                      \
		.size = sizeof(struct usp_engine_options), __VA_ARGS__ })

/* The three streams on descriptor @fd. */
#define ON_FD(fd_)                                                                       \
	{                                                                                \
		{ .kind = USP_STDIO_NULL }, { .kind = USP_STDIO_FD, .fd = (fd_) },       \
		{                                                                        \
			.kind = USP_STDIO_NULL                                           \
		}                                                                        \
	}

/* Read all that is in the pipe; its writers are gone. */
static void expect_in_pipe(int fd, const char *text)
{
	char got[256] = "";

	cr_assert(ge(int, (int)read(fd, got, sizeof(got) - 1), 0));
	cr_assert(eq(str, got, (char *)text));
	cr_assert(eq(int, (int)read(fd, got, 1), 0), "somebody holds it open");
}

/* ---- what a child gets --------------------------------------------------- */

/*
 * Half of them on pipes, half on a pipe of the test's own, many of them at once, and
 * descriptors of ours on all sides that are not close-on-exec.
 */
static void expect_three_each(enum usp_tables tables, unsigned open)
{
	enum { MANY = 64 };
	struct usp_engine *engine = ENGINE(.launchers = 4, .tables = tables);
	struct record r[MANY] = { 0 };
	int passed[MANY][2], leaky[400];

	for (unsigned i = 0; i < open; i++)
		leaky[i] = dup(1);
	for (int i = 0; i < MANY; i++) {
		struct usp_options options =
			USP_OPTIONS(.argv = ARGV(PROGRAM("print_fds")));

		cr_assert(eq(int, pipe(passed[i]), 0));
		if (i % 2)
			options.stdio[1] = (struct usp_stdio){ .kind = USP_STDIO_FD,
							       .fd = passed[i][1] };
		record_spawn(&r[i], engine, &options);
		close(passed[i][1]);
	}
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < MANY; i++) {
		record_expect_exit(&r[i], 0);
		if (i % 2 == 0)
			cr_assert(eq(str, (char *)record_text(&r[i], 1), "0\n1\n2\n"));
		expect_in_pipe(passed[i][0], i % 2 ? "0\n1\n2\n" : "");
		record_done(&r[i]);
		close(passed[i][0]);
	}
	for (unsigned i = 0; i < open; i++)
		close(leaky[i]);
	usp_engine_free(engine);
	cr_assert(no_children());
}

CLEAN_TEST(engine_tables, a_child_has_three_and_no_more_in_the_shared_table)
{
	expect_three_each(USP_TABLES_SHARED, 400);
}

CLEAN_TEST(engine_tables, a_child_has_three_and_no_more_in_a_table_of_its_launchers)
{
	expect_three_each(USP_TABLES_PRIVATE, 0);
	expect_three_each(USP_TABLES_PRIVATE, 400);
}

/* The first launches are in the shared table, the last ones are not. */
CLEAN_TEST(engine_tables, launchers_that_change_their_table_lose_nothing)
{
	for (unsigned i = 0; i < 5; i++)
		expect_three_each(USP_TABLES_AUTO, 60 * i);
}

/* All that an engine does, with launchers in a table of their own. */
CLEAN_TEST(engine_tables, streams_and_failures_are_told_from_a_table_of_its_own)
{
	struct usp_engine *engine = ENGINE(.launchers = 2, .tables = USP_TABLES_PRIVATE);
	struct record cat = { 0 }, missing = { 0 }, killed = { 0 };

	record_spawn(&cat, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_process_write(cat.process, "text", 4), 0));
	cr_assert(eq(int, usp_process_close_stdin(cat.process), 0));
	record_spawn(&missing, engine, &USP_OPTIONS(.argv = ARGV("/no/such")));
	record_spawn(&killed, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	while (!killed.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(killed.process);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&cat, 0);
	cr_assert(eq(str, (char *)record_text(&cat, 1), "text"));
	record_expect_failed(&missing, USP_STAGE_EXEC, ENOENT, "/no/such");
	cr_assert(eq(int, killed.end.reason, USP_REASON_KILLED));
	record_done(&cat);
	record_done(&missing);
	record_done(&killed);
	usp_engine_free(engine);
	cr_assert(no_children());
}

/* What is given away is an ordinary descriptor of this process all the same. */
CLEAN_TEST(engine_tables, ends_and_pidfds_are_given_from_a_table_of_its_own)
{
	struct usp_engine *engine = ENGINE(.launchers = 1, .tables = USP_TABLES_PRIVATE);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"), .flags = USP_FLAG_PIDFD,
				  .stdio = { { .kind = USP_STDIO_HANDOVER } }));
	while (!r.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(sz, r.n_given, 1));
	cr_assert(ge(int, fcntl(r.given[0].fd, F_GETFD), FD_CLOEXEC));
	cr_assert(not(wait_fd(r.pidfd, POLLIN, 0)), "it is over, or no pidfd");
	cr_assert(eq(int, (int)write(r.given[0].fd, "text", 4), 4));
	close(r.given[0].fd);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "text"));
	cr_assert(wait_fd(r.pidfd, POLLIN, WAIT_MS), "its end is not seen");
	close(r.pidfd);
	record_done(&r);
	usp_engine_free(engine);
}

/* More than can be given at once. */
CLEAN_TEST(engine_tables, many_channels_are_given_from_a_table_of_its_own)
{
	enum { CHANNELS = USP_FDS_MAX };
	struct usp_engine *engine = ENGINE(.launchers = 1, .tables = USP_TABLES_PRIVATE);
	struct usp_fd fds[CHANNELS];
	struct record r = { 0 };

	for (int i = 0; i < CHANNELS; i++)
		fds[i] = (struct usp_fd){ 3 + i, { .kind = USP_STDIO_PIPE } };
	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = ARGV("echo", "hi"), .fds = fds, .n_fds = CHANNELS));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "hi\n"));
	record_done(&r);
	usp_engine_free(engine);
	cr_assert(no_children());
}

/* Our ends are the reactor's alone: a reader that goes away is noticed. */
CLEAN_TEST(engine_tables, no_launcher_keeps_an_end_of_a_pipe)
{
	struct usp_engine *engine = ENGINE(.launchers = 1, .tables = USP_TABLES_PRIVATE);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("exec 0<&-; kill -STOP $$; echo x"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	while (!r.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	while (!r.stdin_closed) {
		int ret = usp_process_write(r.process, "x", 1);

		cr_assert(ret == 0 || ret == -EPIPE);
		if (ret == 0)
			cr_assert(eq(int, usp_engine_turn(engine), 0));
	}
	cr_assert(eq(int, usp_process_signal(r.process, SIGCONT, USP_TARGET_PROCESS), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	record_done(&r);
	usp_engine_free(engine);
}

static void expect_shared_table(int nr)
{
	deny(nr, EPERM);
	expect_three_each(USP_TABLES_PRIVATE, 10);
}

CLEAN_TEST(engine_tables, where_descriptors_cannot_be_fetched_the_table_stays_shared)
{
	expect_shared_table(SYS_pidfd_getfd);
}

CLEAN_TEST(engine_tables, where_processes_cannot_be_opened_the_table_stays_shared)
{
	expect_shared_table(SYS_pidfd_open);
}

CLEAN_TEST(engine_tables, where_a_table_cannot_be_left_it_stays_shared)
{
	expect_shared_table(SYS_close_range);
}

/* ---- those that wait ----------------------------------------------------- */

/* What was passed is out of the table while it waits, and in it when it is launched. */
static void expect_parked(enum usp_tables tables)
{
	enum { MANY = 20 };
	struct usp_engine *engine = ENGINE(.running_max = 1, .tables = tables);
	struct record first = { 0 }, r[MANY] = { 0 };
	int ends[2], before;

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	record_spawn(
		&first, engine,
		&USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .stdio = NO_PIPES));
	while (!first.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, usp_engine_turn(engine), 0));
	before = open_fds();
	for (int i = 0; i < MANY; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV("echo", "-n", "x"),
					  .stdio = ON_FD(ends[1])));
	if (!on_epoll())
		cr_assert(eq(int, open_fds(), before), "they are in the table");

	/* One is ended while it waits. */
	usp_process_kill(r[3].process);
	usp_process_kill(first.process);
	close(ends[1]);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	expect_in_pipe(ends[0], "xxxxxxxxxxxxxxxxxxx");
	for (int i = 0; i < MANY; i++) {
		if (i == 3)
			cr_assert(eq(int, r[i].end.reason, USP_REASON_KILLED));
		else
			record_expect_exit(&r[i], 0);
		record_done(&r[i]);
	}
	record_done(&first);
	close(ends[0]);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_tables, what_was_passed_is_parked_while_it_waits)
{
	expect_parked(USP_TABLES_SHARED);
	expect_parked(USP_TABLES_PRIVATE);
}

CLEAN_TEST(engine_tables, an_engine_is_freed_with_descriptors_that_are_parked)
{
	struct usp_engine *engine = ENGINE(.running_max = 1);
	struct record r[3] = { 0 };

	for (int i = 0; i < 3; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
					  .stdio = ON_FD(1)));
	usp_engine_free(engine);
	for (int i = 0; i < 3; i++) {
		cr_assert(eq(int, r[i].end.reason, USP_REASON_KILLED));
		record_done(&r[i]);
	}
}

/* ---- none to be had ------------------------------------------------------ */

enum { LIMIT = 64 };

/* A launch was tried, and has come back without a process. */
static bool was_tried_again(struct record *r)
{
	return process_of(r->process)->begin.tries > 0;
}

static struct usp_engine *crowded_engine(struct record *other)
{
	struct usp_engine *engine = ENGINE(.launchers = 1, .tables = USP_TABLES_SHARED);

	record_spawn(
		other, engine,
		&USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .stdio = NO_PIPES));
	while (!other->started)
		cr_assert(eq(int, engine_wait(engine), 0));
	fill_descriptors(LIMIT);
	return engine;
}

CLEAN_TEST(engine_tables, a_launch_waits_for_descriptors_while_others_run)
{
	struct record other = { 0 }, r = { 0 };
	struct usp_engine *engine = crowded_engine(&other);

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("echo", "hi")));
	while (!was_tried_again(&r))
		cr_assert(eq(int, engine_wait(engine), 0));
	free_descriptors();
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "hi\n"));
	usp_engine_free(engine);
	record_done(&r);
	record_done(&other);
}

/* Those that were passed are still there for the next try. */
CLEAN_TEST(engine_tables, what_was_passed_is_kept_for_another_try)
{
	struct record other = { 0 }, r = { 0 };
	struct usp_engine *engine;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	engine = crowded_engine(&other);
	free_descriptor(); /* for the duplicate */
	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = ARGV("echo", "hi"),
			     .stdio = { [1] = { .kind = USP_STDIO_FD, .fd = ends[1] } }));
	while (!was_tried_again(&r))
		cr_assert(eq(int, engine_wait(engine), 0));
	free_descriptors();
	close(ends[1]);
	record_wait(&r);
	record_expect_exit(&r, 0);
	expect_in_pipe(ends[0], "hi\n");
	close(ends[0]);
	usp_engine_free(engine);
	record_done(&r);
	record_done(&other);
}

CLEAN_TEST(engine_tables, a_launch_does_not_wait_for_descriptors_for_ever)
{
	struct record other = { 0 }, r = { 0 };
	struct usp_engine *engine = crowded_engine(&other);

	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("echo", "hi")));
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_FDS, EMFILE, "RLIMIT_NOFILE");
	free_descriptors();
	usp_engine_free(engine);
	record_done(&r);
	record_done(&other);
}

CLEAN_TEST(engine_tables, a_launch_that_waits_for_descriptors_can_be_killed)
{
	struct record other = { 0 }, r = { 0 };
	struct usp_engine *engine = crowded_engine(&other);

	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = ARGV("echo", "hi"), .kill = { .signal = SIGKILL }));
	while (!was_tried_again(&r))
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.failure.error, ECANCELED));
	free_descriptors();
	usp_engine_free(engine);
	record_done(&r);
	record_done(&other);
}

/* Nobody is there who could give one back. */
CLEAN_TEST(engine_tables, alone_it_fails_at_once_and_names_the_limit)
{
	struct usp_engine *engine = ENGINE(.launchers = 1, .tables = USP_TABLES_SHARED);
	struct record r = { 0 };

	fill_descriptors(LIMIT);
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("echo", "hi")));
	record_wait(&r);
	record_expect_failed(&r, USP_STAGE_FDS, EMFILE, "RLIMIT_NOFILE");
	free_descriptors();
	usp_engine_free(engine);
	record_done(&r);
}
