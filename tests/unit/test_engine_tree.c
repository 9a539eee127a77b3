/*
 * The engine: all that a process started, with a cgroup of its own and without.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "launch/cgroups.h"
#include "process/outcome.h"
#include "support/alive.h"
#include "support/cgroups.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/record.h"
#include "support/tied.h"
#include "support/wait.h"
#include "sys/fd.h"
#include "sys/proc.h"

TestSuite(engine_tree, .timeout = 20);

/* From now on there are no cgroups to be had. */
static void deny_cgroups(void)
{
	deny(SYS_mkdirat, EPERM);
}

/* Those of a family that are alive, of @ret_n. */
static unsigned alive_of(struct record *r, unsigned *ret_n)
{
	char *rest = (char *)record_text(r, 1);
	unsigned alive = 0;

	*ret_n = 0;
	for (;;) {
		pid_t pid = (pid_t)strtol(rest, &rest, 10);

		if (!pid)
			return alive;
		alive += is_alive(pid);
		++*ret_n;
	}
}

#define FAMILY(...) ARGV(PROGRAM("family"), __VA_ARGS__)
#define TREE(...)                                                                        \
	{                                                                                \
		.target = USP_TARGET_TREE, __VA_ARGS__                                   \
	}

/* ---- killing it ---------------------------------------------------------- */

static void expect_gone(struct record *r, unsigned members, enum usp_tree tree)
{
	unsigned n;

	cr_assert(eq(uint, alive_of(r, &n), 0), "some are left of %s", record_text(r, 1));
	cr_assert(eq(uint, n, members));
	cr_assert(eq(int, r->end.tree, tree));
	cr_assert(eq(uint, r->end.orphans, 0));
	record_done(r);
}

CLEAN_TEST(engine_tree, in_a_cgroup_nobody_escapes)
{
	struct record r = { 0 };

	need_cgroups();
	RUN(&r, .argv = FAMILY("child", "group", "session", "daemon"),
	    .timeout_ns = 100 * NS_PER_MS, .kill = TREE(.signal = SIGKILL));
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	expect_gone(&r, 4, USP_TREE_GONE);
	cr_assert(eq(uint, homes(), 0), "its cgroup is left");
}

CLEAN_TEST(engine_tree, without_one_all_that_can_be_found_are_killed)
{
	struct record r = { 0 };

	deny_cgroups();
	RUN(&r, .argv = FAMILY("child", "group", "session"),
	    .timeout_ns = 100 * NS_PER_MS, .kill = TREE(.signal = SIGKILL));
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(r.end.cgroup == NULL);
	expect_gone(&r, 3, USP_TREE_BEST_EFFORT);
}

/* The first signal is for all of them, the second for those who did not obey. */
static void kill_stubborn(enum usp_tree tree)
{
	struct record r = { 0 };

	RUN(&r, .argv = FAMILY("child", "session", "stubborn", "session", "group"),
	    .timeout_ns = 100 * NS_PER_MS, .kill = TREE(.grace_ns = 100 * NS_PER_MS));
	cr_assert(eq(int, r.exit.signal, SIGTERM), "the first obeys");
	cr_assert(ge(u64, r.end.timings.drain_ns, 50 * NS_PER_MS),
		  "those who do not have their grace");
	expect_gone(&r, 4, tree);
}

CLEAN_TEST(engine_tree, in_a_cgroup_those_who_do_not_obey_are_killed)
{
	need_cgroups();
	kill_stubborn(USP_TREE_GONE);
}

/* Their parent is gone by then: they are remembered. */
CLEAN_TEST(engine_tree, without_one_those_who_do_not_obey_are_killed)
{
	deny_cgroups();
	kill_stubborn(USP_TREE_BEST_EFFORT);
}

/* Nobody waits for the grace when nobody is left. */
static void kill_obedient(enum usp_tree tree)
{
	struct record r = { 0 };

	RUN(&r, .argv = FAMILY("child", "session", "group"),
	    .timeout_ns = 100 * NS_PER_MS, .kill = TREE(.grace_ns = 1000 * NS_PER_S));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	expect_gone(&r, 3, tree);
}

