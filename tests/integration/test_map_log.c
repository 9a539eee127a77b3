/*
 * `uringspawn map` --joblog, --resume and --retries: what is told of a job, and which jobs
 * are run again.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/map.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(map_log, .fini = tmpdir_done, .timeout = 300);

#define HEADER                                                                           \
	"Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"

static char text[8192];

static const char *log_path(enum way way)
{
	return tmpdir_path(way == EMBEDDED ? "log" : "log2");
}

static const char *log_text(enum way way)
{
	int fd = open(log_path(way), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	cr_assert(le(int, 0, fd));
	n = read(fd, text, sizeof(text) - 1);
	cr_assert(le(int, 0, (int)n));
	text[n] = 0;
	close(fd);
	return text;
}

static void write_log(enum way way, const char *what)
{
	int fd = open(log_path(way), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert(eq(int, (int)write(fd, what, strlen(what)), (int)strlen(what)));
	close(fd);
}

/* The numbers of its jobs, as "1 2 3 ". */
static const char *logged(enum way way)
{
	static char numbers[256];
	char *line = strchr(log_text(way), '\n');
	size_t n = 0;

	numbers[0] = 0;
	while (line && line[1]) {
		n += (size_t)snprintf(numbers + n, sizeof(numbers) - n, "%ld ",
				      strtol(line + 1, NULL, 10));
		line = strchr(line + 1, '\n');
	}
	return numbers;
}

static int map_log(enum way way, const char *resume, const char *script,
		   const char *input)
{
	const char *const args[] = { "-k", "-j4", "--joblog", log_path(way), resume,
				     "sh", "-c",  script,     NULL };
	const char *const anew[] = { "-k", "-j4", "--joblog", log_path(way),
				     "sh", "-c",  script,     NULL };

	return map(way, resume ? args : anew, input);
}

/* ---- what is told -------------------------------------------------------- */

BOTH_WAYS(map_log, has_the_columns_of_gnu_parallel)
{
	static const struct {
		const char *item;
		long received, code, signal;
	} rows[] = {
		{ "echo abc", 4, 0, 0 },
		{ "exit 7", 0, 7, 0 },
		{ "kill -9 $$", 0, 0, 9 },
		{ "exit 200", 0, 200, 0 },
	};
	char *line;

	cr_expect(eq(int,
		     map_log(way, NULL, "eval \"$0\"",
			     "echo abc\nexit 7\nkill -9 $$\nexit 200\n"),
		     3));
	line = (char *)log_text(way);
	cr_assert(eq(int, strncmp(line, HEADER, strlen(HEADER)), 0), "%s", line);
	line += strlen(HEADER);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double started, running;
		long number, sent, received, code, signal;
		char host[8], command[200];
		int used = 0;

		cr_assert(
			eq(int,
			   sscanf(line,
				  "%ld\t%7s\t%lf\t%lf\t%ld\t%ld\t%ld\t%ld\t%199[^\n]\n%n",
				  &number, host, &started, &running, &sent, &received,
				  &code, &signal, command, &used),
			   9),
			"%s", line);
		line += used;
		cr_expect(eq(long, number, (long)i + 1));
		cr_expect(eq(str, host, (char *)":"));
		cr_expect(lt(dbl, 1.7e9, started));
		cr_expect(le(dbl, 0, running));
		cr_expect(eq(long, sent, 0));
		cr_expect(eq(long, received, rows[i].received));
		cr_expect(eq(long, code, rows[i].code), "%s", rows[i].item);
		cr_expect(eq(long, signal, rows[i].signal), "%s", rows[i].item);
		cr_expect(ne(ptr, strstr(command, rows[i].item), NULL), "%s", command);
	}
}

BOTH_WAYS(map_log, has_one_line_for_a_job_whatever_its_item)
{
	const char *const args[] = {
		"-0", "-j1", "--joblog", log_path(way), "true", NULL
	};

	cr_expect(eq(int, map_bytes(way, args, "a\nb\0c\td\0", 8), 0));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 2 "));
	cr_expect(says(text, "\ttrue $'a\\012b'\n"), "%s", text);
}

BOTH_WAYS(map_log, tells_a_timeout_and_what_could_not_be_run)
{
	const char *const late[] = {
		"--joblog", log_path(way), "--timeout", "50ms", PROGRAM("sleep_forever"),
		NULL
	};
	const char *const none[] = { "--joblog", log_path(way), "/no/such", NULL };

	cr_expect(eq(int, map(way, late, "1\n"), 1));
	cr_expect(says(log_text(way), "\t124\t15\t"), "%s", text);
	cr_expect(eq(int, map(way, none, "1\n"), 1));
	cr_expect(says(log_text(way), "\t127\t0\t/no/such 1\n"), "%s", text);
}

/* ---- what is run again --------------------------------------------------- */

BOTH_WAYS(map_log, is_gone_on_with)
{
	const char *script = "echo $0; test $0 != 2";

	cr_expect(eq(int, map_log(way, NULL, script, "1\n2\n3\n"), 1));
	cr_expect(eq(int, map_log(way, "--resume", script, "1\n2\n3\n4\n"), 0));
	cr_expect(eq(str, result.out, (char *)"4\n"));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 2 3 4 "));

	cr_expect(eq(int, map_log(way, "--resume-failed", script, "1\n2\n3\n4\n5\n"), 1));
	cr_expect(eq(str, result.out, (char *)"2\n5\n"));
	cr_expect(eq(int, map_log(way, "--resume-failed", "echo $0", "1\n2\n3\n4\n5\n"),
		     0));
	cr_expect(eq(str, result.out, (char *)"2\n"));
	cr_expect(eq(int, map_log(way, "--resume-failed", "echo $0", "1\n2\n3\n4\n5\n"),
		     0));
	cr_expect(eq(str, result.out, (char *)""));

	cr_expect(eq(int, map_log(way, NULL, script, "1\n"), 0));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 "));
}

