/*
 * The engine: what a child sees.  Everything that the spec names, and nothing of
 * the process that started it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/alive.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/tied.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/fd.h"

TestSuite(engine_child, .timeout = 60);

#define BIT_OF(signal) (UINT64_C(1) << ((signal)-1))

/* It exits with 0, writes @text to stdout and nothing to stderr. */
#define expect_text(text, ...)                                                           \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, __VA_ARGS__);                                               \
		record_expect_exit(&record, 0);                                          \
		cr_assert(eq(str, (char *)record_text(&record, 1), (char *)(text)));     \
		cr_assert(eq(str, (char *)record_text(&record, 2), ""));                 \
		record_done(&record);                                                    \
	} while (0)

CLEAN_TEST(engine_child, it_has_three_descriptors)
{
	int low = dup(1), high = fcntl(1, F_DUPFD, 500);

	expect_text("0\n1\n2\n", .argv = ARGV(PROGRAM("print_fds")));
	expect_text("0\n1\n2\n", .argv = ARGV(PROGRAM("print_fds")),
		    .stdio = { { .kind = USP_STDIO_PIPE } });
	close(low);
	close(high);
}

static uint64_t status_mask(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	cr_assert(line != NULL);
	return strtoull(line + strlen(name), NULL, 16);
}

static void on_signal(int signal)
{
	(void)signal;
}

static void expect_masks(uint64_t ignored)
{
	struct record r = { 0 };
	const char *status;

	RUN(&r, .argv = ARGV("cat", "/proc/self/status"), .ignored_signals = ignored);
	record_expect_exit(&r, 0);
	status = record_text(&r, 1);
	cr_assert(eq(u64, status_mask(status, "SigBlk:\t"), 0));
	cr_assert(eq(u64, status_mask(status, "SigIgn:\t"), ignored));
	cr_assert(eq(u64, status_mask(status, "SigCgt:\t"), 0));
	record_done(&r);
}

CLEAN_TEST(engine_child, its_signals_are_the_defaults)
{
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGWINCH, SIG_IGN);
	signal(SIGRTMIN + 5, SIG_IGN);
	signal(SIGUSR2, on_signal);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);

	expect_masks(0);
}

CLEAN_TEST(engine_child, signals_are_ignored_that_are_asked_for)
{
	expect_masks(BIT_OF(SIGHUP) | BIT_OF(SIGPIPE) | BIT_OF(64));
	signal(SIGHUP, SIG_IGN);
	expect_masks(BIT_OF(SIGPIPE));
}

/* Asked for or not, nobody can. */
CLEAN_TEST(engine_child, signals_that_cannot_be_ignored_are_left_alone)
{
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("/bin/true"), .ignored_signals = UINT64_MAX);
	record_expect_exit(&r, 0);
	record_done(&r);
}

/* ---- signals that come meanwhile ----------------------------------------- */

static pid_t self;
static _Atomic unsigned n_here, n_elsewhere;

/* A child shares this memory until its exec: it could run this as well. */
static void on_signal_count(int signal)
{
	(void)signal;
	if (getpid() == self)
		n_here++;
	else
		n_elsewhere++;
}

/* A process that sends this one's group a signal after the other. */
static pid_t bombard(void)
{
	pid_t group = getpgrp(), pid = fork_tied();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			kill(-group, SIGUSR1);
	}
	return pid;
}

