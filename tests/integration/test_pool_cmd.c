/*
 * Pools by commands: opened, listed, resized, closed, and used by `uringspawn run --pool`.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/tmpdir.h"
#include "support/wait.h"

static void open_daemon(void)
{
	daemon_start(&daemon_run, NULL);
}

/* Its pools end with it. */
static void close_daemon(void)
{
	daemon_stop(&daemon_run);
	tmpdir_done();
}

TestSuite(pool_cmd, .init = open_daemon, .fini = close_daemon, .timeout = 240);

#define WORKER(script) "sh", "-c", "while read line <&3; do " script "; done"
#define ECHO	       WORKER("echo \"$line!\" >&3")

/* "uringspawn pool @args...", with the socket behind the first of them. */
static int pool(const char *const *args)
{
	const char *line[32] = { BUILD_DIR "/uringspawn", "pool", args[0] };
	int n = 3, i = 1;

	if (args[1] && *args[1] != '-')
		line[n++] = args[i++];
	line[n++] = "--socket";
	line[n++] = daemon_run.socket;
	while (args[i])
		line[n++] = args[i++];
	return command_run(&(struct command){ .argv = line }, &result);
}

/* It does, and says nothing. */
static void expect_pool(const char *const *args)
{
	cr_assert(eq(int, pool(args), 0), "%s: %s", args[0], result.err);
	cr_expect(eq(str, result.err, (char *)""));
}

/* A use of @name, with @input for its stdin and with @options (or NULL). */
static int use(const char *name, const char *input, const char *const *options)
{
	const char *args[12] = { "--pool", name };

	for (int i = 0; options && options[i]; i++)
		args[i + 2] = options[i];
	return command_run(&(struct command){ .argv = command_line(SOCKET, args),
					      .input = input,
					      .input_size = strlen(input) },
			   &result);
}

static void expect_use(const char *name, const char *input, const char *out)
{
	cr_expect(eq(int, use(name, input, NULL), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)out));
	cr_expect(eq(str, result.err, (char *)""));
}

/* What is listed of @name; the test's. */
static json_t *listed(const char *name)
{
	json_t *found;

	cr_assert(eq(int, pool(ARGS("stat", name, "--json")), 0), "%s", result.err);
	found = json_loads(result.out, 0, NULL);
	cr_assert(ne(ptr, found, NULL), "no JSON: %s", result.out);
	return found;
}

static double number_of(const char *name, const char *what)
{
	json_t *found = listed(name);
	double number = json_number_value(json_object_get(found, what));

	json_decref(found);
	return number;
}

static double ended_by(const char *name, const char *cause)
{
	json_t *found = listed(name);
	double n = json_number_value(
		json_object_get(json_object_get(found, "exits"), cause));

	json_decref(found);
	return n;
}

