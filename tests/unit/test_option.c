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
	{ "1 s", -EINVAL, 0 },	      { "1d", 0, 86400000000000 },
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

Test(option, a_text_may_name_any_byte)
{
	static const char want[] = "a\n\t\r\0\\\xff\n.";
	char bytes[64];
	size_t size = 0;

	cr_assert(eq(int, option_text("a\\n\\t\\r\\0\\\\\\xfF\\x0a.", bytes, &size), 0));
	cr_assert(eq(sz, size, sizeof(want) - 1));
	cr_assert(eq(int, memcmp(bytes, want, size), 0));
	cr_assert(eq(int, option_text("", bytes, &size), 0));
	cr_assert(eq(sz, size, 0));
	cr_assert(eq(int, option_text("a\\", bytes, &size), -EINVAL));
	cr_assert(eq(int, option_text("\\q", bytes, &size), -EINVAL));
	cr_assert(eq(int, option_text("\\x1", bytes, &size), -EINVAL));
	cr_assert(eq(int, option_text("\\xg0", bytes, &size), -EINVAL));
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

CLEAN_TEST(option, what_removes_a_variable_comes_before_what_adds_one)
{
	static char *mine[] = { "A=1", "AB=2", "C=3", NULL };
	struct run_options options;

	environ = mine;
	cr_assert(eq(int,
		     PARSE(&options, "--env", "C=4", "--unset", "C", "--unset=A",
			   "--unset=B", "x"),
		     0));
	cr_assert(eq(str, options.envp[0], "AB=2"));
	cr_assert(eq(str, options.envp[1], "C=4"));
	cr_assert(options.envp[2] == NULL);
	run_options_done(&options);
}

CLEAN_TEST(option, how_it_ends_is_asked_for_as_it_is_typed)
{
	struct run_options options;

	cr_assert(eq(int,
		     PARSE(&options, "-k", "1", "-sINT", "--timeout=0",
			   "--kill-target=process", "--launch-timeout=2",
			   "--queue-timeout=3", "--idle-timeout=4", "--drain=5",
			   "--drain-kill", "--limit-output=6", "--preserve-status", "x"),
		     0));
	cr_assert(eq(u64, options.asked.kill.grace_ns, 1000000000));
	cr_assert(eq(int, options.asked.kill.signal, SIGINT));
	cr_assert(eq(u64, options.asked.timeout_ns, 0), "none, as timeout(1) has it");
	cr_assert(eq(int, options.asked.kill.target, USP_TARGET_PROCESS));
	cr_assert(eq(u64, options.asked.launch_timeout_ns, 2000000000));
	cr_assert(eq(u64, options.asked.queue_timeout_ns, 3000000000));
	cr_assert(eq(u64, options.asked.idle_timeout_ns, 4000000000));
	cr_assert(eq(u64, options.asked.drain_ns, 5000000000));
	cr_assert(eq(int, options.asked.drain_action, USP_DRAIN_KILL));
	cr_assert(eq(u64, options.asked.output_max_bytes, 6));
	cr_assert(options.preserve_status);
	run_options_done(&options);
}

CLEAN_TEST(option, a_cgroup_and_its_limits_take_the_tree_with_them)
{
	struct run_options options;

	cr_assert(eq(int,
		     PARSE(&options, "--cgroup-memory=1M", "--cgroup-pids", "7",
			   "--cgroup-cpu=.5", "--oom-score-adj=9", "--ignore=INT",
			   "--ignore", "2", "--groups=3,4", "x"),
		     0));
	cr_assert(eq(u64, options.asked.cgroup.memory_max_bytes, 1 << 20));
	cr_assert(eq(u64, options.asked.cgroup.pids_max, 7));
	cr_assert(eq(u32, options.asked.cgroup.cpu_milli, 500));
	cr_assert(eq(u32, options.asked.flags, USP_FLAG_CGROUP));
	cr_assert(eq(int, options.asked.kill.target, USP_TARGET_TREE));
	cr_assert(eq(int, options.asked.oom_score_adj, 9));
	cr_assert(eq(u64, options.asked.ignored_signals, 1 << (SIGINT - 1)));
	cr_assert(eq(sz, options.asked.n_groups, 2));
	cr_assert(eq(uint, options.asked.groups[1], 4));
	cr_assert(eq(uint, options.asked.uid, geteuid()));
	cr_assert(
		eq(u32, options.asked.set, USP_SET_OOM_SCORE_ADJ | USP_SET_CREDENTIALS));
	run_options_done(&options);

	cr_assert(eq(int, PARSE(&options, "--cgroup-path=/a", "--pty=7x9", "x"), 0));
	cr_assert(eq(str, (char *)options.asked.cgroup.path, "/a"));
	cr_assert(eq(u32, options.asked.flags, 0), "not one of its own");
	cr_assert(eq(uint, options.asked.pty.rows, 7));
	cr_assert(eq(uint, options.asked.pty.columns, 9));
	run_options_done(&options);
}

static const struct wrong {
	const char *args[5];
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
	{ { "-k" }, "option '-k' needs a value" },
	{ { "--preserve-state", "x" },
	  "no option '--preserve-state'; did you mean '--preserve-status'?" },
	{ { "--cgroup-memroy=1", "x" },
	  "no option '--cgroup-memroy'; did you mean '--cgroup-memory'?" },
	{ { "--kill-target", "all", "x" },
	  "--kill-target 'all' is not group, process or tree" },
	{ { "--unset", "A=1", "x" }, "--unset 'A=1' is not the name of a variable" },
	{ { "--groups", "0,no-such", "x" },
	  "--groups '0,no-such' is not a list of groups" },
	{ { "--oom-score-adj", "1001", "x" },
	  "--oom-score-adj '1001' is not a number from -1000 to 1000" },
	{ { "--ignore", "LOUD", "x" }, "--ignore 'LOUD' is not a signal" },
	{ { "--fd", "2", "x" },
	  "--fd '2' is not a descriptor from 3 to 255 that is open here" },
	{ { "--fd", "200", "x" },
	  "--fd '200' is not a descriptor from 3 to 255 that is open here" },
	{ { "--stdin", "", "x" }, "--stdin '' is not a file" },
	{ { "--pty=24", "x" }, "--pty '24' is not ROWSxCOLUMNS, as 24x80" },
	{ { "--pty=0x80", "x" }, "--pty '0x80' is not ROWSxCOLUMNS, as 24x80" },
	{ { "--cgroup-cpu", "0", "x" },
	  "--cgroup-cpu '0' is not a number of CPUs (0.5, 2)" },
	{ { "--cgroup-cpu", "nan", "x" },
	  "--cgroup-cpu 'nan' is not a number of CPUs (0.5, 2)" },
	{ { "--cgroup-pids", "0", "x" },
	  "--cgroup-pids '0' is not a number of processes" },
	{ { "--cgroup-memory", "much", "x" },
	  "--cgroup-memory 'much' is not a number of bytes (512, 64K, 2M)" },
	{ { "--cgroup-path=/a", "--cgroup", "x" },
	  "--cgroup-path and a cgroup of its own exclude each other" },
	{ { "--session", "--foreground", "x" },
	  "--foreground and --session exclude each other" },
	{ { "--pty", "--foreground", "x" }, "--foreground and --pty exclude each other" },
	{ { "--pty", "--stdin=/x", "x" },
	  "--pty and --stdin, --stdout or --stderr exclude each other" },
	{ { "--gone", "stay", "x" }, "--gone 'stay' is not kill, keep or release" },
	{ { "--gone=keep", "x" }, "--gone means nothing without --socket" },
	{ { "--append", "x" }, "--append means nothing without --stdout or --stderr" },
	{ { "--tail=1", "x" }, "--tail means nothing without --output-max" },
	{ { "--drain-kill", "x" }, "--drain-kill means nothing without --drain" },
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