CLEAN_TEST(engine_tree, who_obeys_ends_before_its_grace)
{
	need_cgroups();
	kill_obedient(USP_TREE_GONE);
}

CLEAN_TEST(engine_tree, without_a_cgroup_who_obeys_ends_before_its_grace)
{
	deny_cgroups();
	kill_obedient(USP_TREE_BEST_EFFORT);
}

/* The first has ended and its tree is looked at before the plan begins: who holds its
 * output obeys, and who does not obey holds nothing. */
static void kill_after_the_first(enum usp_tree tree)
{
	static const char script[] =
		"(trap '' TERM; exec sleep 1000 >/dev/null 2>&1) & echo $!\n"
		"sleep 1000 2>/dev/null & exit 0";
	struct record r = { 0 };

	RUN(&r, .argv = ARGV("/bin/sh", "-c", script), .timeout_ns = 500 * NS_PER_MS,
	    .kill = TREE(.grace_ns = 100 * NS_PER_MS));
	cr_assert(eq(int, r.end.reason, USP_REASON_TIMEOUT));
	cr_assert(eq(int, r.exit.code, 0));
	expect_gone(&r, 1, tree);
}

CLEAN_TEST(engine_tree, who_outlives_the_first_is_killed_as_well)
{
	need_cgroups();
	kill_after_the_first(USP_TREE_GONE);
}

CLEAN_TEST(engine_tree, without_a_cgroup_who_outlives_the_first_is_killed_as_well)
{
	deny_cgroups();
	kill_after_the_first(USP_TREE_BEST_EFFORT);
}

/* A child in the process group of this process, too: its own tree alone is meant. */
static void kill_in_same_group(enum usp_tree tree)
{
	struct record r = { 0 };

	RUN(&r, .argv = FAMILY("child", "session"), .group = USP_GROUP_SAME,
	    .timeout_ns = 100 * NS_PER_MS, .kill = TREE(.signal = SIGKILL));
	expect_gone(&r, 2, tree);
}

CLEAN_TEST(engine_tree, who_shares_our_group_is_killed_without_us)
{
	need_cgroups();
	kill_in_same_group(USP_TREE_GONE);
}

CLEAN_TEST(engine_tree, without_a_cgroup_who_shares_our_group_is_killed_without_us)
{
	deny_cgroups();
	kill_in_same_group(USP_TREE_BEST_EFFORT);
}

/* ---- who cannot be killed -------------------------------------------------- */

/* Version 1 freezes in a way that SIGKILL does not end, as a dead mount does. */
#define FREEZER "/sys/fs/cgroup/freezer"

static void write_text(const char *directory, const char *file, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)), "%s",
		  path);
	close(fd);
}

static void freeze_member(struct record *r, const struct usp_event *event)
{
	char text[32];

	if (event->kind != USP_EVENT_EOF || event->eof.stream != 1)
		return;
	snprintf(text, sizeof(text), "%ld", strtol(record_text(r, 1), NULL, 10));
	write_text(r->user, "cgroup.procs", text);
	write_text(r->user, "freezer.state", "FROZEN");
	usp_process_kill(r->process);
}

CLEAN_TEST(engine_tree, who_is_still_there_after_sigkill_is_said_to_be)
{
	struct usp_engine *engine;
	char directory[64];
	struct record r = { .also = freeze_member, .user = directory };
	unsigned n;
	bool gone;

	need_cgroups();
	snprintf(directory, sizeof(directory), FREEZER "/usp-test-%d", (int)getpid());
	if (mkdir(directory, 0755) < 0)
		cr_skip("no freezer of version 1 here");
	engine = record_engine(NULL);
	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = FAMILY("session"), .kill = TREE(.signal = SIGKILL)));
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(eq(int, r.end.tree, USP_TREE_PENDING));
	cr_assert(eq(uint, r.end.orphans, 1));
	cr_assert(eq(uint, alive_of(&r, &n), 1));

	write_text(directory, "freezer.state", "THAWED");
	gone = wait_until(alive_of(&r, &n) == 0, WAIT_MS);
	cr_assert(gone, "the SIGKILL that it had is forgotten");
	usp_engine_free(engine);
	cr_assert(eq(uint, homes(), 0));
	gone = wait_until(rmdir(directory) == 0, WAIT_MS);
	cr_assert(gone);
	record_done(&r);
}

