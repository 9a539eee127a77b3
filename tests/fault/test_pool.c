/*
 * Pools: each call of a pool, its members and its uses that can fail, failed in turn.  What
 * fails says so or is healed, nobody waits for ever, and nothing is left.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/pool.h>

#include "engine/engine.h"
#include "support/clean.h"
#include "support/fault.h"

TestSuite(pool, .timeout = 300);

#define WORKER_ARGV                                                                      \
	((const char *const[]){ BUILD_DIR "/tests/programs/pool_worker", NULL })
#define CAT_ARGV ((const char *const[]){ "/bin/cat", NULL })

static const struct usp_engine_options one = { .size = sizeof(one), .launchers = 1 };

#define MESSAGE(question, reply)                                                         \
	{                                                                                \
		.ask = question "\n", .ask_bytes = sizeof(question),                     \
		.answer = reply "\n", .answer_bytes = sizeof(reply)                      \
	}

/* One use after the other, until the second is over; then the pool is closed. */
struct scene {
	struct usp_engine *engine;
	struct usp_pool *pool;
	const struct usp_pool_options *options;
	unsigned asked, started, failed, ends, answers;
	bool closed;
	int error; /* of the last failure */
};

static void on_closed(void *user)
{
	((struct scene *)user)->closed = true;
}

static void ask(struct scene *s);

static void on_output(struct scene *s, struct usp_process *process,
		      const struct usp_output *output)
{
	/* One write of the other side, but not surely one read here. */
	if (((const char *)output->data)[output->size - 1] != '\n')
		return;
	s->answers++;
	if (s->options->kind == USP_POOL_WORKER)
		cr_assert(eq(int, usp_process_release(process, 0), 0));
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct scene *s = user;
	int stream = s->options->kind == USP_POOL_WORKER ? 3 : 0;

	switch (event->kind) {
	case USP_EVENT_STARTED:
		s->started++;
		if (event->started.pidfd >= 0)
			close(event->started.pidfd);
		if (usp_process_write_stream(process, stream, "echo x\n", 7) < 0)
			usp_process_kill(process);
		if (stream == 0)
			(void)usp_process_close_stdin(process);
		break;
	case USP_EVENT_OUTPUT:
		on_output(s, process, &event->output);
		break;
	case USP_EVENT_FAILED:
		s->failed++;
		s->error = event->failed.error;
		break;
	case USP_EVENT_END:
		s->ends++;
		ask(s);
		break;
	default:
		break;
	}
}

/* What cannot be asked for is over. */
static void ask(struct scene *s)
{
	const struct usp_options use = USP_OPTIONS(.pool = s->pool, .on_event = on_event,
						   .user = s, .flags = USP_FLAG_PIDFD);
	struct usp_process *process;

	if (s->asked++ == 2) {
		usp_pool_close(s->pool, 0, on_closed, s);
		return;
	}
	if (usp_spawn(s->engine, &use, &process) < 0)
		ask(s);
}

static bool is_expected(int error)
{
	return error == ENOMEM || error == EMFILE || error == 0;
}

static bool no_children(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void play(const struct usp_pool_options *options, unsigned n, bool elsewhere,
		 bool *ret_fired)
{
	struct scene s = { .options = options };
	const char *field = NULL;
	int before = open_fds(), ret;

	cr_assert(eq(int, usp_engine_new(&one, &s.engine), 0));
	if (elsewhere)
		fault_elsewhere_at(n, EMFILE);
	else
		fault_at(n, EMFILE);
	ret = usp_pool_open(s.engine, options, &s.pool, &field);
	if (ret == 0) {
		ask(&s);
		while (!s.closed)
			cr_assert(eq(int, engine_wait(s.engine), 0));
	}
	*ret_fired = elsewhere ? fault_elsewhere_fired() : fault_fired();
	cr_assert(is_expected(-ret), "call %u failed, and it said %d", n, ret);
	cr_assert(is_expected(s.error), "call %u failed, and %d was told", n, s.error);
	cr_assert(le(uint, s.ends, 2));
	usp_engine_free(s.engine);
	cr_assert(eq(int, open_fds(), before), "call %u failed", n);
	cr_assert(eq(int, leaks(), 0), "call %u failed", n);
	cr_assert(no_children(), "call %u failed", n);
	if (!*ret_fired)
		cr_assert(eq(uint, s.answers, 2));
}

/* Returns how many calls there were. */
static unsigned sweep(const struct usp_pool_options *options, bool elsewhere)
{
	unsigned n = 0;
	bool fired;

	do
		play(options, ++n, elsewhere, &fired);
	while (fired);
	return n - 1;
}

CLEAN_TEST(pool, each_call_for_a_worker_fails_and_nothing_is_left)
{
	const struct usp_options member = USP_OPTIONS(.argv = WORKER_ARGV);
	const struct usp_pool_options options =
		USP_POOL_OPTIONS(.name = "swept", .kind = USP_POOL_WORKER,
				 .member = &member, .max = 1,
				 .reset = MESSAGE("reset", "was reset"),
				 .ping = MESSAGE("ping", "pong"), .ping_on_use = true);

	cr_assert(lt(uint, 12, sweep(&options, false)));
	cr_assert(lt(uint, 3, sweep(&options, true)));
}

CLEAN_TEST(pool, each_call_for_one_that_stands_by_fails_and_nothing_is_left)
{
	const struct usp_options member =
		USP_OPTIONS(.argv = CAT_ARGV, .stdio[0].kind = USP_STDIO_PIPE);
	const struct usp_pool_options options = USP_POOL_OPTIONS(.member = &member);

	cr_assert(lt(uint, 10, sweep(&options, false)));
	cr_assert(lt(uint, 3, sweep(&options, true)));
}
