/*
 * Many uses of a few workers at one time, to some of which something happens: each gets the
 * answer to its own question or is told why not, and the pool goes on.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "support/clean.h"
#include "support/pooled.h"

TestSuite(pool_storm, .timeout = 600);

enum { USES = 3000, AT_A_TIME = 24, MEMBERS = 8 };

enum fate {
	ANSWERS,      /* asks, and gives back */
	LEAVES,	      /* asks, and gives back before the answer */
	CRASHES,      /* its member kills itself */
	EXITS,	      /* its member returns 0 in the middle */
	HANGS,	      /* its member does nothing, until the time is over */
	FLOODS,	      /* its member writes to stdout first */
	IS_KILLED,    /* by a call */
	IS_DISCARDED, /* after its answer */
	FATES,
};

struct storm {
	struct pooled pooled;
	unsigned asked, ended, running;
	unsigned told[FATES];
	uint32_t random;
};

struct one {
	struct storm *storm;
	enum fate fate;
	char want[32];
	char got[64];
	size_t size;
	bool started, exited, failed, is_done;
};

static uint32_t dice(struct storm *s)
{
	s->random = s->random * 1664525u + 1013904223u;
	return s->random >> 8;
}

static void say(struct usp_process *process, const char *line)
{
	cr_assert(eq(int, usp_process_write_stream(process, 3, line, strlen(line)), 0));
}

static void ask(struct one *one, struct usp_process *process)
{
	char line[64];

	snprintf(line, sizeof(line), "echo %s", one->want);
	say(process, line);
}

static void on_started(struct one *one, struct usp_process *process)
{
	static const char *const first[FATES] = { [CRASHES] = "crash\n",
						  [EXITS] = "exit 0\n",
						  [HANGS] = "hang\n",
						  [FLOODS] = "flood 20000\n" };

	one->started = true;
	if (first[one->fate])
		say(process, first[one->fate]);
	ask(one, process);
	if (one->fate == LEAVES)
		usp_process_release(process, 0);
	if (one->fate == IS_KILLED)
		usp_process_kill(process);
}

/* What comes is the beginning of what is to come, and nothing else. */
static void on_output(struct one *one, struct usp_process *process,
		      const struct usp_output *output)
{
	char whole[64];

	snprintf(whole, sizeof(whole), "%s%s", one->fate == FLOODS ? "flooded\n" : "",
		 one->want);
	cr_assert(eq(int, output->stream, 3));
	cr_assert(le(sz, one->size + output->size, strlen(whole)));
	memcpy(one->got + one->size, output->data, output->size);
	one->size += output->size;
	cr_assert(eq(int, memcmp(one->got, whole, one->size), 0),
		  "another's answer: %.*s", (int)one->size, one->got);
	if (one->size < strlen(whole) || one->fate == IS_KILLED)
		return;
	one->is_done = true;
	if (one->fate == IS_DISCARDED)
		usp_process_discard(process);
	else
		usp_process_release(process, 0);
}

static void check(const struct one *one, const struct usp_end *end)
{
	bool serves =
		one->fate == ANSWERS || one->fate == FLOODS || one->fate == IS_DISCARDED;

	cr_assert(not(one->failed));
	cr_assert(one->started);
	if (serves)
		cr_assert(one->is_done && end->reason == USP_REASON_RELEASED, "fate %d",
			  one->fate);
	if (one->fate == LEAVES)
		cr_assert(eq(int, end->reason, USP_REASON_RELEASED));
	if (one->fate == CRASHES)
		cr_assert(eq(int, end->reason, USP_REASON_SIGNALLED));
	if (one->fate == EXITS)
		cr_assert(eq(int, end->reason, USP_REASON_EXITED));
	if (one->fate == HANGS)
		cr_assert(eq(int, end->reason, USP_REASON_TIMEOUT));
	if (one->fate == IS_KILLED)
		cr_assert(eq(int, end->reason, USP_REASON_KILLED));
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct one *one = user;

	switch (event->kind) {
	case USP_EVENT_STARTED:
		on_started(one, process);
		break;
	case USP_EVENT_FAILED:
		one->failed = true;
		break;
	case USP_EVENT_OUTPUT:
		on_output(one, process, &event->output);
		break;
	case USP_EVENT_END:
		check(one, &event->end);
		one->storm->told[one->fate]++;
		one->storm->ended++;
		one->storm->running--;
		free(one);
		break;
	default:
		break;
	}
}

static void begin(struct storm *s)
{
	struct one *one = calloc(1, sizeof(*one));
	struct usp_process *process;
	struct usp_options use =
		USP_OPTIONS(.pool = s->pooled.pool, .on_event = on_event, .user = one,
			    .window_bytes = 1 << 10, .priority = (int)(dice(s) % 3));

	cr_assert(one != NULL);
	one->storm = s;
	/* Half of them are well. */
	one->fate = dice(s) % 2 ? ANSWERS : (enum fate)(dice(s) % FATES);
	snprintf(one->want, sizeof(one->want), "%u-%u\n", s->asked, dice(s));
	if (one->fate == HANGS)
		use.timeout_ns = 5 * NS_PER_MS;
	cr_assert(eq(int, usp_spawn(s->pooled.engine, &use, &process), 0));
	s->asked++;
	s->running++;
}

static void blow(struct storm *s)
{
	while (s->ended < USES) {
		while (s->asked < USES && s->running < AT_A_TIME)
			begin(s);
		pooled_turn(&s->pooled);
	}
}

CLEAN_TEST(pool_storm, each_gets_its_own_answer_or_is_told_why_not)
{
	struct storm s = { .random = 4711 };
	struct usp_pool_stats stats;

	POOLED(&s.pooled, .kind = USP_POOL_WORKER, .max = MEMBERS, .max_uses = 50,
	       .member = &USP_OPTIONS(.argv = WORKER(), .kill.signal = SIGKILL),
	       .reset = ASKS("reset", "was reset"));
	blow(&s);
	stats = pooled_stats(&s.pooled);
	cr_assert(eq(u64, stats.uses, USES));
	cr_assert(eq(u64, stats.refused, 0));
	cr_assert(le(uint, stats.members - stats.ending, MEMBERS));
	for (int fate = 0; fate < FATES; fate++)
		cr_assert(lt(uint, 0, s.told[fate]), "fate %d", fate);
	pooled_until(&s.pooled, pooled_stats(&s.pooled).idle > 0);
	pooled_done(&s.pooled);
}