/* None of them runs the handler, and each ignores the signal as it was asked to. */
CLEAN_TEST(engine_child, signals_that_come_during_its_launch_are_not_handled_in_it)
{
	enum { TIMES = 100 };
	struct usp_engine *engine;
	unsigned n = 0;
	pid_t other;

	self = getpid();
	setpgid(0, 0);
	signal(SIGUSR1, on_signal_count);
	engine = record_engine(NULL);
	other = bombard();
	for (int i = 0; i < TIMES || n_here < TIMES; i++) {
		struct record r = { 0 };

		record_spawn(&r, engine,
			     &USP_OPTIONS(.argv = ARGV(PROGRAM("true")),
					  .group = USP_GROUP_SAME,
					  .ignored_signals = BIT_OF(SIGUSR1)));
		record_wait(&r);
		record_expect_exit(&r, 0);
		record_done(&r);
		n++;
	}
	kill(other, SIGKILL);
	cr_assert(eq(int, waitpid(other, NULL, 0), other));
	cr_assert(eq(uint, n_elsewhere, 0), "in %u of them", n_elsewhere);
	cr_assert(ge(uint, n, TIMES));
	usp_engine_free(engine);
}

/* ---- its group ----------------------------------------------------------- */

static void expect_group_of(enum usp_group group, pid_t pgid, bool own_group,
			    bool own_session)
{
	int parent, pgrp, session, tty;
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("cat", "/proc/self/stat"), .group = group, .pgid = pgid);
	record_expect_exit(&r, 0);
	cr_assert(eq(int,
		     sscanf(record_text(&r, 1), "%*d (cat) %*c %d %d %d %d", &parent,
			    &pgrp, &session, &tty),
		     4));
	cr_assert(eq(int, parent, getpid()));
	cr_assert(eq(int, pgrp, own_group ? r.pid : getpgrp()));
	cr_assert(eq(int, session, own_session ? r.pid : getsid(0)));
	if (own_session)
		cr_assert(eq(int, tty, 0));
	record_done(&r);
}

static void expect_group(enum usp_group group, bool own_group, bool own_session)
{
	expect_group_of(group, 0, own_group, own_session);
}

CLEAN_TEST(engine_child, it_joins_a_group_that_it_can_join)
{
	expect_group_of(USP_GROUP_JOIN, getpgrp(), false, false);
	expect_group_of(USP_GROUP_JOIN, 0, true, false);
	expect_group_of(USP_GROUP_JOIN, INT_MAX, true, false);
	if (getsid(1) != getsid(0))
		expect_group_of(USP_GROUP_JOIN, 1, true, false);
}

CLEAN_TEST(engine_child, its_group_and_session_are_as_asked)
{
	expect_group(USP_GROUP_NEW, true, false);
	expect_group(USP_GROUP_SESSION, true, true);
	expect_group(USP_GROUP_SAME, false, false);
}

/* Or it would be shot when the launcher that made it ends. */
CLEAN_TEST(engine_child, the_end_of_a_thread_sends_it_no_signal)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	expect_text("0\n", .argv = ARGV(PROGRAM("tell_death_signal")));
}

static _Noreturn void run_until_killed(int tell_fd)
{
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };

	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .flags = USP_FLAG_BOUND));
	while (!r.started)
		(void)usp_engine_turn(engine);
	if (write(tell_fd, &r.pid, sizeof(r.pid)) != sizeof(r.pid))
		_exit(1);
	for (;;)
		pause();
}

CLEAN_TEST(engine_child, one_that_is_bound_ends_with_its_engines_program)
{
	int ends[2];
	pid_t program, bound;
	bool is_over;

	cr_assert(eq(int, pipe(ends), 0));
	program = fork();
	if (program == 0)
		run_until_killed(ends[1]);
	cr_assert(eq(sz, read(ends[0], &bound, sizeof(bound)), sizeof(bound)));
	cr_assert(is_alive(bound));
	cr_assert(eq(int, kill(program, SIGKILL), 0));
	cr_assert(eq(int, waitpid(program, NULL, 0), program));
	is_over = wait_until(is_gone(bound), WAIT_MS);
	cr_assert(is_over);
	close(ends[0]);
	close(ends[1]);
}

