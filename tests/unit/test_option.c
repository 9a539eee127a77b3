/*
 * cli/option.c and cli/run_options.c: what people type is understood, or named
 * when it is not.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "cli/option.h"
#include "cli/run_options.h"
#include "support/clean.h"

static const struct duration {
	const char *text;
	int want;
	uint64_t ns;
} durations[] = {
	{ "10", 0, 10000000000 },     { "0", 0, 0 },
	{ "1.5", 0, 1500000000 },     { ".25", 0, 250000000 },
	{ "500ms", 0, 500000000 },    { "2s", 0, 2000000000 },
	{ "2m", 0, 120000000000 },    { "1h", 0, 3600000000000 },
	{ "", -EINVAL, 0 },	      { ".", -EINVAL, 0 },
	{ "s", -EINVAL, 0 },	      { "-1", -EINVAL, 0 },
	{ "+1", -EINVAL, 0 },	      { " 1", -EINVAL, 0 },
	{ "1 s", -EINVAL, 0 },	      { "1d", -EINVAL, 0 },
	{ "1e3", -EINVAL, 0 },	      { "0x10", -EINVAL, 0 },
	{ "1.2.3", -EINVAL, 0 },      { "inf", -EINVAL, 0 },
	{ "nan", -EINVAL, 0 },	      { "99999999999999999999", -ERANGE, 0 },
	{ "999999999h", -ERANGE, 0 },
};

ParameterizedTestParameters(option, a_length_of_time)
{
	static size_t number[ARRAY_SIZE(durations)];

	for (size_t i = 0; i < ARRAY_SIZE(durations); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(durations));
}

ParameterizedTest(size_t *number, option, a_length_of_time)
{
	const struct duration *d = &durations[*number];
	uint64_t ns = 0;

	cr_assert(eq(int, option_duration(d->text, &ns), d->want), "'%s'", d->text);
	cr_assert(eq(u64, ns, d->ns), "'%s'", d->text);
}

Test(option, a_signal_has_a_name_and_a_number)
{
	cr_assert(eq(int, option_signal("TERM"), SIGTERM));
	cr_assert(eq(int, option_signal("SIGKILL"), SIGKILL));
	cr_assert(eq(int, option_signal("sigusr1"), SIGUSR1));
	cr_assert(eq(int, option_signal("15"), SIGTERM));
	cr_assert(eq(int, option_signal("64"), 64));
	cr_assert(eq(int, option_signal("0"), -EINVAL));
	cr_assert(eq(int, option_signal("65"), -EINVAL));
	cr_assert(eq(int, option_signal("15x"), -EINVAL));
	cr_assert(eq(int, option_signal(""), -EINVAL));
	cr_assert(eq(int, option_signal("SIG"), -EINVAL));
	cr_assert(eq(int, option_signal("NOSUCH"), -EINVAL));
}

Test(option, the_nearest_word_is_one_that_was_meant)
{
	static const char *const words[] = { "run", "bench", "doctor", "timeout" };

	cr_assert(eq(str, (char *)option_nearest("rnu", words, 4), "run"));
	cr_assert(eq(str, (char *)option_nearest("bnech", words, 4), "bench"));
	cr_assert(eq(str, (char *)option_nearest("doc", words, 4), "doctor"));
	cr_assert(eq(str, (char *)option_nearest("timout", words, 4), "timeout"));
	cr_assert(option_nearest("xyzzy", words, 4) == NULL);
	cr_assert(option_nearest("", words, 4) == NULL);
	cr_assert(option_nearest("a-word-that-is-longer-than-any-other-word", words, 4) ==
		  NULL);
}

static int parse(struct run_options *ret_options, const char *const *args)
{
	static char *argv[16]; /* the options point into it */
	int argc = 1;

	memset(argv, 0, sizeof(argv));
	argv[0] = "run";
	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)args[argc - 1];
	return run_options_parse(argc, argv, ret_options);
}

#define PARSE(ret_options, ...)                                                          \
	parse((ret_options), (const char *const[]){ __VA_ARGS__, NULL })

CLEAN_TEST(option, options_end_where_the_program_begins)
{
	struct run_options options;

	cr_assert(eq(int,
		     PARSE(&options, "--timeout", "1", "--kill-after=0", "--signal=INT",
			   "--cwd", "/x", "--socket=@s", "sh", "--timeout", "2"),
		     0));
	cr_assert(eq(u64, options.asked.timeout_ns, 1000000000));
	cr_assert(eq(u64, options.asked.kill.grace_ns, 1), "0 would mean the default");
	cr_assert(eq(int, options.asked.kill.signal, SIGINT));
	cr_assert(eq(str, (char *)options.asked.cwd, "/x"));
	cr_assert(eq(str, (char *)options.socket, "@s"));
	cr_assert(eq(str, options.argv[0], "sh"));
	cr_assert(eq(str, options.argv[1], "--timeout"));
	run_options_done(&options);

	cr_assert(eq(int, PARSE(&options, "--", "--env"), 0));
	cr_assert(eq(str, options.argv[0], "--env"));
	run_options_done(&options);
}

