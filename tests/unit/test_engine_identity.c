/*
 * The engine: who a child is and what it may use, and what it does not keep of the
 * process that started it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/annotate.h"
#include "engine/engine.h"
#include "support/clean.h"
#include "support/record.h"
#include "support/tmpdir.h"

TestSuite(engine_identity, .timeout = 60, .fini = tmpdir_done);

#define NOBODY	 65534
#define NO_LIMIT UINT64_MAX

#define AS_NOBODY .set = USP_SET_CREDENTIALS, .uid = NOBODY, .gid = NOBODY

/* It exits with 0, and writes @text. */
#define expect_text(text, ...)                                                           \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, __VA_ARGS__);                                               \
		record_expect_exit(&record, 0);                                          \
		cr_assert(eq(str, (char *)record_text(&record, 1), (char *)(text)));     \
		record_done(&record);                                                    \
	} while (0)

#define expect_failed(stage, error, path, ...)                                           \
	do {                                                                             \
		struct record record = { 0 };                                            \
                                                                                         \
		RUN(&record, .argv = ARGV("/bin/true"), __VA_ARGS__);                    \
		record_expect_failed(&record, stage, error, path);                       \
		record_done(&record);                                                    \
	} while (0)

/* A line of /proc/self/status, without its name. */
#define expect_status(name, want, ...)                                                   \
	expect_text(                                                                     \
		want "\n",                                                               \
		.argv = ARGV("sed", "-n", "s/^" name ":\t*//p", "/proc/self/status"),    \
		__VA_ARGS__)

static void only_root(void)
{
	if (getuid())
		cr_skip("only root may become another");
}

/* In a process of its own, which is not changed back. */
static void in_a_child(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run();
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0));
}

/* ---- credentials --------------------------------------------------------- */

CLEAN_TEST(engine_identity, it_becomes_whom_it_is_to_be)
{
	const gid_t groups[] = { 1, 2, 60000 };

	only_root();
	expect_text("65534\n65533\n65533 1 2 60000\n",
		    .argv = SHELL("id -u; id -g; id -G"), .set = USP_SET_CREDENTIALS,
		    .uid = 65534, .gid = 65533, .groups = groups, .n_groups = 3);
	expect_text("65534\n", .argv = ARGV("id", "-G"), AS_NOBODY, .groups = groups);
	expect_status("Uid", "65534\t65534\t65534\t65534", AS_NOBODY);
	expect_status("Gid", "65534\t65534\t65534\t65534", AS_NOBODY);
	expect_status("CapEff", "0000000000000000", AS_NOBODY);
	expect_text("0\n", .argv = ARGV("id", "-u"), .uid = 65534, .gid = 65534);
	cr_assert(eq(int, (int)getuid(), 0));
	cr_assert(eq(int, (int)getgid(), 0));
}

/* While it shares this process's memory its user is not to reach that. */
CLEAN_TEST(engine_identity, its_user_does_not_reach_this_process)
{
	only_root();
	expect_text("0\n", .argv = ARGV("id", "-u"), .set = USP_SET_CREDENTIALS);
	cr_assert(eq(int, prctl(PR_GET_DUMPABLE), 1));
	expect_text("65534\n", .argv = ARGV("id", "-u"), AS_NOBODY);
	cr_assert(ne(int, prctl(PR_GET_DUMPABLE), 1));
}

CLEAN_TEST(engine_identity, as_many_groups_as_there_may_be)
{
	gid_t groups[USP_GROUPS_MAX];
	struct record r = { 0 };
	int n = 1;

	only_root();
	for (int i = 0; i < USP_GROUPS_MAX; i++)
		groups[i] = (gid_t)(1000 + i);
	RUN(&r, .argv = ARGV("id", "-G"), AS_NOBODY, .groups = groups,
	    .n_groups = USP_GROUPS_MAX);
	record_expect_exit(&r, 0);
	for (const char *c = record_text(&r, 1); *c; c++)
		n += *c == ' ';
	cr_assert(eq(int, n, 1 + USP_GROUPS_MAX));
	record_done(&r);
}

/* What it names it reaches with its own rights, and no others. */
CLEAN_TEST(engine_identity, its_directory_and_program_are_its_own_affair)
{
	char hidden[PATH_MAX], program[PATH_MAX];

	only_root();
	cr_assert(eq(int, chmod(tmpdir(), 0755), 0));
	strcpy(hidden, tmpdir_path("hidden"));
	strcpy(program, tmpdir_path("program"));
	cr_assert(eq(int, mkdir(hidden, 0700), 0));
	close(open(program, O_CREAT | O_WRONLY, 0700));
	expect_failed(USP_STAGE_CHDIR, EACCES, hidden, .cwd = hidden, AS_NOBODY);
	expect_failed(USP_STAGE_EXEC, EACCES, program, .path = program, AS_NOBODY);
}

