/*
 * All that a process started: when to walk, and what for.
 */
#include "process/tree.h"

#include <errno.h>
#include <signal.h>
#include "base/clock.h"
#include "base/list.h"
#include "sys/fd.h"

#define KILL_BIT (UINT64_C(1) << (SIGKILL - 1))

/* Between two walks that wait for somebody to be gone: each takes longer than the last. */
#define PAUSE_NS     (500 * NS_PER_US)
#define PAUSE_NS_MAX (50 * NS_PER_MS)

/* Until a descriptor, memory or a thread is tried to be had again. */
#define RETRY_NS (10 * NS_PER_MS)

/* How long those that SIGKILL was sent to are waited for: one that hangs in the kernel,
 * in a dead mount say, may stay for ever. */
#define KILLED_WAIT_NS (3 * NS_PER_S)

static int run_walk(struct errand *errand) JANITOR_ONLY;
static void on_walked(struct errand *errand, int res) REACTOR_ONLY;
static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY;
static void on_again(struct timer *timer) REACTOR_ONLY;

void tree_init(struct tree *t, struct reactor *r, struct owner *owner,
	       const struct tree_verbs *verbs, int *reserve_fd)
{
	*t = (struct tree){
		.reactor = r,
		.verbs = verbs,
		.reserve_fd = reserve_fd,
		.slot = -1,
		.pause_ns = PAUSE_NS,
	};
	t->again.on_fire = on_again;
	t->walk.pidfd = -1;
	errand_init(&t->errand, owner, run_walk, on_walked);
	op_init(&t->install, owner, on_installed);
}

static int run_walk(struct errand *errand)
{
	return tree_walk(&container_of(errand, struct tree, errand)->walk);
}

static void walk_again(struct tree *t, uint64_t after_ns) REACTOR_ONLY
{
	timer_arm(t->reactor, &t->again, reactor_now_ns(t->reactor) + after_ns);
}

/* There is no descriptor to be had: the reserve is given for it, and time. */
static void try_again(struct tree *t, int error) REACTOR_ONLY
{
	if ((error == -EMFILE || error == -ENFILE) && *t->reserve_fd >= 0) {
		sys_close(*t->reserve_fd);
		*t->reserve_fd = -1;
	}
	walk_again(t, RETRY_NS);
}

static void close_pidfd(struct tree *t)
{
	sys_close(t->walk.pidfd);
	t->walk.pidfd = -1;
	if (*t->reserve_fd < 0)
		*t->reserve_fd = sys_open_null();
}

static void post(struct tree *t) REACTOR_ONLY
{
	int ret;

	t->walk.signals = t->wanted;
	t->wanted = 0;
	ret = janitor_post(t->janitor, &t->errand);
	if (ret == 0)
		return;
	t->wanted = t->walk.signals;
	close_pidfd(t);
	try_again(t, ret);
}

/* The one place that decides whether there is to be a walk. */
static void step(struct tree *t) REACTOR_ONLY
{
	bool wanted = t->wanted || (t->settling && !t->settled);

	if (!wanted || t->slot < 0 || t->again.node.linked || errand_is_out(&t->errand) ||
	    op_armed(&t->install))
		return;
	if (t->walk.dir)
		post(t);
	else
		reactor_install(t->reactor, &t->install, t->slot);
}

static void on_again(struct timer *timer)
{
	step(container_of(timer, struct tree, again));
}

static void on_installed(struct op *op, const struct completion *done)
{
	struct tree *t = container_of(op, struct tree, install);

	if (t->slot < 0)
		sys_close(done->res); /* stopped meanwhile */
	else if (done->res < 0)
		try_again(t, done->res);
	else {
		t->walk.pidfd = done->res;
		post(t);
	}
}

/* After a walk without an error, when the process is gone. */
static void judge(struct tree *t) REACTOR_ONLY
{
	bool in_vain = t->deadline_ns && reactor_now_ns(t->reactor) >= t->deadline_ns;

	if (t->wanted)
		return;
	if (t->walk.left == 0 || !t->until_gone || in_vain) {
		t->settled = true;
		return;
	}
	if (t->deadline_ns)
		t->wanted = KILL_BIT; /* who was made meanwhile is not spared */
	walk_again(t, t->pause_ns);
	t->pause_ns = t->pause_ns * 2 < PAUSE_NS_MAX ? t->pause_ns * 2 : PAUSE_NS_MAX;
}

static void on_walked(struct errand *errand, int res)
{
	struct tree *t = container_of(errand, struct tree, errand);
	bool killed = t->walk.signals & KILL_BIT;

	close_pidfd(t);
	if (t->slot < 0)
		return; /* stopped meanwhile */
	if (res < 0) {
		t->wanted |= t->walk.signals;
		try_again(t, res);
		return;
	}
	if (killed && !t->deadline_ns) {
		t->deadline_ns = reactor_now_ns(t->reactor) + KILLED_WAIT_NS;
		t->verbs->on_killed(t);
	}
	if (t->settling)
		judge(t);
	step(t);
	if (t->settling && t->settled)
		t->verbs->on_settled(t);
}

void tree_open(struct tree *t, struct janitor *j, struct cgroups *cgroups,
	       struct cgroup_dir *dir, int slot, pid_t pid)
{
	t->janitor = j;
	t->slot = slot;
	t->walk.cgroups = cgroups;
	t->walk.dir = dir;
	t->walk.pid = pid;
	step(t);
}

void tree_signal(struct tree *t, int signal)
{
	t->wanted |= UINT64_C(1) << (signal - 1);
	timer_cancel(t->reactor, &t->again);
	step(t);
}

void tree_doom(struct tree *t)
{
	t->until_gone = true;
}

bool tree_settle(struct tree *t)
{
	if (!t->walk.dir && !t->until_gone && !t->wanted && !errand_is_out(&t->errand) &&
	    !op_armed(&t->install))
		t->settled = true; /* nothing is to be known of it */
	t->settling = true;
	step(t);
	return t->settled;
}

enum usp_tree tree_result(const struct tree *t)
{
	if (!t->until_gone)
		return USP_TREE_NOT_ASKED;
	if (t->walk.left > 0)
		return USP_TREE_PENDING;
	return t->walk.dir ? USP_TREE_GONE : USP_TREE_BEST_EFFORT;
}

void tree_stop(struct tree *t)
{
	timer_cancel(t->reactor, &t->again);
	t->wanted = 0;
	t->settling = false;
	t->slot = -1;
}

void tree_done(struct tree *t)
{
	mem_free(t->walk.known);
}
