/*
 * Other runtimes, where they are here: each spawn is told, and what is told lies within
 * what the runtime's own clock says of the call.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/annotate.h"
#include "support/tmpdir.h"
#include "trace/traced.h"

TestSuite(trace_runtimes, .init = traced_or_skip, .fini = tmpdir_done, .timeout = 120);

static struct command_result result;

static const char javascript[] =
	"import { spawn } from 'node:child_process';"
	"let left = 50;"
	"(function next() {"
	"  if (left-- === 0) return;"
	"  const start = process.hrtime.bigint();"
	"  const child = spawn('/bin/true', { stdio: 'ignore' });"
	"  console.log(`${child.pid} ${process.hrtime.bigint() - start}`);"
	"  child.on('close', next);"
	"})();";

static const char python[] = "import os, time\n"
			     "for i in range(50):\n"
			     "  start = time.perf_counter_ns()\n"
			     "  pid = os.posix_spawn('/bin/true', ['true'], {})\n"
			     "  print(pid, time.perf_counter_ns() - start)\n"
			     "  os.waitpid(pid, 0)\n";

static void skip_without(const char *runtime)
{
	if (command_run(&(struct command){ .argv = ARGS("/usr/bin/env", runtime,
							"--version") },
			&result))
		cr_skip_test("there is no %s", runtime);
}

/* @least: so many percent of the runtime's own time are of the kernel's. */
static void expect_within(const char *const *words, uint64_t least)
{
	const struct traced *traced = traced_program(NULL, words);
	static uint64_t told[TRACED_MAX], truth[TRACED_MAX];
	uint64_t told_p50, truth_p50;

	cr_assert(eq(sz, traced->n_truths, 50));
	for (size_t i = 0; i < traced->n_truths; i++) {
		json_t *spawn = traced_find(traced, traced->truths[i].pid);

		cr_assert(ne(ptr, spawn, NULL), "%d is not told", traced->truths[i].pid);
		cr_expect(eq(int, traced_flag(spawn, "main"), 1));
		cr_expect(eq(str,
			     (char *)json_string_value(json_object_get(spawn, "program")),
			     "true"));
		told[i] = traced_number(spawn, "blocked_ns");
		truth[i] = traced->truths[i].ns;
	}
	told_p50 = traced_median(told, traced->n_truths);
	truth_p50 = traced_median(truth, traced->n_truths);
	fprintf(stderr, "%s: %zu ns told, %zu ns taken\n", words[0], told_p50, truth_p50);
	cr_expect(le(sz, told_p50, truth_p50));
	cr_expect(le(sz, truth_p50 * least / 100, told_p50));
}

Test(trace_runtimes, node)
{
	skip_without("node");
	expect_within(ARGS("node", "--input-type=module", "-e", javascript), 50);
}

Test(trace_runtimes, bun)
{
	skip_without("bun");
	expect_within(ARGS("bun", "-e", javascript), 20);
}

Test(trace_runtimes, deno)
{
	skip_without("deno");
	expect_within(ARGS("deno", "eval", javascript), 20);
}

Test(trace_runtimes, python)
{
	skip_without("python3");
	expect_within(ARGS("python3", "-c", python), 40);
}
