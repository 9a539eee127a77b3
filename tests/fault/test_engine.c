/*
 * The engine: each call of it that can fail, failed in turn.  What fails says so, at
 * its own stage, and leaves no descriptor, no memory and no process.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/engine.h"
#include "support/backend.h"
#include "support/clean.h"
#include "support/fault.h"

TestSuite(engine, .timeout = 60);

#define TRUE_ARGV ((const char *const[]){ BUILD_DIR "/tests/programs/true", NULL })
#define FOREVER_ARGV                                                                     \
	((const char *const[]){ BUILD_DIR "/tests/programs/sleep_forever", NULL })
#define CAT_ARGV ((const char *const[]){ "cat", NULL })

/* What is told, without an allocation of the test's own. */
struct told {
	unsigned started, failed, exits, ends;
	enum usp_stage stage;
	int error, code;
	enum usp_reason reason;
	char path[64];
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct told *told = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		told->started++;
		break;
	case USP_EVENT_FAILED:
		told->failed++;
		told->stage = event->failed.stage;
		told->error = event->failed.error;
		strncpy(told->path, event->failed.path, sizeof(told->path) - 1);
		break;
	case USP_EVENT_EXIT:
		told->exits++;
		told->code = event->exit.code;
		break;
	case USP_EVENT_END:
		told->ends++;
		told->reason = event->end.reason;
		break;
	default:
		break;
	}
}

static struct usp_options options_for(struct told *told, const char *const *argv)
{
	*told = (struct told){ 0 };
	return USP_OPTIONS(.argv = argv, .on_event = on_event, .user = told);
}

static bool no_children(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

/* With so small a ring no smaller one is tried when there is no memory. */
static const struct usp_engine_options two = { .size = sizeof(two),
					       .launchers = 2,
					       .ring_entries = 16 };
static const struct usp_engine_options one = { .size = sizeof(one), .launchers = 1 };

/* ---- making one ---------------------------------------------------------- */

static bool is_expected(int ret)
{
	/* ENOSYS: the kernel does not say what it can do. */
	return ret == -EMFILE || ret == -ENOMEM || ret == -ENOSYS;
}

static void sweep_new(unsigned recv_buffers, unsigned points)
{
	struct usp_engine *engine;
	unsigned n = 0;
	int ret;

	for (;;) {
		int before = open_fds();

		engine = NULL;
		fault_at(++n, EMFILE);
		ret = engine_new(&two, recv_buffers, &engine);
		if (!fault_fired())
			break;
		cr_assert(is_expected(ret), "call %u failed, and it said %d", n, ret);
		cr_assert(engine == NULL, "call %u failed, and there is an engine", n);
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
		cr_assert(eq(int, leaks(), 0), "call %u failed", n);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, points), "another fault point: change this number");
	usp_engine_free(engine);
}

CLEAN_TEST(engine, each_call_that_makes_one_is_undone)
{
	sweep_new(0, on_epoll() ? 25 : 27);
}

CLEAN_TEST(engine, each_call_that_makes_one_that_receives_is_undone)
{
	sweep_new(8, on_epoll() ? 28 : 31);
}

static void run_one(struct usp_engine *engine)
{
	struct usp_process *process;
	struct told told;
	struct usp_options options = options_for(&told, TRUE_ARGV);

	cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, told.ends, 1));
	cr_assert(eq(int, told.code, 0));
}

/* Engines that were made, and work, although a call failed, by back end @name. */
static unsigned made_after_a_fault(const char *name)
{
	struct usp_engine *engine;
	unsigned n = 0, made = 0;

	for (bool fired = true; fired;) {
		int before = open_fds(), ret;

		engine = NULL;
		fault_at(++n, ENOMEM);
		ret = usp_engine_new(&one, &engine);
		fired = fault_fired();
		cr_assert(eq(int, ret == 0, engine != NULL), "call %u failed", n);
		if (engine) {
			made += fired && !strcmp(usp_engine_backend(engine), name);
			run_one(engine);
		}
		usp_engine_free(engine);
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
	}
	return made;
}

