/*
 * What is told of a runtime that forks and waits for the exec: Node, where it is here.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "support/tmpdir.h"
#include "trace/traced.h"

static struct command_result result;

/* Node, as far as it forks: a later one may use vfork. */
static void node_or_skip(void)
{
	traced_or_skip();
	if (command_run(&(struct command){ .argv = ARGS("/usr/bin/env", "node", "-v") },
			&result))
		cr_skip_test("there is no node");
}

/* The machine is not ours alone: so often is looked before something is wrong. */
enum { TRIES = 5 };

TestSuite(trace_node, .init = node_or_skip, .fini = tmpdir_done, .timeout = 120);

static const char one_by_one[] =
	"const { spawn } = require('child_process');"
	"const keep = Buffer.alloc(Number(process.argv[1]) << 20, 1);"
	"let left = Number(process.argv[2]);"
	"(function next() {"
	"  if (left-- > 0) spawn('/bin/true', { stdio: 'ignore' }).on('close', next);"
	"  else process.exitCode = keep[0] - 1;"
	"})();";

static const char waiting[] = "const { spawn, spawnSync } = require('child_process');"
			      "for (let i = 0; i < 20; i++) spawnSync('/bin/true');"
			      "let left = 20;"
			      "(function next() {"
			      "  if (left-- > 0) spawn('/bin/true').on('close', next);"
			      "})();";

static uint64_t median_of(json_t *objects, const char *one, const char *other)
{
	static uint64_t numbers[TRACED_MAX];
	size_t n = 0, i;
	json_t *object;

	json_array_foreach(objects, i, object) if (n < TRACED_MAX) numbers[n++] =
		traced_number(object, one) + (other ? traced_number(object, other) : 0);
	return traced_median(numbers, n);
}

/* The function itself is what libuv does between the first pipe and the handshake. */
Test(trace_node, the_window_is_what_uv_spawn_takes)
{
	uint64_t told = 0, took = 1;

	traced_run(ARGS("--func", "uv_spawn", "--", "node", "-v"), &result);
	if (result.code)
		cr_skip_test("%s", result.err);
	for (int i = 0; i < TRIES && told * 10 < took * 9; i++) {
		const struct traced *traced =
			traced_program(ARGS("--func", "uv_spawn"),
				       ARGS("node", "-e", one_by_one, "1", "100"));

		cr_assert(eq(sz, json_array_size(traced->functions), 100));
		told = median_of(traced->spawns, "blocked_ns", "pre_ns");
		took = median_of(traced->functions, "took_ns", NULL);
	}
	cr_expect(le(sz, took * 9, told * 10), "%zu ns of %zu", told, took);
	cr_expect(le(sz, told, took), "%zu ns of %zu", told, took);
}

Test(trace_node, what_spawn_sync_waits_for_is_told_apart)
{
	const struct traced *traced = traced_program(NULL, ARGS("node", "-e", waiting));

	cr_expect(eq(sz, json_array_size(traced->spawns), 40));
	cr_expect(eq(sz, traced_number(traced->summary, "sync"), 20));
}

/* What the memory costs is both of the copy and of its teardown within the exec; the rest is
 * little, unless it has to wait for a processor. */
Test(trace_node, memory_is_copied_and_torn_down)
{
	uint64_t copy = 0, exec = 0, blocked = 1;

	for (int i = 0; i < TRIES && copy + exec <= blocked / 2; i++) {
		const struct traced *traced =
			traced_program(NULL, ARGS("node", "-e", one_by_one, "300", "10"));
		json_t *first = json_array_get(traced->spawns, 0);

		if (strcmp(json_string_value(json_object_get(first, "kind")), "fork"))
			cr_skip_test("this node does not fork");
		cr_expect(
			lt(sz, 300 << 20, traced_number(traced->summary, "fork_bytes")));
		copy = median_of(traced->spawns, "copy_ns", NULL);
		exec = median_of(traced->spawns, "exec_ns", NULL);
		blocked = median_of(traced->spawns, "blocked_ns", NULL);
	}
	cr_expect(lt(sz, blocked / 2, copy + exec), "%zu + %zu of %zu", copy, exec,
		  blocked);
	cr_expect(lt(sz, 1000000, copy), "%zu", copy);
	cr_expect(lt(sz, 1000000, exec), "%zu", exec);
}
