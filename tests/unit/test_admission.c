/*
 * engine/admission: whose turn it is, how many of whom, and what is said to those
 * that are too many.
 */
#include "engine/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/record.h"
#include "sys/fd.h"

TestSuite(admission, .timeout = 60);

enum { OWNERS = 3, MANY = 10000 };

static const char *const names[LIMITS] = {
	[LIMIT_QUEUED] = "all",
	[LIMIT_OWNER_QUEUED] = "one's",
	[LIMIT_DESCRIPTORS] = "descriptors",
	[LIMIT_OWNER_JOBS] = "jobs",
	[LIMIT_BYTES] = "bytes",
	[LIMIT_OWNER_BYTES] = "one's bytes",
};

static const struct admission_limits wide = {
	.running_max = 1000,
	.queued_max = 20000,
	.owner_running_max = 1000,
	.owner_queued_max = 20000,
	.turn_launches = 1,
	.names = names,
};

static struct usp_engine *engine;
static struct admission_owner owners[OWNERS];
static char order[64]; /* of starts: A for the first owner */
static unsigned n_started;

struct asked {
	struct usp_process *process; /* NULL when it is over */
	unsigned owner;
	bool started, failed;
	struct usp_failure failure;
	char path[32];
};

static void set_up(const struct admission_limits *limits)
{
	const struct usp_engine_options options = { .launchers = 1 };

	cr_assert(eq(int, engine_new(&options, 0, &engine), 0));
	engine_set_limits(engine, limits);
	for (int i = 0; i < OWNERS; i++)
		admission_owner_init(&owners[i]);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct asked *asked = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		asked->started = true;
		if (n_started < sizeof(order) - 1)
			order[n_started] = (char)('A' + asked->owner);
		n_started++;
		break;
	case USP_EVENT_FAILED:
		asked->failed = true;
		asked->failure = event->failed;
		strncpy(asked->path, event->failed.path, sizeof(asked->path) - 1);
		break;
	case USP_EVENT_END:
		asked->process = NULL;
		break;
	default:
		break;
	}
}

/* Ask for @n programs in the name of @owner. */
static void ask(struct asked *asked, unsigned n, unsigned owner, const char *program,
		int fd)
{
	for (unsigned i = 0; i < n; i++) {
		struct spec_input input = {
			.argv = { .vector = (const char *const[]){ program, NULL } },
			.options = { .stdio = NO_PIPES },
		};

		asked[i] = (struct asked){ .owner = owner };
		if (fd >= 0)
			input.options.stdio[1] = (struct usp_stdio){ .kind = USP_STDIO_FD,
								     .fd = sys_dup(fd) };
		cr_assert(eq(int,
			     engine_spawn(engine, &owners[owner], &input, on_event,
					  &asked[i], &asked[i].process),
			     0));
	}
}

static void kill_all(struct asked *asked, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (asked[i].process)
			engine_cut(asked[i].process);
}

static void expect_nothing_left(void)
{
	struct usp_engine_stats stats;

	usp_engine_stats(engine, &stats);
	cr_expect(eq(u64, stats.running, 0));
	cr_expect(eq(u64, stats.queued, 0));
	for (int i = 0; i < OWNERS; i++) {
		cr_expect(eq(uint, owners[i].running, 0));
		cr_expect(eq(uint, owners[i].queued, 0));
		cr_expect(eq(ptr, owners[i].stands, NULL));
	}
}

static void finish(void)
{
	cr_assert(eq(int, usp_engine_run(engine), 0));
	expect_nothing_left();
	engine = usp_engine_free(engine);
}

static void wait_for_starts(unsigned n)
{
	while (n_started < n)
		cr_assert(eq(int, engine_wait(engine), 0));
}

#define TRUE	PROGRAM("true")
#define SLEEPER PROGRAM("sleep_forever")

/* ---- turns --------------------------------------------------------------- */

CLEAN_TEST(admission, owners_take_turns_of_so_many_launches)
{
	struct admission_limits limits = wide;
	struct asked a[6], b[4], c[1];

	limits.running_max = 1;
	limits.turn_launches = 2;
	set_up(&limits);
	ask(a, 6, 0, TRUE, -1);
	ask(b, 4, 1, TRUE, -1);
	ask(c, 1, 2, TRUE, -1);
	finish();

	/* The first was alone, and so launched before there were turns. */
	cr_expect(eq(str, order,
		     "A"
		     "AABBC"
		     "AABBA"));
}

