/*
 * `uringspawn run --timeout` next to coreutils' timeout(1), case by case: the same command
 * line, and what each makes of it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/tmpdir.h"

TestSuite(run_timeout, .fini = tmpdir_done, .timeout = 240);

#define SHORT "0.1"
#define LONG  "100"

/* Words of `timeout WORDS` are "run --timeout" and the same, but for the first one that
 * is no option: there it has the time. */
static const struct row {
	const char *name;
	const char *options[4];
	const char *time;
	const char *program[5];
	int timeouts; /* what timeout(1) exits with */
	int ours;
} rows[] = {
	{ "in time", { 0 }, LONG, { "true" }, 0, 0 },
	{ "a code", { 0 }, LONG, { "sh", "-c", "exit 7" }, 7, 7 },
	{ "124 of its own", { 0 }, LONG, { "sh", "-c", "exit 124" }, 124, 124 },
	{ "too late", { 0 }, SHORT, { PROGRAM("sleep_forever") }, 124, 124 },
	{ "0 is no timeout", { 0 }, "0", { "sleep", "0.1" }, 0, 0 },
	{ "minutes", { 0 }, "10m", { "true" }, 0, 0 },
	{ "days", { 0 }, "1d", { "true" }, 0, 0 },
	{ "parts of seconds", { 0 }, ".1", { PROGRAM("sleep_forever") }, 124, 124 },
	{ "no such program", { 0 }, LONG, { "/no/such/program" }, 127, 127 },
	{ "no such name", { 0 }, LONG, { "no-such-program" }, 127, 127 },
	{ "not executable", { 0 }, LONG, { "/etc/passwd" }, 126, 126 },
	{ "a directory", { 0 }, LONG, { "/etc" }, 126, 126 },
	{ "no time", { 0 }, "soon", { "true" }, 125, 125 },
	{ "no such signal", { "-s", "LOUD" }, LONG, { "true" }, 125, 125 },
	{ "another signal",
	  { "-s", "INT" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  124,
	  124 },
	{ "a signal by number",
	  { "-s", "2" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  124,
	  124 },
	{ "it ends by itself when told to",
	  { "-s", "USR1" },
	  SHORT,
	  { "sh", "-c", "trap 'exit 5' USR1; while :; do sleep 0.01; done" },
	  124,
	  124 },
	{ "its status, of a signal",
	  { "--preserve-status" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  143,
	  143 },
	{ "its status, of a signal that was chosen",
	  { "--preserve-status", "-s", "INT" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  130,
	  130 },
	{ "its status, of its own",
	  { "--preserve-status" },
	  SHORT,
	  { "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.01; done" },
	  5,
	  5 },
	{ "a signal of its own", { 0 }, LONG, { "sh", "-c", "kill -USR1 $$" }, 138, 138 },
	{ "killed by itself", { 0 }, LONG, { "sh", "-c", "kill -KILL $$" }, 137, 137 },
	{ "in the foreground",
	  { "--foreground" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  124,
	  124 },
	{ "in the foreground, in time", { "--foreground" }, LONG, { "true" }, 0, 0 },
	{ "its status, killed",
	  { "--preserve-status", "-k", "0.1" },
	  SHORT,
	  { PROGRAM("ignore_term") },
	  137,
	  137 },
	/* timeout(1) cannot be told apart from a killed program then; 124 says that it
	 * was the time. */
	{ "killed", { "-k", "0.1" }, SHORT, { PROGRAM("ignore_term") }, 137, 124 },
	{ "KILL at once",
	  { "-s", "KILL" },
	  SHORT,
	  { PROGRAM("sleep_forever") },
	  137,
	  124 },
};

/* A shell does not tell an exit from a signal, and no more do we. */
static int as_a_shell_says(int code)
{
	return code < 0 ? 128 - code : code;
}

static int run_timeout(const struct row *row)
{
	const char *line[16] = { "/usr/bin/timeout" };
	const struct command command = { .argv = line };
	int n = 1;

	for (int i = 0; i < 4 && row->options[i]; i++)
		line[n++] = row->options[i];
	line[n++] = row->time;
	for (int i = 0; i < 5 && row->program[i]; i++)
		line[n++] = row->program[i];
	return as_a_shell_says(command_run(&command, &result));
}

static int run_ours(enum way way, const struct row *row)
{
	const char *words[16];
	int n = 0;

	for (int i = 0; i < 4 && row->options[i]; i++)
		words[n++] = row->options[i];
	words[n++] = "--timeout";
	words[n++] = row->time;
	for (int i = 0; i < 5 && row->program[i]; i++)
		words[n++] = row->program[i];
	words[n] = NULL;
	return run(way, words);
}

BOTH_WAYS(run_timeout, it_exits_as_timeout_does_or_the_table_says_how)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		cr_expect(eq(int, run_timeout(&rows[i]), rows[i].timeouts), "%s: %s",
			  rows[i].name, result.err);
		cr_expect(eq(int, run_ours(way, &rows[i]), rows[i].ours), "%s: %s",
			  rows[i].name, result.err);
	}
}

/* A group of its own, as with timeout(1), or the caller's. */
BOTH_WAYS(run_timeout, in_the_foreground_it_stays_in_the_callers_group)
{
	static const char group[] = "cut -d' ' -f5 /proc/$$/stat";
	char mine[32];

	snprintf(mine, sizeof(mine), "%d\n", (int)getpgrp());
	cr_expect(eq(int, run(way, ARGS("--foreground", "sh", "-c", group)), 0));
	cr_expect(eq(str, result.out, mine), "%s", result.err);
	cr_expect(eq(int, run(way, ARGS("sh", "-c", group)), 0));
	cr_expect(ne(str, result.out, mine));
}

static const int passed_on[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

/* What the program says of @signal, if anything, when this command is sent it. */
static void expect_passed_on(const char *const *argv, int signal)
{
	const struct command command = { .argv = argv };
	struct running_command running;
	char line[128], want[32];

	snprintf(want, sizeof(want), "signal %d\n", signal);
	command_start(&running, &command);
	command_read_line(&running, "pid ", line, sizeof(line));
	cr_assert(eq(int, kill(running.pid, signal), 0));
	command_read_line(&running, want, line, sizeof(line));
	if (signal != SIGTERM)
		cr_assert(eq(int, kill(running.pid, SIGTERM), 0));
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40), "%s", result.err);
}

BOTH_WAYS(run_timeout, a_signal_that_it_is_sent_reaches_the_program)
{
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		expect_passed_on(command_line(way, ARGS("--timeout", LONG,
							PROGRAM("tell_signals"))),
				 passed_on[i]);
	}
}