/* Memory for a ring may be short while there is enough for a smaller one. */
CLEAN_TEST(engine, without_memory_a_smaller_ring_does)
{
	if (on_epoll())
		cr_skip("about io_uring");
	cr_assert(lt(uint, 0, made_after_a_fault("io_uring")));
}

/* And where there is none to be had at all, epoll needs less of it. */
CLEAN_TEST(engine, without_memory_for_a_ring_epoll_does)
{
	unsetenv(USP_BACKEND_VARIABLE);
	cr_assert(lt(uint, 0, made_after_a_fault("epoll")));
}

CLEAN_TEST(engine, a_descriptor_to_poll_is_asked_for_again)
{
	struct usp_engine *engine;
	unsigned n = 0;
	int ret, before;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	before = open_fds();
	for (;;) {
		fault_at(++n, EMFILE);
		ret = usp_engine_fd(engine);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -EMFILE), "call %u failed", n);
		cr_assert(eq(int, open_fds(), before));
	}
	cr_assert(ge(int, ret, 0));
	cr_assert(eq(uint, n - 1, 2), "another fault point: change this number");
	usp_engine_free(engine);
}

/* ---- starting a process -------------------------------------------------- */

/* In this thread: the call itself fails, or all goes well. */
CLEAN_TEST(engine, each_call_that_spawns_fails_as_a_whole)
{
	struct usp_engine *engine;
	struct told told;
	unsigned n = 0;
	int ret;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	for (;;) {
		struct usp_options options = options_for(&told, TRUE_ARGV);
		struct usp_process *process = NULL;
		int before = open_fds();

		options.stdio[0] = options.stdio[1] = options.stdio[2] =
			(struct usp_stdio){ .kind = USP_STDIO_FD, .fd = 1 };
		fault_at(++n, EMFILE);
		ret = usp_spawn(engine, &options, &process);
		if (!fault_fired())
			break;
		cr_assert(is_expected(ret), "call %u failed, and it said %d", n, ret);
		cr_assert(process == NULL);
		cr_assert(eq(int, usp_engine_run(engine), 0));
		cr_assert(eq(uint, told.ends, 0), "it was told of, although it failed");
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, told.ends, 1));
	cr_assert(eq(int, told.code, 0));
	cr_assert(eq(uint, n - 1, 7), "another fault point: change this number");
	usp_engine_free(engine);
}

/* In the launcher: the failure has the stage of the call. */
CLEAN_TEST(engine, each_call_of_a_launcher_fails_at_its_stage)
{
	static const enum usp_stage stages[] = { USP_STAGE_FDS, USP_STAGE_FDS,
						 USP_STAGE_FDS, USP_STAGE_CLONE };
	struct usp_engine *engine;
	struct told told;
	unsigned n = 0;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	for (;;) {
		struct usp_options options = options_for(&told, TRUE_ARGV);
		struct usp_process *process;
		int before = open_fds();

		options.stdio[0].kind = USP_STDIO_PIPE;
		fault_elsewhere_at(++n, EMFILE);
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
		cr_assert(eq(int, usp_engine_run(engine), 0));
		cr_assert(eq(uint, told.ends, 1));
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
		cr_assert(no_children());
		if (!fault_elsewhere_fired())
			break;
		cr_assert(eq(uint, told.failed, 1), "call %u failed", n);
		cr_assert(eq(int, told.error, EMFILE));
		cr_assert(eq(int, told.stage, stages[n - 1]));
		cr_assert(eq(str, told.path, "RLIMIT_NOFILE"));
		cr_assert(eq(int, told.reason, USP_REASON_FAILED));
		cr_assert(eq(uint, told.started + told.exits, 0));
	}
	cr_assert(eq(int, told.reason, USP_REASON_EXITED));
	cr_assert(eq(uint, n - 1, 4), "another fault point: change this number");
	usp_engine_free(engine);
}

/*
 * A launcher that leaves the shared table: what fails before leaves it there, what fails
 * after is tried again, and the launch goes on either way.
 */
