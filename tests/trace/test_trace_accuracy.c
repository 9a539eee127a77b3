/*
 * What is told of spawns is what they took: held against a program that takes its own
 * times, in the same run.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "support/tmpdir.h"
#include "trace/traced.h"

TestSuite(trace_accuracy, .init = traced_or_skip, .fini = tmpdir_done, .timeout = 120);

/* The machine is not ours alone: times are taken so often before they are wrong. */
enum { TRIES = 3, FLOOR_NS = 20000 };

/* Within a tenth; within a quarter where most had to wait for a processor, so that their
 * program was kept also before and after what is traced. */
static bool is_near(uint64_t told, const uint64_t *truths, size_t n)
{
	uint64_t truth = truths[n / 2];
	uint64_t most = truths[n * 9 / 10] > 3 * truth ? truth / 4 : truth / 10;
	uint64_t apart = told > truth ? told - truth : truth - told;

	return apart <= (most > FLOOR_NS ? most : FLOOR_NS);
}

/* Each spawn of @way is told, as one of @kind; and the median is within a tenth. */
static bool agree(const char *way, const char *count, const char *kind)
{
	const struct traced *traced = traced_way(NULL, way, count);
	static uint64_t told[TRACED_MAX], truth[TRACED_MAX];
	uint64_t told_p50, truth_p50;

	cr_assert(eq(sz, json_array_size(traced->spawns), traced->n_truths));
	for (size_t i = 0; i < traced->n_truths; i++) {
		json_t *spawn = traced_find(traced, traced->truths[i].pid);

		cr_assert(ne(ptr, spawn, NULL), "%d is not told", traced->truths[i].pid);
		cr_assert(eq(str,
			     (char *)json_string_value(json_object_get(spawn, "kind")),
			     (char *)kind));
		told[i] = traced_number(spawn, "pre_ns") +
			  traced_number(spawn, "blocked_ns");
		truth[i] = traced->truths[i].ns;
	}
	told_p50 = traced_median(told, traced->n_truths);
	truth_p50 = traced_median(truth, traced->n_truths);
	fprintf(stderr, "%s: %lu ns told, %lu ns taken\n", way, told_p50, truth_p50);
	return is_near(told_p50, truth, traced->n_truths);
}

static void expect_agreement(const char *way, const char *count, const char *kind)
{
	bool agreed = false;

	for (int i = 0; i < TRIES && !agreed; i++)
		agreed = agree(way, count, kind);
	cr_expect(eq(int, agreed, 1), "%s is not told within a tenth", way);
}

Test(trace_accuracy, a_fork_and_its_handshake)
{
	expect_agreement("fork", "300", "fork");
}

Test(trace_accuracy, a_posix_spawn)
{
	expect_agreement("vfork", "300", "vfork");
}

Test(trace_accuracy, an_exec_that_fails)
{
	expect_agreement("missing", "300", "fork");
}

Test(trace_accuracy, four_threads_at_a_time)
{
	expect_agreement("threads", "100", "fork");
}

/* How many of @way had a handshake, and how many there were. */
static size_t handshakes(const char *way, const char *count, size_t *ret_spawns)
{
	const struct traced *traced = traced_way(NULL, way, count);
	json_t *spawn;
	size_t i, n = 0;

	json_array_foreach(traced->spawns, i, spawn) n +=
		traced_number(spawn, "handshakes") > 0;
	*ret_spawns = json_array_size(traced->spawns);
	return n;
}

Test(trace_accuracy, reading_what_a_program_says_is_no_handshake)
{
	size_t spawns;

	cr_expect(eq(sz, handshakes("output", "100", &spawns), 0));
	cr_expect(eq(sz, spawns, 100));
}

Test(trace_accuracy, popen_is_no_handshake)
{
	size_t spawns;

	cr_expect(eq(sz, handshakes("popen", "100", &spawns), 0));
	cr_expect(eq(sz, spawns, 100));
}

Test(trace_accuracy, a_worker_that_says_that_it_is_ready_is_no_handshake)
{
	size_t spawns;

	cr_expect(eq(sz, handshakes("worker", "100", &spawns), 0));
	cr_expect(eq(sz, spawns, 100));
}

/* That some are missed is what load does: it never slept, and is told by other means. */
Test(trace_accuracy, a_handshake_is_seen)
{
	size_t spawns, seen = handshakes("fork", "300", &spawns);

	cr_expect(eq(sz, spawns, 300));
	cr_expect(lt(sz, 200, seen), "%zu of 300", seen);
}

Test(trace_accuracy, an_exec_that_fails_is_told_to_have)
{
	const struct traced *traced = traced_way(NULL, "missing", "100");
	json_t *spawn;
	size_t i;

	json_array_foreach(traced->spawns, i, spawn)
	{
		cr_expect(eq(int, traced_flag(spawn, "exec_failed"), 1));
		cr_expect(eq(int, (int)traced_number(spawn, "execs"), 0));
		cr_expect(eq(str,
			     (char *)json_string_value(json_object_get(spawn, "file")),
			     (char *)"/nothing/is/here"));
	}
	cr_expect(eq(sz, traced_number(traced->summary, "exec_failed"), 100));
}

Test(trace_accuracy, who_waits_for_the_end_is_told_apart)
{
	const struct traced *traced = traced_way(NULL, "system", "50");
	json_t *spawn;
	size_t i;

	json_array_foreach(traced->spawns, i, spawn)
	{
		cr_expect(eq(int, traced_flag(spawn, "sync"), 1));
		cr_expect(lt(sz, 0, traced_number(spawn, "sync_ns")));
	}
	cr_expect(eq(sz, traced_number(traced->summary, "sync"), 50));
}

Test(trace_accuracy, nothing_is_lost)
{
	const struct traced *traced = traced_way(NULL, "vfork", "2000");

	cr_expect(eq(sz, json_array_size(traced->spawns), 2000));
	cr_expect(eq(sz, traced_number(traced->summary, "spawns"), 2000));
	cr_expect(eq(sz, traced_number(traced->summary, "lost_records"), 0));
}
