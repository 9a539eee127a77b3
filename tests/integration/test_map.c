/*
 * `uringspawn map`: what becomes a job, how many run, and the exit code.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/map.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(map, .fini = tmpdir_done, .timeout = 300);

/* ---- beside xargs -------------------------------------------------------- */

#define SHOW	 "printf", "[%s]"
#define FAILS(s) "sh", "-c", s, "sh"

/* One item for each job on both sides, one job at a time, and what each prints. */
static const struct beside {
	const char *name;
	const char *input;
	size_t size; /* 0: up to the NUL */
	const char *xargs[8], *map[8];
	const char *command[6];
	int code;
	bool differs; /* only the code is the same */
} beside[] = {
	{ "lines", "a\nb\n", 0, { "-d", "\\n", "-n1" }, { "-k" }, { SHOW }, 0, false },
	{ "the last line without its end",
	  "a\nb",
	  0,
	  { "-d", "\\n", "-n1" },
	  { "-k" },
	  { SHOW },
	  0,
	  false },
	{ "quotes, blanks and backslashes in lines",
	  " a 'b\\ \"c\n\\\n",
	  0,
	  { "-d", "\\n", "-n1" },
	  { "-k" },
	  { SHOW },
	  0,
	  false },
	{ "empty lines",
	  "a\n\n\nb\n",
	  0,
	  { "-d", "\\n", "-n1" },
	  { "-k" },
	  { SHOW },
	  0,
	  false },
	{ "no input", "", 0, { "-r", "-n1" }, { "-k" }, { SHOW }, 0, false },
	{ "NUL", "a\0b c\0\n\0\0d", 10, { "-0", "-n1" }, { "-0" }, { SHOW }, 0, false },
	{ "words", "a b\tc\n\n  d\n", 0, { "-n1" }, { "--words" }, { SHOW }, 0, false },
	{ "words in quotes",
	  "'a b' \"c d\"e'f' '' \"\"\n",
	  0,
	  { "-n1" },
	  { "--words" },
	  { SHOW },
	  0,
	  false },
	{ "words with backslashes",
	  "a\\ b \\'c\\\" \\\\ d\\\ne",
	  0,
	  { "-n1" },
	  { "--words" },
	  { SHOW },
	  0,
	  false },
	{ "quotes in quotes",
	  "\"a'b\" 'c\"d' 'e\\f'\n",
	  0,
	  { "-n1" },
	  { "--words" },
	  { SHOW },
	  0,
	  false },
	{ "a quote without its match",
	  "a\n'b\nc'\n",
	  0,
	  { "-n1" },
	  { "--words" },
	  { SHOW },
	  1,
	  false },
	{ "a quote at the end", "a 'b", 0, { "-n1" }, { "--words" }, { SHOW }, 1, false },
	{ "two for each",
	  "a\nb\nc\n",
	  0,
	  { "-d", "\\n", "-n2" },
	  { "-n2" },
	  { SHOW },
	  0,
	  false },
	{ "words, two for each",
	  "a b c\n",
	  0,
	  { "-n2" },
	  { "-n2", "--words" },
	  { SHOW },
	  0,
	  false },
	{ "a string replaced, often",
	  "a\nb c\n",
	  0,
	  { "-d", "\\n", "-I%" },
	  { "-I%" },
	  { SHOW, "<%>", "%%", "x" },
	  0,
	  false },
	{ "a string replaced by lines of words",
	  "  a 'b'  c \n\n\\d e\n",
	  0,
	  { "-I{}" },
	  { "-I{}", "--words" },
	  { SHOW, "{}" },
	  0,
	  false },
	{ "success", "a\n", 0, { "-n1" }, { "-k" }, { FAILS("exit 0") }, 0, false },
	{ "failures are 123",
	  "1\n125\n0\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { FAILS("exit $1") },
	  123,
	  false },
	{ "255 after another failure",
	  "1\n255\n0\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { FAILS("exit $1") },
	  123,
	  false },
	{ "255 is the end",
	  "0\n255\n0\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { FAILS("echo $1; exit $1") },
	  124,
	  false },
	{ "a signal is the end",
	  "a\nb\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { FAILS("echo $1; kill -9 $$") },
	  125,
	  false },
	{ "what cannot be run is the end",
	  "a\nb\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { "/etc/passwd" },
	  126,
	  false },
	{ "what is not there is the end",
	  "a\nb\n",
	  0,
	  { "-n1" },
	  { "-k" },
	  { "/no/such/program" },
	  127,
	  false },
	/* xargs cuts it at the NUL, and says so only for words. */
	{ "NUL in a line",
	  "a\0b\n",
	  4,
	  { "-d", "\\n", "-n1" },
	  { "-k" },
	  { SHOW },
	  -1,
	  true },
};