static void freeze_itself(struct record *r, const struct usp_event *event)
{
	char text[32];

	if (event->kind != USP_EVENT_STARTED)
		return;
	snprintf(text, sizeof(text), "%d", (int)event->started.pid);
	write_text(r->user, "cgroup.procs", text);
	write_text(r->user, "freezer.state", "FROZEN");
	usp_process_kill(r->process);
}

/* Its job is over, and it is reaped when it is gone after all. */
CLEAN_TEST(engine_tree, a_process_that_outlives_sigkill_is_not_waited_for)
{
	struct usp_engine *engine;
	char directory[64];
	struct record r = { .also = freeze_itself, .user = directory };
	bool gone;

	snprintf(directory, sizeof(directory), FREEZER "/usp-test-%d", (int)getpid());
	if (mkdir(directory, 0755) < 0)
		cr_skip("no freezer of version 1 here");
	engine = record_engine(NULL);
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever")),
				  .kill = { .signal = SIGKILL }));
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.end.tree, USP_TREE_PENDING));
	cr_assert(not(r.exited));
	cr_assert(is_alive(r.pid));

	write_text(directory, "freezer.state", "THAWED");
	gone = wait_until(usp_engine_turn(engine) == 0 && no_children(), WAIT_MS);
	cr_assert(gone, "it is not reaped");
	usp_engine_free(engine);
	gone = wait_until(rmdir(directory) == 0, WAIT_MS);
	cr_assert(gone);
	record_done(&r);
}

/* What is left of an engine that ended before it. */
CLEAN_TEST(engine_tree, an_engine_ends_before_a_process_that_cannot_be_killed)
{
	struct usp_engine *engine;
	char directory[64];
	struct record r = { .also = freeze_itself, .user = directory };
	bool gone;

	snprintf(directory, sizeof(directory), FREEZER "/usp-test-%d", (int)getpid());
	if (mkdir(directory, 0755) < 0)
		cr_skip("no freezer of version 1 here");
	engine = record_engine(NULL);
	record_spawn(&r, engine, &USP_OPTIONS(.argv = ARGV(PROGRAM("sleep_forever"))));
	while (!r.started)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_engine_free(engine);
	cr_assert(r.ended);
	cr_assert(is_alive(r.pid));

	write_text(directory, "freezer.state", "THAWED");
	cr_assert(eq(int, waitpid(r.pid, NULL, 0), r.pid));
	gone = wait_until(rmdir(directory) == 0, WAIT_MS);
	cr_assert(gone);
	record_done(&r);
}

/* ---- signals ------------------------------------------------------------- */

static void signal_tree(struct record *r, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_EOF && event->eof.stream == 1)
		cr_assert(eq(int,
			     usp_process_signal(r->process, SIGTERM, USP_TARGET_TREE),
			     0));
}

/* The end of the process is the end: no plan was asked for. */
static void send_to_all(void)
{
	struct record r = { .also = signal_tree };
	unsigned n;
	bool gone;

	RUN(&r, .argv = FAMILY("child", "session", "group"));
	cr_assert(eq(int, r.end.reason, USP_REASON_SIGNALLED));
	cr_assert(eq(int, r.exit.signal, SIGTERM));
	cr_assert(eq(int, r.end.tree, USP_TREE_NOT_ASKED));
	gone = wait_until(alive_of(&r, &n) == 0, WAIT_MS);
	cr_assert(gone);
	cr_assert(eq(uint, n, 3));
	record_done(&r);
}

CLEAN_TEST(engine_tree, a_signal_reaches_all_of_it)
{
	deny_cgroups();
	send_to_all();
}

/* ---- who is left --------------------------------------------------------- */

