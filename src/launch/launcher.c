/*
 * The launchers: threads that block in clone3() so that the reactor does not.
 *
 * Dialect: launcher.  A launcher touches the plan that it was given and nothing
 * of the reactor's; it tells the outcome by its mailbox.
 *
 * A launcher without work looks for some a little while longer before it sleeps,
 * where there is another CPU to bring it: waking a thread costs more than that.
 */
#include "launch/launcher.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "launch/child.h"
#include "launch/queue.h"
#include "sys/clone3.h"
#include "sys/cpu.h"
#include "sys/fd.h"
#include "sys/futex.h"
#include "sys/limits.h"
#include "sys/map.h"
#include "sys/own.h"
#include "sys/pidfd.h"
#include "sys/signals.h"

/* The child calls a handful of small functions. */
#define CHILD_STACK_BYTES (16u << 10)

/* A launcher itself needs little; sanitizers want more. */
#define LAUNCHER_STACK_BYTES (256u << 10)

#define LAUNCHERS_MAX 64u

struct launcher {
	struct launchers *all;
	struct mailbox *mailbox;
	void *child_stack;
	pthread_t thread;
	bool running;
	_Atomic uint32_t asleep; /* futex: 1 while it sleeps or is about to */
};

struct launchers {
	struct reactor *reactor;
	struct launch_setup setup;
	struct queue queue;
	_Atomic bool closing;
	_Atomic uint32_t spinning; /* launchers that look for work right now */
	uint64_t spin_ns;
	uint64_t wakeups;
	unsigned count;
	struct launcher launcher[LAUNCHERS_MAX];
};

/* ---- one launch ---------------------------------------------------------- */

/* The child is gone without having run its program: tell how, and reap it. */
static void take_failure(struct plan *plan) LAUNCHER_ONLY
{
	siginfo_t info = { 0 };

	if (sys_pidfd_reap(plan->pidfd, &info) < 0 || plan->error)
		return;
	if (info.si_code == CLD_EXITED)
		plan->error = EPROTO; /* it exits only by fail(), which sets the error */
	else
		plan->signal = info.si_status;
}

/*
 * A child at stage EXEC without an error runs its program, or was killed while
 * the kernel was at it.  Only the reactor kills children at that time, and leaves
 * word; then /proc knows.
 */
static bool died_in_exec(const struct plan *plan) LAUNCHER_ONLY
{
	return plan_started(plan) && plan->cancelled && !sys_has_execed(plan->pid);
}

static int launch(struct launcher *self, struct plan *plan) LAUNCHER_ONLY
{
	struct clone_request request = {
		.stack = self->child_stack,
		.stack_bytes = CHILD_STACK_BYTES,
		.fn = child_run,
		.arg = plan,
		.ret_pidfd = &plan->new_pidfd,
	};
	int ret;

	plan->stage = USP_STAGE_ADMISSION;
	if (plan->cancelled)
		return -ECANCELED;
	plan->stage = USP_STAGE_FDS;
	ret = plan_open(plan);
	if (ret < 0)
		return ret;
	plan->stage = USP_STAGE_CGROUP;
	ret = plan_open_cgroup(plan);
	if (ret < 0)
		return ret;
	plan->path = "";
	plan->stage = USP_STAGE_CLONE;
	request.in_cgroup = plan->cgroup_fd >= 0;
	request.cgroup_fd = plan->cgroup_fd;
	ret = sys_clone_vfork(&request, plan->setup->use_clone3);
	if (ret == -EAGAIN)
		plan->path = sys_process_limit();
	if (plan_cgroup_refused(plan, ret)) {
		plan->stage = USP_STAGE_CGROUP;
		plan->path = "cgroup";
	}
	if (ret < 0)
		return ret;
	plan->pid = ret;
	plan->pidfd = plan->new_pidfd; /* a child that was killed early has not said it */
	plan->execed_ns = clock_now_ns();
	plan_give_pidfd(plan);
	if (plan_started(plan) && !died_in_exec(plan))
		return 0;
	take_failure(plan);
	return plan->error ? -plan->error : -EINTR;
}

