/*
 * `uringspawn run` on a terminal, with and without one of the program's own: keys, sizes,
 * being stopped and going on, and that the terminal is as before afterwards.
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

/* Its own terminal does not show what is typed. */
#define QUIET	      "stty -echo; exec " PROGRAM("tell_signals")
#define PROGRAM_QUIET "sh", "-c", QUIET

static struct running_command running;
static int tty, held; /* the terminal, so that it is there between two programs */
static char tty_name[64];
static struct termios before;

static void open_tty(void)
{
	tty = terminal_open(tty_name, sizeof(tty_name));
	held = open(tty_name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	cr_assert(ge(int, held, 0));
	terminal_resize(tty, 24, 80);
	cr_assert(eq(int, tcgetattr(tty, &before), 0));
}

static void close_tty(void)
{
	close(held);
	close(tty);
	tmpdir_done();
}

TestSuite(run_terminal, .init = open_tty, .fini = close_tty, .timeout = 240);

static void expect_as_before(const char *when)
{
	struct termios now;

	cr_assert(eq(int, tcgetattr(tty, &now), 0));
	cr_expect(eq(uint, now.c_iflag, before.c_iflag), "%s", when);
	cr_expect(eq(uint, now.c_oflag, before.c_oflag), "%s", when);
	cr_expect(eq(uint, now.c_lflag, before.c_lflag), "%s", when);
	cr_expect(eq(uint, now.c_cflag, before.c_cflag), "%s", when);
	cr_expect(eq(int, memcmp(now.c_cc, before.c_cc, sizeof(now.c_cc)), 0), "%s",
		  when);
}

static void start_on_tty(enum way way, const char *const *args)
{
	command_start(&running, &(struct command){ .argv = command_line(way, args),
						   .tty = tty_name });
}

static void expect_line(const char *want)
{
	char line[256];

	read_line(tty, want, line, sizeof(line));
}

/* Who tell_signals is.  Returns its parent. */
static int told_parent(void)
{
	char line[256];
	int pid, parent = 0;

	read_line(tty, "pid ", line, sizeof(line));
	cr_assert(eq(int, sscanf(line, "pid %d parent %d", &pid, &parent), 2));
	return parent;
}

BOTH_WAYS(run_terminal, keys_are_the_programs_and_the_terminal_is_as_before)
{
	start_on_tty(way, ARGS("--pty", PROGRAM_QUIET));
	(void)told_parent();
	cr_expect(terminal_is_raw(tty));
	terminal_type(tty, "\003");
	expect_line("signal 2\r");
	terminal_type(tty, "\034");
	expect_line("signal 3\r");
	cr_assert(eq(int, kill(running.pid, SIGTERM), 0));
	expect_line("signal 15\r");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
	expect_as_before("it ended");
}

/* Those that are passed on, and those that end uringspawn itself. */
BOTH_WAYS(run_terminal, it_is_as_before_whichever_signal_ends_it)
{
	static const int signals[] = { SIGINT,	SIGTERM, SIGHUP,    SIGQUIT,
				       SIGUSR1, SIGALRM, SIGVTALRM, SIGABRT,
				       SIGILL,	SIGXCPU, SIGIO };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		start_on_tty(way, ARGS("--pty", "sh", "-c",
				       "echo ready; exec " PROGRAM("sleep_forever")));
		expect_line("ready");
		cr_expect(terminal_is_raw(tty));
		cr_assert(eq(int, kill(running.pid, signals[i]), 0));
		command_end(&running, &result);
		cr_expect(eq(int, abs(result.code) % 128, signals[i]));
		expect_as_before(strsignal(signals[i]));
	}
}

BOTH_WAYS(run_terminal, it_is_as_before_when_nothing_was_started)
{
	start_on_tty(way, ARGS("--pty", "/no/such/program"));
	expect_line("uringspawn: cannot run '/no/such/program'");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 127));
	expect_as_before("no program");
}

Test(run_terminal, it_is_as_before_when_the_daemon_dies)
{
	daemon_start(&daemon_run, NULL);
	start_on_tty(SOCKET, ARGS("--pty", "sh", "-c",
				  "echo ready; exec " PROGRAM("sleep_forever")));
	expect_line("ready");
	daemon_signal(&daemon_run, SIGKILL);
	expect_line("uringspawn: lost the daemon");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 125));
	expect_as_before("no daemon");
	close(daemon_run.pidfd);
	close(daemon_run.err_fd);
}

