/*
 * The signals of `uringspawn run`: which are caught for the child, which the
 * keyboard sends to it anyway, and which the caller ignores and so does the child.
 */
#ifndef CLI_RUN_SIGNALS_H
#define CLI_RUN_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

struct run_signals {
	int fd;		  /* readable when one came */
	uint64_t ignored; /* bit n-1: the caller ignores signal n */
	bool keyboard;	  /* the child is in our process group, on our terminal */
};

/* Block what is to be caught.  To be called before any thread is made.
 * Returns 0 or -errno. */
int run_signals_open(bool keyboard, struct run_signals *ret_signals);
void run_signals_close(struct run_signals *signals);

/* The next signal that the child must be sent, or 0 when there is none. */
int run_signals_next(struct run_signals *signals);

#endif