/* One behind the other, until a NULL each. */
static const char *const *joined(const char *const *a, const char *const *b,
				 const char *const *c)
{
	static const char *line[32];
	const char *const *parts[] = { a, b, c };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char *const *word = parts[i]; *word; word++)
			line[n++] = *word;
	line[n] = NULL;
	return line;
}

static const char *const *words_of(const char *const *words, size_t max)
{
	static const char *copies[2][10];
	static unsigned turn;
	const char **copy = copies[turn++ % 2];
	size_t n = 0;

	for (; n < max && words[n]; n++)
		copy[n] = words[n];
	copy[n] = NULL;
	return copy;
}

static int xargs(const struct beside *row, const char *input, size_t size)
{
	const struct command command = {
		.argv = joined(ARGS("/usr/bin/xargs"), words_of(row->xargs, 8),
			       words_of(row->command, 6)),
		.input = input,
		.input_size = size,
	};

	return command_run(&command, &result);
}

static int map_beside(enum way way, const struct beside *row, const char *input,
		      size_t size)
{
	return map_bytes(way,
			 joined(ARGS("--xargs-status", "-j1"), words_of(row->map, 8),
				words_of(row->command, 6)),
			 input, size);
}

BOTH_WAYS(map, what_xargs_prints_and_returns_is_the_same)
{
	static char said[sizeof(result.out)];

	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		const struct beside *row = &beside[i];
		size_t size = row->size ? row->size : strlen(row->input), n;

		if (row->differs)
			continue;
		cr_expect(eq(int, xargs(row, row->input, size), row->code), "%s: %s",
			  row->name, result.err);
		memcpy(said, result.out, n = result.out_size);
		cr_expect(eq(int, map_beside(way, row, row->input, size), row->code),
			  "%s: %s", row->name, result.err);
		cr_expect(eq(sz, result.out_size, n), "%s", row->name);
		cr_expect(zero(int, memcmp(result.out, said, n)), "%s: %s, not %.*s",
			  row->name, result.out, (int)n, said);
	}
}

/* "a", then a line of @size, then "b". */
static char *long_line(size_t size, size_t *ret_size)
{
	static char input[300000];

	memcpy(input, "a\n", 2);
	memset(input + 2, 'x', size);
	memcpy(input + 2 + size, "\nb\n", 3);
	*ret_size = size + 5;
	return input;
}

BOTH_WAYS(map, a_long_line_is_one_item_and_one_too_long_for_the_kernel_the_end)
{
	const struct beside row = { .xargs = { "-d", "\\n", "-n1" },
				    .map = { "-k" },
				    .command = { SHOW } };
	size_t size;
	char *input = long_line(100000, &size);

	cr_expect(eq(int, xargs(&row, input, size), 0));
	cr_expect(eq(sz, result.out_size, 100000 + 8));
	cr_expect(eq(int, map_beside(way, &row, input, size), 0), "%s", result.err);
	cr_expect(eq(sz, result.out_size, 100000 + 8));

	input = long_line(200000, &size);
	cr_expect(eq(int, xargs(&row, input, size), 1));
	cr_expect(eq(str, result.out, (char *)"[a]"));
	cr_expect(eq(int, map_beside(way, &row, input, size), 1));
	cr_expect(eq(str, result.out, (char *)"[a]"));
	cr_expect(says(result.err, "item 2"), "%s", result.err);
}

BOTH_WAYS(map, the_longest_argument_of_the_kernel_is_passed)
{
	size_t size;
	char *input = long_line(131071, &size);

	cr_expect(eq(int, map_bytes(way, ARGS("-k", SHOW), input, size), 0), "%s",
		  result.err);
	cr_expect(eq(sz, result.out_size, 131071 + 8));
	input = long_line(131072, &size);
	cr_expect(eq(int, map_bytes(way, ARGS("-k", SHOW), input, size), 125));
}

Test(map, many_items_for_one_job_are_cut_where_the_kernel_would)
{
	static char input[300000];
	size_t n = 0, lines = 0;

	while (n < sizeof(input) - 8)
		n += (size_t)sprintf(input + n, "%06zu\n", ++lines);
	cr_expect(eq(int,
		     map_bytes(EMBEDDED,
			       ARGS("-k", "-n", "1000000", "sh", "-c",
				    "for i; do echo $i; done", "sh"),
			       input, n),
		     0),
		  "%s", result.err);
	cr_assert(eq(sz, result.out_size, n));
	cr_expect(zero(int, memcmp(result.out, input, n)));
}

/* ---- input and commands -------------------------------------------------- */

