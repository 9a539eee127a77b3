/*
 * Jobs with a cgroup, and trees that are killed: each call that can fail on another
 * thread, failed in turn.  Either the job fails at the stage of its cgroup, or what
 * failed is done again; in the end nobody, and nothing, is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/engine.h"
#include "launch/cgroups.h"
#include "support/cgroups.h"
#include "support/clean.h"
#include "support/deny.h"
#include "support/fault.h"
#include "support/record.h"
#include "sys/proc.h"

TestSuite(tree, .timeout = 120);

static const struct usp_engine_options one = { .size = sizeof(one), .launchers = 1 };

static void expect_started_or_refused(const struct record *r, unsigned n)
{
	if (!r->failed)
		return;
	cr_assert(eq(int, r->failure.error, EMFILE), "call %u", n);
	cr_assert(r->failure.stage == USP_STAGE_CGROUP ||
			  r->failure.stage == USP_STAGE_FDS ||
			  r->failure.stage == USP_STAGE_CLONE,
		  "call %u failed at stage %s", n, usp_stage_name(r->failure.stage));
}

/* Returns how many calls there are. */
static unsigned sweep(const struct usp_options *options, enum usp_tree tree)
{
	unsigned refused = 0;

	for (unsigned n = 1;; n++) {
		struct record r = { 0 };
		struct usp_engine *engine;
		int before = open_fds();
		bool fired;

		fault_off();
		engine = record_engine(&one);
		fault_elsewhere_at(n, EMFILE);
		record_spawn(&r, engine, options);
		record_wait(&r);
		fired = fault_elsewhere_fired();
		expect_started_or_refused(&r, n);
		refused += r.failed;
		if (!r.failed)
			cr_assert(eq(int, r.end.tree, tree), "call %u", n);
		usp_engine_free(engine);
		cr_assert(eq(int, open_fds(), before), "call %u", n);
		cr_assert(eq(uint, homes(), 0), "call %u", n);
		cr_assert(no_children());
		record_done(&r);
		if (fired)
			continue;
		cr_assert(not(r.failed));
		cr_assert(lt(uint, 0, refused));
		return n - 1;
	}
}

CLEAN_TEST(tree, a_job_with_a_cgroup_fails_at_its_stage_or_not_at_all)
{
	need_cgroups();
	cr_assert(lt(uint, 6,
		     sweep(&USP_OPTIONS(.argv = ARGV(PROGRAM("true")),
					.flags = USP_FLAG_CGROUP),
			   USP_TREE_NOT_ASKED)));
}

CLEAN_TEST(tree, a_tree_in_a_cgroup_is_killed_whatever_fails)
{
	need_cgroups();
	cr_assert(lt(uint, 8,
		     sweep(&USP_OPTIONS(.argv = ARGV(PROGRAM("family"), "session"),
					.timeout_ns = 20 * NS_PER_MS,
					.kill = { .target = USP_TARGET_TREE,
						  .grace_ns = 20 * NS_PER_MS }),
			   USP_TREE_GONE)));
}

CLEAN_TEST(tree, without_a_cgroup_it_is_killed_whatever_fails)
{
	deny(SYS_mkdirat, EPERM);
	cr_assert(lt(uint, 8,
		     sweep(&USP_OPTIONS(.argv = ARGV(PROGRAM("family"), "session"),
					.timeout_ns = 20 * NS_PER_MS,
					.kill = { .target = USP_TARGET_TREE,
						  .signal = SIGKILL }),
			   USP_TREE_BEST_EFFORT)));
}

static void on_nothing(struct usp_process *process, const struct usp_event *event,
		       void *user)
{
	(void)process;
	(void)event;
	(void)user;
}

/* The duplicate that is made of a passed descriptor is nobody's but the spec's. */
CLEAN_TEST(tree, a_spawn_that_fails_keeps_no_descriptor)
{
	struct usp_engine *engine = record_engine(&one);
	const struct usp_options options =
		USP_OPTIONS(.argv = ARGV(PROGRAM("true")), .flags = USP_FLAG_CGROUP,
			    .stdio = { { .kind = USP_STDIO_FD, .fd = 2 },
				       { .kind = USP_STDIO_NULL },
				       { .kind = USP_STDIO_NULL } },
			    .on_event = on_nothing);
	unsigned refused = 0;
	bool fired = true;

	for (unsigned n = 1; fired; n++) {
		struct usp_process *process;
		int before = open_fds(), ret;

		fault_at(n, EMFILE);
		ret = usp_spawn(engine, &options, &process);
		fired = fault_fired();
		if (ret < 0)
			cr_assert(eq(int, open_fds(), before), "call %u", n);
		refused += ret < 0;
		cr_assert(eq(int, usp_engine_run(engine), 0));
	}
	cr_assert(le(uint, 4, refused), "duplicate, spec, process, cgroup");
	usp_engine_free(engine);
}
