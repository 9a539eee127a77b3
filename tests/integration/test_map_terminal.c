/*
 * `uringspawn map --progress` on a terminal: the bar, what is printed beside it, keys, and
 * the terminal afterwards.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "support/map.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(map_terminal, .fini = tmpdir_done, .timeout = 60);

struct terminal {
	int fd;
	char name[64];
	struct termios before;
	char shown[64 << 10]; /* so far */
	size_t n;
};

static struct terminal terminal;

static void open_terminal(void)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	memset(&terminal, 0, sizeof(terminal));
	terminal.fd = fd;
	if (fd < 0 || grantpt(fd) || unlockpt(fd) ||
	    ptsname_r(fd, terminal.name, sizeof(terminal.name)))
		cr_skip("no pseudo terminal is to be had here");
	cr_assert(eq(int, ioctl(fd, TIOCSWINSZ, &size), 0));
	cr_assert(eq(int, tcgetattr(fd, &terminal.before), 0));
}

static void close_terminal(void)
{
	struct termios after;

	cr_assert(eq(int, tcgetattr(terminal.fd, &after), 0));
	cr_expect(zero(int, memcmp(&after, &terminal.before, sizeof(after))),
		  "the terminal is not as it was");
	close(terminal.fd);
}

/* Read what is shown until it has @text. */
static void see(const char *text)
{
	uint64_t limit = clock_now_ns() + WAIT_MS * NS_PER_MS;

	while (!strstr(terminal.shown, text)) {
		ssize_t n;

		cr_assert(lt(u64, clock_now_ns(), limit), "no '%s' in: %s", text,
			  terminal.shown);
		cr_assert(lt(sz, terminal.n, sizeof(terminal.shown) - 1));
		cr_assert(wait_fd(terminal.fd, POLLIN, WAIT_MS), "no '%s' in: %s", text,
			  terminal.shown);
		n = read(terminal.fd, terminal.shown + terminal.n,
			 sizeof(terminal.shown) - 1 - terminal.n);
		cr_assert(lt(int, 0, (int)n), "no '%s' in: %s", text, terminal.shown);
		terminal.n += (size_t)n;
		terminal.shown[terminal.n] = 0;
	}
}

static void forget(void)
{
	terminal.n = 0;
	terminal.shown[0] = 0;
}

static void begin(struct running_command *running, enum way way, const char *const *args)
{
	open_terminal();
	command_start(running, &(struct command){ .argv = map_line(way, args),
						  .tty = terminal.name });
}

static void press(char key)
{
	cr_assert(eq(int, (int)write(terminal.fd, &key, 1), 1));
}

BOTH_WAYS(map_terminal, the_bar_is_beside_what_is_printed_and_stays_at_the_end)
{
	struct running_command running;

	begin(&running, way,
	      ARGS("--progress", "-k", "-j2", "sh", "-c", "echo line $0; test $0 != b",
		   ":::", "a", "b", "c"));
	see("1 failed\033[K\r\n");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 1));
	/* Each at the beginning of a line: alone, or after the bar was taken away. */
	cr_expect(says(terminal.shown, "line a\r\n"), "%s", terminal.shown);
	cr_expect(says(terminal.shown, "line b\r\n"), "%s", terminal.shown);
	cr_expect(says(terminal.shown, "\033[Kline a\r\n"), "%s", terminal.shown);
	cr_expect(says(terminal.shown, "[####"), "%s", terminal.shown);
	cr_expect(says(terminal.shown, " 3/3 "), "%s", terminal.shown);
	close_terminal();
}

BOTH_WAYS(map_terminal, interrupt_ends_the_jobs_and_leaves_the_terminal)
{
	struct running_command running;

	begin(&running, way,
	      ARGS("--progress", "-j2", PROGRAM("sleep_forever"), ":::", "a", "b", "c"));
	see(" 0/3 ");
	press(3);
	command_end(&running, &result);
	cr_expect(eq(int, result.code, -SIGINT));
	close_terminal();
}

/* ^Z stops it and its jobs, and fg goes on. */
BOTH_WAYS(map_terminal, stop_stops_and_continue_continues)
{
	const char *go = tmpdir_path(way == EMBEDDED ? "go" : "go2");
	struct running_command running;
	siginfo_t info = { 0 };
	char script[200];
	const char *const args[] = { "--progress", "-j1", "sh", "-c", script,
				     ":::",	   "a",	  "b",	NULL };

	snprintf(script, sizeof(script), "until test -e %s; do sleep 0.05; done; echo $0",
		 go);
	begin(&running, way, args);
	see(" 0/2 ");
	press(26);
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)running.pidfd, &info, WSTOPPED | WNOWAIT),
		     0));
	cr_expect(eq(int, info.si_code, CLD_STOPPED));
	cr_assert(eq(int, close(creat(go, 0600)), 0));
	forget();
	kill(running.pid, SIGCONT);
	see(" 2/2 ");
	command_end(&running, &result);
	cr_expect(eq(int, result.code, 0));
	close_terminal();
}

BOTH_WAYS(map_terminal, the_bar_follows_the_size)
{
	const struct winsize narrow = { .ws_row = 24, .ws_col = 30 };
	struct running_command running;

	begin(&running, way, ARGS("--progress", PROGRAM("sleep_forever"), ":::", "a"));
	see("] 0/1 ");
	cr_assert(eq(int, ioctl(terminal.fd, TIOCSWINSZ, &narrow), 0));
	see("\r[................] 0/1  0.0/s\033[K");
	press(3);
	command_end(&running, &result);
	close_terminal();
}

/* Not on a terminal there is none, and it is no error to ask for it. */
BOTH_WAYS(map_terminal, there_is_no_bar_where_there_is_no_terminal)
{
	cr_expect(eq(int, map(way, ARGS("--progress", "echo"), "a\n"), 0));
	cr_expect(eq(str, result.out, (char *)"a\n"));
	cr_expect(eq(str, result.err, (char *)""));
}