static const struct row {
	const char *name;
	const char *args[10];
	const char *input;
	int code;
	const char *out;
	const char *says; /* a part of what is on stderr; NULL: nothing is */
} rows[] = {
	{ "values instead of input",
	  { "-k", "echo", ":::", "a", "b c" },
	  "no",
	  0,
	  "a\nb c\n",
	  NULL },
	{ "no values", { "echo", ":::" }, "no", 0, "", NULL },
	{ "a part of a word",
	  { "-k", "echo", "x{}y{}" },
	  "1\n2\n",
	  0,
	  "x1y1\nx2y2\n",
	  NULL },
	{ "several in a part of a word",
	  { "-n2", "printf", "[%s]", "x{}y" },
	  "1\n2\n",
	  0,
	  "[x1 2y]",
	  NULL },
	{ "several in a word",
	  { "-n2", "printf", "[%s]", "{}", "z" },
	  "1\n2\n",
	  0,
	  "[1][2][z]",
	  NULL },
	{ "nothing is replaced",
	  { "-I", "", "printf", "[%s]", "{}" },
	  "1\n",
	  0,
	  "[{}][1]",
	  NULL },
	{ "the program itself", { "{}", "x" }, "echo\n", 0, "x\n", NULL },
	{ "their stdin is empty", { "sh", "-c", "cat; echo $0" }, "1\n", 0, "1\n", NULL },
	{ "nothing runs in a dry run",
	  { "--dry-run", "-n2", "rm", "it's" },
	  "a b\n\nc\td\n",
	  0,
	  "rm 'it'\\''s' 'a b' ''\nrm 'it'\\''s' $'c\\011d'\n",
	  NULL },
	{ "failures are counted",
	  { "sh", "-c", "exit $0" },
	  "0\n1\n2\n0\n",
	  2,
	  "",
	  NULL },
	{ "what cannot be run has failed", { "/no/such" }, "0\n1\n", 2, "", "/no/such" },
	{ "a timeout is a failure",
	  { "--timeout", "50ms", PROGRAM("sleep_forever") },
	  "1\n",
	  1,
	  "",
	  NULL },
	{ "who ignores the signal is killed",
	  { "--timeout", "50ms", "--kill-after", "50ms", "sh", "-c",
	    "trap '' TERM; while :; do sleep 1; done" },
	  "1\n",
	  1,
	  "",
	  NULL },
	{ "a failure ends it soon",
	  { "-j1", "--halt", "soon,fail=2", "sh", "-c", "echo $0; exit $0" },
	  "1\n0\n2\n0\n3\n",
	  2,
	  "1\n0\n2\n",
	  NULL },
	{ "a success ends it",
	  { "-j1", "--halt", "now,success=1", "sh", "-c", "echo $0; exit $0" },
	  "1\n0\n2\n",
	  1,
	  "1\n0\n",
	  NULL },
	{ "so many end it",
	  { "-j1", "--halt", "soon,done=2", "echo" },
	  "a\nb\nc\n",
	  0,
	  "a\nb\n",
	  NULL },
	{ "NUL is no letter", { "-j1", "echo" }, "", 0, "", NULL },
	{ "no program", { "-j1" }, "", 125, "", "no program" },
	{ "no program, but values", { ":::", "a" }, "", 125, "", "no program" },
	{ "values twice",
	  { "echo", ":::", "a", ":::", "b" },
	  "",
	  125,
	  "",
	  "second ':::'" },
	{ "values and a file",
	  { "-a", "f", "echo", ":::", "a" },
	  "",
	  125,
	  "",
	  "--arg-file" },
	{ "a file that is not there",
	  { "-a", "/no/such", "echo" },
	  "",
	  125,
	  "",
	  "'/no/such'" },
	{ "a file that cannot be read", { "-a", "/", "echo" }, "", 125, "", "directory" },
	{ "no number of jobs", { "-j", "x", "echo" }, "", 125, "", "'x'" },
	{ "fewer than none", { "-j", "-1", "echo" }, "", 125, "", "'-1'" },
	{ "no items", { "-n0", "echo" }, "", 125, "", "--max-args '0'" },
	{ "no such halt", { "--halt", "later,fail=1", "echo" }, "", 125, "", "later" },
	{ "no number to halt at",
	  { "--halt", "now,fail=x", "echo" },
	  "",
	  125,
	  "",
	  "fail=x" },
	{ "no such option", { "--jobz", "1", "echo" }, "", 125, "", "'--jobs'" },
	{ "no order without groups",
	  { "-u", "-k", "echo" },
	  "",
	  125,
	  "",
	  "--keep-order" },
	{ "no tags without groups", { "-u", "--tag", "echo" }, "", 125, "", "--tag" },
	{ "a time that is none", { "--timeout", "soon", "echo" }, "", 125, "", "'soon'" },
};

