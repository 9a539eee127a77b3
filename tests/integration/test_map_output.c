/*
 * `uringspawn map`: what jobs say is printed whole, and no byte of it is another.
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

TestSuite(map_output, .fini = tmpdir_done, .timeout = 300);

static char *numbers(unsigned n)
{
	static char input[4096];
	size_t size = 0;

	for (unsigned i = 1; i <= n; i++)
		size += (size_t)snprintf(input + size, sizeof(input) - size, "%u\n", i);
	return input;
}

/* Each says its number in 300 lines, in as many writes. */
static const char *const babble = "i=0; while test $i -lt 300; do echo $0 $i; "
				  "i=$((i+1)); done";

/* The jobs whose lines come together and whole, in the order in which they do. */
static unsigned whole_jobs(const char *out, unsigned order[], unsigned max)
{
	unsigned n = 0;

	while (*out && n < max) {
		unsigned job = (unsigned)strtoul(out, NULL, 10);
		char line[32];

		for (unsigned i = 0; i < 300; i++) {
			int size = snprintf(line, sizeof(line), "%u %u\n", job, i);

			if (strncmp(out, line, (size_t)size) != 0)
				return 0;
			out += size;
		}
		order[n++] = job;
	}
	return n;
}

BOTH_WAYS(map_output, of_one_job_is_never_torn)
{
	unsigned order[20], seen = 0;

	cr_expect(eq(int, map(way, ARGS("-j8", "sh", "-c", babble), numbers(20)), 0));
	cr_assert(eq(uint, whole_jobs(result.out, order, 20), 20), "%.500s", result.out);
	for (unsigned i = 0; i < 20; i++)
		seen |= 1u << order[i];
	cr_expect(eq(uint, seen, ((1u << 20) - 1) << 1));
}

BOTH_WAYS(map_output, is_in_the_order_of_the_input_when_asked_for)
{
	unsigned order[20];

	cr_expect(
		eq(int, map(way, ARGS("-k", "-j8", "sh", "-c", babble), numbers(20)), 0));
	cr_assert(eq(uint, whole_jobs(result.out, order, 20), 20), "%.500s", result.out);
	for (unsigned i = 0; i < 20; i++)
		cr_expect(eq(uint, order[i], i + 1));
}

/* The first one ends when the last one has. */
BOTH_WAYS(map_output, keeps_the_order_also_when_the_first_job_is_the_last_to_end)
{
	char script[300];
	const char *const args[] = { "-k", "-j2", "sh", "-c", script, NULL };

	snprintf(script, sizeof(script),
		 "test $0 = 1 && until test -e %s; do sleep 0.05; done; "
		 "test $0 = 9 && touch %s; echo $0",
		 tmpdir_path(way == EMBEDDED ? "a" : "b"),
		 tmpdir_path(way == EMBEDDED ? "a" : "b"));
	cr_expect(eq(int, map(way, args, numbers(9)), 0), "%s", result.err);
	cr_expect(eq(str, result.out, numbers(9)));
}

BOTH_WAYS(map_output, of_stderr_goes_to_stderr)
{
	cr_expect(eq(int,
		     map(way, ARGS("-k", "sh", "-c", "echo o$0; echo e$0 >&2"), "1\n2\n"),
		     0));
	cr_expect(eq(str, result.out, (char *)"o1\no2\n"));
	cr_expect(eq(str, result.err, (char *)"e1\ne2\n"));
}

/* Half lines, so that others would come between them. */
static const char *const halves =
	"i=0; while test $i -lt 100; do printf '%s ' $0; echo $i; i=$((i+1)); done; "
	"printf 'end of %s' $0 >&2";

BOTH_WAYS(map_output, in_whole_lines_is_never_torn_within_one)
{
	unsigned next[9] = { 0 }, lines = 0;
	bool whole;

	cr_expect(
		eq(int,
		   map(way, ARGS("--line-buffer", "-j8", "sh", "-c", halves), numbers(8)),
		   0));
	for (char *at = result.out; *at; at++, lines++) {
		unsigned long job = strtoul(at, &at, 10);
		unsigned long line = strtoul(at, &at, 10);

		whole = *at == '\n' && job >= 1 && job <= 8;
		cr_assert(whole, "%.100s", at);
		cr_expect(eq(ulong, line, next[job]++));
	}
	cr_expect(eq(uint, lines, 800));
}