#define expect_soon(condition)                                                           \
	do {                                                                             \
		bool is_so = wait_until((condition), WAIT_MS);                           \
                                                                                         \
		cr_expect(is_so, "not in time: %s", #condition);                         \
	} while (0)

/* ---- a pool's life ------------------------------------------------------------------ */

Test(pool_cmd, it_is_opened_listed_resized_and_closed)
{
	cr_expect(eq(int, pool(ARGS("ls", "--json")), 0));
	cr_expect(eq(str, result.out, (char *)"[]\n"));
	expect_pool(ARGS("open", "cats", "--min", "2", "--max", "5", "--", "cat"));
	cr_expect(eq(dbl, number_of("cats", "min"), 2));
	cr_expect(eq(dbl, number_of("cats", "max"), 5));
	expect_soon(number_of("cats", "idle") == 2);

	expect_pool(ARGS("ls"));
	cr_expect(says(result.out, "NAME "), "%s", result.out);
	cr_expect(says(result.out, "\ncats "), "%s", result.out);
	cr_expect(says(result.out, " standby "), "%s", result.out);

	expect_pool(ARGS("resize", "cats", "--min", "3"));
	cr_expect(eq(dbl, number_of("cats", "min"), 3));
	cr_expect(eq(dbl, number_of("cats", "max"), 5));
	expect_soon(number_of("cats", "idle") == 3);
	expect_pool(ARGS("resize", "cats", "--min", "0", "--max", "1"));
	expect_soon(number_of("cats", "members") == 1);

	expect_pool(ARGS("stat", "cats"));
	cr_expect(says(result.out, "pool cats: standby, "), "%s", result.out);
	cr_expect(says(result.out, "at least 0, at most 1"), "%s", result.out);
	cr_expect(says(result.out, "resized 2"), "%s", result.out);
	cr_expect(says(result.out, "  PID STATE "), "%s", result.out);
	expect_pool(ARGS("close", "cats"));
	cr_expect(eq(int, daemon_children(&daemon_run), 0));
	cr_expect(eq(int, pool(ARGS("stat", "cats")), 125));
}

/* That it would be another one's, and the options would not count, is said. */
Test(pool_cmd, one_that_is_there_is_not_opened_again)
{
	expect_pool(ARGS("open", "cats", "--", "cat"));
	cr_expect(eq(int, pool(ARGS("open", "cats", "--min", "9", "--", "cat")), 125));
	cr_expect(says(result.err, "there is a pool 'cats'"), "%s", result.err);
	cr_expect(eq(dbl, number_of("cats", "min"), 0));
}

/* Its name may be any bytes. */
Test(pool_cmd, a_strange_name_is_found)
{
	expect_pool(ARGS("open", "k\xc3\xa4se \"\\\x01", "--", "cat"));
	expect_use("k\xc3\xa4se \"\\\x01", "hi", "hi");
	expect_pool(ARGS("ls"));
	cr_expect(eq(ptr, strchr(result.out, '\x01'), NULL));
	expect_pool(ARGS("close", "k\xc3\xa4se \"\\\x01"));
}

Test(pool_cmd, closing_gives_uses_the_time_that_was_said)
{
	struct running_command running;
	char line[16];

	expect_pool(ARGS("open", "p", "--", "sh", "-c", "echo here; read x; exit 4"));
	start(&running, SOCKET, ARGS("--pool", "p"), 0);
	command_read_line(&running, "here", line, sizeof(line));
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 4));

	expect_pool(ARGS("close", "p"));
	expect_pool(ARGS("open", "p", "--", PROGRAM("tell_signals")));
	start(&running, SOCKET, ARGS("--pool", "p"), 0);
	expect_soon(number_of("p", "busy") == 1);
	expect_pool(ARGS("close", "p", "--drain", "1ms"));
	command_end(&running, &result);
	cr_expect(lt(int, 0, result.code), "%d", result.code);
}

/* What it says is on the environment, the directory and the rights that run has as well. */
Test(pool_cmd, a_member_is_started_as_run_starts_a_program)
{
	expect_pool(ARGS("open", "env", "--clear-env", "--env", "A=1", "--cwd", "/usr",
			 "--umask", "027", "--arg0", "liar", "--", "/bin/sh", "-c",
			 "echo $A $HOME; pwd; umask; echo $0"));
	expect_use("env", "", "1\n/usr\n0027\nliar\n");
	setenv("URINGSPAWN_TEST", "inherited", 1);
	expect_pool(ARGS("open", "here", "--", "sh", "-c", "echo $URINGSPAWN_TEST; pwd"));
	cr_expect(eq(int, use("here", "", NULL), 0));
	cr_expect(says(result.out, "inherited\n/"), "%s", result.out);
}

/* ---- standby ------------------------------------------------------------------------- */

Test(pool_cmd, a_standby_process_is_one_uses)
{
	expect_pool(ARGS("open", "p", "--", "sh", "-c",
			 "read x; echo got $x; echo oh >&2; exit 3"));
	for (int i = 0; i < 3; i++) {
		cr_expect(eq(int, use("p", "me\nand more", NULL), 3), "%s", result.err);
		cr_expect(eq(str, result.out, (char *)"got me\n"));
		cr_expect(eq(str, result.err, (char *)"oh\n"));
	}
	cr_expect(eq(dbl, number_of("p", "uses"), 3));
	expect_soon(ended_by("p", "used") == 3);
}

/* More than all pipes and windows hold, both ways at one time. */
Test(pool_cmd, no_byte_of_it_is_lost)
{
	enum { SIZE = 400 << 10 };
	char *text = malloc(SIZE + 1);

	for (int i = 0; i < SIZE; i++)
		text[i] = (char)('a' + i % 23);
	text[SIZE] = '\0';
	expect_pool(ARGS("open", "cats", "--", "cat"));
	cr_expect(eq(int, use("cats", text, NULL), 0), "%s", result.err);
	cr_expect(eq(sz, result.out_size, SIZE));
	cr_expect(eq(int, memcmp(result.out, text, SIZE), 0));
	free(text);
}

