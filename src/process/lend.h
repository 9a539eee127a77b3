/*
 * A running process that is lent to one use after the other: what belongs to a use
 * (windows, limits, the kill plan) holds from when it is lent until it is taken back.
 *
 * Its streams are those of @channel alone, or, with LEND_ALL, all of them.
 */
#ifndef PROCESS_LEND_H
#define PROCESS_LEND_H

#include "process/process.h"

#define LEND_ALL (-1)

/*
 * Before it is started: nothing is read of it until it is lent, so that what it writes
 * waits in its pipes; but the first byte of stream @ready, if that is not -1.
 */
void lend_hold(struct process *p, int ready) REACTOR_ONLY;

/*
 * Read what @channel brought so far, as its output, and then nothing until it is lent:
 * @on_cleared comes soon, unless its end of file does.
 * Returns false: the channel has ended.
 */
bool lend_clear(struct process *p, int channel,
		void (*on_cleared)(struct process *p)) REACTOR_ONLY;

/* From now on it is @use's: window, limits, kill plan and times are as that says, totals
 * begin at nothing.  @use is complete, as a spec's options are. */
void lend_out(struct process *p, const struct usp_options *use, int channel) REACTOR_ONLY;

/* It has none of that any more, @kill as its plan, and @channel is read as it comes. */
void lend_back(struct process *p, const struct usp_kill *kill, int channel) REACTOR_ONLY;

void lend_pause(struct process *p, bool pause, int channel) REACTOR_ONLY;

/* Both ways of @channel are open, and nobody has begun to make it end. */
bool lend_is_whole(const struct process *p, int channel);

/* Was @channel closed from here? */
bool lend_was_closed(const struct process *p, int channel);

/* The child has taken all that was written to @channel. */
bool lend_is_flushed(const struct process *p, int channel);

/* The end of all that is written to it. */
void lend_end_input(struct process *p) REACTOR_ONLY;

/* It is over with, or on its way there: its output is nobody's, and not waited for. */
bool lend_is_ending(const struct process *p);

#endif