CLEAN_TEST(engine_tree, who_outlives_it_is_counted)
{
	struct usp_engine *engine;
	struct record r = { 0 };
	unsigned n;

	need_cgroups();
	engine = record_engine(NULL);
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = FAMILY("exit", "session", "daemon"),
				  .flags = USP_FLAG_CGROUP,
				  .stdio[2] = { USP_STDIO_NULL }));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(uint, r.end.orphans, 2));
	cr_assert(eq(int, r.end.tree, USP_TREE_NOT_ASKED));
	cr_assert(eq(uint, alive_of(&r, &n), 2), "they were not to be killed");
	usp_engine_free(engine);
	cr_assert(eq(uint, alive_of(&r, &n), 0), "they outlive their engine");
	cr_assert(eq(uint, homes(), 0));
	record_done(&r);
}

/* Whoever reaps orphans here, it is not this process. */
CLEAN_TEST(engine_tree, orphans_are_not_adopted)
{
	struct record r = { 0 };
	struct proc orphan;
	int adopts = -1;

	RUN(&r, .argv = FAMILY("exit", "daemon"), .stdio = { [2] = { USP_STDIO_NULL } });
	record_expect_exit(&r, 0);
	cr_assert(eq(int, prctl(PR_GET_CHILD_SUBREAPER, &adopts), 0));
	cr_assert(eq(int, adopts, 0));
	cr_assert(eq(int,
		     sys_proc_stat((pid_t)strtol(record_text(&r, 1), NULL, 10), &orphan),
		     0));
	cr_assert(ne(int, orphan.parent, getpid()));
	cr_assert(eq(int, sys_proc_signal(&orphan, SIGKILL), 0));
	cr_assert(no_children());
	record_done(&r);
}

/* ---- cgroups ------------------------------------------------------------- */

CLEAN_TEST(engine_tree, what_a_cgroup_used_is_told)
{
	static const char burn[] = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
	struct usp_engine *engine;
	struct record busy = { 0 }, idle = { 0 };

	need_cgroups();
	engine = record_engine(NULL);
	record_spawn(&busy, engine,
		     &USP_OPTIONS(.argv = SHELL(burn), .flags = USP_FLAG_CGROUP));
	record_wait(&busy);
	record_spawn(
		&idle, engine,
		&USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .flags = USP_FLAG_CGROUP));
	record_wait(&idle);
	record_expect_exit(&busy, 0);
	record_expect_exit(&idle, 0);
	cr_assert(lt(u64, NS_PER_MS, busy.cgroup.user_ns + busy.cgroup.system_ns));
	cr_assert(lt(u64, idle.cgroup.user_ns + idle.cgroup.system_ns,
		     busy.cgroup.user_ns + busy.cgroup.system_ns),
		  "what the one used before is not the other's");
	usp_engine_free(engine);
	record_done(&busy);
	record_done(&idle);
}

static struct usp_options in_cgroup(const char *script)
{
	static const char *argv[] = { "sh", "-c", NULL, NULL };

	argv[2] = script;
	return USP_OPTIONS(.argv = argv, .flags = USP_FLAG_CGROUP);
}

/* Nobody waits for them, so what they used is in no process's usage. */
CLEAN_TEST(engine_tree, what_its_orphans_used_is_told)
{
	static const char burn[] =
		"(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done) & exit 0";
	struct record r = { 0 };

	need_cgroups();
	RUN(&r, .argv = SHELL(burn), .flags = USP_FLAG_CGROUP | USP_FLAG_RUSAGE);
	record_expect_exit(&r, 0);
	cr_assert(lt(u64, 10 * NS_PER_MS, r.cgroup.user_ns + r.cgroup.system_ns));
	cr_assert(lt(u64, r.usage.user_ns + r.usage.system_ns,
		     r.cgroup.user_ns + r.cgroup.system_ns));
	record_done(&r);
}

static const char where[] = "sed -n 's/^0:://p' /proc/self/cgroup";