/* One of parallel's own; the last line was cut off when the machine stopped. */
BOTH_WAYS(map_log, of_gnu_parallel_and_cut_off_is_gone_on_with)
{
	write_log(way, HEADER "1\t:\t1700000000.123\t     0.003\t0\t2\t0\t0\techo 1\n"
			      "3\thost\t1700000000.124\t     0.004\t0\t2\t1\t0\techo 3\n"
			      "2\t:\t1700000000.1");
	cr_expect(eq(int, map_log(way, "--resume", "echo $0", "1\n2\n3\n"), 0), "%s",
		  result.err);
	cr_expect(eq(str, result.out, (char *)"2\n"));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 3 2 "));
}

static void refused(const char *content, const char *what)
{
	write_log(EMBEDDED, content);
	cr_expect(eq(int, map_log(EMBEDDED, "--resume", "echo $0", "1\n"), 125));
	cr_expect(says(result.err, what), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)""));
	cr_expect(eq(str, (char *)log_text(EMBEDDED), (char *)content));
}

Test(map_log, that_is_none_is_named_and_not_touched)
{
	refused("once upon a time\n", "line 1 of");
	refused(HEADER "1\t:\t1.0\t0.0\t0\t0\tx\t0\ttrue\n", "line 2 of");
	refused(HEADER "0\t:\t1.0\t0.0\t0\t0\t0\t0\ttrue\n", "line 2 of");
	refused(HEADER "99999999999\t:\t1.0\t0.0\t0\t0\t0\t0\ttrue\n", "line 2 of");

	cr_expect(eq(int, map(EMBEDDED, ARGS("--joblog", "/no/such/log", "true"), "1\n"),
		     125));
	cr_expect(says(result.err, "'/no/such/log'"), "%s", result.err);
	cr_expect(eq(int, map(EMBEDDED, ARGS("--resume", "true"), "1\n"), 125));
	cr_expect(says(result.err, "--joblog"), "%s", result.err);
	cr_expect(eq(int, map(EMBEDDED, ARGS("--joblog", "/dev/full", "true"), "1\n"),
		     125));
	cr_expect(says(result.err, "No space left"), "%s", result.err);
}

Test(map_log, has_one_writer)
{
	int fd;

	write_log(EMBEDDED, HEADER);
	fd = open(log_path(EMBEDDED), O_RDONLY | O_CLOEXEC);
	cr_assert(eq(int, flock(fd, LOCK_EX | LOCK_NB), 0));
	cr_expect(eq(int, map_log(EMBEDDED, NULL, "echo $0", "1\n"), 125));
	cr_expect(says(result.err, "another process"), "%s", result.err);
	close(fd);
	cr_expect(eq(str, (char *)log_text(EMBEDDED), (char *)HEADER));
}

/* Job 2 runs until it is killed: it is no success and no failure, and so not done. */
BOTH_WAYS(map_log, has_no_line_for_a_job_that_was_cut_short)
{
	const char *stamp = tmpdir_path(way == EMBEDDED ? "ran" : "ran2");
	char script[300];

	snprintf(script, sizeof(script),
		 "case $0 in 1) until test -e %s; do sleep 0.05; done; exit 1;; "
		 "2) touch %s; exec " PROGRAM("sleep_forever") ";; esac",
		 stamp, stamp);
	{
		const char *const args[] = { "-j2",    "--joblog",   log_path(way),
					     "--halt", "now,fail=1", "sh",
					     "-c",     script,	     NULL };

		cr_expect(eq(int, map(way, args, "1\n2\n3\n"), 1), "%s", result.err);
	}
	cr_expect(eq(str, (char *)logged(way), (char *)"1 "));
	cr_expect(eq(int, map_log(way, "--resume", "echo $0", "1\n2\n3\n"), 0));
	cr_expect(eq(str, result.out, (char *)"2\n3\n"));
}

/* ---- tries --------------------------------------------------------------- */

/* A try adds a letter to a file of its job's own. */
static int with_tries(enum way way, const char *tries, const char *dir)
{
	char script[300];
	const char *const args[] = { "-k", "--retries", tries,	"--joblog", log_path(way),
				     "sh", "-c",	script, NULL };

	snprintf(script, sizeof(script),
		 "printf x >> %s$0; read n < %s$0; echo $0 $n; test $n = xxx", dir, dir);
	return map(way, args, "1\n2\n");
}

BOTH_WAYS(map_log, tells_the_last_try_and_so_does_the_output)
{
	const char *one = tmpdir_path(way == EMBEDDED ? "one-" : "one2-");
	const char *two = tmpdir_path(way == EMBEDDED ? "two-" : "two2-");

	cr_expect(eq(int, with_tries(way, "3", one), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)"1 xxx\n2 xxx\n"));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 2 "));
	cr_expect(eq(int, with_tries(way, "2", two), 2));
	cr_expect(eq(str, result.out, (char *)"1 xx\n2 xx\n"));
	cr_expect(eq(str, (char *)logged(way), (char *)"1 2 "));
}
