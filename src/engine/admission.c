/*
 * How many processes at once, who waits, who is refused.
 */
#include "engine/admission.h"

#include <assert.h>
#include <errno.h>

void admission_init(struct admission *a, struct reactor *r, struct launchers *l,
		    unsigned running_max, unsigned queued_max)
{
	*a = (struct admission){
		.reactor = r,
		.launchers = l,
		.running_max = running_max,
		.queued_max = queued_max,
	};
	list_init(&a->waiting);
}

void admission_enter(struct admission *a, struct process *p)
{
	if (a->queued >= a->queued_max) {
		process_refuse(p, USP_STAGE_ADMISSION, EAGAIN, "queued");
		return;
	}
	a->queued++;
	list_append(&a->waiting, &p->queue_link);
	admission_pump(a);
}

static bool may_run(const struct admission *a, const struct process *p) REACTOR_ONLY
{
	return a->running < a->running_max && launchers_have_room(a->launchers) &&
	       reactor_slots_free(a->reactor) >= process_slots(p);
}

void admission_pump(struct admission *a)
{
	struct list *first;

	while ((first = list_first(&a->waiting))) {
		struct process *p = container_of(first, struct process, queue_link);
		int ret;

		if (!may_run(a, p))
			return;
		admission_left(a, p);
		a->running++;
		process_launch(p);
		ret = launchers_post(a->launchers, &p->plan);
		assert(ret == 0);
	}
}

void admission_left(struct admission *a, struct process *p)
{
	if (list_empty(&p->queue_link))
		return;
	list_remove(&p->queue_link);
	a->queued--;
}

void admission_freed(struct admission *a)
{
	assert(a->running > 0);
	a->running--;
}
