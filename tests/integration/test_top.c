/*
 * `uringspawn top` on a terminal: what it shows at 80x24, its keys, and that the terminal
 * is as before however it ends.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/command.h"
#include "support/terminal.h"
#include "support/tmpdir.h"
#include "support/wait.h"

static int tty, held; /* the terminal, so that it is there between two programs */
static char tty_name[64];
static struct termios before;
static struct running_command job, top;

static char screen[1 << 20]; /* all that was written since the last expect_shown() */
static size_t n_screen;

static void open_tty(void)
{
	char line[128];

	tty = terminal_open(tty_name, sizeof(tty_name));
	held = open(tty_name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(ge(int, held, 0));
	terminal_resize(tty, 24, 80);
	cr_assert(eq(int, tcgetattr(tty, &before), 0));
	daemon_start(&daemon_run, NULL);
	start(&job, SOCKET, ARGS(PROGRAM("tell_signals")), 0);
	command_read_line(&job, "pid ", line, sizeof(line));
}

static void close_tty(void)
{
	cr_assert(eq(int, kill(job.pid, SIGTERM), 0));
	command_end(&job, &result);
	daemon_stop(&daemon_run);
	close(held);
	close(tty);
	tmpdir_done();
}

TestSuite(top, .init = open_tty, .fini = close_tty, .timeout = 240);

static void start_screen(const char *const *words)
{
	const char *line[8] = { BUILD_DIR "/uringspawn" };
	int n = 1;

	while (*words)
		line[n++] = *words++;
	line[n++] = "--interval";
	line[n++] = "100ms";
	line[n++] = "--socket";
	line[n++] = daemon_run.socket;
	n_screen = 0;
	command_start(&top, &(struct command){ .argv = line, .tty = tty_name });
}

static void start_top(void)
{
	start_screen(ARGS("top"));
}

/* Wait until it has written @text, behind what the last one waited for. */
static void expect_shown(const char *text)
{
	char *at;

	for (;;) {
		screen[n_screen] = '\0';
		at = strstr(screen, text);
		if (at)
			break;
		cr_assert(wait_fd(tty, POLLIN, WAIT_MS), "it does not show %s", text);
		cr_assert(lt(sz, n_screen, sizeof(screen) - 1));
		ssize_t n = read(tty, screen + n_screen, sizeof(screen) - 1 - n_screen);
		cr_assert(lt(int, 0, (int)n));
		n_screen += (size_t)n;
	}
	at += strlen(text);
	n_screen -= (size_t)(at - screen);
	memmove(screen, at, n_screen);
}

static void expect_as_before(const char *when)
{
	struct termios now;

	cr_assert(eq(int, tcgetattr(tty, &now), 0));
	cr_expect(eq(uint, now.c_iflag, before.c_iflag), "%s", when);
	cr_expect(eq(uint, now.c_oflag, before.c_oflag), "%s", when);
	cr_expect(eq(uint, now.c_lflag, before.c_lflag), "%s", when);
}

/* The cursor is shown again, and what was there before it. */
static void expect_left(const char *when)
{
	expect_shown("\033[?25h\033[?1049l");
	expect_as_before(when);
}

Test(top, it_shows_the_jobs_again_and_again_and_a_key_ends_it)
{
	start_top();
	expect_shown("\033[?1049h");
	for (int i = 0; i < 3; i++) {
		expect_shown("\033[H1 jobs: 1 running, 0 queued");
		expect_shown("PROGRAM");
		expect_shown(" running ");
		expect_shown("\033[24;1Hq quit");
	}
	terminal_type(tty, "m");
	expect_shown("\033[H1 jobs");
	terminal_type(tty, "q");
	command_end(&top, &result);
	cr_expect(eq(int, result.code, 0));
	expect_left("by its key");
}

/* No line is longer than the terminal, and the last is its last. */
Test(top, it_keeps_to_the_size_of_the_terminal)
{
	start_top();
	expect_shown("\033[24;1Hq quit");
	terminal_resize(tty, 10, 40);
	expect_shown("\033[10;1Hq quit");
	expect_shown("\033[H");
	expect_shown("\033[10;1Hq quit");
	terminal_type(tty, "\003");
	command_end(&top, &result);
	cr_expect(eq(int, result.code, 0));
	expect_left("by ^C");
	terminal_resize(tty, 24, 80);
}

Test(top, every_signal_leaves_the_terminal_as_it_was)
{
	static const struct {
		int signal, code;
	} rows[] = {
		{ SIGINT, 0 },	       { SIGTERM, 143 },      { SIGHUP, 129 },
		{ SIGQUIT, 131 },      { SIGPIPE, 141 },      { SIGUSR1, -SIGUSR1 },
		{ SIGALRM, -SIGALRM }, { SIGABRT, -SIGABRT }, { SIGILL, -SIGILL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		start_top();
		expect_shown("q quit");
		cr_assert(eq(int, kill(top.pid, rows[i].signal), 0));
		command_end(&top, &result);
		cr_expect(eq(int, result.code, rows[i].code), "%s",
			  strsignal(rows[i].signal));
		expect_left(strsignal(rows[i].signal));
	}
}

/* ^Z and fg, without the shell. */
Test(top, stopped_it_gives_the_terminal_back_and_takes_it_again)
{
	siginfo_t info = { 0 };

	start_top();
	expect_shown("q quit");
	cr_assert(eq(int, kill(top.pid, SIGTSTP), 0));
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)top.pidfd, &info, WSTOPPED), 0));
	expect_left("stopped");
	cr_assert(eq(int, kill(top.pid, SIGCONT), 0));
	expect_shown("\033[?1049h");
	expect_shown("q quit");
	terminal_type(tty, "q");
	command_end(&top, &result);
	cr_expect(eq(int, result.code, 0));
	expect_left("it went on");
}

