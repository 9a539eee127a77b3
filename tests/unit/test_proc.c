/*
 * sys/proc.c: families of processes, and who holds what.
 */
#include "sys/proc.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/tied.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/pidfd.h"

TestSuite(proc, .timeout = 30, .fini = tmpdir_done);

/* ---- the text of /proc/PID/stat ------------------------------------------ */

#define BETWEEN "0 -1 4194560 84 0 0 0 0 0 0 0 20 0 1 0"

static const struct row {
	const char *name;
	const char *text;
	bool is_one;
	const char *comm;
	pid_t parent;
	uint64_t start;
} rows[] = {
	{ "a plain one", "12 (cat) S 3 4 5 " BETWEEN " 77 0 0", true, "cat", 3, 77 },
	{ "a name with parentheses", "12 (a) R 9 (b) S 3 4 5 " BETWEEN " 77 0 0", true,
	  "a) R 9 (b", 3, 77 },
	{ "an empty name", "12 () Z 3 4 5 " BETWEEN " 77 0 0", true, "", 3, 77 },
	{ "a name of full length", "12 (123456789012345) S 3 4 5 " BETWEEN " 77", true,
	  "123456789012345", 3, 77 },
	{ "a longer name", "12 (1234567890123456) S 3 4 5 " BETWEEN " 77", true,
	  "123456789012345", 3, 77 },
	{ "cut before the start", "12 (cat) S 3 4 5 " BETWEEN, false, NULL, 0, 0 },
	{ "cut in the name", "12 (cat", false, NULL, 0, 0 },
	{ "parentheses in the wrong order", "12 )cat( S 3", false, NULL, 0, 0 },
	{ "nothing", "", false, NULL, 0, 0 },
};

ParameterizedTestParameters(proc, stat_text)
{
	static size_t number[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(rows));
}

ParameterizedTest(size_t *number, proc, stat_text)
{
	const struct row *row = &rows[*number];
	struct proc p;

	cr_assert(eq(int, proc_parse_stat(row->text, &p), row->is_one), "%s", row->name);
	if (!row->is_one)
		return;
	cr_assert(eq(str, p.comm, (char *)row->comm), "%s", row->name);
	cr_assert(eq(int, p.pid, 12));
	cr_assert(eq(int, p.parent, row->parent));
	cr_assert(eq(int, p.group, 4));
	cr_assert(eq(int, p.session, 5));
	cr_assert(eq(u64, p.start, row->start));
}

CLEAN_TEST(proc, a_process_knows_itself)
{
	struct proc p;

	cr_assert(eq(int, sys_proc_stat(getpid(), &p), 0));
	cr_assert(eq(int, p.pid, getpid()));
	cr_assert(eq(int, p.parent, getppid()));
	cr_assert(eq(int, p.group, getpgrp()));
	cr_assert(eq(int, p.session, getsid(0)));
	cr_assert(lt(u64, 0, p.start));
	cr_assert(eq(int, sys_proc_stat(0x3fffffff, &p), -ESRCH));
}

/* ---- names of a directory ------------------------------------------------ */