/* One after the other has it; at one time each has one of its own. */
CLEAN_TEST(engine_tree, a_directory_is_recycled)
{
	const struct usp_options options = in_cgroup(where);
	struct usp_engine *engine;
	struct record r[3] = { 0 };
	struct cgroup_place place;
	char path[CGROUP_PATH_BYTES + 256];
	unsigned controllers;
	int fd;

	need_cgroups();
	cr_assert(eq(int, sys_cgroup_find("/proc/self", &place), 0));
	engine = record_engine(NULL);
	record_spawn(&r[0], engine, &options);
	record_wait(&r[0]);
	snprintf(path, sizeof(path), "%s%.200s", place.mount,
		 strtok((char *)record_text(&r[0], 1), "\n"));
	fd = sys_cgroup_open(-1, path);
	controllers = sys_cgroup_enable(fd);
	sys_close(fd);
	if (controllers & (CGROUP_MEMORY | CGROUP_PIDS))
		cr_skip("with these controllers each job has a new one");
	record_spawn(&r[1], engine, &options);
	record_spawn(&r[2], engine, &options);
	record_wait(&r[1]);
	record_wait(&r[2]);
	cr_assert(ne(str, (char *)record_text(&r[1], 1), (char *)record_text(&r[2], 1)));
	strtok((char *)record_text(&r[1], 1), "\n");
	strtok((char *)record_text(&r[2], 1), "\n");
	cr_assert(strcmp(record_text(&r[0], 1), record_text(&r[1], 1)) == 0 ||
		  strcmp(record_text(&r[0], 1), record_text(&r[2], 1)) == 0);
	usp_engine_free(engine);
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	cr_assert(eq(uint, homes(), 0));
}

/* Cgroups that it made there, and a state that it left, are no other job's. */
CLEAN_TEST(engine_tree, a_directory_that_was_changed_is_not_recycled)
{
	const struct usp_options options =
		in_cgroup("d=$(sed -n 's/^0:://p' /proc/self/cgroup); echo $d;"
			  "m=$(sed -n 's/.* \\([^ ]*\\) rw.* - cgroup2 .*/\\1/p' "
			  "/proc/self/mountinfo | head -n 1); mkdir $m$d/below");
	struct usp_engine *engine;
	struct record r[2] = { 0 };
	char path[512];

	need_cgroups();
	engine = record_engine(NULL);
	for (int i = 0; i < 2; i++) {
		record_spawn(&r[i], engine, &options);
		record_wait(&r[i]);
		record_expect_exit(&r[i], 0);
	}
	snprintf(path, sizeof(path), "%s", record_text(&r[0], 1));
	cr_assert(ne(str, path, (char *)record_text(&r[1], 1)));
	usp_engine_free(engine);
	cr_assert(eq(uint, homes(), 0));
	for (int i = 0; i < 2; i++)
		record_done(&r[i]);
}

static bool is_frozen(const char *path)
{
	struct cgroup_state state = { 0 };
	int fd = sys_cgroup_open(-1, path);

	if (fd >= 0)
		(void)sys_cgroup_state(fd, &state);
	sys_close(fd);
	return state.frozen;
}

/* Two that come after, one of which has the directory if it was handed on. */
static void expect_next_ones(struct usp_engine *engine)
{
	const struct usp_options options = in_cgroup("exit 7");
	struct record r[2] = { 0 };

	for (int i = 0; i < 2; i++) {
		record_spawn(&r[i], engine, &options);
		record_wait(&r[i]);
		record_expect_exit(&r[i], 7);
		record_done(&r[i]);
	}
}

#define DIRECTORY                                                                        \
	"m=$(sed -n 's/.* \\([^ ]*\\) rw.* - cgroup2 .*/\\1/p' /proc/self/mountinfo "    \
	"| head -n 1); d=$m$(sed -n 's/^0:://p' /proc/self/cgroup); "