static int uringspawn(const char *const *words)
{
	const char *line[16] = { BUILD_DIR "/uringspawn" };

	for (int i = 0; words[i]; i++)
		line[i + 1] = words[i];
	return command_run(&(struct command){ .argv = line }, &result);
}

/* Two lines for each. */
Test(top, pools_are_shown_the_same_way)
{
	const char *socket = daemon_run.socket;

	cr_assert(eq(int,
		     uringspawn(ARGS("pool", "open", "cats", "--socket", socket, "--min",
				     "2", "--", "cat")),
		     0),
		  "%s", result.err);
	start_screen(ARGS("pool", "top"));
	expect_shown("\033[H1 pools   at ");
	expect_shown("NAME ");
	expect_shown(
		"cats               standby     0    2    0     0    0    0     0.0");
	expect_shown("  CPU ");
	expect_shown("memory ");
	expect_shown("\033[24;1Hq quit");
	cr_assert(
		eq(int, uringspawn(ARGS("run", "--socket", socket, "--pool", "cats")), 0),
		"%s", result.err);
	expect_shown("ended: used 1");
	terminal_type(tty, "q");
	command_end(&top, &result);
	cr_expect(eq(int, result.code, 0));
	expect_left("by its key");
}

/* That the daemon hangs does not keep it. */
Test(top, it_ends_though_the_daemon_hangs)
{
	start_top();
	expect_shown("q quit");
	daemon_signal(&daemon_run, SIGSTOP);
	terminal_type(tty, "q");
	command_end(&top, &result);
	cr_expect(eq(int, result.code, 0));
	daemon_signal(&daemon_run, SIGCONT);
	expect_left("the daemon hangs");
}

Test(top, without_a_terminal_it_says_what_to_use)
{
	const char *const line[] = { BUILD_DIR "/uringspawn", "top", "--socket",
				     daemon_run.socket, NULL };

	cr_expect(eq(int, command_run(&(struct command){ .argv = line }, &result), 125));
	cr_expect(says(result.err, "uringspawn ps"), "%s", result.err);
}
