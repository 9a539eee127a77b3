/*
 * A visit: what is done to the file in a slot by a call that wants an ordinary
 * descriptor.  One exists for that moment.
 */
#ifndef PROCESS_VISIT_H
#define PROCESS_VISIT_H

#include <stdbool.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct visit;

/* Does it; borrows @fd. */
typedef void visit_fn(struct visit *v, int fd);

struct visit {
	struct op install;
	struct timer retry; /* there was no descriptor to be had */
	struct reactor *reactor;
	visit_fn *run;
	int slot;    /* borrowed; -1: not there yet, or not any more */
	bool wanted; /* and not yet done */
};

void visit_init(struct visit *v, struct reactor *r, struct owner *owner, visit_fn *run);

/* The file is there, in @slot. */
void visit_open(struct visit *v, int slot) REACTOR_ONLY;

/* Have it run, soon, and once for all that was wanted until then. */
void visit_want(struct visit *v) REACTOR_ONLY;

/* The file is about to go. */
void visit_stop(struct visit *v) REACTOR_ONLY;

#endif