BOTH_WAYS(run_terminal, a_change_of_its_size_is_told)
{
	terminal_resize(tty, 24, 80);
	start_on_tty(way, ARGS("--pty", "sh", "-c",
			       "while :; do stty size; sleep 0.02; done"));
	expect_line("24 80");
	terminal_resize(tty, 33, 99);
	expect_line("33 99");
	terminal_type(tty, "\003");
	command_end(&running, &result);
	expect_as_before("it was resized");
}

/* It is stopped with its program; who has the terminal meanwhile finds it as it was. */
BOTH_WAYS(run_terminal, stopped_it_gives_the_terminal_back_and_takes_it_again)
{
	siginfo_t info = { 0 };

	start_on_tty(way, ARGS("--pty", PROGRAM_QUIET));
	(void)told_parent();
	cr_assert(eq(int, kill(running.pid, SIGTSTP), 0));
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)running.pidfd, &info, WSTOPPED), 0));
	expect_as_before("it is stopped");

	terminal_resize(tty, 30, 90);
	cr_assert(eq(int, kill(running.pid, SIGCONT), 0));
	expect_line("signal 18\r");
	cr_expect(terminal_is_raw(tty));
	terminal_type(tty, "\003");
	expect_line("signal 2\r");
	cr_assert(eq(int, kill(running.pid, SIGTERM), 0));
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
	expect_as_before("it went on and ended");
}

/* A shell with job control, on the terminal; it says nothing of itself. */
static void start_shell(void)
{
	setenv("PS1", "", 1);
	command_start(&running, &(struct command){ .argv = ARGS("/bin/sh", "-i"),
						   .tty = tty_name });
}

static void type_run(enum way way, const char *const *args)
{
	const char *const *line = command_line(way, args);

	for (; *line; line++) {
		terminal_type(tty, *line);
		terminal_type(tty, line[1] ? " " : "\n");
	}
}

Test(run_terminal, a_shell_stops_it_by_its_key_and_fg_lets_it_go_on)
{
	start_shell();
	type_run(EMBEDDED, ARGS("cat"));
	terminal_type(tty, "one\n");
	expect_line("one");
	terminal_type(tty, "\032");
	expect_line("[1] + Stopped");
	terminal_type(tty, "fg\n");
	terminal_type(tty, "two\n");
	expect_line("two");
	terminal_type(tty, "\004");
	terminal_type(tty, "echo code=$?\n");
	expect_line("code=0");
	type_run(EMBEDDED, ARGS(PROGRAM("tell_signals")));
	(void)told_parent();
	terminal_type(tty, "\003");
	expect_line("signal 2");
	cr_assert(eq(int, kill(tcgetpgrp(tty), SIGTERM), 0));
	expect_line("signal 15");
	terminal_type(tty, "exit 5\n");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 5));
}

BOTH_WAYS(run_terminal, a_shell_that_stops_one_on_its_own_terminal_has_its_own_back)
{
	int pid;

	start_shell();
	terminal_type(tty, "true\n");
	type_run(way, ARGS("--pty", "sh", "-c", "'" QUIET "'"));
	(void)told_parent();
	pid = tcgetpgrp(tty);
	cr_assert(lt(int, 0, pid));
	cr_assert(eq(int, kill(pid, SIGTSTP), 0));
	expect_line("[1] + Stopped");
	terminal_wait_raw(tty, false);
	terminal_type(tty, "fg\n");
	expect_line("signal 18\r");
	terminal_wait_raw(tty, true);
	terminal_type(tty, "\003");
	expect_line("signal 2\r");
	cr_assert(eq(int, kill(pid, SIGTERM), 0));
	expect_line("signal 15\r");
	terminal_wait_raw(tty, false);
	terminal_type(tty, "echo code=$?\n");
	expect_line("code=40");
	terminal_type(tty, "exit 5\n");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 5));
}

/* Who reads its output goes: so does the program, and the terminal is as before. */
BOTH_WAYS(run_terminal, endless_output_ends_with_its_reader)
{
	char script[1024] = "", *at = script;

	for (const char *const *word = command_line(way, ARGS("--pty", "yes")); *word;
	     word++)
		at += sprintf(at, "%s ", *word);
	strcpy(at, "| head -n 1; echo end");
	command_start(&running, &(struct command){ .argv = ARGS("/bin/sh", "-c", script),
						   .tty = tty_name });
	expect_line("y\r");
	expect_line("end");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 0));
	expect_as_before("its reader is gone");
}
