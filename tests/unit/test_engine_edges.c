/*
 * The engine where something has run out, or a caller does what few callers do.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/process.h"
#include "support/clean.h"
#include "support/full.h"
#include "support/record.h"
#include "support/wait.h"

TestSuite(engine_edges, .timeout = 60);

/* ---- descriptors --------------------------------------------------------- */

enum { LIMIT = 128 };

static void on_start_fill(struct record *r, const struct usp_event *event)
{
	if (event->kind != USP_EVENT_STARTED)
		return;
	fill_descriptors(LIMIT);
	usp_process_kill(r->process);
}

CLEAN_TEST(engine_edges, it_is_killed_when_every_descriptor_is_in_use)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { .also = on_start_fill };

	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .stdio = NO_PIPES));
	record_wait(&r);
	free_descriptors();
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_edges, an_engine_is_freed_when_every_descriptor_is_in_use)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .stdio = NO_PIPES));
	while (!r.started)
		usp_engine_turn(engine);
	fill_descriptors(LIMIT);
	usp_engine_free(engine);
	free_descriptors();
	cr_assert(r.ended);
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(no_children());
	record_done(&r);
}

/* The cgroup v1 of the test's own, where processes are counted; or "". */
static char counted[128];

static bool write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	bool written;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	if (!file)
		return false;
	written = fputs(text, file) >= 0;
	return fclose(file) == 0 && written;
}

/* This process and all that it starts are no more than are there now. */
static bool allow_no_more_processes(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	snprintf(counted, sizeof(counted), "/sys/fs/cgroup/pids/uringspawn-test-%s", pid);
	if (mkdir(counted, 0700) < 0)
		return false;
	return write_file(counted, "cgroup.procs", pid) &&
	       write_file(counted, "pids.max", "1");
}

static void allow_all_processes(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)write_file("/sys/fs/cgroup/pids", "cgroup.procs", pid);
	rmdir(counted);
}

/* A clone that fails may have been given a number for its pidfd before it failed. */
CLEAN_TEST(engine_edges, a_clone_that_fails_closes_nobodys_descriptor)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	bool limited = allow_no_more_processes();
	int mine[8];

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES));
	if (limited)
		wait_until(atomic_load(&process_of(r.process)->plan.taken_ns) != 0,
			   WAIT_MS);
	for (int i = 0; i < 8; i++)
		mine[i] = fcntl(0, F_DUPFD_CLOEXEC, 3);
	record_wait(&r);
	for (int i = 0; i < 8; i++) {
		cr_assert(ge(int, fcntl(mine[i], F_GETFD), 0), "it is not the engine's");
		close(mine[i]);
	}
	usp_engine_free(engine);
	allow_all_processes();
	if (!limited)
		cr_skip_test("no cgroup that counts processes is to be had here");
	cr_assert(eq(int, r.failure.stage, USP_STAGE_CLONE));
	cr_assert(eq(int, r.failure.error, EAGAIN));
	cr_assert(eq(str, r.path, "pids.max"));
	record_done(&r);
}

/* For a user without privilege, who has used up what the user may. */
CLEAN_TEST(engine_edges, a_clone_that_the_users_limit_stands_against_names_it)
{
	struct usp_engine *engine = record_engine(NULL);
	bool was_root = geteuid() == 0;
	struct rlimit limit, none;
	struct record r = { 0 };
	char text[100];

	cr_assert(eq(int, getrlimit(RLIMIT_NPROC, &limit), 0));
	none = (struct rlimit){ 0, limit.rlim_max };
	cr_assert(eq(int, setrlimit(RLIMIT_NPROC, &none), 0));
	if (was_root)
		cr_assert(eq(int, setresuid(65534, 65534, 0), 0));
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV("true"), .stdio = NO_PIPES));
	record_wait(&r);
	cr_assert(eq(int, r.failure.stage, USP_STAGE_CLONE));
	cr_assert(eq(int, r.failure.error, EAGAIN));
	cr_assert(eq(str, r.path, "RLIMIT_NPROC"));
	cr_assert(eq(str, (char *)usp_failure_text(&r.failure, text, sizeof(text)),
		     "cannot make a process: the limit RLIMIT_NPROC is reached"));
	if (was_root)
		cr_assert(eq(int, setresuid(0, 0, 0), 0));
	cr_assert(eq(int, setrlimit(RLIMIT_NPROC, &limit), 0));
	prctl(PR_SET_DUMPABLE, 1); /* so that /proc/self may be looked at */
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- groups -------------------------------------------------------------- */

static void on_output_kill(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_OUTPUT)
		usp_process_kill(r->process);
}

CLEAN_TEST(engine_edges, who_left_its_own_group_is_killed_all_the_same)
{
	struct record r = { .also = on_output_kill };

	RUN(&r, .argv = ARGV(PROGRAM("leave_group")));
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	record_done(&r);
}

static void on_exit_signal(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_EXIT)
		cr_assert(eq(int,
			     usp_process_signal(r->process, SIGKILL, USP_TARGET_GROUP),
			     0));
}

/* The pipe of stdout ends when the one that was left behind is gone. */
CLEAN_TEST(engine_edges, a_group_is_reached_from_the_exit_event)
{
	struct record r = { .also = on_exit_signal };

	RUN(&r, .argv = SHELL(PROGRAM("sleep_forever") " & echo $!"));
	cr_assert(eq(int, r.exit.code, 0));
	cr_assert(eq(int, r.end.reason, USP_REASON_EXITED));
	cr_assert(kill(atoi(record_text(&r, 1)), 0) < 0 || no_children());
	record_done(&r);
}

/* ---- time ---------------------------------------------------------------- */

CLEAN_TEST(engine_edges, a_timeout_beyond_all_time_never_comes)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("sleep", "0.02"), .timeout_ns = UINT64_MAX);
	record_expect_exit(&r, 0);
	record_done(&r);
}

/* ---- the turn ------------------------------------------------------------ */

/* It fails by itself, without a launcher. */
#define INVALID USP_OPTIONS(.argv = ARGV("x"), .path = "a", .search = "b")

static unsigned rounds;

static void on_end_again(struct record *r, const struct usp_event *event)
{
	static struct record next[100];

	if (event->kind != USP_EVENT_END || ++rounds >= 100)
		return;
	usp_engine_stop(r->engine);
	next[rounds].also = on_end_again;
	record_spawn(&next[rounds], r->engine, &INVALID);
}

/* Each end starts a request that fails by itself: one turn is not for all of them. */
CLEAN_TEST(engine_edges, a_run_can_be_stopped_while_failures_follow_failures)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { .also = on_end_again };

	record_spawn(&r, engine, &INVALID);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(lt(uint, rounds, 100), "it ran to the end of them");
	while (rounds < 100)
		cr_assert(eq(int, usp_engine_run(engine), 0));
	record_done(&r);
	usp_engine_free(engine);
}

/* A call from outside a turn takes no completion away from who polls. */
CLEAN_TEST(engine_edges, a_call_between_turns_leaves_the_descriptor_readable)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	int fd = usp_engine_fd(engine);

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .window_bytes = 1));
	while (!r.started) {
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
		usp_engine_turn(engine);
	}
	while (!r.ended) {
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS),
			  "something happened, and no sign");
		usp_process_credit(r.process, 1, 1);
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS), "the call took the sign away");
		usp_engine_turn(engine);
	}
	record_done(&r);
	usp_engine_free(engine);
}
