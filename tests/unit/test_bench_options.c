/*
 * The options of `uringspawn bench`: src/cli/bench_options.c.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/annotate.h"
#include "cli/bench_options.h"

static int parse(const char *const *words, struct bench_options *options)
{
	static char *argv[16]; /* the options point into it */
	int argc = 1;

	memset(argv, 0, sizeof(argv));
	argv[0] = (char *)"bench";
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	return bench_options_parse(argc, argv, options);
}

Test(bench_options, what_is_not_said_has_a_default)
{
	struct bench_options options;
	const char *const words[] = { "--", "true", NULL };
	int ret = parse(words, &options);

	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, options.n_jobs, 10000));
	cr_assert(eq(uint, options.n_rounds, 5));
	cr_assert(eq(uint, options.depth, 8));
	cr_assert(eq(uint, options.n_launchers, 0));
	cr_assert(eq(ptr, (void *)options.socket, NULL));
	cr_assert(options.pipes);
	cr_assert(not(options.json));
}

Test(bench_options, what_is_said_is_taken)
{
	struct bench_options options;
	const char *const words[] = { "--jobs", "20",	       "--rounds=2", "--depth",
				      "3",	"--launchers", "4",	     "--stdio",
				      "null",	"--json",      "echo",	     "--jobs",
				      NULL };
	int ret = parse(words, &options);

	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, options.n_jobs, 20));
	cr_assert(eq(uint, options.n_rounds, 2));
	cr_assert(eq(uint, options.depth, 3));
	cr_assert(eq(uint, options.n_launchers, 4));
	cr_assert(not(options.pipes));
	cr_assert(options.json);
	cr_assert(eq(str, options.argv[0], "echo"));
	cr_assert(eq(str, options.argv[1], "--jobs"), "the command's words are its own");
}

/* One line per rule; the word must be in the answer, so that it helps. */
static const struct {
	const char *words[8];
	const char *named;
} wrong[] = {
	{ { "--jobs", "12x", "--", "true" }, "--jobs '12x' is not a number" },
	{ { "--jobs", "0", "--", "true" }, "--jobs '0'" },
	{ { "--jobs", "-1", "--", "true" }, "--jobs '-1'" },
	{ { "--jobs", " 5", "--", "true" }, "--jobs ' 5'" },
	{ { "--jobs", "99999999999999999999", "--", "true" }, "--jobs" },
	{ { "--depth", "5000", "--", "true" }, "from 1 to 4096" },
	{ { "--rounds", "", "--", "true" }, "--rounds ''" },
	{ { "--launchers", "65", "--", "true" }, "--launchers '65'" },
	{ { "--stdio", "file", "--", "true" }, "'file' is neither pipe nor null" },
	{ { "--jobs", "3", "--rounds", "4", "--", "true" }, "--rounds is more" },
	{ { "--socket", "s", "--launchers", "2", "--", "true" }, "--launchers is for" },
	{ { "--policy", "fastest", "--", "true" }, "--policy 'fastest' is not one of" },
	{ { "--tables", "all", "--", "true" }, "one of auto, shared, private" },
	{ { "--live", "0", "--", "true" }, "--live '0'" },
	{ { "--socket", "s", "--policy", "all", "--", "true" }, "--policy and --tables" },
	{ { "--socket", "s", "--tables", "shared", "--", "true" }, "--policy and" },
	{ { "--socket", "s", "--descriptors", "9", "--", "true" }, "--descriptors are" },
	{ { "--policy", "all", "--live", "9", "--", "true" }, "--policy all compares" },
	{ { "--policy", "all", "--cgroup", "--", "true" }, "one at a time" },
	{ { "--cgroup", "--live", "9", "--", "true" }, "one at a time" },
	{ { "--template", "--cgroup", "--", "true" }, "--template templates" },
	{ { "--outputs", "--live", "9", "--", "true" }, "--outputs outputs" },
	{ { "--outputs", "--stdio", "null", "--", "true" }, "--outputs is about" },
	{ { "--variables", "none", "--", "true" }, "--variables 'none'" },
	{ { "--nonsense", "--", "true" }, "'--nonsense'" },
	{ { "--json=yes", "--", "true" }, "'--json' takes no value" },
	{ { "-x", "--", "true" }, "'-x'" },
	{ { "--jobs" }, "'--jobs' needs a value" },
	{ { "--json" }, "no program" },
	{ { "--", "" }, "empty" },
};

ParameterizedTestParameters(bench_options, what_is_wrong_is_named)
{
	static size_t number[ARRAY_SIZE(wrong)];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(wrong));
}

ParameterizedTest(size_t *number, bench_options, what_is_wrong_is_named)
{
	struct bench_options options = { .n_jobs = 77 };
	char said[300] = "";

	cr_redirect_stderr();
	int ret = parse(wrong[*number].words, &options);
	fflush(stderr);
	FILE *from = cr_get_redirected_stderr();

	cr_assert(eq(int, ret, -EINVAL));
	cr_assert(fgets(said, sizeof(said), from) != NULL);
	cr_assert(strstr(said, wrong[*number].named) != NULL, "said: %s", said);
	cr_assert(eq(uint, options.n_jobs, 77), "written to although it failed");
}

Test(bench_options, help_is_printed_and_is_no_error)
{
	struct bench_options options;
	const char *const words[] = { "--help", NULL };

	cr_redirect_stdout();
	int ret = parse(words, &options);
	fflush(stdout);
	char said[4096] = "";
	FILE *from = cr_get_redirected_stdout();

	cr_assert(eq(int, ret, 1));
	cr_assert(fgets(said, sizeof(said), from) != NULL);
	cr_assert(strstr(said, "uringspawn bench") != NULL);
}
