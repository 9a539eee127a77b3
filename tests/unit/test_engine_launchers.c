/*
 * The engine's launchers: who gets a launch, and what becomes of one that is stuck.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"
#include "support/tmpdir.h"

TestSuite(engine_launchers, .timeout = 60);

#define ENGINE(...)                                                                      \
	record_engine(&(struct usp_engine_options){                                      \
		.size = sizeof(struct usp_engine_options), __VA_ARGS__ })

/* It hangs in its chdir, where the test denies that. */
#define HANGS	   USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .cwd = "/", .stdio = NO_PIPES)
#define TRUE	   USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES)
#define STUCK_NS   (50 * NS_PER_MS)
#define N_POLICIES (USP_POLICY_RANDOM + 1)

static struct usp_engine_stats stats_of(struct usp_engine *engine)
{
	struct usp_engine_stats stats;

	usp_engine_stats(engine, &stats);
	return stats;
}

#define wait_for(engine, condition)                                                      \
	do {                                                                             \
		while (!(condition))                                                     \
			cr_assert(eq(int, engine_wait(engine), 0));                      \
	} while (0)

/* ---- policies ------------------------------------------------------------ */

/* More than all queues hold, so that some are always full. */
CLEAN_TEST(engine_launchers, each_policy_launches_all)
{
	enum { MANY = 700 };
	static struct record r[MANY];

	for (int policy = 0; policy < N_POLICIES; policy++) {
		struct usp_engine *engine =
			ENGINE(.launchers = 3, .policy = (enum usp_policy)policy);

		memset(r, 0, sizeof(r));
		for (int i = 0; i < MANY; i++)
			record_spawn(&r[i], engine, &TRUE);
		cr_assert(eq(int, usp_engine_run(engine), 0));
		for (int i = 0; i < MANY; i++) {
			record_expect_exit(&r[i], 0);
			record_done(&r[i]);
		}
		cr_assert(eq(u64, stats_of(engine).launchers, 3), "policy %d", policy);
		usp_engine_free(engine);
	}
}

CLEAN_TEST(engine_launchers, there_is_no_other_policy)
{
	struct usp_engine_options options = { .size = sizeof(options),
					      .policy = (enum usp_policy)N_POLICIES };
	struct usp_engine *engine = NULL;

	cr_assert(eq(int, usp_engine_new(&options, &engine), -EINVAL));
	options.policy = USP_POLICY_SHARED;
	options.tables = (enum usp_tables)(USP_TABLES_PRIVATE + 1);
	cr_assert(eq(int, usp_engine_new(&options, &engine), -EINVAL));
	cr_assert(engine == NULL);
}

/* ---- launchers that are stuck -------------------------------------------- */

static void expect_stand_in(enum usp_policy policy, enum usp_tables tables)
{
	struct usp_engine *engine = ENGINE(.launchers = 1, .policy = policy,
					   .tables = tables, .stuck_ns = STUCK_NS);
	struct record stuck = { 0 }, others[5] = { 0 };

	record_spawn(&stuck, engine, &HANGS);
	for (int i = 0; i < 5; i++)
		record_spawn(&others[i], engine, &TRUE);
	for (int i = 0; i < 5; i++) {
		record_wait(&others[i]);
		record_expect_exit(&others[i], 0);
		record_done(&others[i]);
	}
	cr_assert(eq(str, stuck.order, ""), "it is still where it was");
	/* On a busy machine others may have taken long as well. */
	cr_assert(ge(u64, stats_of(engine).launches_stuck, 1));
	cr_assert(eq(u64, stats_of(engine).launchers_stuck, 1));
	wait_for(engine, stats_of(engine).launchers == 2);

	/* It is through: one of the two is too many. */
	usp_process_kill(stuck.process);
	wait_for(engine, stuck.ended);
	cr_assert(eq(str, stuck.order, "f."));
	cr_assert(eq(int, stuck.failure.stage, USP_STAGE_CHDIR));
	cr_assert(eq(int, stuck.failure.signal, SIGKILL));
	wait_for(engine, stats_of(engine).launchers == 1);
	cr_assert(eq(u64, stats_of(engine).launchers_stuck, 0));
	record_done(&stuck);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_launchers, a_stuck_launcher_is_counted_and_stood_in_for)
{
	int listener = deny_hang(SYS_chdir);

	for (int policy = 0; policy < N_POLICIES; policy++)
		expect_stand_in((enum usp_policy)policy, USP_TABLES_SHARED);
	expect_stand_in(USP_POLICY_SHARED, USP_TABLES_PRIVATE);
	close(listener);
}

