/*
 * The later part of a process's life: each call that can fail, failed in turn.  Who
 * holds a pipe is then not named, the end of too much output not kept; the process
 * comes to its end all the same, and what it says of it is true.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/fault.h"

TestSuite(lifecycle, .timeout = 60);

#define SHELL(script) ((const char *const[]){ "sh", "-c", script, NULL })
#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

/* What is told, without an allocation of the test's own. */
struct told {
	enum usp_event_kind fault_at_kind; /* faults are armed by this event */
	unsigned fault_at;
	bool ended;
	char text[4096];
	size_t size;
	struct usp_end end;
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct told *told = user;

	(void)process;
	if (event->kind == USP_EVENT_OUTPUT) {
		cr_assert(lt(sz, told->size + event->output.size, sizeof(told->text)));
		memcpy(told->text + told->size, event->output.data, event->output.size);
		told->size += event->output.size;
	}
	if (event->kind == told->fault_at_kind)
		fault_at(told->fault_at, ENOMEM);
	if (event->kind == USP_EVENT_END) {
		told->ended = true;
		told->end = event->end;
	}
}

static void run_told(const struct usp_options *options, usp_event_fn *then,
		     struct told *told)
{
	struct usp_options full = *options;
	struct usp_process *process;
	struct usp_engine *engine;

	full.on_event = then;
	full.user = told;
	fault_off();
	cr_assert(eq(int, usp_engine_new(NULL, &engine), 0));
	cr_assert(eq(int, usp_spawn(engine, &full, &process), 0));
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(told->ended);
	usp_engine_free(engine);
}

static void run(const struct usp_options *options, struct told *told)
{
	run_told(options, on_event, told);
}

CLEAN_TEST(lifecycle, who_holds_a_pipe_may_stay_without_a_name)
{
	unsigned n = 0, nameless = 0;
	bool fired;

	do {
		struct told told = { .fault_at_kind = USP_EVENT_EXIT, .fault_at = ++n };

		run(&USP_OPTIONS(.argv = SHELL(PROGRAM("sleep_forever") " & echo $!"),
				 .drain_ns = 20 * NS_PER_MS),
		    &told);
		fired = fault_fired();
		kill(atoi(told.text), SIGKILL);
		cr_assert(eq(int, told.end.reason, USP_REASON_EXITED));
		cr_assert(eq(int, told.end.drain, USP_DRAIN_DEADLINE));
		cr_assert(eq(sz, told.end.n_holders, told.end.orphans));
		nameless += told.end.orphans == 0;
		/* A descriptor that is not to be had is asked for again. */
		cr_assert(fired || told.end.orphans == 1, "it has no name");
	} while (fired);
	cr_assert(le(uint, 3, nameless), "memory, a mailbox and a thread");
}

CLEAN_TEST(lifecycle, without_memory_no_tail_is_kept)
{
	unsigned n = 0;
	bool fired;

	do {
		struct told told = { .fault_at_kind = USP_EVENT_STARTED,
				     .fault_at = ++n };

		run(&USP_OPTIONS(.argv = SHELL("printf 0123456789abcdef"),
				 .output_max_bytes = 10, .output_tail_bytes = 4,
				 .output_action = USP_OUTPUT_DROP),
		    &told);
		fired = fault_fired();
		cr_assert(eq(int, told.end.reason, USP_REASON_EXITED));
		cr_assert(eq(u64, told.end.bytes[1], fired ? 6 : 10));
		cr_assert(eq(u64, told.end.bytes[1] + told.end.dropped[1], 16));
		cr_assert(eq(sz, told.size, told.end.bytes[1]));
		cr_assert(eq(int, memcmp(told.text, "012345cdef", told.size), 0));
	} while (fired);
	cr_assert(eq(uint, n - 1, 1), "another fault point: change this number");
}

static void drop_all(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	on_event(process, event, user);
	if (event->kind == USP_EVENT_STARTED)
		for (int stream = 0; stream < 3; stream++)
			cr_assert(eq(int, usp_process_drop_stream(process, stream), 0));
}

/* Nobody holds the other ends of its streams for ever.  (With io_uring no call is made that
 * could fail.) */
CLEAN_TEST(lifecycle, what_was_given_up_is_closed)
{
	unsigned n = 0;
	bool fired;

	do {
		struct told told = { .fault_at_kind = USP_EVENT_STARTED,
				     .fault_at = ++n };
		const struct usp_options options =
			USP_OPTIONS(.argv = SHELL("cat; cat <&1; exec yes >&2"),
				    .stdio = { { .kind = USP_STDIO_PIPE },
					       { .kind = USP_STDIO_DUPLEX } });

		run_told(&options, drop_all, &told);
		fired = fault_fired();
		cr_assert(eq(int, told.end.reason, USP_REASON_SIGNALLED));
		cr_assert(eq(int, told.end.drain, USP_DRAIN_EOF));
		cr_assert(eq(sz, told.size, 0));
	} while (fired);
}
