/*
 * `uringspawn run` as a person or a script meets it: exit codes, messages, stdio, and
 * what surrounds the program.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/tmpdir.h"

TestSuite(run, .fini = tmpdir_done, .timeout = 120);

/* ---- exit codes and messages --------------------------------------------- */

static const struct row {
	const char *name;
	const char *args[8];
	int code;
	const char *says; /* a part of what is on stderr; NULL: nothing is */
} rows[] = {
	{ "success is 0", { PROGRAM("true") }, 0, NULL },
	{ "a code is passed on", { "sh", "-c", "exit 7" }, 7, NULL },
	{ "the highest as well", { "--", "sh", "-c", "exit 255" }, 255, NULL },
	{ "signals add 128", { "sh", "-c", "kill -KILL $$" }, 137, NULL },
	{ "a timeout is 124",
	  { "--timeout", "50ms", PROGRAM("sleep_forever") },
	  124,
	  NULL },
	{ "who ignores the signal is killed",
	  { "--timeout", "50ms", "--kill-after", "50ms", PROGRAM("ignore_term") },
	  124,
	  NULL },
	{ "a missing program is 127",
	  { "--env", "PATH=/usr/bin:/bin", "no-such-program" },
	  127,
	  "no-such-program" },
	{ "a missing path is 127", { "/no/such/program" }, 127, "/no/such/program" },
	{ "a file without x is 126", { "/etc/passwd" }, 126, "/etc/passwd" },
	{ "a directory is 126", { "/etc" }, 126, "/etc" },
	{ "a missing directory is ours",
	  { "--cwd", "/no/such/place", "true" },
	  125,
	  "/no/such/place" },
	{ "an option nearly right", { "--timout", "1", "true" }, 125, "'--timeout'" },
	{ "an option like no other", { "--frobnicate", "true" }, 125, "--frobnicate" },
	{ "an option without its value", { "--cwd" }, 125, "'--cwd' needs a value" },
	{ "a time that is none", { "--timeout", "soon", "true" }, 125, "'soon'" },
	{ "a signal that is none", { "--signal", "NOPE", "true" }, 125, "'NOPE'" },
	{ "a variable without =", { "--env", "LONELY", "true" }, 125, "'LONELY'" },
	{ "no program", { "--timeout", "1" }, 125, "no program" },
};

BOTH_WAYS(run, exit_codes_and_messages_say_what_happened)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];

		cr_expect(eq(int, run(way, row->args), row->code), "%s: %s", row->name,
			  result.err);
		if (row->says)
			cr_expect(ne(ptr, strstr(result.err, row->says), NULL), "%s: %s",
				  row->name, result.err);
		else
			cr_expect(eq(str, result.err, (char *)""), "%s", row->name);
	}
}

static int uringspawn(const char *const *args)
{
	const char *line[8] = { BUILD_DIR "/uringspawn" };

	for (int i = 0; args[i]; i++)
		line[i + 1] = args[i];
	return command_run(&(struct command){ .argv = line }, &result);
}

Test(run, help_is_asked_for_and_fits_a_screen)
{
	char *commands[] = { "run",  "map",  "ps",    "kill",  "top",
			     "pool", "stat", "bench", "doctor" };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		unsigned lines = 0;

		cr_expect(eq(int, uringspawn(ARGS(commands[i], "--help")), 0));
		cr_expect(says(result.out, "Usage: uringspawn "), "%s", result.out);
		cr_expect(says(result.out, commands[i]), "%s", result.out);
		cr_expect(eq(str, result.err, (char *)""));
		for (char *at = result.out; *at; at += strcspn(at, "\n") + 1) {
			lines++;
			cr_expect(le(sz, strcspn(at, "\n"), 80), "%.80s...", at);
		}
		cr_expect(le(uint, lines, 24));
	}

	cr_expect(eq(int, uringspawn(ARGS("--help")), 0));
	cr_expect(says(result.out, "run "), "%s", result.out);
}

Test(run, a_wrong_command_is_told_the_right_one)
{
	cr_expect(eq(int, uringspawn(ARGS("rum", "true")), 125));
	cr_expect(says(result.err, "'rum'"), "%s", result.err);
	cr_expect(says(result.err, "'run'"), "%s", result.err);
	cr_expect(eq(int, uringspawn(ARGS(NULL)), 125));
	cr_expect(says(result.err, "Usage:"), "%s", result.err);
}

Test(run, a_missing_daemon_is_named)
{
	strcpy(daemon_run.socket, tmpdir_path("nobody"));
	cr_expect(eq(int, run(SOCKET, ARGS("true")), 125));
	cr_expect(says(result.err, "no daemon at"), "%s", result.err);
	cr_expect(says(result.err, daemon_run.socket), "%s", result.err);
}