CLEAN_TEST(engine_identity, it_gets_no_new_privileges)
{
	expect_status("NoNewPrivs", "1", .flags = USP_FLAG_NO_NEW_PRIVS);
	expect_status("NoNewPrivs", "0");
}

/* As somebody who may do nothing that root may. */
static void ask_for_more(void)
{
	const struct rlimit low = { .rlim_cur = 100, .rlim_max = 100 };
	int now = getpriority(PRIO_PROCESS, 0), nicer = now < 12 ? now + 7 : 19;
	char text[16];

	sprintf(text, "%d\n", nicer);
	if (getuid() == 0) {
		cr_assert(eq(int, setgroups(0, NULL), 0));
		cr_assert(eq(int, setresgid(NOBODY, NOBODY, NOBODY), 0));
		cr_assert(eq(int, setresuid(NOBODY, NOBODY, NOBODY), 0));
	}
	expect_failed(USP_STAGE_CREDENTIALS, EPERM, "groups", .set = USP_SET_CREDENTIALS);
	expect_failed(USP_STAGE_CREDENTIALS, EPERM, "groups", AS_NOBODY);
	expect_failed(USP_STAGE_LIMITS, EACCES, "nice", .set = USP_SET_NICE,
		      .nice = now - 1);
	expect_failed(USP_STAGE_LIMITS, EACCES, "oom_score_adj",
		      .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = -1);
	cr_assert(eq(int, setrlimit(RLIMIT_CORE, &low), 0));
	expect_failed(USP_STAGE_LIMITS, EPERM, "RLIMIT_CORE",
		      .rlimits = { { RLIMIT_CORE, 0, 101 } }, .n_rlimits = 1);
	expect_text(text, .argv = ARGV("nice"), .set = USP_SET_NICE, .nice = nicer);
	expect_status("NoNewPrivs", "1", .flags = USP_FLAG_NO_NEW_PRIVS);
}

CLEAN_TEST(engine_identity, what_it_may_not_is_said)
{
	in_a_child(ask_for_more);
}

/* ---- limits -------------------------------------------------------------- */

#define ULIMITS SHELL("ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hf; ulimit -Sv")

CLEAN_TEST(engine_identity, its_limits_are_as_asked)
{
	expect_text("64\n128\n3\nunlimited\n2000000\n", .argv = ULIMITS,
		    .rlimits = { { RLIMIT_NOFILE, 64, 128 },
				 { RLIMIT_CORE, 3 * 512, 4 * 512 },
				 { RLIMIT_FSIZE, NO_LIMIT, NO_LIMIT },
				 { RLIMIT_AS, UINT64_C(2000000) << 10, NO_LIMIT } },
		    .n_rlimits = 4);
	/* The one of descriptors is for what it opens from then on. */
	expect_text("0\n1\n2\n200\n", .argv = ARGV(PROGRAM("print_fds")),
		    .rlimits = { { RLIMIT_NOFILE, 4, 4 } }, .n_rlimits = 1,
		    .fds = (struct usp_fd[]){ { 200, { .kind = USP_STDIO_NULL } } },
		    .n_fds = 1);
}

CLEAN_TEST(engine_identity, its_nice_value_is_as_asked)
{
	expect_text("5\n", .argv = ARGV("nice"), .set = USP_SET_NICE, .nice = 5);
	cr_assert(eq(int, setpriority(PRIO_PROCESS, 0, 3), 0));
	expect_text("3\n", .argv = ARGV("nice"));
	expect_text("19\n", .argv = ARGV("nice"), .set = USP_SET_NICE, .nice = 19);
	only_root();
	expect_text("-20\n", .argv = ARGV("nice"), .set = USP_SET_NICE, .nice = -20);
	expect_text("0\n", .argv = ARGV("nice"), .set = USP_SET_NICE);
	cr_assert(eq(int, getpriority(PRIO_PROCESS, 0), 3));
}

#define OOM_SCORE_ADJ ARGV("cat", "/proc/self/oom_score_adj")

static void expect_oom_scores(const int *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char want[8];

		sprintf(want, "%d\n", values[i]);
		expect_text(want, .argv = OOM_SCORE_ADJ, .set = USP_SET_OOM_SCORE_ADJ,
			    .oom_score_adj = values[i]);
	}
}

/* Not every root may. */
static bool may_lower_oom_score(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	bool may = write(fd, "-1", 2) == 2;

	if (may)
		cr_assert(eq(int, (int)write(fd, "0", 1), 1));
	close(fd);
	return may;
}