Test(pool_cmd, signals_and_times_are_a_uses)
{
	struct running_command running;
	char line[64];

	expect_pool(ARGS("open", "p", "--", PROGRAM("tell_signals")));
	start(&running, SOCKET, ARGS("--pool", "p"), 0);
	command_read_line(&running, "pid ", line, sizeof(line));
	cr_assert(eq(int, kill(running.pid, SIGTERM), 0));
	command_end(&running, &result);
	cr_expect(says(result.out, "signal 15\n"), "%s", result.out);
	cr_expect(eq(int, use("p", "", ARGS("--timeout", "50ms")), 124), "%s",
		  result.err);
}

/* The first byte says that it is ready, and is not the use's. */
Test(pool_cmd, it_is_ready_when_it_says_so)
{
	expect_pool(ARGS("open", "p", "--ready", "1", "--", "sh", "-c",
			 "printf 'R'; read x; echo $x"));
	expect_use("p", "yes", "yes\n");
	expect_pool(ARGS("open", "q", "--ready", "7", "--", "sh", "-c",
			 "printf 'R' >&7; read x; echo $x"));
	expect_use("q", "yes", "yes\n");
	expect_pool(ARGS("open", "never", "--ready", "1", "--ready-timeout", "50ms", "--",
			 "sleep", "1000"));
	cr_expect(eq(int, use("never", "", NULL), 125));
	cr_expect(ne(str, result.err, (char *)""));
	expect_soon(ended_by("never", "not-ready") > 0);
}

Test(pool_cmd, a_use_that_waits_too_long_or_with_too_many_fails)
{
	struct running_command running;
	char line[16];

	expect_pool(ARGS("open", "p", "--max", "1", "--acquire-timeout", "50ms", "--",
			 "sh", "-c", "echo here; exec sleep 1000"));
	start(&running, SOCKET, ARGS("--pool", "p"), 0);
	command_read_line(&running, "here", line, sizeof(line));
	cr_expect(eq(int, use("p", "", NULL), 124), "%s", result.err);
	cr_expect(eq(int, use("p", "", ARGS("--queue-timeout", "20ms")), 124));
	cr_expect(eq(dbl, number_of("p", "refused"), 2));
	cr_assert(eq(int, kill(running.pid, SIGTERM), 0));
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 143));
}

Test(pool_cmd, a_program_that_is_not_there_is_named_to_the_use)
{
	expect_pool(ARGS("open", "p", "--", "/no/such/program"));
	cr_expect(eq(int, use("p", "", NULL), 127));
	cr_expect(says(result.err, "/no/such/program"), "%s", result.err);
}

Test(pool_cmd, its_output_may_go_to_a_file_instead)
{
	const char *path = tmpdir_path("said");
	FILE *file;
	char text[16] = "";

	expect_pool(ARGS("open", "p", "--stdout", path, "--append", "--", "sh", "-c",
			 "read x; echo $x; echo out >&2"));
	cr_expect(eq(int, use("p", "one", NULL), 0));
	cr_expect(eq(int, use("p", "two", NULL), 0));
	cr_expect(eq(str, result.out, (char *)""));
	cr_expect(eq(str, result.err, (char *)"out\n"));
	file = fopen(path, "re");
	cr_assert(ne(ptr, file, NULL));
	cr_expect(eq(sz, fread(text, 1, sizeof(text) - 1, file), 8));
	cr_expect(eq(str, text, (char *)"one\ntwo\n"));
	fclose(file);
}

/* ---- workers --------------------------------------------------------------------------- */

Test(pool_cmd, a_worker_answers_each_line_and_serves_the_next_use)
{
	expect_pool(ARGS("open", "w", "--kind", "worker", "--max", "1", "--", ECHO));
	expect_use("w", "a\nb\n", "a!\nb!\n");
	expect_use("w", "the last has no end", "the last has no end!\n");
	expect_use("w", "", "");
	cr_expect(eq(dbl, number_of("w", "uses"), 3));
	cr_expect(eq(dbl, number_of("w", "starts"), 1));
}

Test(pool_cmd, its_channel_may_be_any_descriptor)
{
	expect_pool(ARGS("open", "w", "--kind", "worker", "--channel", "9", "--", "sh",
			 "-c", "while read line <&9; do echo $line. >&9; done"));
	expect_use("w", "nine\n", "nine.\n");
}

/* The one that was told the end of its channel is not used again. */
Test(pool_cmd, a_worker_answers_all_until_its_exit)
{
	expect_pool(ARGS("open", "w", "--kind", "worker", "--max", "1", "--", "sh", "-c",
			 "cat <&3 >&3; exit 5"));
	for (int i = 0; i < 2; i++) {
		cr_expect(eq(int, use("w", "no line", ARGS("--answer", "exit")), 5));
		cr_expect(eq(str, result.out, (char *)"no line"));
	}
	expect_soon(ended_by("w", "crashed") == 2);
}

