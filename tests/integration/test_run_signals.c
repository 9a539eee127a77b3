/*
 * `uringspawn run` and signals: those that it passes on, those that end it, its daemon
 * or the program, and those of a terminal.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/terminal.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(run_signals, .fini = tmpdir_done, .timeout = 120);

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

/* ---- signals ------------------------------------------------------------- */

/* What tell_signals says first. */
struct who {
	int pid, parent, group, session;
};

static struct who who(int fd)
{
	char line[128];
	struct who who;

	read_line(fd, "pid ", line, sizeof(line));
	cr_assert(eq(int,
		     sscanf(line, "pid %d parent %d group %d session %d", &who.pid,
			    &who.parent, &who.group, &who.session),
		     4),
		  "%s", line);
	return who;
}

static void expect_signal(int fd, int signal)
{
	char line[128], want[32];

	snprintf(want, sizeof(want), "signal %d\n", signal);
	read_line(fd, "signal ", line, sizeof(line));
	cr_expect(eq(str, line, want));
}

static void send_signal(const struct running_command *running, int signal)
{
	cr_assert(eq(int,
		     (int)syscall(SYS_pidfd_send_signal, running->pidfd, signal, NULL, 0),
		     0));
}

BOTH_WAYS(run_signals, signals_are_passed_on_and_the_end_comes_back)
{
	static const int signals[] = { SIGINT,	SIGHUP,	  SIGQUIT, SIGUSR1,
				       SIGUSR2, SIGWINCH, SIGCONT };
	struct running_command running;

	start(&running, way, ARGS(PROGRAM("tell_signals")), 0);
	who(running.out_fd);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		send_signal(&running, signals[i]);
		expect_signal(running.out_fd, signals[i]);
	}
	send_signal(&running, SIGTERM);
	expect_signal(running.out_fd, SIGTERM);

	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
	cr_expect(eq(str, result.out, (char *)""));
	cr_expect(eq(str, result.err, (char *)""));
}

BOTH_WAYS(run_signals, a_signal_that_ends_the_program_is_its_code)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct running_command running;
		char line[16];

		start(&running, way,
		      ARGS("sh", "-c", "echo ready; exec " PROGRAM("sleep_forever")), 0);
		command_read_line(&running, "ready", line, sizeof(line));
		send_signal(&running, signals[i]);
		command_end(&running, &result);
		cr_expect(eq(int, result.code, 128 + signals[i]), "%s", result.err);
	}
}

BOTH_WAYS(run_signals, what_stops_us_stops_the_program_too)
{
	struct running_command running;
	siginfo_t info = { 0 };

	start(&running, way, ARGS(PROGRAM("tell_signals")), 0);
	who(running.out_fd);
	send_signal(&running, SIGTSTP);
	expect_signal(running.out_fd, SIGTSTP);
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)running.pidfd, &info, WSTOPPED), 0));
	cr_expect(eq(int, info.si_code, CLD_STOPPED));

	send_signal(&running, SIGCONT);
	expect_signal(running.out_fd, SIGCONT);
	send_signal(&running, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
}

BOTH_WAYS(run_signals, the_first_signal_of_a_timeout_can_be_chosen)
{
	cr_expect(eq(int,
		     run(way, ARGS("--timeout", "500ms", "--kill-after", "1s", "--signal",
				   "USR1", PROGRAM("tell_signals"))),
		     124));
	cr_expect(says(result.out, "signal 10\n"), "%s", result.out);
	cr_expect(not(says(result.out, "signal 15\n")), "%s", result.out);
}