CLEAN_TEST(option, the_environment_is_the_callers_with_what_was_added)
{
	static char *mine[] = { "A=1", "AB=2", "C=3", NULL };
	struct run_options options;

	environ = mine;
	cr_assert(eq(int,
		     PARSE(&options, "--env", "A=9", "--env=D=", "--env", "A=10", "x"),
		     0));
	cr_assert(eq(str, options.envp[0], "A=10"));
	cr_assert(eq(str, options.envp[1], "AB=2"));
	cr_assert(eq(str, options.envp[2], "C=3"));
	cr_assert(eq(str, options.envp[3], "D="));
	cr_assert(options.envp[4] == NULL);
	run_options_done(&options);

	cr_assert(eq(int, PARSE(&options, "--env", "A=9", "--clear-env", "x"), 0));
	cr_assert(eq(str, options.envp[0], "A=9"));
	cr_assert(options.envp[1] == NULL);
	run_options_done(&options);
}

CLEAN_TEST(option, limits_are_asked_for_as_they_are_typed)
{
	struct run_options options;

	cr_assert(eq(int,
		     PARSE(&options, "--umask=27", "--nice=-5", "--rlimit=nofile=10:20",
			   "--rlimit", "NOFILE=30", "--rlimit=core=0:unlimited",
			   "--cpus=0,2-3,64", "--no-new-privs", "--output-max=2K",
			   "--tail=1K", "--user=4000000000", "--group=7", "x"),
		     0));
	cr_assert(eq(uint, options.asked.umask, 027));
	cr_assert(eq(int, options.asked.nice, -5));
	cr_assert(eq(sz, options.asked.n_rlimits, 2));
	cr_assert(eq(u64, options.asked.rlimits[0].soft, 30));
	cr_assert(eq(u64, options.asked.rlimits[0].hard, 30));
	cr_assert(eq(u64, options.asked.rlimits[1].hard, UINT64_MAX));
	cr_assert(eq(u64, options.asked.cpus[0], 1 | 4 | 8));
	cr_assert(eq(u64, options.asked.cpus[1], 1));
	cr_assert(eq(u32, options.asked.flags, USP_FLAG_NO_NEW_PRIVS));
	cr_assert(eq(u64, options.asked.output_max_bytes, 2048));
	cr_assert(eq(u64, options.asked.output_tail_bytes, 1024));
	cr_assert(eq(int, options.asked.output_action, USP_OUTPUT_DROP));
	cr_assert(eq(uint, options.asked.uid, 4000000000));
	cr_assert(eq(uint, options.asked.gid, 7));
	cr_assert(eq(u32, options.asked.set,
		     USP_SET_UMASK | USP_SET_NICE | USP_SET_CREDENTIALS));
	cr_assert(options.relay);
	run_options_done(&options);
}

static const struct wrong {
	const char *args[4];
	const char *want;
} wrongs[] = {
	{ { "--timout", "3", "x" }, "no option '--timout'; did you mean '--timeout'?" },
	{ { "--xyzzy=3", "x" }, "no option '--xyzzy'; see 'uringspawn run --help'" },
	{ { "-q", "x" }, "no option '-q'; see 'uringspawn run --help'" },
	{ { "--timeout" }, "option '--timeout' needs a value" },
	{ { "--clear-env=1", "x" }, "option '--clear-env' takes no value" },
	{ { "--timeout", "soon", "x" },
	  "--timeout 'soon' is not a length of time (10, 1.5s, 500ms, 2m, 1h)" },
	{ { "--signal", "LOUD", "x" }, "--signal 'LOUD' is not a signal" },
	{ { "--env", "A", "x" }, "--env 'A' is not NAME=VALUE" },
	{ { "--env", "=A", "x" }, "--env '=A' is not NAME=VALUE" },
	{ { "--socket", "", "x" }, "--socket '' is not a path or @NAME" },
	{ { "--cwd", "", "x" }, "--cwd '' is not a directory" },
	{ { "--user", "no-such-user", "x" }, "--user 'no-such-user' is not a user" },
	{ { "--group", "no-such-group", "x" }, "--group 'no-such-group' is not a group" },
	{ { "--umask", "1000", "x" }, "--umask '1000' is not a mode like 027" },
	{ { "--nice", "20", "x" }, "--nice '20' is not a number from -20 to 19" },
	{ { "--rlimit", "files=1", "x" },
	  "--rlimit 'files=1' is not NAME=SOFT or NAME=SOFT:HARD" },
	{ { "--cpus", "2-1", "x" }, "--cpus '2-1' is not a list like 0,2-5" },
	{ { "--output-max", "1T", "x" },
	  "--output-max '1T' is not a number of bytes (512, 64K, 2M)" },
	{ { "--tail", "0", "x" }, "--tail '0' is not a number of bytes (512, 64K, 2M)" },
	{ { "--" }, "no program to run; see 'uringspawn run --help'" },
};

ParameterizedTestParameters(option, what_is_wrong_is_named)
{
	static size_t number[ARRAY_SIZE(wrongs)];

	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(wrongs));
}

ParameterizedTest(size_t *number, option, what_is_wrong_is_named)
{
	struct run_options options;
	char want[200];

	cr_redirect_stderr();
	cr_assert(eq(int, parse(&options, wrongs[*number].args), -EINVAL));
	fflush(stderr);
	snprintf(want, sizeof(want), "uringspawn: %s\n", wrongs[*number].want);
	cr_assert_stderr_eq_str(want);
}
