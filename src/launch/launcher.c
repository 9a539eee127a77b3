/*
 * One launcher: a thread that blocks in clone3() so that the reactor does not.
 *
 * Dialect: launcher.  A launcher touches the plan that it was given and nothing
 * of the reactor's; it tells the outcome by its mailbox.
 *
 * A launcher without work looks for some a little while longer before it sleeps,
 * where there is another CPU to bring it: waking a thread costs more than that.
 */
#include "launch/launcher.h"

#include "base/clock.h"
#include "launch/launch.h"
#include "launch/pool.h"
#include "sys/futex.h"

/* ---- one plan ------------------------------------------------------------ */

/* From here on the plan is the reactor's. */
static void give_back(struct launcher *self, struct plan *plan, int ret) LAUNCHER_ONLY
{
	struct mailbox_files files;
	bool takes_files = ret == 0 && self->host >= 0;

	if (takes_files)
		own_table_take(plan, &files);
	atomic_store(&self->plan, NULL);
	atomic_store_explicit(&plan->out, false, memory_order_release);
	if (takes_files)
		mailbox_post_files(self->mailbox, &plan->done, ret, &files);
	else
		mailbox_post(self->mailbox, &plan->done, ret);
}

static void serve(struct launcher *self, struct plan *plan) LAUNCHER_ONLY
{
	bool large;
	int ret;

	plan->taken_ns = clock_now_ns();
	atomic_store(&self->plan, plan);
	if (self->all->tables == USP_TABLES_PRIVATE)
		own_table_enter(self);
	if (plan->spec->options.flags & USP_FLAG_BOUND)
		self->binds = true;
	plan->setup = &self->setup;
	ret = launch(plan, &(struct launch_place){ self->child_stack, CHILD_STACK_BYTES,
						   self->host });
	large = self->all->tables == USP_TABLES_AUTO && own_table_pays(plan);
	if (ret < 0) {
		if (!plan->signal)
			plan->error = -ret;
		plan_undo(plan, self->host);
	}
	plan_close_theirs(plan);
	give_back(self, plan, ret);
	if (large)
		own_table_enter(self);
}

/* What was sent and did not arrive is told of. */
static void look_back(struct launcher *self) LAUNCHER_ONLY
{
	if (self->host >= 0)
		mailbox_look(self->mailbox);
}

/* ---- the thread ---------------------------------------------------------- */

/* It may have been told so before it took a plan whose child that would kill. */
static bool is_to_end(const struct launcher *self) LAUNCHER_ONLY
{
	return self->all->closing || (self->retiring && !self->binds);
}

static struct plan *spin(struct launcher *self) LAUNCHER_ONLY
{
	struct launchers *l = self->all;
	struct plan *plan = queue_take(self->queue);
	uint64_t until;

	if (plan || !l->spin_ns)
		return plan;
	until = clock_now_ns() + l->spin_ns;
	atomic_fetch_add(&l->spinning, 1);
	do
		plan = queue_take(self->queue);
	while (!plan && clock_now_ns() < until && !is_to_end(self));
	atomic_fetch_sub(&l->spinning, 1);
	return plan;
}

struct launcher *launcher_asleep(struct launchers *l)
{
	for (unsigned i = 0; i < l->places; i++) {
		struct launcher *launcher = &l->launcher[i];

		if (atomic_load_explicit(&launcher->asleep, memory_order_relaxed) &&
		    atomic_exchange(&launcher->asleep, 0))
			return launcher;
	}
	return NULL;
}

static void rouse_one(struct launchers *l) LAUNCHER_ONLY
{
	struct launcher *sleeper = launcher_asleep(l);

	if (sleeper)
		sys_futex_wake((uint32_t *)&sleeper->asleep, 1);
}

/*
 * The next plan, or NULL when there will be none.
 *
 * "Asleep" is said before the queue is looked at for the last time, and the
 * reactor puts before it looks who is asleep: one of the two sees the other.
 */
static struct plan *next_plan(struct launcher *self) LAUNCHER_ONLY
{
	struct plan *plan;

	while (!(plan = spin(self)) && !is_to_end(self)) {
		atomic_store(&self->asleep, 1);
		plan = queue_take(self->queue);
		if (plan || is_to_end(self))
			break;
		while (atomic_load(&self->asleep) == 1) {
			sys_futex_wait((uint32_t *)&self->asleep, 1);
			look_back(self);
		}
	}
	atomic_store(&self->asleep, 0);
	/* It may have been put there before the word to end, and after the last look. */
	if (!plan)
		plan = queue_take(self->queue);
	look_back(self);
	/* The reactor may have counted on this launcher for more than it took. */
	if (plan && queue_length(self->queue) > 0 && self->queue == &self->all->queue)
		rouse_one(self->all);
	return plan;
}

void *launcher_main(void *arg)
{
	struct launcher *self = arg;
	struct plan *plan;

	enter_launcher();
	while ((plan = next_plan(self)))
		serve(self, plan);
	own_table_leave(self);
	atomic_store(&self->gone, true);
	return NULL;
}
