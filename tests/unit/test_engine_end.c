/*
 * The engine: what the end says, for each way to come to it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "process/process.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/tracer.h"

TestSuite(engine_end, .timeout = 60);

#define SLEEP PROGRAM("sleep_forever")

/* ---- each way ------------------------------------------------------------ */

static void nothing(struct record *r)
{
	(void)r;
}

static void kill_it(struct record *r)
{
	usp_process_kill(r->process);
}

static void turn_until_started(struct record *r)
{
	while (!r->started)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

static void kill_it_as_it_runs(struct record *r)
{
	turn_until_started(r);
	usp_process_kill(r->process);
}

static void abandon_it(struct record *r)
{
	turn_until_started(r);
	engine_abandon(r->process);
}

static void cut_it(struct record *r)
{
	turn_until_started(r);
	engine_cut(r->process);
}

/* A signal that nobody asked this library to send. */
static void shoot_it(struct record *r)
{
	turn_until_started(r);
	kill(r->pid, SIGUSR1);
}

/* Its status is taken away. */
static void reap_it(struct record *r)
{
	turn_until_started(r);
	kill(r->pid, SIGKILL);
	cr_assert(eq(int, waitpid(r->pid, NULL, 0), r->pid));
}

/* queued: behind another one that has the only place. */
static const struct row {
	const char *name;
	enum usp_reason reason;
	struct usp_options options;
	void (*act)(struct record *r);
	bool queued;
	int code; /* a shell's */
} rows[] = {
	{ "exited", USP_REASON_EXITED, { .argv = ARGV(PROGRAM("true")) }, nothing, 0, 0 },
	{ "exited with 3",
	  USP_REASON_EXITED,
	  { .argv = SHELL("exit 3") },
	  nothing,
	  0,
	  3 },
	{ "late output",
	  USP_REASON_EXITED,
	  { .argv = SHELL("sleep 0.05 &") },
	  nothing,
	  0,
	  0 },
	{ "signalled",
	  USP_REASON_SIGNALLED,
	  { .argv = ARGV(SLEEP) },
	  shoot_it,
	  0,
	  128 + SIGUSR1 },
	{ "failed: no such program",
	  USP_REASON_FAILED,
	  { .argv = ARGV("/no/such") },
	  nothing,
	  0,
	  127 },
	{ "failed: refused",
	  USP_REASON_FAILED,
	  { .argv = ARGV("x"), .path = "a", .search = "b" },
	  nothing,
	  0,
	  125 },
	{ "timeout",
	  USP_REASON_TIMEOUT,
	  { .argv = ARGV(SLEEP), .timeout_ns = 20 * NS_PER_MS },
	  nothing,
	  0,
	  124 },
	{ "timeout, and it returns 0",
	  USP_REASON_TIMEOUT,
	  { .argv = SHELL("trap 'exit 0' TERM; while :; do sleep 0.01; done"),
	    .timeout_ns = 100 * NS_PER_MS },
	  nothing,
	  0,
	  124 },
	{ "idle-timeout",
	  USP_REASON_IDLE_TIMEOUT,
	  { .argv = ARGV(SLEEP), .idle_timeout_ns = 20 * NS_PER_MS },
	  nothing,
	  0,
	  124 },
	{ "queue-timeout",
	  USP_REASON_QUEUE_TIMEOUT,
	  { .argv = ARGV(PROGRAM("true")), .queue_timeout_ns = 20 * NS_PER_MS },
	  nothing,
	  1,
	  124 },
	{ "output-limit",
	  USP_REASON_OUTPUT_LIMIT,
	  { .argv = ARGV(PROGRAM("flood"), "100", "1", "1"), .output_max_bytes = 99 },
	  nothing,
	  0,
	  128 + SIGTERM },
	{ "killed",
	  USP_REASON_KILLED,
	  { .argv = ARGV(SLEEP) },
	  kill_it_as_it_runs,
	  0,
	  128 + SIGTERM },
	{ "killed in the queue",
	  USP_REASON_KILLED,
	  { .argv = ARGV(SLEEP) },
	  kill_it,
	  1,
	  125 },
	{ "cut", USP_REASON_KILLED, { .argv = ARGV(SLEEP) }, cut_it, 0, 128 + SIGKILL },
	{ "client-gone",
	  USP_REASON_CLIENT_GONE,
	  { .argv = ARGV(SLEEP) },
	  abandon_it,
	  0,
	  125 },
	{ "status-lost",
	  USP_REASON_STATUS_LOST,
	  { .argv = ARGV(SLEEP) },
	  reap_it,
	  0,
	  125 },
	{ "the limit of a drain",
	  USP_REASON_EXITED,
	  { .argv = SHELL(SLEEP " &"),
	    .drain_ns = 20 * NS_PER_MS,
	    .drain_action = USP_DRAIN_KILL },
	  nothing,
	  0,
	  0 },
};

/* What the timings of its end are to add up to. */
struct clocked {
	struct process *p;
	uint64_t life_ns;
};

static void on_end_note_time(struct record *r, const struct usp_event *event)
{
	struct clocked *clocked = r->user;

	if (event->kind == USP_EVENT_END)
		clocked->life_ns =
			reactor_now_ns(clocked->p->host->reactor) - clocked->p->queued_ns;
}

ParameterizedTestParameters(engine_end, reason_code_and_timings_are_right)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

static void expect_row(const struct row *row, const struct record *r, uint64_t life_ns)
{
	const struct usp_timings *t = &r->end.timings;

	cr_assert(eq(str, (char *)usp_reason_name(r->end.reason),
		     (char *)usp_reason_name(row->reason)));
	cr_assert(eq(u64, t->queued_ns + t->launch_ns + t->running_ns + t->drain_ns,
		     life_ns));
	if (!r->started)
		cr_assert(eq(u64, t->running_ns + t->drain_ns, 0));
	cr_assert(eq(int,
		     usp_shell_code(&r->end, r->exited ? &r->exit : NULL,
				    r->failed ? &r->failure : NULL),
		     row->code));
}

ParameterizedTest(size_t *number, engine_end, reason_code_and_timings_are_right)
{
	const struct usp_engine_options one = { .size = sizeof(one), .running_max = 1 };
	const struct row *row = &rows[*number];
	struct usp_engine *engine = record_engine(&one);
	struct clocked clocked = { 0 };
	struct record r = { .also = on_end_note_time, .user = &clocked };
	struct record first = { 0 };
	struct usp_options options = row->options;
	int before = open_fds();

	options.size = sizeof(options);
	if (row->queued)
		record_spawn(&first, engine, &USP_OPTIONS(.argv = ARGV(SLEEP)));
	record_spawn(&r, engine, &options);
	clocked.p = process_of(r.process);
	row->act(&r);
	record_wait(&r);
	expect_row(row, &r, clocked.life_ns);
	record_done(&r);
	if (row->queued) {
		usp_process_kill(first.process);
		record_wait(&first);
		record_done(&first);
	}
	cr_assert(le(int, open_fds(), before), "%s: descriptors left", row->name);
	usp_engine_free(engine);
	cr_assert(no_children(), "%s: a process is left", row->name);
	cr_assert(eq(int, leaks(), 0), "%s: memory leaked", row->name);
}

/* ---- stdin that nobody took ---------------------------------------------- */

CLEAN_TEST(engine_end, what_a_failed_start_was_to_read_is_counted)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("/no/such/program"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_process_write(r.process, "12345", 5), 0));
	record_wait(&r);
	cr_assert(eq(u64, r.end.bytes[0], 0));
	cr_assert(eq(u64, r.end.stdin_unread_bytes, 5));
	record_done(&r);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_end, what_a_killed_process_did_not_read_is_counted)
{
	enum { SIZE = 200 << 10 };
	struct usp_engine *engine = record_engine(NULL);
	char *bytes = calloc(1, SIZE);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(SLEEP),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_process_write(r.process, bytes, SIZE), 0));
	while (r.window_bytes == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(lt(u64, 0, r.end.bytes[0]));
	cr_assert(lt(u64, 0, r.end.stdin_unread_bytes));
	cr_assert(eq(u64, r.end.bytes[0] + r.end.stdin_unread_bytes, SIZE));
	record_done(&r);
	usp_engine_free(engine);
	free(bytes);
}

