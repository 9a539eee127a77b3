/*
 * `uringspawn run` with limits, another user, a terminal: what the program finds.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/cgroups.h"
#include "support/command.h"
#include "support/tmpdir.h"

TestSuite(run_limits, .fini = tmpdir_done, .timeout = 120);

static const struct row {
	const char *name;
	const char *args[10];
	const char *out; /* all of it */
	bool as_root;	 /* only root may ask for it */
} rows[] = {
	{ "umask", { "--umask", "027", "sh", "-c", "umask" }, "0027\n", false },
	{ "nice", { "--nice", "5", "nice" }, "5\n", false },
	{ "less nice", { "--nice=-5", "nice" }, "-5\n", true },
	{ "a limit",
	  { "--rlimit", "nofile=100", "sh", "-c", "ulimit -n" },
	  "100\n",
	  false },
	{ "a soft limit",
	  { "--rlimit", "core=0:100", "sh", "-c", "ulimit -c; ulimit -Hc" },
	  "0\n0\n",
	  false },
	{ "a CPU",
	  { "--cpus", "0", "sed", "-n", "s/^Cpus_allowed_list:.//p",
	    "/proc/self/status" },
	  "0\n",
	  false },
	{ "no new privileges",
	  { "--no-new-privs", "sed", "-n", "s/^NoNewPrivs:.//p", "/proc/self/status" },
	  "1\n",
	  false },
	{ "bound to who runs it",
	  { "--bound", PROGRAM("tell_death_signal") },
	  "9\n",
	  false },
	{ "a user and no groups",
	  { "--user", "12345", "sh", "-c", "id -u; id -g; id -G" },
	  "12345\n12345\n12345\n",
	  true },
	{ "other groups",
	  { "--groups", "5,54321", "sh", "-c", "id -G | tr ' ' '\\n' | grep -x 54321" },
	  "54321\n",
	  true },
	{ "an oom score",
	  { "--oom-score-adj", "500", "cat", "/proc/self/oom_score_adj" },
	  "500\n",
	  false },
	{ "an ignored signal",
	  { "--ignore", "INT", "sed", "-n", "s/^SigIgn:.//p", "/proc/self/status" },
	  "0000000000000002\n",
	  false },
	{ "another name", { "--arg0", "liar", "sh", "-c", "echo $0" }, "liar\n", false },
	{ "a file to read", { "--stdin", "/proc/self/comm", "cat" }, "cat\n", false },
	{ "no variable",
	  { "--clear-env", "--env", "A=1", "/usr/bin/env" },
	  "A=1\n",
	  false },
	{ "a session of its own",
	  { "--session", "sh", "-c",
	    "test $(cut -d' ' -f6 /proc/$$/stat) = $$; echo $?" },
	  "0\n",
	  false },
	{ "a terminal of a size of its own",
	  { "--pty=7x31", "stty", "size" },
	  "7 31\r\n",
	  false },
	{ "a user and another group",
	  { "--user", "12345", "--group", "54321", "sh", "-c", "id -u; id -g" },
	  "12345\n54321\n",
	  true },
};

BOTH_WAYS(run_limits, the_program_finds_what_was_asked_for)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		if (row->as_root && geteuid() != 0)
			continue;
		cr_expect(eq(int, run(way, row->args), 0), "%s: %s", row->name,
			  result.err);
		cr_expect(eq(str, result.out, (char *)row->out), "%s", row->name);
		cr_expect(eq(str, result.err, (char *)""), "%s", row->name);
	}
}

/* Written by the program itself, and added to when asked for. */
BOTH_WAYS(run_limits, files_are_opened_for_it)
{
	const char *name = way == EMBEDDED ? tmpdir_path("mine") : tmpdir_path("daemons");
	const char *const first[] = { "--stdout", name, "echo", "one", NULL };
	const char *const more[] = { "--append", "--stdout", name, "echo", "two", NULL };
	const char *const read[] = { "--stdin", name, "cat", NULL };
	const char *const none[] = { "--stdin", "/no/such/file", "cat", NULL };

	cr_expect(eq(int, run(way, first), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)""));
	cr_expect(eq(int, run(way, more), 0), "%s", result.err);
	cr_expect(eq(int, run(way, read), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)"one\ntwo\n"));
	cr_expect(eq(int, run(way, none), 125));
	cr_expect(ne(ptr, strstr(result.err, "/no/such/file"), NULL), "%s", result.err);
}

BOTH_WAYS(run_limits, a_descriptor_is_handed_on)
{
	int fd = dup2(1, 9);
	const char *const args[] = { "--fd", "9", "sh", "-c", "test -e /dev/fd/9", NULL };
	const char *const without[] = { "sh", "-c", "test -e /dev/fd/9", NULL };

	cr_assert(eq(int, fd, 9));
	cr_expect(eq(int, run(way, args), 0), "%s", result.err);
	cr_expect(eq(int, run(way, without), 1), "%s", result.err);
	close(fd);
}