/* ---- stdio --------------------------------------------------------------- */

enum { INPUT_SIZE = 300007 };

/* Every byte there is, in no order that repeats. */
static const char *input(void)
{
	static char bytes[INPUT_SIZE];
	uint32_t state = 7;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		state = state * 1664525u + 1013904223u;
		bytes[i] = (char)(state >> 24);
	}
	return bytes;
}

BOTH_WAYS(run, pipes_carry_every_byte)
{
	const struct command command = {
		.argv = command_line(way, ARGS("cat")),
		.input = input(),
		.input_size = INPUT_SIZE,
	};

	cr_expect(eq(int, command_run(&command, &result), 0), "%s", result.err);
	cr_assert(eq(sz, result.out_size, INPUT_SIZE));
	cr_expect(eq(int, memcmp(result.out, input(), INPUT_SIZE), 0));
}

BOTH_WAYS(run, stdout_and_stderr_stay_apart)
{
	cr_expect(eq(int, run(way, ARGS("sh", "-c", "echo one; echo two >&2")), 0));
	cr_expect(eq(str, result.out, (char *)"one\n"));
	cr_expect(eq(str, result.err, (char *)"two\n"));
}

static int open_with_input(const char *name)
{
	int fd = open(tmpdir_path(name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, (int)write(fd, input(), INPUT_SIZE), INPUT_SIZE));
	cr_assert(eq(int, (int)lseek(fd, 0, SEEK_SET), 0));
	return fd;
}

/* The very same open file: what the program reads is read for the caller, too. */
BOTH_WAYS(run, files_are_handed_over_as_they_are)
{
	int in = open_with_input("in"), out = open_with_input("out");
	const struct command command = {
		.argv = command_line(way,
				     ARGS("dd", "bs=1000", "count=3", "status=none")),
		.stdio = { in, out },
	};
	static char got[3000];

	cr_expect(eq(int, command_run(&command, &result), 0), "%s", result.err);
	cr_expect(eq(int, (int)lseek(in, 0, SEEK_CUR), 3000));
	cr_expect(eq(int, (int)lseek(out, 0, SEEK_CUR), 3000));
	cr_assert(eq(int, (int)pread(out, got, sizeof(got), 0), 3000));
	cr_expect(eq(int, memcmp(got, input(), 3000), 0));
	close(in);
	close(out);
}

BOTH_WAYS(run, what_the_caller_closed_is_null)
{
	struct command command = {
		.argv = command_line(way, ARGS("readlink", "/proc/self/fd/0")),
		.stdio = { COMMAND_CLOSED },
	};

	cr_expect(eq(int, command_run(&command, &result), 0));
	cr_expect(eq(str, result.out, (char *)"/dev/null\n"));

	command.argv = command_line(
		way, ARGS("sh", "-c", "readlink /proc/self/fd/2; echo >&2 && exit 5"));
	command.stdio[0] = 0;
	command.stdio[2] = COMMAND_CLOSED;
	cr_expect(eq(int, command_run(&command, &result), 5));
	cr_expect(eq(str, result.out, (char *)"/dev/null\n"));

	command.argv = command_line(way, ARGS("sh", "-c", "echo && exit 6"));
	for (int i = 0; i < 3; i++)
		command.stdio[i] = COMMAND_CLOSED;
	cr_expect(eq(int, command_run(&command, &result), 6));
}

BOTH_WAYS(run, a_program_gets_three_descriptors)
{
	cr_expect(eq(int, run(way, ARGS(PROGRAM("print_fds"))), 0));
	cr_expect(eq(str, result.out, (char *)"0\n1\n2\n"));
}

/* ---- surroundings -------------------------------------------------------- */

BOTH_WAYS(run, directory_and_environment_are_those_asked_for)
{
	char here[4096];

	cr_expect(eq(int, run(way, ARGS("--cwd", "/usr/share", "pwd")), 0));
	cr_expect(eq(str, result.out, (char *)"/usr/share\n"));

	cr_assert(ne(ptr, getcwd(here, sizeof(here) - 1), NULL));
	cr_expect(eq(int, run(way, ARGS("pwd")), 0));
	cr_expect(eq(str, result.out, strcat(here, "\n")));

	cr_expect(eq(int,
		     run(way, ARGS("--clear-env", "--env", "A=1", "--env", "B=x y",
				   "/usr/bin/env")),
		     0));
	cr_expect(eq(str, result.out, (char *)"A=1\nB=x y\n"));

	setenv("FROM_CALLER", "yes", 1);
	cr_expect(eq(int,
		     run(way, ARGS("--env", "HOME=/elsewhere", "sh", "-c",
				   "echo $FROM_CALLER $HOME")),
		     0));
	cr_expect(eq(str, result.out, (char *)"yes /elsewhere\n"));
}