/* It freezes itself, and is killed all the same. */
CLEAN_TEST(engine_tree, who_is_frozen_is_killed)
{
	struct usp_options options = in_cgroup(
		DIRECTORY "printf %s $d; echo 1 > $d/cgroup.freeze; exec sleep 1000");
	struct usp_engine *engine;
	struct record r = { 0 };
	bool frozen;

	need_cgroups();
	engine = record_engine(NULL);
	options.kill = (struct usp_kill){ .signal = SIGKILL, .target = USP_TARGET_TREE };
	record_spawn(&r, engine, &options);
	while (buf_size(&r.out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	frozen = wait_until(is_frozen(record_text(&r, 1)), WAIT_MS);
	cr_assert(frozen);
	usp_process_kill(r.process);
	record_wait(&r);
	cr_assert(eq(int, r.end.reason, USP_REASON_KILLED));
	cr_assert(eq(int, r.exit.signal, SIGKILL));
	cr_assert(eq(int, r.end.tree, USP_TREE_GONE));
	expect_next_ones(engine);
	usp_engine_free(engine);
	record_done(&r);
	cr_assert(eq(uint, homes(), 0));
}

/* It leaves its directory, freezes that and ends: who is put there does not start. */
CLEAN_TEST(engine_tree, a_directory_that_was_left_frozen_freezes_nobody)
{
	const struct usp_options options = in_cgroup(
		DIRECTORY "echo $$ > ${d%/*/*}/cgroup.procs; echo 1 > $d/cgroup.freeze");
	struct usp_engine *engine;
	struct record r = { 0 };

	need_cgroups();
	engine = record_engine(NULL);
	record_spawn(&r, engine, &options);
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 2), ""));
	expect_next_ones(engine);
	usp_engine_free(engine);
	record_done(&r);
	cr_assert(eq(uint, homes(), 0));
}

/* Whoever is cloned into a cgroup that was killed is killed as well. */
CLEAN_TEST(engine_tree, a_directory_that_was_killed_is_not_recycled)
{
	struct usp_options options = in_cgroup("echo up; exec sleep 1000");
	struct usp_engine *engine;
	struct record r[3] = { 0 };

	need_cgroups();
	engine = record_engine(NULL);
	options.kill = (struct usp_kill){ .signal = SIGKILL, .target = USP_TARGET_TREE };
	record_spawn(&r[0], engine, &options);
	while (buf_size(&r[0].out[1]) == 0)
		cr_assert(eq(int, engine_wait(engine), 0));
	usp_process_kill(r[0].process);
	record_wait(&r[0]);
	options = in_cgroup("exit 7");
	for (int i = 1; i < 3; i++) {
		record_spawn(&r[i], engine, &options);
		record_wait(&r[i]);
		record_expect_exit(&r[i], 7);
	}
	usp_engine_free(engine);
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	cr_assert(eq(uint, homes(), 0));
}

/* As in containers that refuse clone3(): the child enters by itself. */
CLEAN_TEST(engine_tree, without_clone3_it_is_in_its_cgroup_too)
{
	const struct usp_options options = in_cgroup(where);
	struct record r = { 0 };

	need_cgroups();
	deny(SYS_clone3, ENOSYS);
	record_run(&r, &options);
	record_expect_exit(&r, 0);
	cr_assert(strstr(record_text(&r, 1), "/uringspawn-") != NULL);
	record_done(&r);
}

CLEAN_TEST(engine_tree, without_cgroups_one_that_needs_its_own_fails)
{
	struct record r = { 0 };

	deny_cgroups();
	RUN(&r, .argv = ARGV(PROGRAM("true")), .flags = USP_FLAG_CGROUP);
	record_expect_failed(&r, USP_STAGE_CGROUP, EPERM, "cgroup");
	record_done(&r);
	r = (struct record){ 0 };
	RUN(&r, .argv = ARGV(PROGRAM("true")), .cgroup = { .pids_max = 5 });
	record_expect_failed(&r, USP_STAGE_CGROUP, EPERM, "cgroup");
	record_done(&r);
	r = (struct record){ 0 };
	RUN(&r, .argv = ARGV(PROGRAM("true")), .kill = TREE(0));
	record_expect_exit(&r, 0);
	record_done(&r);
}

/* A limit that nobody enforces is not a limit. */
CLEAN_TEST(engine_tree, a_limit_without_its_controller_fails)
{
	struct record r = { 0 };

	need_cgroups();
	RUN(&r, .argv = ARGV(PROGRAM("true")), .cgroup = { .memory_max_bytes = 1 << 30 });
	if (r.started)
		cr_skip("the memory controller is on here");
	record_expect_failed(&r, USP_STAGE_CGROUP, EOPNOTSUPP, "memory.max");
	record_done(&r);
	cr_assert(eq(uint, homes(), 0));
}