/* Its end of file is not the end of what it says, and the other way round. */
CLEAN_TEST(engine_end, each_stream_has_an_end_of_its_own)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("exec >&-; cat >&2; echo more >&2"),
				  .stdio = { { .kind = USP_STDIO_PIPE } }));
	while (!r.eof[1])
		cr_assert(eq(int, engine_wait(engine), 0));
	cr_assert(eq(int, usp_process_write(r.process, "text\n", 5), 0));
	cr_assert(eq(int, usp_process_close_stdin(r.process), 0));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 2), "text\nmore\n"));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- what it used -------------------------------------------------------- */

CLEAN_TEST(engine_end, what_it_used_is_told_when_asked_for)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("exit 4"), .flags = USP_FLAG_RUSAGE);
	record_expect_exit(&r, 4);
	cr_assert(r.end.rusage != NULL);
	cr_assert(lt(u64, 0, r.usage.minor_faults));
	cr_assert(lt(u64, 100 << 10, r.usage.max_rss_bytes));
	cr_assert(lt(u64, r.usage.max_rss_bytes, 1 << 30));
	cr_assert(lt(u64, 0, r.usage.user_ns + r.usage.system_ns));
	record_done(&r);
}

CLEAN_TEST(engine_end, what_it_used_is_not_told_otherwise)
{
	struct record r = { 0 }, failed = { 0 };

	RUN(&r, .argv = ARGV(PROGRAM("true")));
	cr_assert(r.end.rusage == NULL);
	record_done(&r);
	RUN(&failed, .argv = ARGV("/no/such/program"), .flags = USP_FLAG_RUSAGE);
	cr_assert(failed.end.rusage == NULL);
	record_done(&failed);
}

