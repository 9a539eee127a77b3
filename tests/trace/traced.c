#include "trace/traced.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/annotate.h"
#include "support/tmpdir.h"

#define TRACER BUILD_DIR "/uringspawn-trace"

static struct command_result result;

int traced_run(const char *const *words, struct command_result *ret_result)
{
	const char *line[32] = { TRACER };

	for (size_t i = 0; words[i]; i++) {
		cr_assert(lt(sz, i + 2, ARRAY_SIZE(line)));
		line[i + 1] = words[i];
	}
	return command_run(&(struct command){ .argv = line }, ret_result);
}

void traced_or_skip(void)
{
	int code;

	if (access(TRACER, X_OK))
		cr_skip_test("uringspawn-trace was not built");
	code = traced_run(ARGS("-d", "0.01", "--", "true"), &result);
	if (code == 2 || code == 3)
		cr_skip_test("%s", result.err);
	cr_assert(eq(int, code, 0), "%s", result.err);
}

static void read_truths(struct traced *traced, const char *said)
{
	int pid, used;
	unsigned long long ns;

	traced->n_truths = 0;
	while (traced->n_truths < TRACED_MAX &&
	       sscanf(said, "%d %llu%n", &pid, &ns, &used) == 2) {
		traced->truths[traced->n_truths++] = (struct truth){ pid, ns };
		said += used;
	}
}

static void read_objects(struct traced *traced, const char *path)
{
	FILE *file = fopen(path, "re");
	json_error_t error;
	json_t *object;

	json_decref(traced->spawns);
	json_decref(traced->functions);
	json_decref(traced->summary);
	traced->spawns = json_array();
	traced->functions = json_array();
	traced->summary = NULL;
	cr_assert(ne(ptr, file, NULL));
	while ((object = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error))) {
		const char *type = json_string_value(json_object_get(object, "type"));

		if (type && strcmp(type, "spawn") == 0)
			json_array_append_new(traced->spawns, object);
		else if (type && strcmp(type, "function") == 0)
			json_array_append_new(traced->functions, object);
		else if (type && strcmp(type, "summary") == 0)
			traced->summary = object;
		else
			cr_fatal("a line of what type? %s", type);
	}
	fclose(file);
	cr_assert(ne(ptr, traced->summary, NULL), "%s", result.err);
}

const struct traced *traced_program(const char *const *options, const char *const *words)
{
	static struct traced traced;
	const char *path = tmpdir_path("told");
	const char *line[30] = { "-j", "-o", path };
	size_t n = 3;

	for (size_t i = 0; options && options[i]; i++)
		line[n++] = options[i];
	line[n++] = "--";
	for (size_t i = 0; words[i]; i++) {
		cr_assert(lt(sz, n, ARRAY_SIZE(line) - 1));
		line[n++] = words[i];
	}
	cr_assert(eq(int, traced_run(line, &result), 0), "%s", result.err);
	read_truths(&traced, result.out);
	read_objects(&traced, path);
	return &traced;
}

const struct traced *traced_way(const char *const *options, const char *way,
				const char *count)
{
	return traced_program(options, ARGS(PROGRAM("spawn_times"), way, count));
}

uint64_t traced_number(const json_t *spawn, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(spawn, name));
}

bool traced_flag(const json_t *spawn, const char *name)
{
	return json_is_true(json_object_get(spawn, name));
}

json_t *traced_find(const struct traced *traced, int pid)
{
	json_t *spawn;
	size_t i;

	json_array_foreach(traced->spawns, i,
			   spawn) if (json_integer_value(json_object_get(spawn, "pid")) ==
				      pid) return spawn;
	return NULL;
}

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

uint64_t traced_median(uint64_t *numbers, size_t n)
{
	qsort(numbers, n, sizeof(numbers[0]), ascending);
	return n ? numbers[n / 2] : 0;
}