/* More than fit into what the kernel hands out at once. */
CLEAN_TEST(proc, each_name_of_a_directory_comes_once)
{
	enum { FILES = 400 };
	bool seen[FILES + 1] = { false };
	struct names names;
	const char *name;
	unsigned n = 0;
	int dir;

	for (int i = 1; i <= FILES; i++) {
		char path[64];

		snprintf(path, sizeof(path), "%d", i);
		close(open(tmpdir_path(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
	close(open(tmpdir_path("12x"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	dir = open(tmpdir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	names_init(&names, dir);
	for (pid_t number; (number = names_next_number(&names)); n++) {
		cr_assert(le(int, number, FILES));
		cr_assert(not(seen[number]), "%d comes twice", number);
		seen[number] = true;
	}
	cr_assert(eq(uint, n, FILES));
	lseek(dir, 0, SEEK_SET);
	names_init(&names, dir);
	for (n = 0; (name = names_next(&names)); n++)
		cr_assert(ne(chr, name[0], '.'));
	cr_assert(eq(uint, n, FILES + 1));
	close(dir);
}

CLEAN_TEST(proc, a_directory_that_cannot_be_read_has_no_names)
{
	struct names names;

	names_init(&names, -1);
	cr_assert(names_next(&names) == NULL);
	cr_assert(eq(int, names_next_number(&names), 0));
}

/* ---- families ------------------------------------------------------------ */

/* A child that has @generations below it, and whose last one says when it is there. */
static pid_t make_family(int generations)
{
	int ready[2];
	pid_t child;
	char byte;

	cr_assert(eq(int, pipe2(ready, O_CLOEXEC), 0));
	child = fork_tied();
	if (child == 0) {
		while (generations-- > 0 && fork_tied() == 0)
			continue;
		if (generations < 0)
			(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	cr_assert(lt(int, 0, child));
	cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
	close(ready[0]);
	close(ready[1]);
	return child;
}

static void kill_all(const struct proc *procs, int n, pid_t root)
{
	for (int i = n - 1; i >= 0; i--)
		kill(procs[i].pid, SIGKILL);
	if (root) {
		kill(root, SIGKILL);
		cr_assert(eq(int, waitpid(root, NULL, 0), root));
	}
}

CLEAN_TEST(proc, a_family_comes_with_parents_first)
{
	struct proc procs[16];
	pid_t child = make_family(3);
	int n = sys_proc_family(child, procs, 0, 16);

	cr_assert(eq(int, n, 3));
	cr_assert(eq(int, procs[0].parent, child));
	cr_assert(eq(int, procs[1].parent, procs[0].pid));
	cr_assert(eq(int, procs[2].parent, procs[1].pid));
	cr_assert(eq(int, sys_proc_family(procs[2].pid, procs + 8, 0, 8), 0),
		  "the last has none");
	cr_assert(eq(int, sys_proc_family(child, procs, 3, 16), 3), "nothing new");
	cr_assert(eq(int, sys_proc_family(child, procs + 8, 0, 2), 2),
		  "not more than there is room for");
	kill_all(procs, n, child);
}

/* It outlives its parent, and not who holds the other end of @leash_fd. */
static void be_stray(int say_fd, int leash_fd)
{
	pid_t self = getpid();

	(void)!write(say_fd, &self, sizeof(self));
	(void)!read(leash_fd, &self, 1);
	_exit(0);
}

/* Its parent is gone, so that only its group, or its session, tells whose it was. */
static void expect_stray(int (*leave)(void))
{
	struct proc procs[16];
	int ends[2], leash[2];
	pid_t child, stray;
	bool alone;

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(leash, O_CLOEXEC), 0));
	child = fork_tied();
	if (child == 0) {
		close(leash[1]);
		leave();
		if (fork_tied() == 0 && fork() == 0)
			be_stray(ends[1], leash[0]);
		while (wait(NULL) > 0)
			continue;
		for (;;)
			pause();
	}
	cr_assert(eq(int, (int)read(ends[0], &stray, sizeof(stray)), (int)sizeof(stray)));
	/* The one between them is forked, too, and never ends. */
	cr_assert(eq(int, sys_proc_family(child, procs, 0, 16), 2));
	for (int i = 0; i < 2; i++)
		if (procs[i].pid != stray)
			cr_assert(eq(int, kill(procs[i].pid, SIGKILL), 0));
	alone = wait_until(sys_proc_family(child, procs, 0, 16) == 1, WAIT_MS);
	cr_assert(alone);
	cr_assert(eq(int, procs[0].pid, stray));
	cr_assert(ne(int, procs[0].parent, child));
	kill_all(procs, 1, child);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(leash[i]);
	}
}

static int lead_group(void)
{
	return setpgid(0, 0);
}

static int lead_session(void)
{
	return (int)setsid();
}

CLEAN_TEST(proc, those_without_a_parent_are_found_by_group_and_session)
{
	expect_stray(lead_group);
	expect_stray(lead_session);
}

CLEAN_TEST(proc, who_is_not_there_has_no_family)
{
	struct proc procs[2];

	cr_assert(eq(int, sys_proc_family(0x3fffffff, procs, 0, 2), 0));
}

CLEAN_TEST(proc, numbers_of_a_file_are_read_across_pieces)
{
	char text[4000] = "";
	int fd = open(tmpdir_path("pids"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	pid_t pids[1000];

	for (int i = 1; i <= 900; i++) {
		snprintf(text, sizeof(text), "%d%c", i * 7, i % 2 ? '\n' : ' ');
		cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	}
	lseek(fd, 0, SEEK_SET);
	cr_assert(eq(int, proc_read_pids(fd, pids, 1000), 900));
	for (int i = 0; i < 900; i++)
		cr_assert(eq(int, pids[i], (i + 1) * 7));
	lseek(fd, 0, SEEK_SET);
	cr_assert(eq(int, proc_read_pids(fd, pids, 2), 900), "counted beyond the room");
	close(fd);
	cr_assert(eq(int, proc_read_pids(-1, pids, 2), -EBADF));
}

/* ---- signals ------------------------------------------------------------- */

CLEAN_TEST(proc, a_signal_reaches_only_who_was_meant)
{
	pid_t child = make_family(0);
	struct proc p, other;

	cr_assert(eq(int, sys_proc_stat(child, &p), 0));
	other = p;
	other.start++;
	cr_assert(eq(int, sys_proc_signal(&other, SIGKILL), -ESRCH),
		  "another process of that number");
	cr_assert(eq(int, sys_proc_signal(&p, 0), 0));
	cr_assert(eq(int, kill(child, 0), 0));

	cr_assert(eq(int, sys_proc_signal(&p, SIGKILL), 0));
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	cr_assert(eq(int, sys_proc_signal(&p, SIGKILL), -ESRCH));
}

CLEAN_TEST(proc, a_pidfd_has_a_number_until_it_is_reaped)
{
	pid_t child = make_family(0);
	int pidfd = sys_pidfd_open(child);

	cr_assert(ge(int, pidfd, 0));
	cr_assert(eq(int, sys_proc_of_pidfd(pidfd), child));
	kill(child, SIGKILL);
	cr_assert(eq(int, waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT), 0));
	cr_assert(eq(int, sys_proc_of_pidfd(pidfd), child), "dead, and not reaped");
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	cr_assert(eq(int, sys_proc_of_pidfd(pidfd), -ESRCH));
	close(pidfd);
	cr_assert(eq(int, sys_proc_of_pidfd(pidfd), -ENOENT));
}

/* ---- holders ------------------------------------------------------------- */

CLEAN_TEST(proc, who_holds_a_pipe_is_named)
{
	struct proc_holder holders[2];
	int pipe_fds[2];
	char link[64], both[64];
	pid_t child;

	cr_assert(eq(int, pipe2(pipe_fds, O_CLOEXEC), 0));
	cr_assert(eq(int, sys_proc_link(pipe_fds[0], link, sizeof(link)), 0));
	cr_assert(eq(int, sys_proc_link(pipe_fds[1], both, sizeof(both)), 0));
	cr_assert(eq(str, link, both), "both ends are one pipe");
	cr_assert(eq(int, sys_proc_holders(link, holders, 2), 0), "this one is left out");

	child = make_family(0);
	cr_assert(eq(int, sys_proc_holders(link, holders, 2), 1));
	cr_assert(eq(int, holders[0].pid, child));
	cr_assert(lt(sz, 0, strlen(holders[0].comm)));
	cr_assert(eq(int, sys_proc_holders(link, NULL, 0), 1), "counted beyond the room");
	kill_all(NULL, 0, child);
	cr_assert(eq(int, sys_proc_holders(link, holders, 2), 0));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	cr_assert(eq(int, sys_proc_link(-1, link, sizeof(link)), -ENOENT));
}