static void serve(struct launcher *self, struct plan *plan) LAUNCHER_ONLY
{
	int ret;

	plan->taken_ns = clock_now_ns();
	ret = launch(self, plan);
	if (ret < 0 && !plan->signal)
		plan->error = -ret;
	plan_close_theirs(plan);
	atomic_store_explicit(&plan->out, false, memory_order_release);
	mailbox_post(self->mailbox, &plan->done, ret);
}

/* ---- the threads --------------------------------------------------------- */

static struct plan *spin(struct launchers *l) LAUNCHER_ONLY
{
	struct plan *plan = queue_take(&l->queue);
	uint64_t until;

	if (plan || !l->spin_ns)
		return plan;
	until = clock_now_ns() + l->spin_ns;
	atomic_fetch_add(&l->spinning, 1);
	do
		plan = queue_take(&l->queue);
	while (!plan && clock_now_ns() < until && !l->closing);
	atomic_fetch_sub(&l->spinning, 1);
	return plan;
}

/* A sleeping launcher, said to be awake now: the caller wakes it.  NULL: none sleeps. */
static struct launcher *pick_sleeper(struct launchers *l)
{
	for (unsigned i = 0; i < l->count; i++) {
		struct launcher *launcher = &l->launcher[i];

		if (atomic_load_explicit(&launcher->asleep, memory_order_relaxed) &&
		    atomic_exchange(&launcher->asleep, 0))
			return launcher;
	}
	return NULL;
}

static void rouse_one(struct launchers *l) LAUNCHER_ONLY
{
	struct launcher *sleeper = pick_sleeper(l);

	if (sleeper)
		sys_futex_wake((uint32_t *)&sleeper->asleep, 1);
}

/*
 * The next plan, or NULL when the launchers are closing.
 *
 * "Asleep" is said before the queue is looked at for the last time, and the
 * reactor puts before it looks who is asleep: one of the two sees the other.
 */
static struct plan *next_plan(struct launcher *self) LAUNCHER_ONLY
{
	struct launchers *l = self->all;
	struct plan *plan;

	while (!(plan = spin(l)) && !l->closing) {
		atomic_store(&self->asleep, 1);
		plan = queue_take(&l->queue);
		if (plan || l->closing)
			break;
		while (atomic_load(&self->asleep) == 1)
			sys_futex_wait((uint32_t *)&self->asleep, 1);
	}
	atomic_store(&self->asleep, 0);
	/* The reactor may have counted on this launcher for more than it took. */
	if (plan && queue_length(&l->queue) > 0)
		rouse_one(l);
	return plan;
}

static void *launcher_main(void *arg)
{
	struct launcher *self = arg;
	struct plan *plan;

	enter_launcher();
	while ((plan = next_plan(self)))
		serve(self, plan);
	return NULL;
}

/* ---- the reactor's side -------------------------------------------------- */

/* Wake one sleeper, unless those that look for work already are enough. */
static void wake_one(struct launchers *l) REACTOR_ONLY
{
	struct launcher *sleeper;

	if (atomic_load(&l->spinning) >= queue_length(&l->queue))
		return;
	sleeper = pick_sleeper(l);
	if (!sleeper)
		return;
	l->wakeups++;
	reactor_wake(l->reactor, (uint32_t *)&sleeper->asleep);
}

int launchers_post(struct launchers *l, struct plan *plan)
{
	if (!launchers_have_room(l))
		return -EAGAIN;
	reactor_expect(l->reactor, &plan->done);
	atomic_store_explicit(&plan->out, true, memory_order_relaxed);
	queue_put(&l->queue, plan);
	wake_one(l);
	return 0;
}

bool launchers_have_room(const struct launchers *l)
{
	return queue_length((struct queue *)&l->queue) < QUEUE_SIZE;
}

const struct launch_setup *launchers_setup(const struct launchers *l)
{
	return &l->setup;
}

unsigned launchers_count(const struct launchers *l)
{
	return l->count;
}

uint64_t launchers_wakeups(const struct launchers *l)
{
	return l->wakeups;
}

/* ---- start and end ------------------------------------------------------- */

