/*
 * `uringspawn run` as a person or a script meets it: exit codes, messages, stdio,
 * signals and a terminal, by an engine of its own and by a daemon.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(run, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name
#define ARGS(...)     ((const char *const[]){ __VA_ARGS__, NULL })
#define BIT(signal)   (UINT64_C(1) << ((signal)-1))

/* Every promise is kept by both. */
enum way { EMBEDDED, SOCKET, WAYS };

static struct running_daemon daemon_run;
static struct command_result result;

/* The whole command line; valid until the next. */
static const char *const *command_line(enum way way, const char *const *args)
{
	static const char *line[32];
	int n = 0;

	line[n++] = BUILD_DIR "/uringspawn";
	line[n++] = "run";
	if (way == SOCKET) {
		line[n++] = "--socket";
		line[n++] = daemon_run.socket;
	}
	for (; *args; args++) {
		cr_assert(lt(int, n, (int)ARRAY_SIZE(line) - 1));
		line[n++] = *args;
	}
	line[n] = NULL;
	return line;
}

static int run(enum way way, const char *const *args)
{
	const struct command command = { .argv = command_line(way, args) };

	return command_run(&command, &result);
}

static void start(struct running_command *running, enum way way, const char *const *args,
		  uint64_t ignored)
{
	const struct command command = {
		.argv = command_line(way, args),
		.ignored = ignored,
	};

	command_start(running, &command);
}

/* A test that is carried out in both ways. */
#define BOTH_WAYS(name)                                                                  \
	static void name##_way(enum way way);                                            \
	Test(run, name)                                                                  \
	{                                                                                \
		name##_way(EMBEDDED);                                                    \
		daemon_start(&daemon_run, NULL);                                         \
		name##_way(SOCKET);                                                      \
		daemon_stop(&daemon_run);                                                \
	}                                                                                \
	static void name##_way(enum way way)

/* ---- exit codes and messages ---------------------------------------------------------- */

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

BOTH_WAYS(exit_codes_and_messages_say_what_happened)
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

static bool says(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

Test(run, help_is_asked_for_and_fits_a_screen)
{
	unsigned lines = 0;

	cr_expect(eq(int, uringspawn(ARGS("run", "--help")), 0));
	cr_expect(says(result.out, "Usage: uringspawn run"), "%s", result.out);
	cr_expect(eq(str, result.err, (char *)""));
	for (char *at = result.out; *at; at += strcspn(at, "\n") + 1) {
		lines++;
		cr_expect(le(sz, strcspn(at, "\n"), 80), "%.80s...", at);
	}
	cr_expect(le(uint, lines, 24));

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

/* ---- stdio ------------------------------------------------------------------------------ */

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

BOTH_WAYS(pipes_carry_every_byte)
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

BOTH_WAYS(stdout_and_stderr_stay_apart)
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
BOTH_WAYS(files_are_handed_over_as_they_are)
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

BOTH_WAYS(what_the_caller_closed_is_null)
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

BOTH_WAYS(a_program_gets_three_descriptors)
{
	cr_expect(eq(int, run(way, ARGS(PROGRAM("print_fds"))), 0));
	cr_expect(eq(str, result.out, (char *)"0\n1\n2\n"));
}

/* ---- surroundings ------------------------------------------------------------------------ */

BOTH_WAYS(directory_and_environment_are_those_asked_for)
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

/* ---- signals ------------------------------------------------------------------------------- */

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

BOTH_WAYS(signals_are_passed_on_and_the_end_comes_back)
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

BOTH_WAYS(a_signal_that_ends_the_program_is_its_code)
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

BOTH_WAYS(what_stops_us_stops_the_program_too)
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

BOTH_WAYS(the_first_signal_of_a_timeout_can_be_chosen)
{
	cr_expect(eq(int,
		     run(way, ARGS("--timeout", "50ms", "--kill-after", "50ms",
				   "--signal", "USR1", PROGRAM("tell_signals"))),
		     124));
	cr_expect(says(result.out, "signal 10\n"), "%s", result.out);
	cr_expect(not(says(result.out, "signal 15\n")), "%s", result.out);
}

/* As nohup needs: what the caller ignores, the program ignores, and so do we. */
BOTH_WAYS(ignored_signals_stay_ignored)
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

BOTH_WAYS(without_a_terminal_the_program_has_a_group_of_its_own)
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

/* The daemon sees that its client is gone, however it went. */
Test(run, a_killed_run_takes_the_daemons_job_with_it)
{
	struct running_command running;
	int pidfd;

	daemon_start(&daemon_run, NULL);
	start(&running, SOCKET, ARGS("--kill-after", "50ms", PROGRAM("tell_signals")), 0);
	pidfd = (int)syscall(SYS_pidfd_open, who(running.out_fd).pid, 0);
	cr_assert(ge(int, pidfd, 0));
	send_signal(&running, SIGKILL);
	command_end(&running, &result);

	cr_expect(eq(int, result.code, -SIGKILL));
	cr_expect(wait_fd(pidfd, POLLIN, WAIT_MS), "the job outlives its client");
	cr_expect(eq(str, result.out, (char *)"signal 15\n"));
	close(pidfd);
	daemon_stop(&daemon_run);
}

/* It ends its jobs before it leaves, and says how they ended. */
Test(run, a_daemon_that_stops_still_tells_the_end)
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

Test(run, a_daemon_that_dies_is_reported)
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

/* ---- a terminal ------------------------------------------------------------------------------ */

/* Its master; the name of its slave in @name.  It prints what is written, no more. */
static int open_terminal(char *name, size_t size)
{
	struct termios raw;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, size))
		cr_skip("no pseudo terminal is to be had here");
	cr_assert(eq(int, tcgetattr(fd, &raw), 0));
	raw.c_lflag &= ~(tcflag_t)ECHO;
	raw.c_oflag &= ~(tcflag_t)OPOST;
	cr_assert(eq(int, tcsetattr(fd, TCSANOW, &raw), 0));
	return fd;
}

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

Test(run, on_a_terminal_the_program_shares_our_group_and_is_interrupted_once)
{
	struct running_command running;
	struct who told;
	char name[64];
	int tty = open_terminal(name, sizeof(name));

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
Test(run, on_a_terminal_the_daemons_program_is_interrupted_once)
{
	struct running_command running;
	struct who told;
	char name[64];
	int tty = open_terminal(name, sizeof(name));

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
