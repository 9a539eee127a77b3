/*
 * How many processes at once, whose turn it is, who is refused.
 */
#include "engine/admission.h"

#include <assert.h>
#include <errno.h>
#include "base/clock.h"

void admission_init(struct admission *a, struct reactor *r, struct launchers *l,
		    const struct admission_limits *limits)
{
	*a = (struct admission){ .reactor = r, .launchers = l, .limits = *limits };
	list_init(&a->round);
	list_init(&a->held);
}

/* ---- the round ----------------------------------------------------------- */

static void begin_turn(struct admission *a, struct admission_owner *o) REACTOR_ONLY
{
	list_remove(&o->link);
	list_append(&a->round, &o->link);
	o->turn_left = a->limits.turn_launches;
}

/* Put @o where it belongs, after anything that may have changed that. */
static void settle(struct admission *a, struct admission_owner *o) REACTOR_ONLY
{
	struct list *place = &a->round;

	if (list_empty(&o->waiting))
		place = NULL;
	else if (o->running >= a->limits.owner_running_max)
		place = &a->held;
	if (o->stands == place)
		return;
	if (o->stands == &a->round)
		a->in_round--;
	list_remove(&o->link);
	o->stands = place;
	if (place == &a->round) {
		a->in_round++;
		begin_turn(a, o);
	} else if (place) {
		list_append(place, &o->link);
	}
}

/* One launch of its turn is done: the next is its own, or another owner's. */
static void took_turn(struct admission *a, struct admission_owner *o) REACTOR_ONLY
{
	o->turn_left--;
	settle(a, o);
	if (o->stands == &a->round && o->turn_left == 0)
		begin_turn(a, o);
}

/* ---- in and out ---------------------------------------------------------- */

/* Descriptors that were passed for @p: open as long as it waits. */
static unsigned passed_descriptors(const struct process *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->spec->n_fds; i++)
		n += p->spec->fds[i].kind == USP_STDIO_FD;
	return n;
}

/* The limit that stands against one more, or LIMITS. */
static enum admission_limit limit_reached(const struct admission *a,
					  const struct process *p)
{
	const struct admission_limits *limits = &a->limits;

	if (process_slots(p) > limits->slots_max)
		return LIMIT_DESCRIPTORS;
	if (a->queued >= limits->queued_max)
		return LIMIT_QUEUED;
	if (p->admission->queued >= limits->owner_queued_max)
		return LIMIT_OWNER_QUEUED;
	if (a->descriptors + passed_descriptors(p) > limits->descriptors_max)
		return LIMIT_DESCRIPTORS;
	return LIMITS;
}

static void refuse(struct process *p, const struct usp_failure *failure) REACTOR_ONLY
{
	process_refuse(p, failure->stage, failure->error, failure->path);
	p->failure.retry_ms = failure->retry_ms;
}

void admission_enter(struct admission *a, struct process *p)
{
	enum admission_limit limit = limit_reached(a, p);
	struct usp_failure failure;

	if (limit != LIMITS) {
		failure = admission_refusal(a, limit);
		/* Waiting would not help one that needs more than there are. */
		if (process_slots(p) > a->limits.slots_max) {
			failure.error = EMFILE;
			failure.retry_ms = 0;
		}
		refuse(p, &failure);
		return;
	}
	a->queued++;
	p->admission->queued++;
	a->descriptors += passed_descriptors(p);
	list_append(&p->admission->waiting, &p->queue_link);
	settle(a, p->admission);
	admission_pump(a);
	if (!list_empty(&p->queue_link))
		begin_park(p);
}

static bool may_run(const struct admission *a, const struct process *p) REACTOR_ONLY
{
	return a->running < a->limits.running_max && launchers_have_room(a->launchers) &&
	       reactor_slots_free(a->reactor) >= process_slots(p);
}

static void leave_queue(struct admission *a, struct process *p) REACTOR_ONLY
{
	list_remove(&p->queue_link);
	a->queued--;
	p->admission->queued--;
	a->descriptors -= passed_descriptors(p);
}

static void let_in(struct admission *a, struct process *p) REACTOR_ONLY
{
	leave_queue(a, p);
	if (a->running++ == 0)
		a->progress_ns = reactor_now_ns(a->reactor);
	p->admission->running++;
	took_turn(a, p->admission);
	process_launch(p);
}

void admission_pump(struct admission *a)
{
	struct list *first;

	while ((first = list_first(&a->round))) {
		const struct admission_owner *o =
			container_of(first, struct admission_owner, link);
		struct process *p =
			container_of(list_first(&o->waiting), struct process, queue_link);

		if (!may_run(a, p))
			return;
		let_in(a, p);
	}
}

void admission_left(struct admission *a, struct process *p)
{
	if (list_empty(&p->queue_link))
		return;
	leave_queue(a, p);
	settle(a, p->admission);
}

/* How long no place has become free while some were taken. */
static uint64_t since_progress_ns(const struct admission *a)
{
	uint64_t now_ns = reactor_now_ns(a->reactor);

	return now_ns > a->progress_ns ? now_ns - a->progress_ns : 0;
}

void admission_freed(struct admission *a, struct process *p)
{
	uint64_t last_ns = since_progress_ns(a);

	assert(a->running > 0 && p->admission->running > 0);
	a->interval_ns = a->interval_ns
				 ? a->interval_ns - a->interval_ns / 8 + last_ns / 8
				 : last_ns;
	a->progress_ns = reactor_now_ns(a->reactor);
	a->running--;
	p->admission->running--;
	settle(a, p->admission);
}

/* ---- limits -------------------------------------------------------------- */

void admission_set_limits(struct admission *a, const struct admission_limits *limits)
{
	a->limits = *limits;
	list_each(link, next, &a->round)
		settle(a, container_of(link, struct admission_owner, link));
	list_each(link, next, &a->held)
		settle(a, container_of(link, struct admission_owner, link));
}

static uint32_t retry_ms(const struct admission *a)
{
	uint64_t since_ns = a->running ? since_progress_ns(a) : 0;
	uint64_t interval_ns = a->interval_ns > since_ns ? a->interval_ns : since_ns;
	uint64_t ms;

	if (interval_ns > RETRY_MS_MAX * NS_PER_MS)
		return RETRY_MS_MAX;
	ms = interval_ns * (a->in_round ? a->in_round : 1) / NS_PER_MS;
	if (ms < RETRY_MS_MIN)
		return RETRY_MS_MIN;
	return ms > RETRY_MS_MAX ? RETRY_MS_MAX : (uint32_t)ms;
}

struct usp_failure admission_refusal(struct admission *a, enum admission_limit limit)
{
	a->refused[limit]++;
	return (struct usp_failure){
		.stage = USP_STAGE_ADMISSION,
		.error = EAGAIN,
		.path = a->limits.names[limit],
		.retry_ms = retry_ms(a),
	};
}