Test(pool_cmd, a_worker_that_ends_before_it_has_answered_is_an_error)
{
	expect_pool(ARGS("open", "w", "--kind", "worker", "--", "sh", "-c",
			 "read x <&3; echo first >&3; read x <&3; exit 0"));
	cr_expect(eq(int, use("w", "1\n2\n3\n", NULL), 125));
	cr_expect(eq(str, result.out, (char *)"first\n"));
	cr_expect(says(result.err, "1 lines of an answer to 3"), "%s", result.err);
	expect_pool(ARGS("open", "v", "--kind", "worker", "--", "sh", "-c",
			 "read x <&3; exit 9"));
	cr_expect(ne(int, use("v", "1\n", NULL), 0));
	cr_expect(says(result.err, "did not answer all"), "%s", result.err);
	expect_pool(ARGS("open", "u", "--kind", "worker", "--", "sh", "-c",
			 "read x <&3; exec 3>&-; exec sleep 1000"));
	cr_expect(eq(int, use("u", "1\n", NULL), 125));
	cr_expect(says(result.err, "did not answer all"), "%s", result.err);
}

Test(pool_cmd, a_worker_is_reset_replaced_and_asked_whether_it_is_well)
{
	expect_pool(
		ARGS("open", "w", "--kind", "worker", "--max", "1", "--reset-ask",
		     "reset\\n", "--reset-answer", "ok\\x0a", "--ping-ask", "ping\\n",
		     "--ping-answer", "pong\\n", "--ping-on-use", "--", "sh", "-c",
		     "n=0; while read x <&3; do case $x in reset) n=0; echo ok >&3;; "
		     "ping) echo pong >&3;; *) n=$((n+1)); echo $n >&3;; esac; done"));
	expect_use("w", "a\nb\n", "1\n2\n");
	expect_use("w", "a\n", "1\n");
	cr_expect(eq(dbl, number_of("w", "starts"), 1));

	expect_pool(ARGS("open", "r", "--kind", "worker", "--max", "1", "--replace", "--",
			 WORKER("echo $$ >&3")));
	cr_expect(eq(int, use("r", "a\n", NULL), 0));
	cr_expect(eq(int, use("r", "a\n", NULL), 0));
	expect_soon(ended_by("r", "replaced") == 2);

	expect_pool(ARGS("open", "m", "--kind", "worker", "--max", "1", "--max-uses", "1",
			 "--", ECHO));
	expect_use("m", "a\n", "a!\n");
	expect_soon(ended_by("m", "max-uses") == 1);
}

/* ---- what is wrong ------------------------------------------------------------------------ */

static const struct wrong {
	const char *args[12];
	const char *says;
} wrongs[] = {
	{ { "open" }, "no name for the pool" },
	{ { "open", "p" }, "no program to keep in the pool" },
	{ { "open", "p", "--kind", "warm", "cat" }, "'warm' is not standby or worker" },
	{ { "open", "p", "--order", "any", "cat" }, "'any' is not fifo or lifo" },
	{ { "open", "p", "--min", "many", "cat" }, "--min 'many' is not a number" },
	{ { "open", "p", "--min", "3", "--max", "2", "cat" },
	  "--min is more than --max" },
	{ { "open", "p", "--spare", "3", "--max", "2", "cat" },
	  "--spare is more than --max" },
	{ { "open", "p", "--idle", "soon", "cat" }, "--idle 'soon' is not a length" },
	{ { "open", "p", "--max-rss", "x", "cat" }, "--max-rss 'x' is not a number" },
	{ { "open", "p", "--max-uses", "3", "cat" }, "--max-uses is of workers" },
	{ { "open", "p", "--channel", "4", "cat" }, "--channel is of workers" },
	{ { "open", "p", "--replace", "cat" }, "--replace is of workers" },
	{ { "open", "p", "--ping-on-use", "--kind", "worker", "cat" },
	  "--ping-on-use means nothing without --ping-ask" },
	{ { "open", "p", "--kind", "worker", "--reset-ask", "a", "cat" },
	  "--reset-ask means nothing without --reset-answer" },
	{ { "open", "p", "--kind", "worker", "--reset-ask", "a\\q", "cat" },
	  "--reset-ask 'a\\q' is not a text" },
	{ { "open", "p", "--ready-timeout", "1s", "cat" }, "without --ready" },
	{ { "open", "p", "--ready", "1", "--stdout", "/dev/null", "cat" },
	  "--ready is of a stream that --stdout or --stderr takes away" },
	{ { "open", "p", "--channel", "1", "--kind", "worker", "--stdout", "/dev/null",
	    "cat" },
	  "--channel is of a stream that --stdout" },
	{ { "open", "p", "--timeout", "1s", "cat" }, "no option '--timeout'" },
	{ { "ls", "all" }, "takes no argument, but was given 'all'" },
	{ { "ls", "--jsn" }, "did you mean '--json'?" },
	{ { "stat" }, "needs the name of a pool" },
	{ { "stat", "nobody" }, "no pool 'nobody'" },
	{ { "stat", "a", "b" }, "takes no other argument, but was given 'b'" },
	{ { "close", "nobody" }, "no pool 'nobody'" },
	{ { "close", "p", "--drain", "soon" }, "--drain 'soon' is not a length" },
	{ { "resize", "nobody", "--min", "1" }, "no pool 'nobody'" },
	{ { "resize", "w" }, "needs --min, --max or --spare" },
	{ { "resize", "w", "--min", "5", "--max", "2" }, "--min 5 would be more" },
	{ { "resize", "w", "--min", "5000" }, "--pool-members-max" },
	{ { "top" }, "uringspawn pool ls" },
	{ { "opne", "p" }, "did you mean 'pool open'?" },
};

