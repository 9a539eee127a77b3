/*
 * `uringspawn bench` as a program reads it: one JSON object with everything in it,
 * and a clear word when it cannot measure.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <string.h>

#include "base/annotate.h"
#include "support/backend.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/tmpdir.h"

TestSuite(bench_cmd, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;
static struct command_result result;

static int bench(const char *const *args)
{
	const char *line[24] = { BUILD_DIR "/uringspawn", "bench" };

	for (size_t i = 0; args[i]; i++) {
		cr_assert(lt(sz, i + 3, ARRAY_SIZE(line)));
		line[i + 2] = args[i];
	}
	return command_run(&(struct command){ .argv = line }, &result);
}

/* What was printed is one object, and nothing else was. */
static json_t *report(void)
{
	json_error_t error;
	json_t *object = json_loadb(result.out, result.out_size, 0, &error);

	cr_assert(ne(ptr, object, NULL), "%s: %s", error.text, result.out);
	cr_expect(eq(str, result.err, (char *)""));
	return object;
}

/* The number at @name of @object, which is there. */
static double number(json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	cr_assert(ne(ptr, value, NULL), "no '%s' in %s", name, result.out);
	cr_assert(eq(int, !!json_is_number(value), 1), "'%s' is no number: %s", name,
		  result.out);
	return json_number_value(value);
}

static void expect_side(json_t *side)
{
	json_t *latency = json_object_get(side, "latency_us");

	cr_assert(eq(int, !!json_is_object(side), 1), "%s", result.out);
	cr_assert(eq(int, !!json_is_object(latency), 1), "%s", result.out);
	cr_expect(lt(dbl, 0, number(side, "jobs_per_s")));
	cr_expect(lt(dbl, 0, number(latency, "p50")));
	cr_expect(le(dbl, number(latency, "p50"), number(latency, "p99")));
	cr_expect(eq(dbl, number(side, "errors"), 0));
}

static void expect_ratio(json_t *object, const char *median, const char *min,
			 const char *max)
{
	cr_expect(lt(dbl, 0, number(object, min)));
	cr_expect(le(dbl, number(object, min), number(object, median)));
	cr_expect(le(dbl, number(object, median), number(object, max)));
}

/* All four sides were measured, and compared. */
static void expect_complete(json_t *object)
{
	expect_side(object);
	expect_side(json_object_get(object, "bare"));
	expect_side(json_object_get(object, "posix_spawn"));
	expect_side(json_object_get(object, "fork"));
	expect_ratio(object, "ratio_to_bare", "ratio_to_bare_min", "ratio_to_bare_max");
	expect_ratio(object, "ratio_to_posix_spawn", "ratio_to_posix_spawn_min",
		     "ratio_to_posix_spawn_max");
	expect_ratio(object, "ratio_to_fork", "ratio_to_fork_min", "ratio_to_fork_max");
}

static void expect_text(json_t *object, const char *name, const char *want)
{
	const char *text = json_string_value(json_object_get(object, name));

	cr_expect(eq(str, (char *)(text ? text : "(none)"), (char *)want), "%s", name);
}

Test(bench_cmd, json_has_everything_that_was_asked_for)
{
	json_t *object;

	cr_assert(eq(int,
		     bench(ARGS("--jobs", "200", "--rounds", "2", "--depth", "4",
				"--launchers", "2", "--json", "--", "/bin/echo", "hi")),
		     0),
		  "%s", result.err);
	object = report();

	expect_complete(object);
	expect_text(object, "side", "engine");
	expect_text(object, "back_end", backend_name());
	expect_text(object, "stdio", "pipe");
	cr_expect(eq(dbl, number(object, "jobs"), 200));
	cr_expect(eq(dbl, number(object, "depth"), 4));
	cr_expect(eq(dbl, number(object, "rounds"), 2));
	cr_expect(eq(dbl, number(object, "launchers"), 2));
	cr_expect(eq(dbl, number(object, "output_bytes"), 200 * strlen("hi\n")));
	json_decref(object);
}

Test(bench_cmd, a_daemon_is_measured_in_the_same_way)
{
	json_t *object;

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int,
		     bench(ARGS("--jobs", "200", "--rounds", "2", "--socket",
				daemon_run.socket, "--stdio", "null", "--json",
				PROGRAM("true"))),
		     0),
		  "%s", result.err);
	object = report();

	expect_complete(object);
	expect_text(object, "side", "daemon");
	cr_expect(eq(ptr, json_object_get(object, "back_end"), json_null()));
	expect_text(object, "stdio", "null");
	json_decref(object);
	daemon_stop(&daemon_run);
}

Test(bench_cmd, people_get_a_table)
{
	cr_assert(
		eq(int, bench(ARGS("--jobs", "60", "--rounds", "2", PROGRAM("true"))), 0),
		"%s", result.err);
	cr_expect(ne(ptr, strstr(result.out, "posix_spawn"), NULL), "%s", result.out);
	cr_expect(ne(ptr, strstr(result.out, "bare"), NULL), "%s", result.out);
	cr_expect(ne(ptr, strstr(result.out, "of fork ("), NULL), "%s", result.out);
	cr_expect(ne(ptr, strstr(result.out, "p99"), NULL), "%s", result.out);
	cr_expect(ne(ptr, strstr(result.out, backend_name()), NULL), "%s", result.out);
}

