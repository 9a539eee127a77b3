/*
 * daemon/log.c: levels, the journal's format, and lines that nobody takes.
 */
#include "daemon/log.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int log_fd; /* what stderr says comes out here */

/* Criterion's own messages are not for the pipe: it is put back before assertions. */
static int own_stderr;

static void open_log(void)
{
	int fds[2];

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0));
	own_stderr = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	log_fd = fds[0];
}

/* All that was said. */
static const char *said(void)
{
	static char text[1 << 17];
	ssize_t n;

	n = read(log_fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *all_said(void)
{
	dup2(own_stderr, STDERR_FILENO);
	return said();
}

TestSuite(log, .init = open_log);

Test(log, a_line_has_the_name_of_the_program)
{
	log_say(LOG_LEVEL_ERROR, "%d of %s", 3, "them");

	cr_assert(eq(str, (char *)all_said(), "uringspawnd: 3 of them\n"));
}

Test(log, what_is_below_the_level_is_not_written)
{
	enum log_level level;

	log_say(LOG_LEVEL_INFO, "too little");
	log_set_level(LOG_LEVEL_INFO);
	log_say(LOG_LEVEL_INFO, "enough");
	log_say(LOG_LEVEL_DEBUG, "too little");
	cr_expect(eq(str, (char *)all_said(), "uringspawnd: enough\n"));

	cr_expect(log_level_of("warning", &level));
	cr_expect(eq(int, (int)level, LOG_LEVEL_WARNING));
	cr_expect(not(log_level_of("loud", &level)));
}

Test(log, the_journal_gets_priorities)
{
	struct stat st;
	char stream[64];

	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open();
	log_say(LOG_LEVEL_WARNING, "look");

	cr_assert(eq(str, (char *)all_said(), "<4>look\n"));
}

Test(log, somebody_else_s_journal_stream_is_not_ours)
{
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_open();
	log_say(LOG_LEVEL_WARNING, "look");
	setenv("JOURNAL_STREAM", "nonsense", 1);
	log_open();
	log_say(LOG_LEVEL_WARNING, "again");

	cr_assert(eq(str, (char *)all_said(), "uringspawnd: look\nuringspawnd: again\n"));
}

Test(log, a_line_is_one_line_of_bounded_length)
{
	char long_name[4000];
	const char *text;

	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	log_say(LOG_LEVEL_ERROR, "a\nb\033c");
	log_say(LOG_LEVEL_ERROR, "%s", long_name);
	text = all_said();

	cr_expect(eq(int, strncmp(text, "uringspawnd: a?b?c\n", 19), 0), "%s", text);
	cr_expect(lt(sz, strlen(text), 1100));
	cr_expect(eq(chr, text[strlen(text) - 1], '\n'));
}

Test(log, what_comes_often_is_counted_and_not_written)
{
	struct log_repeat repeat = { 0 };

	log_often(&repeat, 5, LOG_LEVEL_ERROR, "first");
	for (uint64_t i = 0; i < 7; i++)
		log_often(&repeat, 6 + i, LOG_LEVEL_ERROR, "again");
	log_often(&repeat, 5 + LOG_REPEAT_NS, LOG_LEVEL_ERROR, "later");
	log_often(&repeat, 6 + 2 * LOG_REPEAT_NS, LOG_LEVEL_ERROR, "last");

	cr_assert(eq(str, (char *)all_said(),
		     "uringspawnd: first\n"
		     "uringspawnd: later (and 7 like it before)\n"
		     "uringspawnd: last\n"));
}

/* A pipe that nobody reads: the daemon goes on, and says later what was lost. */
Test(log, a_full_pipe_stops_nobody, .timeout = 20)
{
	const char *text;
	char first[64], last[64];

	fcntl(STDERR_FILENO, F_SETFL, 0); /* blocking, as a daemon finds it */
	fcntl(STDERR_FILENO, F_SETPIPE_SZ, 8192);
	for (int i = 0; i < 1000; i++)
		log_say(LOG_LEVEL_ERROR, "line %d of those that nobody reads", i);
	said();
	log_say(LOG_LEVEL_ERROR, "the last");
	text = all_said();

	snprintf(first, sizeof(first), "%.12s", text);
	cr_expect(eq(str, first, "uringspawnd:"));
	cr_expect(ne(ptr, strstr(text, "lines were lost"), NULL), "%s", text);
	snprintf(last, sizeof(last), "%s", strrchr(text, ':') + 2);
	cr_expect(eq(str, last, "the last\n"));
}