/* As nohup needs: what the caller ignores, the program ignores, and so do we. */
BOTH_WAYS(run_signals, ignored_signals_stay_ignored)
{
	struct command command = {
		.argv = command_line(way, ARGS("grep", "SigIgn", "/proc/self/status")),
	};
	struct running_command running;

	cr_expect(eq(int, command_run(&command, &result), 0));
	cr_expect(eq(str, result.out, (char *)"SigIgn:\t0000000000000000\n"));
	command.ignored = BIT(SIGHUP) | BIT(SIGPIPE) | BIT(SIGCHLD);
	cr_expect(eq(int, command_run(&command, &result), 0));
	cr_expect(eq(str, result.out, (char *)"SigIgn:\t0000000000011001\n"));

	start(&running, way, ARGS(PROGRAM("tell_signals")), BIT(SIGHUP));
	who(running.out_fd);
	send_signal(&running, SIGHUP);
	send_signal(&running, SIGTERM);
	expect_signal(running.out_fd, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
}

BOTH_WAYS(run_signals, without_a_terminal_the_program_has_a_group_of_its_own)
{
	struct running_command running;
	struct who told;

	start(&running, way, ARGS(PROGRAM("tell_signals")), 0);
	told = who(running.out_fd);
	send_signal(&running, SIGTERM);
	command_end(&running, &result);

	cr_expect(eq(int, told.group, told.pid));
	cr_expect(eq(int, told.parent, way == SOCKET ? daemon_run.pid : running.pid));
	cr_expect(eq(int, told.session, getsid(0)));
}

/* The pidfd of the program that @running has said to be. */
static int open_who(const struct running_command *running)
{
	int pidfd = (int)syscall(SYS_pidfd_open, who(running->out_fd).pid, 0);

	cr_assert(ge(int, pidfd, 0));
	return pidfd;
}

/* The daemon sees that its client is gone, however it went. */
Test(run_signals, a_killed_run_takes_the_daemons_job_with_it)
{
	struct running_command running;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET, ARGS("--kill-after", "50ms", PROGRAM("tell_signals")), 0);
	pidfd = open_who(&running);
	send_signal(&running, SIGKILL);
	command_end(&running, &result);

	cr_expect(eq(int, result.code, -SIGKILL));
	cr_expect(wait_fd(pidfd, POLLIN, WAIT_MS), "the job outlives its client");
	cr_expect(eq(str, result.out, (char *)"signal 15\n"));
	close(pidfd);
	daemon_stop(&daemon_run);
}

/* It ends its jobs before it leaves, and says how they ended. */
Test(run_signals, a_daemon_that_stops_still_tells_the_end)
{
	struct running_command running;
	char line[16];

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET,
	      ARGS("sh", "-c", "echo ready; exec " PROGRAM("sleep_forever")), 0);
	command_read_line(&running, "ready", line, sizeof(line));
	daemon_stop(&daemon_run);
	command_end(&running, &result);

	cr_expect(eq(int, result.code, 128 + SIGTERM), "%s", result.err);
	cr_expect(eq(str, result.err, (char *)""));
}

Test(run_signals, a_daemon_that_dies_is_reported)
{
	struct running_command running;
	struct who told;

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET, ARGS(PROGRAM("tell_signals")), 0);
	told = who(running.out_fd);
	daemon_signal(&daemon_run, SIGKILL);
	cr_assert(eq(int, kill(told.pid, SIGKILL), 0)); /* it holds our pipes */
	command_end(&running, &result);

	cr_expect(eq(int, result.code, 125));
	cr_expect(says(result.err, "lost the daemon"), "%s", result.err);
	close(daemon_run.pidfd);
	close(daemon_run.err_fd);
}

Test(run_signals, what_is_bound_is_killed_with_who_runs_it)
{
	const char *const *args = ARGS("--bound", PROGRAM("tell_signals"));
	struct running_command running;
	int pidfd;

	start(&running, EMBEDDED, args, 0);
	pidfd = open_who(&running);
	send_signal(&running, SIGKILL);
	cr_expect(wait_fd(pidfd, POLLIN, WAIT_MS), "it outlives the command");
	command_end(&running, &result);
	close(pidfd);

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET, args, 0);
	pidfd = open_who(&running);
	daemon_signal(&daemon_run, SIGKILL);
	cr_expect(wait_fd(pidfd, POLLIN, WAIT_MS), "it outlives the daemon");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 125));
	close(pidfd);
	close(daemon_run.pidfd);
	close(daemon_run.err_fd);
}

/* ---- a terminal ---------------------------------------------------------- */

/* A signal that comes while the same one is pending is lost, but not every time. */
enum { PRESSES = 20 };