BOTH_WAYS(map, input_becomes_jobs_and_mistakes_are_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		cr_expect(eq(int, map(way, row->args, row->input), row->code), "%s: %s",
			  row->name, result.err);
		cr_expect(eq(str, result.out, (char *)row->out), "%s", row->name);
		if (row->says)
			cr_expect(says(result.err, row->says), "%s: %s", row->name,
				  result.err);
		else
			cr_expect(eq(str, result.err, (char *)""), "%s", row->name);
	}
}

Test(map, a_nul_byte_in_a_line_is_refused_and_what_is_before_it_has_run)
{
	cr_expect(eq(int, map_bytes(EMBEDDED, ARGS("echo"), "a\nb\0c\nd\n", 8), 125));
	cr_expect(eq(str, result.out, (char *)"a\n"));
	cr_expect(says(result.err, "item 2"), "%s", result.err);
	cr_expect(says(result.err, "--null"), "%s", result.err);
}

Test(map, more_than_100_failures_are_101)
{
	static char input[1000];

	memset(input, '\n', 100);
	cr_expect(eq(int, map(EMBEDDED, ARGS("-j4", "-n1", "-I", "", "false"), input),
		     100));
	memset(input, '\n', 300);
	cr_expect(eq(int, map(EMBEDDED, ARGS("-j4", "false"), input), 101));
}

Test(map, a_missing_daemon_is_named)
{
	strcpy(daemon_run.socket, tmpdir_path("nobody"));
	cr_expect(eq(int, map(SOCKET, ARGS("true"), "a\n"), 125));
	cr_expect(says(result.err, "no daemon at"), "%s", result.err);
}

Test(map, a_busy_daemon_is_asked_again)
{
	static char input[200];

	for (int i = 0; i < 40; i++)
		memcpy(input + 2 * i, "x\n", 2);
	daemon_start(&daemon_run, ARGS("--client-jobs-max", "2"));
	cr_expect(eq(int, map(SOCKET, ARGS("-j8", "echo"), input), 0), "%s", result.err);
	cr_expect(eq(str, result.out, input));
	daemon_stop(&daemon_run);
}

/* ---- how many run -------------------------------------------------------- */

static void type(struct running_command *running, const char *text)
{
	cr_assert(eq(int, (int)write(running->in_fd, text, strlen(text)),
		     (int)strlen(text)));
}

/* They say so themselves and then wait for a FIFO, which ends them. */
BOTH_WAYS(map, a_job_runs_before_the_input_has_ended_and_no_more_than_asked_for)
{
	struct running_command running;
	char script[400], line[64];
	const char *const args[] = { "-u", "-j2", "sh", "-c", script, NULL };
	const struct command command = { .argv = map_line(way, args), .input = "" };

	snprintf(script, sizeof(script), "echo $0; until test -e %s; do sleep 0.05; done",
		 tmpdir_path(way == EMBEDDED ? "go" : "go2"));
	command_start(&running, &command);
	type(&running, "1\n2\n3\n");
	command_read_line(&running, "", line, sizeof(line));
	command_read_line(&running, "", line, sizeof(line));
	cr_expect(not(wait_fd(running.out_fd, POLLIN, 200)), "a third one runs");

	cr_assert(eq(int, close(creat(tmpdir_path(way == EMBEDDED ? "go" : "go2"), 0600)),
		     0));
	command_read_line(&running, "3", line, sizeof(line));
	type(&running, "4");
	close(running.in_fd);
	running.in_fd = -1;
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 0));
	cr_expect(eq(str, result.out, (char *)"4\n"));
}

BOTH_WAYS(map, a_failure_kills_the_others_now)
{
	cr_expect(eq(int,
		     map(way, ARGS("-j3", "--halt", "now,fail=1", "sh", "-c", "$0"),
			 PROGRAM("sleep_forever") "\n" PROGRAM(
				 "sleep_forever") "\nfalse\n"
						  "echo no\n"),
		     1),
		  "%s", result.err);
	cr_expect(eq(str, result.out, (char *)""));
}

static void end_by_signal(enum way way, int number)
{
	struct running_command running;
	const struct command command = {
		.argv = map_line(way, ARGS("-u", "-j2", PROGRAM("tell_signals"))),
		.input = "a\nb\nc\n",
		.input_size = 6,
	};
	char line[256];

	command_start(&running, &command);
	cr_assert(eq(int, (int)write(running.in_fd, "a\n", 2), 2));
	command_read_line(&running, "", line, sizeof(line));
	kill(running.pid, number);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, -number), "%s", result.err);
}

/* tell_signals ends by KILL alone: the kill plan is carried out to its end. */
BOTH_WAYS(map, a_signal_ends_the_jobs_and_then_itself)
{
	end_by_signal(way, SIGTERM);
	end_by_signal(way, SIGINT);
}
