/*
 * The janitor: one thread for what may take long and is not in a hurry, so that
 * neither the reactor nor a launcher waits for it: walks of /proc, directories of
 * control groups made and removed, files of statistics.
 *
 * The thread is started by the first errand: an engine that has none for it never has
 * that thread.
 */
#ifndef LAUNCH_JANITOR_H
#define LAUNCH_JANITOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct errand;

/* Runs in the janitor's thread, and says what errand_done_fn is told. */
typedef int errand_fn(struct errand *errand);

/* The errand is over, and may be posted again. */
typedef void errand_done_fn(struct errand *errand, int res);

/*
 * Something to be done, embedded in the object it serves.  From janitor_post() until
 * on_done it, and whatever of the object @run works on, is the janitor's; the object
 * stays put meanwhile, since an operation of its owner is armed.
 */
struct errand {
	struct op op;
	errand_fn *run;
	errand_done_fn *on_done;
	_Atomic bool out;    /* with the janitor */
	struct errand *next; /* posted before this one */
};

void errand_init(struct errand *errand, struct owner *owner, errand_fn *run,
		 errand_done_fn *on_done);

static inline bool errand_is_out(const struct errand *errand)
{
	return op_armed(&errand->op);
}

struct janitor;

/* Makes no thread yet.  Returns 0 or -ENOMEM. */
int janitor_open(struct reactor *r, struct janitor **ret_janitor);

/* End and join the thread.  No errand may be out.  NULL is fine. */
void janitor_close(struct janitor *j);

/*
 * Have @errand run, after those that were posted before it.  It must not be out, so
 * there are never more of them than objects that have one.
 *
 * Returns 0, or why there is no thread: -EAGAIN, -ENOMEM, -EMFILE.  Once there is one
 * this does not fail.
 */
int janitor_post(struct janitor *j, struct errand *errand) REACTOR_ONLY;

#endif