static const struct wrong wrong_uses[] = {
	{ { "--pool", "nobody" }, "no pool 'nobody'" },
	{ { "--pool", "w", "cat" }, "the program 'cat' exclude each other" },
	{ { "--pool", "w", "--cwd", "/" }, "--pool and --cwd exclude each other" },
	{ { "--pool", "w", "--pty" }, "--pool and --pty exclude each other" },
	{ { "--pool", "w", "--output-max", "5" }, "--output-max means nothing" },
	{ { "--pool", "w", "--drain", "5s" }, "--drain means nothing for pool 'w'" },
	{ { "--pool", "w", "--answer", "words" }, "'words' is not lines or exit" },
	{ { "--pool", "p", "--answer", "exit" }, "--answer means nothing for pool 'p'" },
	{ { "--priority", "3", "cat" }, "--priority means nothing without --pool" },
	{ { "--answer", "exit", "cat" }, "--answer means nothing without --pool" },
};

Test(pool_cmd, what_is_wrong_is_named)
{
	expect_pool(ARGS("open", "w", "--kind", "worker", "--", ECHO));
	expect_pool(ARGS("open", "p", "--", "cat"));
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		cr_expect(eq(int, pool(wrongs[i].args), 125), "%zu", i);
		cr_expect(says(result.err, wrongs[i].says), "%zu: %s", i, result.err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong_uses); i++) {
		cr_expect(eq(int, run(SOCKET, wrong_uses[i].args), 125), "%zu", i);
		cr_expect(says(result.err, wrong_uses[i].says), "%zu: %s", i, result.err);
	}
}

Test(pool_cmd, without_a_daemon_that_is_said)
{
	const char *const *commands[] = {
		ARGS("open", "p", "--", "cat"),	   ARGS("ls"),	       ARGS("stat", "p"),
		ARGS("resize", "p", "--min", "1"), ARGS("close", "p"),
	};
	char there[sizeof(daemon_run.socket)];

	strcpy(there, daemon_run.socket);
	strcpy(daemon_run.socket, tmpdir_path("nobody"));
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		cr_expect(eq(int, pool(commands[i]), 125));
		cr_expect(says(result.err, "no daemon at "), "%s", result.err);
	}
	cr_expect(eq(int, run(SOCKET, ARGS("--pool", "p")), 125));
	cr_expect(says(result.err, "no daemon at "), "%s", result.err);
	strcpy(daemon_run.socket, there);
}

Test(pool_cmd, every_help_fits_a_screen)
{
	const char *const names[] = { "open", "ls", "stat", "top", "resize", "close" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *const line[] = { BUILD_DIR "/uringspawn", "pool", names[i],
					     "--help", NULL };
		unsigned lines = 0;

		cr_expect(eq(int, command_run(&(struct command){ .argv = line }, &result),
			     0));
		cr_expect(says(result.out, names[i]), "%s", result.out);
		for (char *at = result.out; *at; at += strcspn(at, "\n") + 1) {
			lines++;
			cr_expect(le(sz, strcspn(at, "\n"), 80), "%.80s...", at);
		}
		cr_expect(le(uint, lines, 24));
	}
}