/* Its child is killed by its pid: the launcher's pidfd is in another table. */
CLEAN_TEST(engine_launchers, a_launch_that_hangs_times_out_in_either_table)
{
	int listener = deny_hang(SYS_chdir);

	for (int tables = 0; tables <= USP_TABLES_PRIVATE; tables++) {
		struct usp_engine *engine =
			ENGINE(.launchers = 1, .tables = (enum usp_tables)tables);
		struct record r = { 0 };

		record_spawn(&r, engine,
			     &USP_OPTIONS(.argv = ARGV("/bin/true"), .cwd = "/",
					  .timeout_ns = 20 * NS_PER_MS));
		record_wait(&r);
		cr_assert(eq(int, r.end.reason, USP_REASON_LAUNCH_TIMEOUT));
		cr_assert(eq(int, r.failure.signal, SIGKILL));
		cr_assert(eq(u64, stats_of(engine).launches_stuck, 1));
		record_done(&r);
		usp_engine_free(engine);
	}
	close(listener);
}

static int filled[1024];

/* The engine has one descriptor in reserve, to kill by. */
CLEAN_TEST(engine_launchers, a_launch_that_hangs_is_killed_without_a_free_descriptor)
{
	const struct rlimit few = { 256, 256 };
	int listener = deny_hang(SYS_chdir), n = 0;
	struct usp_engine *engine = ENGINE(.launchers = 1);
	struct record r = { 0 };
	uint64_t id;

	record_spawn(&r, engine, &HANGS);
	cr_assert(lt(int, 0, deny_receive(listener, &id)));
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &few), 0));
	while ((filled[n] = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	usp_engine_free(engine);
	while (n > 0)
		close(filled[--n]);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.failure.signal, SIGKILL));
	record_done(&r);
	close(listener);
}

/* However many hang: there are no more threads than so many. */
CLEAN_TEST(engine_launchers, stand_ins_are_bounded)
{
	enum { MANY = 50, STAND_INS = 32 };
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = ENGINE(.launchers = 2, .stuck_ns = STUCK_NS);
	struct record r[MANY] = { 0 };

	for (int i = 0; i < MANY; i++)
		record_spawn(&r[i], engine, &HANGS);
	wait_for(engine, stats_of(engine).launchers_stuck == 2 + STAND_INS);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(u64, stats_of(engine).launchers, 2 + STAND_INS));
	usp_engine_free(engine);
	for (int i = 0; i < MANY; i++) {
		cr_assert(eq(int, r[i].end.reason, USP_REASON_KILLED));
		record_done(&r[i]);
	}
	close(listener);
	cr_assert(no_children());
}

#define BOUND USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .flags = USP_FLAG_BOUND)

static void expect_alive(struct record *r)
{
	cr_assert(r->started && !r->exited && is_alive(r->pid));
	usp_process_kill(r->process);
	record_wait(r);
	record_done(r);
}

/* Its end would be that of its children: another one retires, or none does. */
CLEAN_TEST(engine_launchers, one_with_bound_children_does_not_retire)
{
	int listener = deny_hang(SYS_chdir);

	for (int both = 0; both < 2; both++) {
		struct usp_engine *engine = ENGINE(.launchers = 1, .stuck_ns = STUCK_NS);
		struct record first = { 0 }, stuck = { 0 }, second = { 0 };

		if (both) {
			record_spawn(&first, engine, &BOUND);
			wait_for(engine, first.started);
		}
		record_spawn(&stuck, engine, &HANGS);
		record_spawn(&second, engine, &BOUND);
		wait_for(engine, second.started);
		usp_process_kill(stuck.process);
		record_wait(&stuck);
		record_done(&stuck);
		if (!both)
			wait_for(engine, stats_of(engine).launchers == 1);
		cr_assert(eq(u64, stats_of(engine).launchers, both ? 2 : 1));
		if (both)
			expect_alive(&first);
		expect_alive(&second);
		usp_engine_free(engine);
	}
	close(listener);
}

/* Nobody waits: nobody is held up, and nothing is done about it. */
CLEAN_TEST(engine_launchers, a_launcher_nobody_waits_for_is_not_stood_in_for)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = ENGINE(.launchers = 2, .stuck_ns = STUCK_NS);
	struct record stuck = { 0 }, sleeper = { 0 };

	record_spawn(&stuck, engine, &HANGS);
	record_spawn(&sleeper, engine, &USP_OPTIONS(.argv = ARGV("sleep", "0.1")));
	record_wait(&sleeper);
	cr_assert(eq(u64, stats_of(engine).launchers, 2));
	cr_assert(eq(u64, stats_of(engine).launches_stuck, 0));
	usp_engine_free(engine);
	record_done(&stuck);
	record_done(&sleeper);
	close(listener);
}

/* ---- an exec that hangs -------------------------------------------------- */

/*
 * The first child to come to its exec stays there; all others go on.  Those were made
 * while its launcher, its pipes and its child were there, and must end all the same.
 */
