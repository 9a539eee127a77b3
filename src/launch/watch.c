/*
 * Launchers that are stuck: what hangs in a chdir or an exec on a dead mount blocks its
 * launcher, and nobody can free it but who kills the child.
 *
 * While plans wait, a timer looks how long each launcher has had its plan in hand.
 * Those beyond the limit are counted, plans in their own queues are handed to others,
 * and another launcher stands in for each, as far as there are places.  When a stuck
 * one is through after all, one launcher too many retires.
 *
 * The kernel ends what is bound (USP_FLAG_BOUND) with the thread that started it.  A
 * launcher that has started such a one does not retire, so there may stay more of them
 * than were asked for, as many as have stood in at one time.
 */
#include "launch/pool.h"

#include "base/clock.h"
#include "sys/futex.h"

#define STUCK_NS_DEFAULT (100 * NS_PER_MS)

static struct plan *plan_in_hand(struct launcher *launcher)
{
	return launcher->running ? atomic_load(&launcher->plan) : NULL;
}

static bool is_stuck(struct launcher *launcher) REACTOR_ONLY
{
	/* Its completion, which ends it, has not been told: it is not a dead one's. */
	const struct plan *plan = plan_in_hand(launcher);

	return plan && plan->stuck;
}

static unsigned count_stuck(struct launchers *l) REACTOR_ONLY
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->places; i++)
		n += is_stuck(&l->launcher[i]);
	return n;
}

unsigned launchers_stuck(struct launchers *l)
{
	return count_stuck(l);
}

uint64_t launchers_launches_stuck(const struct launchers *l)
{
	return l->launches_stuck;
}

/* ---- what is done about it ----------------------------------------------- */

static void mark_stuck(struct launchers *l) REACTOR_ONLY
{
	uint64_t now_ns = reactor_now_ns(l->reactor);

	for (unsigned i = 0; i < l->places; i++) {
		struct plan *plan = plan_in_hand(&l->launcher[i]);

		if (!plan || plan->stuck ||
		    clock_after(plan->taken_ns, l->stuck_ns) > now_ns)
			continue;
		plan->stuck = true;
		l->launches_stuck++;
	}
}

/* So many launchers that can take plans as were asked for. */
static void stand_in(struct launchers *l, unsigned stuck) REACTOR_ONLY
{
	while (l->alive < l->count + stuck && l->alive < l->count + STAND_INS_MAX &&
	       pool_add(l) == 0)
		continue;
}

/* What waits behind a stuck launcher goes to those that are not. */
static void take_over(struct launchers *l) REACTOR_ONLY
{
	struct plan *plan;

	for (unsigned i = 0; i < l->places; i++) {
		struct launcher *launcher = &l->launcher[i];

		while (is_stuck(launcher) && policy_has_room(l) &&
		       (plan = queue_take(&launcher->own_queue)))
			pool_put(l, plan);
	}
}

/* Its end kills nobody.  It may be stuck. */
static bool may_retire(const struct launcher *launcher)
{
	return launcher->running && !launcher->retiring && !launcher->binds;
}

static struct launcher *pick_idle(struct launchers *l) REACTOR_ONLY
{
	for (unsigned i = l->places; i-- > 0;) {
		struct launcher *launcher = &l->launcher[i];

		if (policy_takes(launcher) && may_retire(launcher) &&
		    !plan_in_hand(launcher))
			return launcher;
	}
	return NULL;
}

static bool has_too_many(struct launchers *l) REACTOR_ONLY
{
	for (unsigned i = 0; l->alive > l->count && i < l->places; i++)
		if (may_retire(&l->launcher[i]))
			return true;
	return false;
}

/* It ends when its queue is empty, and is joined by a later look. */
static void retire_one(struct launchers *l) REACTOR_ONLY
{
	struct launcher *launcher = pick_idle(l);

	if (!launcher)
		return;
	l->alive--;
	launcher->retiring = true;
	if (atomic_exchange(&launcher->asleep, 0))
		sys_futex_wake((uint32_t *)&launcher->asleep, 1);
}

/* It took a plan meanwhile that makes it stay. */
static void keep_binding(struct launchers *l) REACTOR_ONLY
{
	for (unsigned i = 0; i < l->places; i++) {
		struct launcher *launcher = &l->launcher[i];

		if (!launcher->running || !launcher->retiring || !launcher->binds)
			continue;
		launcher->retiring = false;
		l->alive++;
	}
}

static void join_gone(struct launchers *l) REACTOR_ONLY
{
	for (unsigned i = 0; i < l->places; i++)
		if (l->launcher[i].running && atomic_load(&l->launcher[i].gone))
			pool_join(&l->launcher[i]);
}

static bool has_retiring(struct launchers *l) REACTOR_ONLY
{
	for (unsigned i = 0; i < l->places; i++)
		if (l->launcher[i].running && l->launcher[i].retiring)
			return true;
	return false;
}

/* ---- the timer ----------------------------------------------------------- */

/* Later than now in any case: a turn runs all timers that are due. */
static void arm(struct launchers *l) REACTOR_ONLY
{
	timer_arm(l->reactor, &l->watch,
		  clock_after(reactor_now_ns(l->reactor), l->stuck_ns / 2 + 1));
}

static bool is_needed(struct launchers *l) REACTOR_ONLY
{
	return policy_waiting(l) > 0 || l->alive < l->count || has_too_many(l) ||
	       has_retiring(l);
}

static void on_watch(struct timer *timer) REACTOR_ONLY
{
	struct launchers *l = container_of(timer, struct launchers, watch);
	unsigned stuck;

	keep_binding(l);
	join_gone(l);
	if (policy_waiting(l) > 0)
		mark_stuck(l);
	stuck = count_stuck(l);
	if (policy_waiting(l) > 0)
		stand_in(l, stuck);
	take_over(l);
	if (l->alive > l->count + stuck)
		retire_one(l);
	if (is_needed(l))
		arm(l);
}

void watch_init(struct launchers *l, uint64_t stuck_ns)
{
	l->stuck_ns = stuck_ns ? stuck_ns : STUCK_NS_DEFAULT;
	l->watch.on_fire = on_watch;
}

/* A reactor without work is not to be woken for nothing. */
void launchers_returned(struct launchers *l)
{
	l->out--;
	if (l->watch.node.linked && !is_needed(l))
		timer_cancel(l->reactor, &l->watch);
}

void watch_start(struct launchers *l)
{
	if (!l->watch.node.linked)
		arm(l);
}