/* The line is there while its job runs, which ends when we have seen it. */
BOTH_WAYS(map_output, in_whole_lines_comes_as_it_is_said)
{
	const char *go = tmpdir_path(way == EMBEDDED ? "said" : "said2");
	struct running_command running;
	char script[300], line[64];
	const char *const args[] = { "--line-buffer", "-k", "-j2", "sh", "-c",
				     script,	      NULL };
	const struct command command = {
		.argv = map_line(way, args),
		.input = "1\n2\n",
		.input_size = 4,
	};

	snprintf(
		script, sizeof(script),
		"echo is $0; test $0 = 2 || until test -e %s; do sleep 0.05; done; echo was $0",
		go);
	command_start(&running, &command);
	cr_assert(eq(int, (int)write(running.in_fd, "1\n2\n", 4), 4));
	running.input_size = 0;
	command_read_line(&running, "is 1", line, sizeof(line));
	cr_assert(eq(int, close(creat(go, 0600)), 0));
	command_end(&running, &result);
	cr_expect(eq(str, result.out, (char *)"was 1\nis 2\nwas 2\n"));
}

BOTH_WAYS(map_output, that_is_tagged_says_whose_each_line_is)
{
	cr_expect(eq(int,
		     map(way,
			 ARGS("--tag", "-k", "-n2", "sh", "-c", "echo $0; printf '\nx'"),
			 "a b\nc\td\ne\n"),
		     0));
	cr_expect(eq(str, result.out,
		     (char *)"a b c?d\ta b\na b c?d\t\na b c?d\tx\ne\te\ne\t\ne\tx\n"));
	cr_expect(
		eq(int,
		   map(way,
		       ARGS("--tag", "--line-buffer", "-j1", "sh", "-c", "printf 'x\n.'"),
		       "a\nb\n"),
		   0));
	cr_expect(eq(str, result.out, (char *)"a\tx\na\t.\nb\tx\nb\t.\n"));
}

/* Much more than is kept in memory: the bytes are those of flood, by itself. */
BOTH_WAYS(map_output, of_many_bytes_is_unchanged)
{
	static char alone[sizeof(result.out)];
	const struct command flood = {
		.argv = ARGS(PROGRAM("flood"), "200003", "7", "1"),
	};

	cr_assert(eq(int, command_run(&flood, &result), 0));
	memcpy(alone, result.out, 200003);
	cr_expect(
		eq(int,
		   map(way, ARGS("-j2", PROGRAM("flood"), "200003", "{}", "1"), "7\n7\n"),
		   0),
		"%s", result.err);
	cr_assert(eq(sz, result.out_size, 2 * 200003));
	cr_expect(zero(int, memcmp(result.out, alone, 200003)));
	cr_expect(zero(int, memcmp(result.out + 200003, alone, 200003)));
}

Test(map_output, that_cannot_be_kept_is_an_error_and_not_a_hole)
{
	const struct command command = {
		.argv = ARGS("/usr/bin/env", "TMPDIR=/no/such/place",
			     BUILD_DIR "/uringspawn", "map", PROGRAM("flood"), "200000",
			     "{}", "1", ":::", "7"),
	};

	cr_expect(eq(int, command_run(&command, &result), 125));
	cr_expect(says(result.err, "TMPDIR"), "%s", result.err);
	cr_expect(eq(sz, result.out_size, 0));
}

/* A full disk is said, and the jobs that run are killed. */
Test(map_output, that_cannot_be_printed_is_an_error)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct running_command running;
	const struct command command = {
		.argv = map_line(EMBEDDED, ARGS("-j2", "sh", "-c", "$0 $1", ":::",
						"echo x", PROGRAM("sleep_forever"))),
		.stdio = { 0, full, 0 },
	};

	cr_assert(le(int, 0, full));
	command_start(&running, &command);
	command_end(&running, &result);
	close(full);
	cr_expect(eq(int, result.code, 125));
	cr_expect(says(result.err, "No space left"), "%s", result.err);
}

/* As `uringspawn map ... | head -1` does. */
BOTH_WAYS(map_output, that_nobody_reads_any_more_is_the_end)
{
	struct running_command running;
	const struct command command = {
		.argv = map_line(way, ARGS("-j2", "echo", ":::", "a", "b")),
	};
	int fds[2];

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	close(fds[0]);
	command_start(&running, &(struct command){ .argv = command.argv,
						   .stdio = { 0, fds[1], 0 } });
	close(fds[1]);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, -SIGPIPE), "%s", result.err);
	cr_expect(eq(str, result.err, (char *)""));
}

/* Nobody reads, and yet SIGTERM is heard. */
Test(map_output, that_waits_for_its_reader_does_not_outlast_a_signal)
{
	struct running_command running;
	const struct command command = {
		.argv = map_line(EMBEDDED, ARGS(PROGRAM("flood"), "1000000", "{}", "1",
						":::", "7")),
	};
	int fds[2];

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	command_start(&running, &(struct command){ .argv = command.argv,
						   .stdio = { 0, fds[1], 0 } });
	close(fds[1]);
	cr_assert(wait_fd(fds[0], POLLIN, WAIT_MS));
	kill(running.pid, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, -SIGTERM), "%s", result.err);
	close(fds[0]);
}