CLEAN_TEST(engine, a_table_that_cannot_be_had_fails_no_launch)
{
	static const struct usp_engine_options private = { .size = sizeof(private),
							   .launchers = 1,
							   .tables = USP_TABLES_PRIVATE };
	const unsigned table_points = on_epoll() ? 3 : 11;
	struct told told;
	unsigned n = 0;
	bool fired;

	do {
		struct usp_options options = options_for(&told, TRUE_ARGV);
		struct usp_engine *engine;
		struct usp_process *process;
		int before = open_fds();

		cr_assert(eq(int, usp_engine_new(&private, &engine), 0));
		fault_elsewhere_at(++n, EMFILE);
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
		cr_assert(eq(int, usp_engine_run(engine), 0));
		fired = fault_elsewhere_fired();
		usp_engine_free(engine);
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
		cr_assert(eq(uint, told.ends, 1));
		cr_assert(eq(uint, told.failed, fired && n > table_points),
			  "call %u failed", n);
		if (told.failed)
			cr_assert(eq(int, told.error, EMFILE));
		else
			cr_assert(eq(int, told.code, 0));
	} while (fired);
	/* Two pipes and a clone after it. */
	cr_assert(eq(uint, n - 1, table_points + 3),
		  "another fault point: change this number");
	cr_assert(no_children());
}

/* A child that is killed while it is launched needs a descriptor: it is asked for again. */
CLEAN_TEST(engine, a_launch_is_killed_at_the_second_try)
{
	struct usp_engine *engine;
	struct told told;
	unsigned n = 0;
	bool fired;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	do {
		struct usp_options options = options_for(&told, FOREVER_ARGV);
		struct usp_process *process;

		options.kill.signal = SIGKILL;
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
		fault_at(++n, EMFILE);
		usp_process_kill(process);
		cr_assert(eq(int, usp_engine_run(engine), 0));
		fired = fault_fired();
		cr_assert(eq(uint, told.ends, 1));
		cr_assert(eq(int, told.reason, USP_REASON_KILLED));
	} while (fired);
	usp_engine_free(engine);
	cr_assert(no_children());
}

/* ---- a process that runs ------------------------------------------------- */

/* Writing to it is the one thing that needs memory. */
CLEAN_TEST(engine, a_write_without_memory_changes_nothing)
{
	struct usp_engine *engine;
	struct told told;
	unsigned n = 0;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	for (;;) {
		struct usp_options options = options_for(&told, CAT_ARGV);
		struct usp_process *process;
		bool fired;
		int ret;

		options.stdio[0].kind = USP_STDIO_PIPE;
		options.stdio[1].kind = USP_STDIO_NULL;
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
		while (!told.started)
			cr_assert(eq(int, engine_wait(engine), 0));
		fault_at(++n, ENOMEM);
		ret = usp_process_write(process, "text", 4);
		fired = fault_fired();
		cr_assert(eq(int, ret, fired ? -ENOMEM : 0));
		cr_assert(eq(int, usp_process_write(process, "text", 4), 0));
		cr_assert(eq(int, usp_process_close_stdin(process), 0));
		cr_assert(eq(int, usp_engine_run(engine), 0));
		cr_assert(eq(uint, told.ends, 1));
		cr_assert(eq(int, told.reason, USP_REASON_EXITED));
		if (!fired)
			break;
	}
	cr_assert(eq(uint, n - 1, 1), "another fault point: change this number");
	usp_engine_free(engine);
	cr_assert(no_children());
}

/* An engine is ended without asking for anything; with epoll, without insisting on the
 * descriptor that a signal is sent by. */
CLEAN_TEST(engine, the_end_of_an_engine_needs_nothing)
{
	struct usp_engine *engine;
	struct told told[4];

	cr_assert(eq(int, usp_engine_new(&two, &engine), 0));
	for (int i = 0; i < 4; i++) {
		struct usp_options options = options_for(&told[i], CAT_ARGV);
		struct usp_process *process;

		options.stdio[0].kind = USP_STDIO_PIPE;
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
	}
	while (!(told[0].started && told[1].started && told[2].started &&
		 told[3].started))
		cr_assert(eq(int, engine_wait(engine), 0));
	fault_at(1, ENOMEM);
	usp_engine_free(engine);
	cr_assert(on_epoll() || !fault_fired());
	for (int i = 0; i < 4; i++)
		cr_assert(eq(uint, told[i].ends, 1));
	cr_assert(no_children());
}