CLEAN_TEST(engine_end, the_usage_of_a_lost_status_is_lost)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(SLEEP), .flags = USP_FLAG_RUSAGE));
	reap_it(&r);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_STATUS_LOST));
	cr_assert(r.end.rusage == NULL);
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- what SIGKILL does not end -------------------------------------------- */

/* Start one that is traced by somebody else, whose exit is not seen for that long. */
static bool start_traced(struct record *r, struct tracer *tracer, uint32_t flags)
{
	struct usp_engine *engine = record_engine(NULL);

	record_spawn(r, engine,
		     &USP_OPTIONS(.argv = SHELL("echo said; exec " SLEEP), .flags = flags,
				  .kill = { .signal = SIGKILL }));
	while (buf_size(&r->out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	return tracer_start(tracer, r->pid);
}

/* Let the time be over that it has after SIGKILL. */
static void hurry(struct record *r)
{
	struct process *p = process_of(r->process);

	while (!p->drain.killed_ns)
		cr_assert(eq(int, engine_wait(r->engine), 0));
	p->drain.killed_ns = 1;
	timer_arm(p->host->reactor, &p->drain.limit, 0);
}

static void expect_given_up(struct record *r)
{
	cr_assert(eq(int, r->end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r->end.tree, USP_TREE_PENDING));
	cr_assert(not(r->exited));
	cr_assert(r->eof[1] && r->eof[2]);
	cr_assert(eq(int, usp_shell_code(&r->end, NULL, NULL), 125));
	cr_assert(eq(u64, r->end.bytes[1], 5));
}

/* Its end does not wait for it; it is reaped as soon as it is gone. */
CLEAN_TEST(engine_end, who_is_not_gone_after_sigkill_is_given_up_and_reaped_later)
{
	static const uint32_t flags[] = { 0, USP_FLAG_RUSAGE };

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct tracer tracer;
		struct record r = { 0 };

		if (!start_traced(&r, &tracer, flags[i])) {
			usp_engine_free(r.engine);
			record_done(&r);
			cr_skip_test("nobody may be traced here");
		}
		usp_process_kill(r.process);
		hurry(&r);
		record_wait(&r);
		expect_given_up(&r);
		tracer_end(&tracer);
		while (!no_children())
			cr_assert(eq(int, engine_wait(r.engine), 0));
		record_done(&r);
		usp_engine_free(r.engine);
	}
}

/* An engine does not wait for it for ever either. */
CLEAN_TEST(engine_end, an_engine_is_freed_with_one_that_was_given_up)
{
	struct tracer tracer;
	struct record r = { 0 };
	bool traced = start_traced(&r, &tracer, 0);

	usp_engine_free(r.engine);
	cr_assert(r.ended);
	if (!traced) {
		record_done(&r);
		cr_skip_test("nobody may be traced here");
	}
	expect_given_up(&r);
	tracer_end(&tracer);
	cr_assert(eq(int, waitpid(r.pid, NULL, 0), r.pid), "it was left to be reaped");
	record_done(&r);
}

/* ---- exit, ends of streams and a kill, in each order ----------------------- */

/* Three processes: who holds stdout, who holds stderr, and the process itself. */
#define THREE                                                                            \
	SHELL(SLEEP " 2>/dev/null & a=$!; " SLEEP " >/dev/null & echo $a $!; "           \
		    "exec " SLEEP " >/dev/null 2>/dev/null")

enum { EXIT, OUT_ENDS, ERR_ENDS, CHANGES };

static bool happened(const struct record *r, int change)
{
	return change == EXIT ? r->exited : change == OUT_ENDS ? r->eof[1] : r->eof[2];
}

/* Let the changes come in @order, with a kill before the one at @kill_at. */
static void expect_in_order(struct usp_engine *engine, const int *order, int kill_at)
{
	struct record r = { 0 };
	pid_t pids[CHANGES];

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = THREE, .kill = { .signal = SIGKILL }));
	while (!strchr(record_text(&r, 1), '\n'))
		cr_assert(eq(int, engine_wait(engine), 0));
	pids[EXIT] = r.pid;
	cr_assert(
		eq(int,
		   sscanf(record_text(&r, 1), "%d %d", &pids[OUT_ENDS], &pids[ERR_ENDS]),
		   2));
	for (int i = 0; i < CHANGES && i < kill_at; i++) {
		kill(pids[order[i]], SIGKILL);
		while (!happened(&r, order[i]))
			cr_assert(eq(int, engine_wait(engine), 0));
	}
	if (kill_at < CHANGES)
		usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(r.exited && r.eof[1] && r.eof[2]);
	cr_assert(eq(int, r.end.reason,
		     kill_at < CHANGES ? USP_REASON_KILLED : USP_REASON_SIGNALLED));
	cr_assert(eq(int, r.end.drain, USP_DRAIN_EOF));
	record_done(&r);
}

CLEAN_TEST(engine_end, it_comes_last_in_each_order_of_what_comes_before)
{
	static const int orders[][CHANGES] = {
		{ EXIT, OUT_ENDS, ERR_ENDS }, { EXIT, ERR_ENDS, OUT_ENDS },
		{ OUT_ENDS, EXIT, ERR_ENDS }, { OUT_ENDS, ERR_ENDS, EXIT },
		{ ERR_ENDS, EXIT, OUT_ENDS }, { ERR_ENDS, OUT_ENDS, EXIT },
	};
	struct usp_engine *engine = record_engine(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		for (int kill_at = 0; kill_at <= CHANGES; kill_at++)
			expect_in_order(engine, orders[i], kill_at);
	usp_engine_free(engine);
}
