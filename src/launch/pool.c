/*
 * The pool of launchers: its threads, and the reactor's side of the queues.
 */
#include "launch/pool.h"

#include <errno.h>
#include <signal.h>
#include "base/clock.h"
#include "sys/clone3.h"
#include "sys/cpu.h"
#include "sys/fd.h"
#include "sys/futex.h"
#include "sys/map.h"
#include "sys/own.h"
#include "sys/signals.h"

/* A launcher itself needs little; sanitizers want more. */
#define LAUNCHER_STACK_BYTES (256u << 10)

/* ---- plans --------------------------------------------------------------- */

static void wake(struct launchers *l, struct launcher *launcher) REACTOR_ONLY
{
	l->wakeups++;
	reactor_wake(l->reactor, (uint32_t *)&launcher->asleep);
}

/* Wake one sleeper, unless those that look for work already are enough. */
static void wake_one(struct launchers *l) REACTOR_ONLY
{
	struct launcher *sleeper;

	if (atomic_load(&l->spinning) >= queue_length(&l->queue))
		return;
	sleeper = launcher_asleep(l);
	if (sleeper)
		wake(l, sleeper);
}

void pool_put(struct launchers *l, struct plan *plan)
{
	struct launcher *launcher = policy_pick(l);

	queue_put(launcher ? &launcher->own_queue : &l->queue, plan);
	if (!launcher)
		wake_one(l);
	else if (atomic_exchange(&launcher->asleep, 0))
		wake(l, launcher);
}

/*
 * May a plan have to wait for another one?  With one queue for all only where there are
 * more of them than launchers.
 */
static bool may_wait(const struct launchers *l)
{
	return l->out > (l->policy == USP_POLICY_SHARED ? l->alive : 1);
}

int launchers_post(struct launchers *l, struct plan *plan)
{
	if (!launchers_have_room(l))
		return -EAGAIN;
	reactor_expect(l->reactor, &plan->done);
	atomic_store_explicit(&plan->out, true, memory_order_relaxed);
	l->out++;
	pool_put(l, plan);
	if (may_wait(l))
		watch_start(l);
	return 0;
}

bool launchers_have_room(struct launchers *l)
{
	return policy_has_room(l);
}

const struct launch_setup *launchers_setup(const struct launchers *l)
{
	return &l->setup;
}

bool launchers_may_leave(const struct launchers *l)
{
	return l->tables != USP_TABLES_SHARED;
}

unsigned launchers_count(const struct launchers *l)
{
	return l->alive;
}

uint64_t launchers_wakeups(const struct launchers *l)
{
	return l->wakeups;
}

/* ---- threads ------------------------------------------------------------- */

static struct launcher *free_place(struct launchers *l)
{
	for (unsigned i = 0; i < PLACES; i++)
		if (!l->launcher[i].running)
			return &l->launcher[i];
	return NULL;
}

/* A thread inherits the mask that its maker has at that moment. */
static int start_thread(struct launcher *launcher)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int ret;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, LAUNCHER_STACK_BYTES);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&launcher->thread, &attr, launcher_main, launcher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}

static void release(struct launcher *launcher)
{
	mailbox_close(launcher->mailbox);
	sys_unmap_stack(launcher->child_stack, CHILD_STACK_BYTES);
	launcher->mailbox = NULL;
	launcher->child_stack = NULL;
}

/* A place that was used before may still be looked at: it is set field by field. */
static int furnish(struct launchers *l, struct launcher *launcher)
{
	launcher->all = l;
	launcher->queue =
		l->policy == USP_POLICY_SHARED ? &l->queue : &launcher->own_queue;
	launcher->setup = l->setup;
	launcher->host = -1;
	launcher->stay_shared = l->tables == USP_TABLES_SHARED;
	launcher->retiring = launcher->gone = launcher->binds = false;
	launcher->child_stack = sys_map_stack(CHILD_STACK_BYTES);
	if (!launcher->child_stack)
		return -ENOMEM;
	return mailbox_open(l->reactor, &launcher->mailbox);
}

int pool_add(struct launchers *l)
{
	struct launcher *launcher = free_place(l);
	int ret;

	if (!launcher)
		return -EAGAIN;
	ret = furnish(l, launcher);
	if (ret == 0)
		ret = start_thread(launcher);
	if (ret < 0) {
		release(launcher);
		return ret;
	}
	launcher->running = true;
	l->alive++;
	if (launcher - l->launcher >= l->places)
		l->places = (unsigned)(launcher - l->launcher) + 1;
	return 0;
}

void pool_join(struct launcher *launcher)
{
	pthread_join(launcher->thread, NULL);
	launcher->running = false;
	release(launcher);
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

static void set_no_resets(struct launch_setup *setup)
{
	setup->reset_nice = setup->reset_oom_score_adj = false;
	setup->reset_timer_slack = setup->reset_umask = false;
}

void launchers_inherit(struct launchers *l)
{
	set_no_resets(&l->setup);
	for (unsigned i = 0; i < PLACES; i++)
		set_no_resets(&l->launcher[i].setup);
}

static int set_up(struct launchers *l, const struct launchers_options *options)
{
	unsigned cpus = sys_cpus();
	unsigned count = options->count ? options->count : cpus < 7 ? cpus + 1 : 8;

	if (options->policy > USP_POLICY_RANDOM || options->tables > USP_TABLES_PRIVATE)
		return -EINVAL;
	l->count = count < LAUNCHERS_MAX ? count : LAUNCHERS_MAX;
	l->policy = options->policy;
	l->tables = options->tables;
	l->random = (uint32_t)clock_now_ns() | 1;
	l->spin_ns = cpus > 1 ? 20 * NS_PER_US : 0;
	watch_init(l, options->stuck_ns);
	l->setup.cgroups = options->cgroups;
	l->setup.self = getpid();
	l->setup.use_clone3 = !options->without_clone3 && sys_clone3_allowed();
	l->setup.reset_signals = signals_to_reset(l->setup.use_clone3);
	l->setup.reset_nofile = sys_nofile_original(&l->setup.nofile);
	if (options->is_daemon)
		set_resets(&l->setup);
	l->setup.null_fd = sys_open_null();
	return l->setup.null_fd < 0 ? l->setup.null_fd : 0;
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
	pthread_mutex_init(&l->leaving, NULL);
	ret = set_up(l, options);
	while (ret == 0 && l->alive < l->count)
		ret = pool_add(l);
	if (ret < 0) {
		launchers_close(l);
		return ret;
	}
	*ret_launchers = l;
	return 0;
}

static void rouse(struct launcher *launcher)
{
	atomic_store(&launcher->asleep, 0);
	sys_futex_wake((uint32_t *)&launcher->asleep, 1);
}

static void tell_to_end(struct launchers *l)
{
	enter_reactor();
	timer_cancel(l->reactor, &l->watch);
	l->closing = true;
	for (unsigned i = 0; i < l->places; i++)
		rouse(&l->launcher[i]);
}

void launchers_abandon(struct launchers *l)
{
	tell_to_end(l);
	for (unsigned i = 0; i < l->places; i++)
		if (l->launcher[i].running)
			pthread_detach(l->launcher[i].thread);
}

void launchers_close(struct launchers *l)
{
	if (!l)
		return;
	tell_to_end(l);
	for (unsigned i = 0; i < l->places; i++)
		if (l->launcher[i].running)
			pool_join(&l->launcher[i]);
	sys_close(l->setup.null_fd);
	pthread_mutex_destroy(&l->leaving);
	mem_free(l);
}