CLEAN_TEST(engine_tree, one_that_is_there_is_entered_and_not_killed)
{
	const char *own = need_cgroups();
	char path[CGROUP_PATH_BYTES + 64], name[64];
	struct record r = { 0 };
	struct cgroup_place place;

	cr_assert(eq(int, sys_cgroup_find("/proc/self", &place), 0));
	snprintf(name, sizeof(name), "usp-there-%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", own, name);
	cr_assert(eq(int, sys_cgroup_make(-1, path), 0));
	RUN(&r, .argv = SHELL(where), .cgroup = { .path = path + strlen(place.mount) });
	record_expect_exit(&r, 0);
	cr_assert(strstr(record_text(&r, 1), name) != NULL);
	cr_assert(r.end.cgroup == NULL, "it is not its own");
	record_done(&r);
	r = (struct record){ 0 };
	cr_assert(eq(int, sys_cgroup_remove(-1, path), 0));

	RUN(&r, .argv = SHELL(where), .cgroup = { .path = "/no/such" });
	record_expect_failed(&r, USP_STAGE_CGROUP, ENOENT, "/no/such");
	record_done(&r);
}

/* ---- what others left ---------------------------------------------------- */

/* Other tests sweep as well, at the same time: this one moves to where they do not. */
static void enter_directory(const char *directory)
{
	char path[CGROUP_PATH_BYTES + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", directory);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	cr_assert(eq(int, (int)write(fd, "0", 1), 1));
	close(fd);
}

/* A process that has a job in a cgroup, and dies before it has ended it. */
static pid_t crash(void)
{
	int ready[2];
	pid_t child, orphan;
	struct record r = { 0 };
	char text[256] = "";
	ssize_t n;

	cr_assert(eq(int, pipe2(ready, O_CLOEXEC), 0));
	child = fork_tied();
	if (child == 0) {
		struct usp_engine *engine = record_engine(NULL);

		record_spawn(&r, engine,
			     &USP_OPTIONS(.argv = FAMILY("session"), .kill = TREE(0),
					  .stdio = { { USP_STDIO_NULL },
						     { USP_STDIO_FD, ready[1] } }));
		(void)usp_engine_run(engine);
		_exit(1);
	}
	close(ready[1]);
	n = read(ready[0], text, sizeof(text) - 1);
	cr_assert(lt(int, 0, (int)n));
	orphan = (pid_t)strtol(text, NULL, 10);
	close(ready[0]);
	kill(child, SIGKILL);
	cr_assert(eq(int, waitpid(child, NULL, 0), child));
	return orphan;
}

CLEAN_TEST(engine_tree, what_a_crash_left_is_cleared)
{
	const char *own = need_cgroups();
	char path[CGROUP_PATH_BYTES + 64];
	struct usp_engine_stats stats;
	struct usp_engine *engine;
	pid_t orphan;

	snprintf(path, sizeof(path), "%s/usp-crash-%d", own, (int)getpid());
	cr_assert(eq(int, sys_cgroup_make(-1, path), 0));
	enter_directory(path);
	orphan = crash();
	cr_assert(is_alive(orphan), "its engine is gone, it is not");

	engine = record_engine(NULL);
	engine_clear_leftovers(engine);
	usp_engine_stats(engine, &stats);
	while (stats.leftovers_cleared == 0) {
		cr_assert(eq(int, engine_wait(engine), 0));
		usp_engine_stats(engine, &stats);
	}
	cr_assert(not(is_alive(orphan)));
	cr_assert(eq(u64, stats.leftovers_cleared, 1));
	usp_engine_free(engine);
	enter_directory(own);
	cr_assert(eq(int, sys_cgroup_remove(-1, path), 0), "something is left");
}

/* A directory had another job before, and what that used could not be read. */
CLEAN_TEST(engine_tree, what_was_not_known_before_is_not_known_after)
{
	struct cgroup_dir dir = { .before = { .user_ns = UINT64_MAX, .system_ns = 3 } };
	struct process p = { .tree = { .settled = true } };
	struct usp_cgroup_usage usage;

	p.tree.walk.dir = &dir;
	p.tree.walk.usage = (struct usp_cgroup_usage){ .user_ns = 5, .system_ns = 5 };
	cr_assert(outcome_cgroup(&p, &usage));
	cr_assert(eq(u64, usage.user_ns, UINT64_MAX));
	cr_assert(eq(u64, usage.system_ns, 2));
}