/* Run tell_signals on a terminal and press ^C: each is told once.  @told is who it is. */
static void press_interrupt(enum way way, struct running_command *running, int tty,
			    const char *name, struct who *told)
{
	const struct command command = {
		.argv = command_line(way, ARGS(PROGRAM("tell_signals"))),
		.tty = name,
	};

	char line[256];

	command_start(running, &command);
	if (way == SOCKET) /* that it is no controlling terminal is said */
		read_line(tty, "uringspawn: through a daemon", line, sizeof(line));
	*told = who(tty);
	for (int i = 0; i < PRESSES; i++) {
		cr_assert(eq(int, (int)write(tty, "\003", 1), 1));
		expect_signal(tty, SIGINT);
		/* One more, passed on besides, would be seen before this one. */
		send_signal(running, SIGUSR1);
		expect_signal(tty, SIGUSR1);
	}
}

Test(run_signals, on_a_terminal_the_program_shares_our_group_and_is_interrupted_once)
{
	struct running_command running;
	struct who told;
	char name[64];
	int tty = terminal_open(name, sizeof(name));

	press_interrupt(EMBEDDED, &running, tty, name, &told);
	cr_expect(eq(int, told.parent, running.pid));
	cr_expect(eq(int, told.group, running.pid));
	cr_expect(eq(int, told.session, running.pid));

	send_signal(&running, SIGTERM);
	expect_signal(tty, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
	close(tty);
}

/* The keyboard's group is ours, not the program's: the one signal is passed on. */
Test(run_signals, on_a_terminal_the_daemons_program_is_interrupted_once)
{
	struct running_command running;
	struct who told;
	char name[64];
	int tty = terminal_open(name, sizeof(name));

	daemon_start(&daemon_run, NULL);
	press_interrupt(SOCKET, &running, tty, name, &told);
	cr_expect(eq(int, told.parent, daemon_run.pid));
	cr_expect(eq(int, told.group, told.pid));

	send_signal(&running, SIGTERM);
	expect_signal(tty, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 40));
	close(tty);
	daemon_stop(&daemon_run);
}

/* A daemon on a terminal: what it is asked to run has none, and cannot type there. */
static void expect_no_terminal(const struct command *daemon, const char *socket, int tty,
			       struct running_command *running)
{
	const struct command job = {
		.argv = ARGS(BUILD_DIR "/uringspawn", "run", "--socket", socket, "--",
			     "sh", "-c", ": </dev/tty || exit 7"),
	};
	char line[256];

	command_start(running, daemon);
	read_line(tty, "uringspawnd: ready", line, sizeof(line));
	cr_expect(ne(int, command_run(&job, &result), 0), "%s", result.out);
}

Test(run_signals, a_daemon_that_was_started_on_a_terminal_keeps_none)
{
	struct running_command running;
	char name[64], socket[64], script[256];
	int tty = terminal_open(name, sizeof(name));

	snprintf(socket, sizeof(socket), "@uringspawn-test-%d", (int)getpid());
	snprintf(script, sizeof(script), BUILD_DIR "/uringspawnd --socket %s; exit 5",
		 socket);
	expect_no_terminal(
		&(struct command){ .argv = ARGS("/bin/sh", "-c", script), .tty = name },
		socket, tty, &running);
	/* It is interrupted from there as before. */
	cr_assert(eq(int, (int)write(tty, "\003", 1), 1));
	command_end(&running, &result);
	close(tty);
}

/* It leads the session, and so takes the terminal from all of it. */
Test(run_signals, a_daemon_that_leads_a_session_keeps_no_terminal)
{
	struct running_command running;
	char name[64], socket[64];
	int tty = terminal_open(name, sizeof(name));

	snprintf(socket, sizeof(socket), "@uringspawn-test-%d", (int)getpid());
	expect_no_terminal(&(struct command){ .argv = ARGS(BUILD_DIR "/uringspawnd",
							   "--socket", socket),
					      .tty = name },
			   socket, tty, &running);
	send_signal(&running, SIGTERM);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 0));
	close(tty);
}