/*
 * The signals that programs ignore in practice are reset in each child; any other
 * that is ignored now, as well.  Asking for all 64 at each launch would cost a
 * tenth of it.
 */
static uint64_t signals_to_reset(bool use_clone3)
{
	static const int usual[] = {
		SIGHUP,	 SIGINT,  SIGQUIT, SIGPIPE, SIGALRM, SIGTERM,
		SIGUSR1, SIGUSR2, SIGCHLD, SIGTSTP, SIGTTIN, SIGTTOU
	};
	uint64_t mask = 0;

	if (!use_clone3)
		return UINT64_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
		mask |= UINT64_C(1) << (usual[i] - 1);
	for (int sig = 1; sig < NSIG; sig++)
		if (sys_is_ignored(sig))
			mask |= UINT64_C(1) << (sig - 1);
	return mask;
}

/* What is as usual already costs the children no system call. */
static void set_resets(struct launch_setup *setup)
{
	setup->reset_nice = sys_own_nice() != 0;
	setup->reset_oom_score_adj = sys_own_oom_score_adj() != 0;
	setup->reset_timer_slack = sys_own_timer_slack_ns() != SYS_TIMER_SLACK_USUAL_NS;
	setup->reset_umask = true;
}

static int set_up(struct launchers *l, const struct launchers_options *options)
{
	unsigned cpus = sys_cpus();
	unsigned count = options->count ? options->count : cpus < 7 ? cpus + 1 : 8;

	l->count = count < LAUNCHERS_MAX ? count : LAUNCHERS_MAX;
	l->spin_ns = cpus > 1 ? 20 * NS_PER_US : 0;
	l->setup.cgroups = options->cgroups;
	l->setup.use_clone3 = !options->without_clone3 && sys_clone3_allowed();
	l->setup.reset_signals = signals_to_reset(l->setup.use_clone3);
	l->setup.reset_nofile = sys_nofile_original(&l->setup.nofile);
	if (options->is_daemon)
		set_resets(&l->setup);
	l->setup.null_fd = sys_open_null();
	return l->setup.null_fd < 0 ? l->setup.null_fd : 0;
}

static int start(struct launchers *l, struct launcher *launcher)
{
	pthread_attr_t attr;
	int ret;

	launcher->all = l;
	launcher->child_stack = sys_map_stack(CHILD_STACK_BYTES);
	if (!launcher->child_stack)
		return -ENOMEM;
	ret = mailbox_open(l->reactor, &launcher->mailbox);
	if (ret < 0)
		return ret;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, LAUNCHER_STACK_BYTES);
	ret = pthread_create(&launcher->thread, &attr, launcher_main, launcher);
	pthread_attr_destroy(&attr);
	launcher->running = ret == 0;
	return -ret;
}

/* A thread inherits the mask that its maker has at that moment. */
static int start_all(struct launchers *l)
{
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; ret == 0 && i < l->count; i++)
		ret = start(l, &l->launcher[i]);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int launchers_open(struct reactor *r, const struct launchers_options *options,
		   struct launchers **ret_launchers)
{
	struct launchers *l = mem_zalloc(sizeof(*l));
	int ret;

	if (!l)
		return -ENOMEM;
	l->reactor = r;
	l->setup.null_fd = -1;
	ret = set_up(l, options);
	if (ret == 0)
		ret = start_all(l);
	if (ret < 0) {
		launchers_close(l);
		return ret;
	}
	*ret_launchers = l;
	return 0;
}

void launchers_close(struct launchers *l)
{
	if (!l)
		return;
	l->closing = true;
	for (unsigned i = 0; i < l->count; i++) {
		struct launcher *launcher = &l->launcher[i];

		atomic_store(&launcher->asleep, 0);
		sys_futex_wake((uint32_t *)&launcher->asleep, 1);
	}
	for (unsigned i = 0; i < l->count; i++) {
		struct launcher *launcher = &l->launcher[i];

		if (launcher->running)
			pthread_join(launcher->thread, NULL);
		mailbox_close(launcher->mailbox);
		sys_unmap_stack(launcher->child_stack, CHILD_STACK_BYTES);
	}
	sys_close(l->setup.null_fd);
	mem_free(l);
}
