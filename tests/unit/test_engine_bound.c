/*
 * The engine: what is bound to its program ends with that, and with nothing less.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"
#include "support/tied.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(engine_bound, .timeout = 120);

#define ENGINE(...)                                                                      \
	record_engine(&(struct usp_engine_options){                                      \
		.size = sizeof(struct usp_engine_options), __VA_ARGS__ })

#define SLEEPER                                                                          \
	USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")), .stdio = NO_PIPES,           \
		    .flags = USP_FLAG_BOUND)
#define TRUE USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .stdio = NO_PIPES)

/* It ends in time.  Nobody reaps it here: it is not ours any more. */
static void expect_gone(pid_t pid)
{
	bool gone = wait_until(is_gone(pid), WAIT_MS);

	cr_expect(gone, "%d is still there", (int)pid);
}

static void expect_death_signal(const char *text, const struct usp_options *options)
{
	struct record r = { 0 };

	record_run(&r, options);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), (char *)text));
	record_done(&r);
}

#define TELL .argv = ARGV(PROGRAM("tell_death_signal"))

CLEAN_TEST(engine_bound, it_is_to_be_killed_and_nobody_else_is)
{
	expect_death_signal("9\n", &USP_OPTIONS(TELL, .flags = USP_FLAG_BOUND));
	expect_death_signal("0\n", &USP_OPTIONS(TELL));
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	expect_death_signal("9\n", &USP_OPTIONS(TELL, .flags = USP_FLAG_BOUND));
}

/* ---- the program is killed ------------------------------------------------- */

/* A program with an engine: its processes run, and so does it, until it is killed. */
static _Noreturn void embed(int to)
{
	struct usp_engine *engine = ENGINE(.launchers = 2);
	struct record r[2] = { 0 };
	pid_t pids[2];

	record_spawn(&r[0], engine, &SLEEPER);
	record_spawn(&r[1], engine, &SLEEPER);
	while (!r[0].started || !r[1].started)
		if (engine_wait(engine))
			_exit(1);
	pids[0] = r[0].pid;
	pids[1] = r[1].pid;
	if (write(to, pids, sizeof(pids)) != sizeof(pids))
		_exit(1);
	for (;;)
		pause();
}

static void expect_gone_with_it(void)
{
	pid_t program, pids[2];
	int ends[2], status;

	cr_assert(eq(int, pipe(ends), 0));
	program = fork_tied();
	cr_assert(ge(int, program, 0));
	if (program == 0)
		embed(ends[1]);
	close(ends[1]);
	cr_assert(eq(int, (int)read(ends[0], pids, sizeof(pids)), sizeof(pids)));
	close(ends[0]);
	for (int i = 0; i < 2; i++)
		cr_expect(is_alive(pids[i]));
	cr_assert(eq(int, kill(program, SIGKILL), 0));
	cr_assert(eq(int, waitpid(program, &status, 0), program));
	cr_assert(eq(int, WTERMSIG(status), SIGKILL));
	for (int i = 0; i < 2; i++)
		expect_gone(pids[i]);
}

CLEAN_TEST(engine_bound, where_clone3_is_unknown_it_ends_with_its_program_too)
{
	deny(SYS_clone3, ENOSYS);
	expect_death_signal("9\n", &USP_OPTIONS(TELL, .flags = USP_FLAG_BOUND));
	expect_gone_with_it();
}

/* It would write into the file. */
static _Noreturn void embed_one(const char *path)
{
	struct usp_engine *engine = ENGINE(.launchers = 1);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("echo it runs"), .flags = USP_FLAG_BOUND,
				  .stdio = { [1] = { .kind = USP_STDIO_FILE,
						     .path = path } }));
	for (;;)
		if (engine_wait(engine))
			_exit(1);
}

/* The signal was for who had asked before. */
CLEAN_TEST(engine_bound, a_program_that_is_killed_before_it_asks_takes_it_too)
{
	int listener = deny_hang(SYS_setpgid);
	const char *path = tmpdir_path("it-runs");
	pid_t program = fork_tied(), child;
	uint64_t id;

	cr_assert(ge(int, program, 0));
	if (program == 0)
		embed_one(path);
	child = deny_receive(listener, &id);
	cr_assert(lt(int, 0, child));
	cr_assert(eq(int, kill(program, SIGKILL), 0));
	cr_assert(eq(int, waitpid(program, NULL, 0), program));
	deny_let_go(listener, id);
	expect_gone(child);
	cr_expect(ne(int, access(path, F_OK), 0), "it went on");
	close(listener);
	tmpdir_done();
}

/* ---- a launcher ends --------------------------------------------------------- */

static struct usp_engine_stats stats_of(struct usp_engine *engine)
{
	struct usp_engine_stats stats;

	usp_engine_stats(engine, &stats);
	return stats;
}

/* Of an engine whose one launcher is stuck: the one that stands in starts @r. */
static void start_by_stand_in(struct usp_engine *engine, struct record *stuck,
			      uint32_t flags, struct record *r)
{
	record_spawn(stuck, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .cwd = "/",
				  .stdio = NO_PIPES, .flags = flags));
	record_spawn(r, engine, &SLEEPER);
	while (!r->started)
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(u64, stats_of(engine).launchers, 2));
}

static void expect_alive_and_kill(struct record *r)
{
	cr_expect(is_alive(r->pid));
	usp_process_kill(r->process);
	record_wait(r);
	cr_expect(eq(int, r->end.reason, USP_REASON_KILLED));
	record_done(r);
}

static void end_stuck(struct record *stuck)
{
	usp_process_kill(stuck->process);
	record_wait(stuck);
	record_done(stuck);
}

/* After a few turns for what is left of the others it has nothing to do. */
static void expect_quiet(struct usp_engine *engine)
{
	bool quiet = wait_until(
		(usp_engine_turn(engine), !wait_fd(usp_engine_fd(engine), POLLIN, 200)),
		WAIT_MS);

	cr_expect(quiet, "it is woken again and again");
}

/* And nobody is woken by the wish that one would: its descriptor has nothing to tell. */
CLEAN_TEST(engine_bound, where_all_have_started_such_ones_all_stay)
{
	int listener = deny_hang(SYS_chdir);
	struct usp_engine *engine = ENGINE(.launchers = 1, .stuck_ns = 20 * NS_PER_MS);
	struct record stuck = { 0 }, r = { 0 }, others[8] = { 0 };

	start_by_stand_in(engine, &stuck, USP_FLAG_BOUND, &r);
	end_stuck(&stuck);
	for (int i = 0; i < 8; i++)
		record_spawn(&others[i], engine, &TRUE);
	for (int i = 0; i < 8; i++) {
		record_wait(&others[i]);
		record_expect_exit(&others[i], 0);
		record_done(&others[i]);
	}
	cr_expect(eq(u64, stats_of(engine).launchers, 2));
	expect_quiet(engine);
	cr_expect(eq(u64, stats_of(engine).launchers, 2));
	expect_alive_and_kill(&r);
	usp_engine_free(engine);
	close(listener);
}
