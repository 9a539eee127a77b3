/*
 * The descriptors of a child: each call that makes one, failed in turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/fault.h"

TestSuite(engine_fds, .timeout = 60);

static const char *const true_argv[] = { BUILD_DIR "/tests/programs/true", NULL };

struct told {
	unsigned started, failed, ends;
	enum usp_stage stage;
	int error, code;
};

/* What is given is closed at once. */
static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct told *told = user;

	(void)process;
	if (event->kind == USP_EVENT_STARTED) {
		told->started++;
		for (size_t i = 0; i < event->started.n_fds; i++)
			close(event->started.fds[i].fd);
		close(event->started.pidfd);
	} else if (event->kind == USP_EVENT_FAILED) {
		told->failed++;
		told->stage = event->failed.stage;
		told->error = event->failed.error;
	} else if (event->kind == USP_EVENT_EXIT) {
		told->code = event->exit.code;
	} else if (event->kind == USP_EVENT_END) {
		told->ends++;
	}
}

static struct usp_engine *new_engine(void)
{
	/* In a table that launchers may leave, the reactor makes what is given away. */
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.tables = USP_TABLES_SHARED };
	struct usp_engine *engine;

	cr_assert(eq(int, usp_engine_new(&one, &engine), 0));
	return engine;
}

/* The caller's descriptors are duplicated, all of them or none. */
CLEAN_TEST(engine_fds, each_duplicate_that_cannot_be_had_fails_the_call)
{
	const struct usp_stdio stdout_here = { .kind = USP_STDIO_FD, .fd = 1 };
	const struct usp_fd fds[] = { { 7, stdout_here }, { 3, stdout_here } };
	struct usp_engine *engine = new_engine();
	struct told told = { 0 };
	unsigned n = 0;
	int ret;

	for (;;) {
		struct usp_options options =
			USP_OPTIONS(.argv = true_argv, .on_event = on_event,
				    .user = &told, .stdio = { stdout_here }, .fds = fds,
				    .n_fds = ARRAY_SIZE(fds));
		struct usp_process *process = NULL;
		int before = open_fds();

		fault_at(++n, EMFILE);
		ret = usp_spawn(engine, &options, &process);
		if (!fault_fired())
			break;
		cr_assert(ret == -EMFILE || ret == -ENOMEM, "call %u: %d", n, ret);
		cr_assert(process == NULL);
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(eq(uint, told.ends, 1));
	cr_assert(eq(int, told.code, 0));
	cr_assert(eq(uint, n - 1, 7), "another fault point: change this number");
	usp_engine_free(engine);
}

/* Terminal, pipe, socket pair, and the place of the pidfd. */
CLEAN_TEST(engine_fds, each_channel_that_cannot_be_made_fails_the_start)
{
	static const enum usp_stage stages[] = {
		USP_STAGE_FDS, USP_STAGE_FDS, USP_STAGE_FDS,
		USP_STAGE_FDS, USP_STAGE_FDS, USP_STAGE_CLONE,
	};
	const struct usp_fd fds[] = { { 3, { .kind = USP_STDIO_HANDOVER } },
				      { 4, { .kind = USP_STDIO_DUPLEX } } };
	struct usp_engine *engine = new_engine();
	unsigned n = 0;

	for (;;) {
		struct told told = { 0 };
		struct usp_options options =
			USP_OPTIONS(.argv = true_argv, .on_event = on_event,
				    .user = &told,
				    .stdio = { [1] = { .kind = USP_STDIO_PTY },
					       [2] = { .kind = USP_STDIO_PTY } },
				    .fds = fds, .n_fds = ARRAY_SIZE(fds),
				    .flags = USP_FLAG_PIDFD);
		struct usp_process *process;
		int before = open_fds();

		fault_elsewhere_at(++n, ENOSPC);
		cr_assert(eq(int, usp_spawn(engine, &options, &process), 0));
		cr_assert(eq(int, usp_engine_run(engine), 0));
		cr_assert(eq(uint, told.ends, 1));
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
		if (!fault_elsewhere_fired()) {
			cr_assert(eq(uint, told.started, 1));
			break;
		}
		cr_assert(eq(uint, told.failed, 1), "call %u failed", n);
		cr_assert(eq(int, told.error, ENOSPC));
		cr_assert(eq(int, told.stage, stages[n - 1]), "call %u failed", n);
	}
	cr_assert(eq(uint, n - 1, ARRAY_SIZE(stages)),
		  "another fault point: change this number");
	usp_engine_free(engine);
}

/* Where launchers may leave the table, what is given away is made on this side. */
CLEAN_TEST(engine_fds, each_thing_to_give_away_that_cannot_be_made_fails_the_start)
{
	static const struct usp_engine_options private = { .size = sizeof(private),
							   .launchers = 1,
							   .tables = USP_TABLES_PRIVATE };
	const struct usp_fd fds[] = { { 3, { .kind = USP_STDIO_HANDOVER } },
				      { 4, { .kind = USP_STDIO_HANDOVER } } };
	unsigned n = 0, failed_later = 0;
	struct usp_engine *engine;
	bool fired;

	cr_assert(eq(int, usp_engine_new(&private, &engine), 0));
	do {
		struct told told = { 0 };
		const struct usp_options options =
			USP_OPTIONS(.argv = true_argv, .on_event = on_event,
				    .user = &told, .fds = fds, .n_fds = ARRAY_SIZE(fds),
				    .flags = USP_FLAG_PIDFD);
		struct usp_process *process;
		int before = open_fds(), ret;

		fault_at(++n, EMFILE);
		ret = usp_spawn(engine, &options, &process);
		cr_assert(eq(int, usp_engine_run(engine), 0));
		fired = fault_fired();
		cr_assert(eq(uint, told.ends, ret == 0));
		cr_assert(eq(int, open_fds(), before), "call %u failed", n);
		if (ret == 0 && told.failed) {
			cr_assert(eq(int, told.stage, USP_STAGE_FDS));
			cr_assert(eq(int, told.error, EMFILE));
			failed_later++;
		}
	} while (fired);
	cr_assert(eq(uint, failed_later, 3), "two pipes, and the place of the pidfd");
	usp_engine_free(engine);
}