BOTH_WAYS(run_limits, a_cgroup_has_the_limits_that_were_asked_for)
{
	const char *const args[] = { "--cgroup-pids",
				     "40",
				     "sh",
				     "-c",
				     "cat /sys/fs/cgroup/$(sed -n s/^0:://p "
				     "/proc/self/cgroup)/pids.max",
				     NULL };

	need_cgroups();
	if (run(way, args) == 125)
		cr_skip("no cgroup can have limits here: %s", result.err);
	cr_expect(eq(str, result.out, (char *)"40\n"), "%s", result.err);
}

BOTH_WAYS(run_limits, who_holds_its_output_is_ended_when_asked_for)
{
	const char *const args[] = { "--drain", "50ms", "--drain-kill",
				     "sh",	"-c",	"sleep 1000 & echo $!",
				     NULL };

	cr_expect(eq(int, run(way, args), 0), "%s", result.err);
	cr_assert(lt(int, 0, atoi(result.out)));
	while (kill(atoi(result.out), 0) == 0)
		usleep(1000);
}

/* The daemon carries on with it, so that what it writes still comes. */
Test(run_limits, a_program_outlives_its_command_when_asked_for)
{
	struct running_command running;
	char line[32];

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET,
	      ARGS("--gone", "keep", "sh", "-c", "echo ready; read line; echo $line"), 0);
	command_read_line(&running, "ready", line, sizeof(line));
	cr_assert(eq(int, kill(running.pid, SIGKILL), 0));
	command_end(&running, &result);
	cr_expect(eq(str, result.out, (char *)"\n"), "it did not go on");
	daemon_stop(&daemon_run);
}

BOTH_WAYS(run_limits, a_terminal_of_its_own_is_copied)
{
	const char *const args[] = { "--pty", "sh", "-c",
				     "test -t 0 && test -t 1 && echo yes; exit 3", NULL };

	cr_expect(eq(int, run(way, args), 3), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)"yes\r\n"));
}

/* Its input ends, so the program on the terminal sees the end of a file. */
BOTH_WAYS(run_limits, the_end_of_input_is_typed)
{
	const char *const args[] = { "--pty", "sh", "-c", "stty -echo; cat; echo done",
				     NULL };

	cr_expect(eq(int, run(way, args), 0), "%s", result.err);
	cr_expect(ne(ptr, strstr(result.out, "done"), NULL), "%s", result.out);
}

BOTH_WAYS(run_limits, what_it_used_is_said_on_stderr)
{
	const char *const args[] = { "--stats", "sh", "-c", "echo out", NULL };

	cr_expect(eq(int, run(way, args), 0));
	cr_expect(eq(str, result.out, (char *)"out\n"));
	cr_expect(ne(ptr, strstr(result.err, "uringspawn: exited, code 0\n"), NULL), "%s",
		  result.err);
	cr_expect(ne(ptr, strstr(result.err, " running, "), NULL), "%s", result.err);
}

/* It leaves the group and the session, and holds stdout: only the tree has it. */
BOTH_WAYS(run_limits, a_timeout_takes_the_whole_tree)
{
	const char *const args[] = { "--timeout", "300ms", "--tree",
				     "sh",	  "-c",	   "setsid sleep 1000 & wait",
				     NULL };

	cr_expect(eq(int, run(way, args), 124), "%s", result.err);
}

BOTH_WAYS(run_limits, output_beyond_the_limit_is_dropped_but_for_its_tail)
{
	const char *const args[] = { "--output-max",
				     "10",
				     "--tail",
				     "4",
				     "--stats",
				     "sh",
				     "-c",
				     "printf 0123456789abcdefghij",
				     NULL };

	cr_expect(eq(int, run(way, args), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)"012345ghij"));
	cr_expect(ne(ptr, strstr(result.err, "10 dropped"), NULL), "%s", result.err);
}

BOTH_WAYS(run_limits, output_beyond_the_limit_ends_the_program)
{
	const char *const args[] = {
		"--output-max", "10", PROGRAM("flood"), "1000000", "1", "1", NULL
	};

	cr_expect(ne(int, run(way, args), 0));
	cr_expect(eq(sz, result.out_size, 10));
	cr_expect(ne(ptr, strstr(result.err, "more output"), NULL), "%s", result.err);
}

BOTH_WAYS(run_limits, a_program_that_says_nothing_is_ended)
{
	const char *const args[] = { "--idle-timeout", "50ms", PROGRAM("sleep_forever"),
				     NULL };

	cr_expect(eq(int, run(way, args), 124), "%s", result.err);
}

BOTH_WAYS(run_limits, who_holds_its_output_is_not_waited_for)
{
	const char *const args[] = {
		"--drain", "50ms", "sh", "-c", "sleep 1000 & echo $!", NULL
	};

	cr_expect(eq(int, run(way, args), 0), "%s", result.err);
	cr_assert(lt(int, 0, atoi(result.out)));
	cr_expect(eq(int, kill(atoi(result.out), SIGKILL), 0), "it was not left alone");
	cr_expect(ne(ptr, strstr(result.err, "(sleep)"), NULL), "who it was: %s",
		  result.err);
}