/* One that comes late stands behind the owners, not behind what they queued. */
CLEAN_TEST(admission, ten_thousand_of_another_owner_delay_nobody)
{
	static struct asked many[MANY], late[1];
	struct admission_limits limits = wide;

	limits.running_max = 1;
	limits.turn_launches = 4;
	set_up(&limits);
	ask(many, MANY, 0, TRUE, -1);
	ask(late, 1, 1, TRUE, -1);
	while (!late->started)
		cr_assert(eq(int, engine_wait(engine), 0));

	cr_expect(ne(ptr, strchr(order, 'B'), NULL));
	cr_expect(le(uint, n_started - 1, 1 + limits.turn_launches));
	kill_all(many, MANY);
	finish();
}

CLEAN_TEST(admission, who_has_nothing_to_launch_has_no_turn)
{
	struct admission_limits limits = wide;
	struct asked a[2], b[2];

	limits.running_max = 1;
	set_up(&limits);
	ask(a, 2, 0, TRUE, -1);
	ask(b, 2, 1, TRUE, -1);
	kill_all(b, 2);
	finish();

	cr_expect(eq(str, order, "AA"));
	cr_expect(b[0].failed && b[1].failed);
	cr_expect(eq(int, b[0].failure.error, ECANCELED));
}

/* ---- limits of one owner ------------------------------------------------- */

CLEAN_TEST(admission, one_owner_runs_no_more_than_it_may)
{
	struct admission_limits limits = wide;
	struct asked a[5], b[2];

	limits.owner_running_max = 2;
	set_up(&limits);
	ask(a, 5, 0, SLEEPER, -1);
	ask(b, 2, 1, SLEEPER, -1);
	wait_for_starts(4);

	cr_expect(eq(str, order, "AABB"));
	cr_expect(eq(uint, owners[0].queued, 3));

	/* A place of its own is its next one's. */
	engine_cut(a[0].process);
	wait_for_starts(5);
	cr_expect(eq(str, order, "AABBA"));
	kill_all(a, 5);
	kill_all(b, 2);
	finish();
	cr_expect(eq(uint, n_started, 5));
}

CLEAN_TEST(admission, higher_limits_hold_at_once)
{
	struct admission_limits limits = wide;
	struct asked a[5];

	limits.owner_running_max = 2;
	set_up(&limits);
	ask(a, 5, 0, SLEEPER, -1);
	wait_for_starts(2);

	limits.owner_running_max = 4;
	engine_set_limits(engine, &limits);
	wait_for_starts(4);
	limits.owner_running_max = 1;
	engine_set_limits(engine, &limits);
	cr_expect(eq(uint, owners[0].running, 4), "what runs stays");
	cr_expect(eq(uint, owners[0].queued, 1));
	kill_all(a, 5);
	finish();
	cr_expect(eq(uint, n_started, 4));
}

static void expect_refused(const struct asked *asked, const char *limit)
{
	cr_assert(asked->failed && !asked->started);
	cr_expect(eq(int, asked->failure.stage, USP_STAGE_ADMISSION));
	cr_expect(eq(int, asked->failure.error, EAGAIN));
	cr_expect(eq(str, (char *)asked->path, (char *)limit));
	cr_expect(le(u32, RETRY_MS_MIN, asked->failure.retry_ms));
	cr_expect(le(u32, asked->failure.retry_ms, RETRY_MS_MAX));
}

CLEAN_TEST(admission, too_many_are_told_which_limit_and_when_to_come_again)
{
	struct admission_limits limits = wide;
	struct usp_engine_stats stats;
	struct asked a[5], b[3];

	limits.running_max = 1;
	limits.queued_max = 5;
	limits.owner_queued_max = 3;
	set_up(&limits);
	ask(a, 5, 0, SLEEPER, -1);
	ask(b, 3, 1, TRUE, -1);
	wait_for_starts(1);
	kill_all(a, 4);
	cr_assert(eq(int, usp_engine_run(engine), 0));

	expect_refused(&a[4], "one's");
	expect_refused(&b[2], "all");
	cr_expect(b[0].started && b[1].started);
	usp_engine_stats(engine, &stats);
	cr_expect(eq(u64, stats.refused, 2));
	cr_expect(eq(u64, engine_refused(engine)[LIMIT_QUEUED], 1));
	cr_expect(eq(u64, engine_refused(engine)[LIMIT_OWNER_QUEUED], 1));
	finish();
}