/* One object for each variant, named so, with so much output a round; nothing else. */
static void expect_variants(const char *const *names, double output_bytes)
{
	json_t *list = report(), *variant;
	size_t i;

	cr_assert(eq(int, !!json_is_array(list), 1), "%s", result.out);
	json_array_foreach(list, i, variant)
	{
		cr_assert(ne(ptr, (void *)names[i], NULL), "%s", result.out);
		expect_text(variant, "name", names[i]);
		cr_expect(
			eq(dbl, number(variant, "output_bytes_per_round"), output_bytes));
		cr_expect(lt(dbl, 0, number(variant, "cpu_us_per_job")));
		expect_ratio(variant, "ratio_to_first", "ratio_to_first_min",
			     "ratio_to_first_max");
	}
	cr_expect(eq(ptr, (void *)names[json_array_size(list)], NULL), "%s", result.out);
	json_decref(list);
}

Test(bench_cmd, an_environment_can_be_made_for_it)
{
	json_t *object;

	cr_assert(eq(int,
		     bench(ARGS("--jobs", "20", "--variables", "3", "--json", "env")), 0),
		  "%s", result.err);
	object = report();
	cr_expect(eq(dbl, number(object, "output_bytes"),
		     20 * 3 * strlen("BENCH_VARIABLE_000000=/usr/lib/a/value\n")));
	expect_complete(object);
	json_decref(object);
}

Test(bench_cmd, a_template_is_compared_with_none)
{
	const char *const names[] = { "in each request", "in a template", NULL };

	cr_assert(eq(int,
		     bench(ARGS("--jobs", "60", "--rounds", "2", "--variables", "50",
				"--template", "--json", PROGRAM("true"))),
		     0),
		  "%s", result.err);
	expect_variants(names, 0);
	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int,
		     bench(ARGS("--jobs", "60", "--rounds", "2", "--template", "--socket",
				daemon_run.socket, "--json", PROGRAM("true"))),
		     0),
		  "%s", result.err);
	expect_variants(names, 0);
	daemon_stop(&daemon_run);
}

Test(bench_cmd, who_reads_the_output_is_compared)
{
	const char *const names[] = { "relayed", "handed over", "the caller's", NULL };

	cr_assert(eq(int,
		     bench(ARGS("--jobs", "60", "--rounds", "2", "--outputs", "--json",
				"echo", "hi")),
		     0),
		  "%s", result.err);
	expect_variants(names, 30 * strlen("hi\n"));
	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int,
		     bench(ARGS("--jobs", "60", "--rounds", "2", "--outputs", "--json",
				"--socket", daemon_run.socket, "sh", "-c",
				"head -c 300000 /dev/zero; echo more >&2")),
		     0),
		  "%s", result.err);
	expect_variants(names, 30 * (300000 + strlen("more\n")));
	daemon_stop(&daemon_run);
}

Test(bench_cmd, a_job_that_fails_is_told_whoever_reads_its_output)
{
	cr_expect(eq(int,
		     bench(ARGS("--jobs", "60", "--rounds", "2", "--outputs", "sh", "-c",
				"exit 3")),
		     125));
	cr_expect(ne(ptr, strstr(result.err, "exited with code 3"), NULL), "%s",
		  result.err);
}

Test(bench_cmd, a_load_that_cannot_be_had_is_said_and_ended)
{
	cr_expect(eq(int,
		     bench(ARGS("--jobs", "20", "--rounds", "2", "--live", "20",
				"--live-program", "no-such-program", PROGRAM("true"))),
		     125));
	cr_expect(ne(ptr, strstr(result.err, "no load of 20 'no-such-program'"), NULL),
		  "%s", result.err);
	cr_expect(ne(ptr, strstr(result.err, "no such program"), NULL), "%s", result.err);
	cr_expect(eq(int,
		     bench(ARGS("--jobs", "20", "--rounds", "2", "--live", "20",
				"--live-program", "echo", PROGRAM("true"))),
		     0),
		  "one that does not live on is no error: %s", result.err);
}

static const struct row {
	const char *args[8];
	int code;
	const char *says;
} rows[] = {
	{ { "--jobs", "none", "true" }, 125, "--jobs 'none'" },
	{ { "--jobs", "0", "true" }, 125, "--jobs '0'" },
	{ { "--depht", "4", "true" }, 125, "'--depth'" },
	{ { "--depth" }, 125, "'--depth' needs a value" },
	{ { "--stdio", "files", "true" }, 125, "'files'" },
	{ { "--rounds", "9", "--jobs", "3", "true" }, 125, "--rounds" },
	{ { "--json" }, 125, "no program" },
	{ { "--socket", "/no/such/socket", "true" }, 125, "/no/such/socket" },
	{ { "no-such-program" }, 1, "no-such-program" },
	{ { "--jobs", "20", "sh", "-c", "exit 3" }, 1, "3" },
};

Test(bench_cmd, what_cannot_be_measured_is_said)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cr_expect(eq(int, bench(rows[i].args), rows[i].code), "%s: %s",
			  rows[i].says, result.err);
		cr_expect(ne(ptr, strstr(result.err, rows[i].says), NULL), "%s: %s",
			  rows[i].says, result.err);
	}
}

Test(bench_cmd, help_is_asked_for)
{
	cr_expect(eq(int, bench(ARGS("--help")), 0));
	cr_expect(ne(ptr, strstr(result.out, "Usage: uringspawn bench"), NULL));
	cr_expect(eq(str, result.err, (char *)""));
}