CLEAN_TEST(engine_identity, its_oom_score_is_as_asked)
{
	static const int raised[] = { 0, 7, 10, 999, 1000 };
	static const int lowered[] = { -1, -10, -999, -1000 };

	expect_oom_scores(raised, ARRAY_SIZE(raised));
	expect_text("0\n", .argv = OOM_SCORE_ADJ);
	if (may_lower_oom_score())
		expect_oom_scores(lowered, ARRAY_SIZE(lowered));
	for (size_t i = 0; i < ARRAY_SIZE(lowered) && !may_lower_oom_score(); i++)
		expect_failed(USP_STAGE_LIMITS, EACCES, "oom_score_adj",
			      .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = lowered[i]);
}

CLEAN_TEST(engine_identity, its_umask_is_as_asked)
{
	umask(035);
	expect_text("0035\n", .argv = SHELL("umask"));
	expect_text("0777\n", .argv = SHELL("umask"), .set = USP_SET_UMASK,
		    .umask = 0777);
	expect_text("0000\n", .argv = SHELL("umask"), .set = USP_SET_UMASK);
	cr_assert(eq(int, (int)umask(0), 035));
}

/* The last of those that this process may use. */
CLEAN_TEST(engine_identity, it_runs_where_it_is_asked_to)
{
	struct usp_options options =
		USP_OPTIONS(.argv = ARGV("sed", "-n", "s/^Cpus_allowed_list:\t*//p",
					 "/proc/self/status"));
	struct record r = { 0 };
	char want[16];
	cpu_set_t may;
	int last = 0;

	cr_assert(eq(int, sched_getaffinity(0, sizeof(may), &may), 0));
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &may))
			last = cpu;
	options.cpus[last / 64] = UINT64_C(1) << last % 64;
	sprintf(want, "%d\n", last);
	record_run(&r, &options);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), want));
	record_done(&r);
	if (last < CPU_SETSIZE - 1)
		expect_failed(USP_STAGE_LIMITS, EINVAL, "cpus",
			      .cpus = { [USP_CPU_WORDS - 1] = UINT64_C(1) << 63 });
}

/* ---- what it does not keep ----------------------------------------------- */

#define INHERITED                                                                        \
	SHELL("nice; cat /proc/self/oom_score_adj /proc/self/timerslack_ns; umask")

static void expect_inherited(unsigned recv_buffers, const char *want)
{
	const struct usp_engine_options two = { .size = sizeof(two), .launchers = 2 };
	struct usp_engine *engine;
	struct record r = { 0 };

	cr_assert(eq(int, engine_new(&two, recv_buffers, &engine), 0));
	record_spawn(&r, engine, &USP_OPTIONS(.argv = INHERITED));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), (char *)want));
	record_done(&r);
	usp_engine_free(engine);
}

/* A daemon receives; who embeds the engine stays its children's model. */
CLEAN_TEST(engine_identity, a_daemons_own_values_are_not_handed_on)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	cr_assert(eq(int, (int)write(fd, "300", 3), 3));
	close(fd);
	cr_assert(eq(int, setpriority(PRIO_PROCESS, 0, 4), 0));
	cr_assert(eq(int, prctl(PR_SET_TIMERSLACK, 123456), 0));
	umask(0);
	expect_inherited(0, "4\n300\n123456\n0000\n");
	if (getuid())
		cr_skip("only root may lower what was raised");
	expect_inherited(8, "0\n0\n50000\n0022\n");
}

/* ---- the foreground ------------------------------------------------------ */

/* This process becomes the leader of a session, on a terminal of its own or on none. */
static int new_session(bool has_terminal)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;

	setsid();
	if (!has_terminal)
		return master;
	grantpt(master);
	unlockpt(master);
	tty = open(ptsname(master), O_RDWR | O_CLOEXEC);
	cr_assert(ge(int, tty, 0));
	return master;
}

static void run_in_foreground(void)
{
	int pid, group, session, foreground;
	struct record r = { 0 };

	new_session(true);
	RUN(&r, .argv = ARGV("cat", "/proc/self/stat"), .group = USP_GROUP_FOREGROUND);
	record_expect_exit(&r, 0);
	cr_assert(eq(int,
		     sscanf(record_text(&r, 1), "%d (cat) %*c %*d %d %d %*d %d", &pid,
			    &group, &session, &foreground),
		     4));
	cr_assert(eq(int, group, pid));
	cr_assert(eq(int, session, getpid()));
	cr_assert(eq(int, foreground, pid));
	record_done(&r);
}

static void run_without_terminal(void)
{
	new_session(false);
	expect_failed(USP_STAGE_SESSION, ENXIO, "/dev/tty",
		      .group = USP_GROUP_FOREGROUND);
}

CLEAN_TEST(engine_identity, its_group_may_be_the_foreground)
{
	in_a_child(run_in_foreground);
	in_a_child(run_without_terminal);
}
