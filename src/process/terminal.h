/*
 * The size of the child's terminal.
 *
 * The side that commands a terminal lives in a slot, and its size is set through an
 * ordinary descriptor: one exists for that moment.
 */
#ifndef PROCESS_TERMINAL_H
#define PROCESS_TERMINAL_H

#include <stdbool.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct terminal {
	struct op install;
	struct timer retry;
	struct reactor *reactor;
	int slot; /* borrowed; -1: not there yet, or not any more */
	bool changed;
	struct usp_winsize size; /* to be set when @changed */
};

void terminal_init(struct terminal *t, struct reactor *r, struct owner *owner);

/* It is there, in @slot. */
void terminal_open(struct terminal *t, int slot) REACTOR_ONLY;

/* Soon, and as soon as it is there. */
void terminal_resize(struct terminal *t, const struct usp_winsize *size) REACTOR_ONLY;

/* It is about to go. */
void terminal_stop(struct terminal *t) REACTOR_ONLY;

#endif