static void expect_no_eof_held_up(enum usp_tables tables)
{
	enum { OTHERS = 24 };
	int listener = deny_hang(SYS_execve);
	struct usp_engine *engine = ENGINE(.launchers = 4, .tables = tables);
	int fd = usp_engine_fd(engine);
	struct record r[1 + OTHERS] = { 0 };
	unsigned hung = 0, ended = 0;
	uint64_t id, first = 0;

	for (int i = 0; i < 1 + OTHERS; i++)
		record_spawn(&r[i], engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("print_fds"))));
	while (ended < OTHERS) {
		struct pollfd fds[] = { { listener, POLLIN, 0 }, { fd, POLLIN, 0 } };

		cr_assert(lt(int, 0, poll(fds, 2, 20000)), "%u have ended", ended);
		if (fds[0].revents & POLLIN) {
			deny_receive(listener, &id);
			if (hung++ == 0)
				first = id;
			else
				deny_let_go(listener, id);
		}
		cr_assert(eq(int, usp_engine_turn(engine), 0));
		ended = 0;
		for (int i = 0; i < 1 + OTHERS; i++)
			ended += r[i].ended && r[i].eof[1] && r[i].eof[2];
	}
	deny_let_go(listener, first);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	for (int i = 0; i < 1 + OTHERS; i++) {
		record_expect_exit(&r[i], 0);
		cr_assert(eq(str, (char *)record_text(&r[i], 1), "0\n1\n2\n"));
		record_done(&r[i]);
	}
	usp_engine_free(engine);
	close(listener);
}

CLEAN_TEST(engine_launchers, an_exec_that_hangs_holds_up_nobodys_end_of_file)
{
	expect_no_eof_held_up(USP_TABLES_SHARED);
}

CLEAN_TEST(engine_launchers, nor_does_it_with_tables_of_the_launchers_own)
{
	expect_no_eof_held_up(USP_TABLES_PRIVATE);
}

/* ---- a program that is being written ------------------------------------- */

static int open_copy_for_writing(const char *path)
{
	char command[512];
	int fd;

	snprintf(command, sizeof(command), "cp " PROGRAM("true") " %s", path);
	cr_assert(eq(int, system(command), 0));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert(ge(int, fd, 0));
	return fd;
}

CLEAN_TEST(engine_launchers, a_program_that_stays_busy_is_not_run)
{
	struct record r = { 0 };
	const char *path = tmpdir_path("true");
	int fd;

	fd = open_copy_for_writing(path);
	RUN(&r, .argv = ARGV(path));
	record_expect_failed(&r, USP_STAGE_EXEC, ETXTBSY, path);
	cr_assert(ge(u64, r.end.timings.launch_ns, 2 * NS_PER_MS), "it was tried once");
	cr_assert(lt(u64, r.end.timings.launch_ns, 10 * NS_PER_S));
	close(fd);
	record_done(&r);
	tmpdir_done();
}

/* The second try is held until who wrote it has closed it. */
CLEAN_TEST(engine_launchers, a_program_that_was_just_written_is_run)
{
	struct usp_engine *engine;
	struct record r = { 0 };
	int fd, listener;
	const char *path = tmpdir_path("true");
	uint64_t id;

	fd = open_copy_for_writing(path);
	listener = deny_hang(SYS_execve);
	engine = ENGINE(.launchers = 1);
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV(path)));
	cr_assert(lt(int, 0, deny_receive(listener, &id)));
	deny_let_go(listener, id);
	cr_assert(lt(int, 0, deny_receive(listener, &id)));
	close(fd);
	deny_let_go(listener, id);
	record_wait(&r);
	record_expect_exit(&r, 0);
	record_done(&r);
	usp_engine_free(engine);
	close(listener);
	tmpdir_done();
}

/* ---- nobody can kill it -------------------------------------------------- */

/* No CLEAN_TEST: what it left behind stays. */
Test(engine_launchers, an_engine_is_freed_with_a_child_that_cannot_be_killed)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine;
	struct record stuck = { 0 }, killed = { 0 };
	uint64_t id;

	engine = ENGINE(.launchers = 2);
	deny(SYS_pidfd_send_signal, EPERM);
	record_spawn(&stuck, engine, &HANGS);
	record_spawn(&killed, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	cr_assert(lt(int, 0, deny_receive(listener, &id)));
	wait_for(engine, killed.started);
	usp_engine_free(engine);
	cr_assert(eq(str, stuck.order, "f."));
	cr_assert(eq(int, stuck.failure.stage, USP_STAGE_CHDIR));
	cr_assert(eq(int, stuck.failure.error, ETIMEDOUT));
	cr_assert(eq(int, stuck.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, killed.end.reason, USP_REASON_KILLED));
	record_done(&stuck);
	record_done(&killed);
	kill(killed.pid, SIGKILL);
	close(listener);
}
