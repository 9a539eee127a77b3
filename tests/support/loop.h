/*
 * A reactor with one owner, and operations that write down what they were told.
 */
#ifndef SUPPORT_LOOP_H
#define SUPPORT_LOOP_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdbool.h>
#include "base/buf.h"
#include "base/clock.h"
#include "reactor/reactor.h"

struct loop {
	struct reactor *reactor;
	struct owner owner;
	unsigned drained; /* times that @owner was told so */
};

/* NULL: 64 entries, 32 slots, 4 buffers of each kind. */
void loop_open(struct loop *loop, const struct reactor_options *options);

/* Close the owner, wait until it is drained, close the reactor. */
void loop_close(struct loop *loop);

/* A slot with the file of @fd, which is taken. */
int loop_slot(struct loop *loop, int fd);

/* A pipe with its reading, or writing, end in a slot; the other end is returned. */
int loop_pipe_in(struct loop *loop, int *ret_slot);
int loop_pipe_out(struct loop *loop, int *ret_slot);

/* One end in a slot, the other returned. */
int loop_socket(struct loop *loop, int *ret_slot);

/* Turn without waiting. */
void loop_turn(struct loop *loop);

/* Turn until @condition holds. */
#define loop_until(loop, condition)                                                      \
	do {                                                                             \
		while (!(condition))                                                     \
			cr_assert(eq(int, reactor_turn((loop)->reactor, true), 0));      \
	} while (0)

struct watched;

typedef void watched_fn(struct watched *watched, const struct completion *done);

struct watched {
	struct op op;
	struct loop *loop;
	watched_fn *also;
	unsigned calls, last; /* completions; those without more to come */
	int res;	      /* of the last completion */
	struct buf got;	      /* all that was received */
};

void watched_init(struct watched *watched, struct loop *loop);
void watched_done(struct watched *watched);

#endif