/* ---- descriptors --------------------------------------------------------- */

CLEAN_TEST(admission, passed_descriptors_that_wait_are_counted)
{
	struct admission_limits limits = wide;
	int null_fd = sys_open_null();
	struct asked a[4], b[1];

	limits.running_max = 1;
	limits.descriptors_max = 2;
	set_up(&limits);
	ask(a, 4, 0, TRUE, null_fd);
	ask(b, 1, 1, TRUE, -1);
	cr_assert(eq(int, usp_engine_run(engine), 0));

	cr_expect(a[0].started && a[1].started && a[2].started && b[0].started);
	expect_refused(&a[3], "descriptors");
	ask(a, 1, 0, TRUE, null_fd);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_expect(a[0].started, "those that waited are counted no more");
	finish();
	sys_close(null_fd);
}

CLEAN_TEST(admission, one_that_needs_more_than_there_can_be_does_not_wait)
{
	struct admission_limits limits = wide;
	struct asked a[1];

	limits.slots_max = 0; /* as the engine found it */
	set_up(&limits);
	ask(a, 1, 0, TRUE, -1);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_expect(a[0].started);
	engine = usp_engine_free(engine);

	limits.slots_max = 1;
	set_up(&limits);
	struct usp_process *process;
	const struct spec_input piped = {
		.argv = { .vector = ARGV(TRUE) },
		.options = { .stdio = { [0] = { .kind = USP_STDIO_PIPE } } },
	};
	cr_assert(eq(int, engine_spawn(engine, NULL, &piped, on_event, &a[0], &process),
		     0));
	finish();
	cr_expect(a[0].failed);
	cr_expect(eq(int, a[0].failure.error, EMFILE));
	cr_expect(eq(u32, a[0].failure.retry_ms, 0));
	cr_expect(eq(str, (char *)a[0].path, "descriptors"));
}

/* ---- when to try again --------------------------------------------------- */

static uint32_t retry_of(uint64_t interval_ns, unsigned in_round)
{
	static struct admission a;
	const struct reactor_options options = { .entries = 8,
						 .slots = 8,
						 .read_buffers = 1 };
	struct usp_failure failure;
	struct reactor *r;

	cr_assert(eq(int, reactor_open(&options, &r), 0));
	admission_init(&a, r, NULL, &wide);
	a.interval_ns = interval_ns;
	a.in_round = in_round;
	failure = admission_refusal(&a, LIMIT_BYTES);
	reactor_close(r);
	cr_expect(eq(u64, a.refused[LIMIT_BYTES], 1));
	cr_expect(eq(str, (char *)failure.path, "bytes"));
	return failure.retry_ms;
}

CLEAN_TEST(admission, the_time_to_try_again_is_the_share_of_what_becomes_free)
{
	cr_expect(eq(u32, retry_of(0, 0), RETRY_MS_MIN), "nothing is known");
	cr_expect(eq(u32, retry_of(50 * NS_PER_US, 10), RETRY_MS_MIN));
	cr_expect(eq(u32, retry_of(3 * NS_PER_MS, 0), 3));
	cr_expect(eq(u32, retry_of(3 * NS_PER_MS, 4), 12));
	cr_expect(eq(u32, retry_of(9 * NS_PER_S, 200), RETRY_MS_MAX));
	cr_expect(eq(u32, retry_of(UINT64_MAX, UINT32_MAX), RETRY_MS_MAX));
}

/* Places that take longer than they used to are what is reckoned with. */
CLEAN_TEST(admission, a_stand_still_counts_as_it_lasts)
{
	const struct reactor_options options = { .entries = 8,
						 .slots = 8,
						 .read_buffers = 1 };
	struct admission a;
	struct reactor *r;

	cr_assert(eq(int, reactor_open(&options, &r), 0));
	admission_init(&a, r, NULL, &wide);
	a.interval_ns = NS_PER_MS;
	a.progress_ns = reactor_now_ns(r) - 300 * NS_PER_MS;
	cr_expect(eq(u32, admission_refusal(&a, LIMIT_BYTES).retry_ms, 1),
		  "nothing runs: nothing stands still");
	a.running = 1;
	cr_expect(le(u32, 300, admission_refusal(&a, LIMIT_BYTES).retry_ms));
	reactor_close(r);
}
