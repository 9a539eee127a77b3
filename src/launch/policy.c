/*
 * Which launcher gets a plan.
 *
 * With one queue for all, whoever is free takes the next plan, and none waits behind a
 * launch that takes long while somebody is idle.  The other policies choose a launcher
 * when the plan comes; they are there so that the choice can be measured.
 */
#include "launch/pool.h"

/* One that is stuck, or on its way out, gets no more. */
bool policy_takes(const struct launcher *launcher)
{
	const struct plan *plan = atomic_load(&launcher->plan);

	return launcher->running && !launcher->retiring && !(plan && plan->stuck);
}

static bool has_room(struct launcher *launcher) REACTOR_ONLY
{
	return policy_takes(launcher) && queue_length(&launcher->own_queue) < QUEUE_SIZE;
}

/* The first that has room, from place @start on. */
static struct launcher *first_from(struct launchers *l, unsigned start) REACTOR_ONLY
{
	for (unsigned i = 0; i < l->places; i++) {
		struct launcher *launcher = &l->launcher[(start + i) % l->places];

		if (has_room(launcher))
			return launcher;
	}
	return NULL;
}

static struct launcher *next_in_turn(struct launchers *l) REACTOR_ONLY
{
	struct launcher *launcher = first_from(l, l->turn);

	if (launcher)
		l->turn = (unsigned)(launcher - l->launcher) + 1;
	return launcher;
}

static unsigned load_of(struct launcher *launcher)
{
	return queue_length(&launcher->own_queue) +
	       (atomic_load(&launcher->plan) != NULL);
}

/* Of equals the next in turn, so that the first is not everybody's choice. */
static struct launcher *least_loaded(struct launchers *l) REACTOR_ONLY
{
	struct launcher *best = next_in_turn(l);

	for (unsigned i = 0; best && i < l->places; i++) {
		struct launcher *launcher = &l->launcher[i];

		if (has_room(launcher) && load_of(launcher) < load_of(best))
			best = launcher;
	}
	return best;
}

/* xorshift32: all that is asked of it is that it favours none. */
static uint32_t next_random(struct launchers *l) REACTOR_ONLY
{
	l->random ^= l->random << 13;
	l->random ^= l->random >> 17;
	l->random ^= l->random << 5;
	return l->random;
}

/* Any of those that have room, each as likely as the others. */
static struct launcher *any(struct launchers *l) REACTOR_ONLY
{
	struct launcher *candidates[PLACES];
	unsigned n = 0;

	for (unsigned i = 0; i < l->places; i++)
		if (has_room(&l->launcher[i]))
			candidates[n++] = &l->launcher[i];
	return n ? candidates[next_random(l) % n] : NULL;
}

struct launcher *policy_pick(struct launchers *l)
{
	switch (l->policy) {
	case USP_POLICY_ROUND_ROBIN:
		return next_in_turn(l);
	case USP_POLICY_LEAST_LOADED:
		return least_loaded(l);
	case USP_POLICY_RANDOM:
		return any(l);
	default:
		return NULL;
	}
}

bool policy_has_room(struct launchers *l)
{
	return l->policy == USP_POLICY_SHARED ? queue_length(&l->queue) < QUEUE_SIZE
					      : first_from(l, 0) != NULL;
}

unsigned policy_waiting(struct launchers *l)
{
	unsigned n = queue_length(&l->queue);

	if (l->policy != USP_POLICY_SHARED)
		for (unsigned i = 0; i < l->places; i++)
			n += queue_length(&l->launcher[i].own_queue);
	return n;
}