CLEAN_TEST(engine_child, one_that_is_bound_and_changes_its_user_is_so_still)
{
	struct record r = { 0 };

	if (geteuid() != 0)
		cr_skip("only root becomes somebody else");
	RUN(&r, .argv = ARGV(PROGRAM("tell_death_signal")), .flags = USP_FLAG_BOUND,
	    .set = USP_SET_CREDENTIALS, .uid = 65534, .gid = 65534);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "9\n"));
	record_done(&r);
}

CLEAN_TEST(engine_child, its_directory_is_as_asked)
{
	char here[4096], line[4100];

	cr_assert(getcwd(here, sizeof(here)) != NULL);
	snprintf(line, sizeof(line), "%s\n", here);
	expect_text(line, .argv = ARGV("readlink", "/proc/self/cwd"));
	expect_text("/usr\n", .argv = ARGV("readlink", "/proc/self/cwd"), .cwd = "/usr");
}

CLEAN_TEST(engine_child, its_environment_is_exactly_what_is_given)
{
	static const char *const env[] = { "B=2", "A=1", "odd", "A=again", "=", NULL };
	static const char want[] = "B=2\0A=1\0odd\0A=again\0=\0";
	struct record r = { 0 };

	setenv("URINGSPAWN_TEST", "inherited", 1);
	expect_text("", .argv = ARGV("cat", "/proc/self/environ"));
	RUN(&r, .argv = ARGV("cat", "/proc/self/environ"), .envp = env);
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), sizeof(want) - 1));
	cr_assert(eq(int, memcmp(buf_bytes(&r.out[1]), want, sizeof(want) - 1), 0));
	record_done(&r);
}

CLEAN_TEST(engine_child, its_arguments_are_exactly_what_is_given)
{
	static const char want[] = "a name\0/proc/self/cmdline\0";
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("a name", "/proc/self/cmdline"), .search = "cat");
	record_expect_exit(&r, 0);
	cr_assert(eq(sz, buf_size(&r.out[1]), sizeof(want) - 1));
	cr_assert(eq(int, memcmp(buf_bytes(&r.out[1]), want, sizeof(want) - 1), 0));
	record_done(&r);
}

CLEAN_TEST(engine_child, its_limit_of_descriptors_is_the_one_from_before)
{
	const struct rlimit limit = { .rlim_cur = 321, .rlim_max = 654 };

	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(eq(int, sys_nofile_raise(), 0));
	cr_assert(eq(sz, sys_nofile_limit(), 654));
	expect_text("321\n654\n", .argv = SHELL("ulimit -Sn; ulimit -Hn"));
}

/* ---- streams ------------------------------------------------------------- */

CLEAN_TEST(engine_child, streams_that_are_one_file_keep_their_order)
{
	struct record r = { 0 };

	expect_text("1\n2\n3\n4\n",
		    .argv = SHELL("echo 1; echo 2 >&2; echo 3; echo 4 >&2"),
		    .stdio = { [2] = { .kind = USP_STDIO_DUP, .fd = 1 } });

	RUN(&r, .argv = SHELL("echo 1; echo 2 >&2; echo 3; echo 4 >&2"),
	    .stdio = { [1] = { .kind = USP_STDIO_DUP, .fd = 2 } });
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 2), "1\n2\n3\n4\n"));
	cr_assert(not(r.eof[1]), "an end of a stream that there is not");
	record_done(&r);
}

CLEAN_TEST(engine_child, null_streams_are_null)
{
	expect_text("/dev/null\n/dev/null\n",
		    .argv = SHELL("readlink /proc/self/fd/0 /proc/self/fd/2"),
		    .stdio = { [2] = { .kind = USP_STDIO_NULL } });
}

/* Two files, and what is in them after a child wrote 1 to stdout and 2 to stderr. */
static void expect_files(const struct usp_stdio *stdio, int first, int second,
			 const char *in_first, const char *in_second)
{
	char text[2][8] = { "", "" };
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("echo 1; echo 2 >&2"),
	    .stdio = { { .kind = USP_STDIO_NULL }, stdio[0], stdio[1] });
	record_expect_exit(&r, 0);
	cr_assert(eq(str, r.order, "sx."));
	record_done(&r);
	cr_assert(ge(int, (int)pread(first, text[0], 7, 0), 0));
	cr_assert(ge(int, (int)pread(second, text[1], 7, 0), 0));
	cr_assert(eq(str, text[0], (char *)in_first));
	cr_assert(eq(str, text[1], (char *)in_second));
}

static int new_file(const char *name)
{
	int fd = open(tmpdir_path(name), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);

	cr_assert(lt(int, 0, fd));
	return fd;
}

CLEAN_TEST(engine_child, passed_descriptors_are_the_same_open_file)
{
	int first = new_file("first"), second = new_file("second");

	expect_files((struct usp_stdio[]){ { .kind = USP_STDIO_FD, .fd = first },
					   { .kind = USP_STDIO_FD, .fd = second } },
		     first, second, "1\n", "2\n");
	/* The place in the file is shared: the next one writes behind it. */
	expect_files((struct usp_stdio[]){ { .kind = USP_STDIO_FD, .fd = first },
					   { .kind = USP_STDIO_DUP, .fd = 1 } },
		     first, second, "1\n1\n2\n", "2\n");
	close(first);
	close(second);
}

/* Stdout is at 1 already; then each is where the other one is to go. */
CLEAN_TEST(engine_child, descriptors_may_come_from_the_places_they_go_to)
{
	int saved[2] = { fcntl(1, F_DUPFD_CLOEXEC, 10), fcntl(2, F_DUPFD_CLOEXEC, 10) };
	int first = new_file("first"), second = new_file("second");

	dup3(first, 1, O_CLOEXEC);
	dup3(second, 2, O_CLOEXEC);
	expect_files((struct usp_stdio[]){ { .kind = USP_STDIO_FD, .fd = 1 },
					   { .kind = USP_STDIO_FD, .fd = 2 } },
		     first, second, "1\n", "2\n");
	cr_assert(eq(int, ftruncate(first, 0) + ftruncate(second, 0), 0));
	lseek(first, 0, SEEK_SET);
	lseek(second, 0, SEEK_SET);
	expect_files((struct usp_stdio[]){ { .kind = USP_STDIO_FD, .fd = 2 },
					   { .kind = USP_STDIO_FD, .fd = 1 } },
		     first, second, "2\n", "1\n");
	dup2(saved[0], 1);
	dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);
	close(first);
	close(second);
}

/* Then the engine's own descriptors are among 0, 1 and 2. */
CLEAN_TEST(engine_child, a_parent_without_standard_streams_makes_no_difference)
{
	int saved[3];

	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 3; i++)
		close(i);
	expect_text("0\n1\n2\n", .argv = ARGV(PROGRAM("print_fds")));
	expect_text("1\n2\n", .argv = SHELL("echo 1; echo 2 >&2"),
		    .stdio = { { .kind = USP_STDIO_PIPE },
			       { 0 },
			       { .kind = USP_STDIO_DUP, .fd = 1 } });
	for (int i = 0; i < 3; i++) {
		dup2(saved[i], i);
		close(saved[i]);
	}
}

/* The caller may close its own at once. */
CLEAN_TEST(engine_child, a_passed_descriptor_is_duplicated_by_the_call)
{
	const struct usp_engine_options one = { .size = sizeof(one),
						.launchers = 1,
						.running_max = 1 };
	struct usp_engine *engine = record_engine(&one);
	struct record before = { 0 }, r = { 0 };
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	record_spawn(&before, engine, &USP_OPTIONS(.argv = ARGV("/bin/true")));
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("cat"),
				  .stdio = { { USP_STDIO_FD, ends[0] } }));
	close(ends[0]);
	cr_assert(eq(int, (int)write(ends[1], "text", 4), 4));
	close(ends[1]);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "text"));
	record_done(&before);
	record_done(&r);
	usp_engine_free(engine);
}
