/*
 * Signals to the daemon, received by the reactor.
 */
#ifndef DAEMON_SIGNALS_H
#define DAEMON_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

struct signals {
	struct owner owner;
	struct reactor *reactor;
	struct op readable;
	int fd; /* ordinary, to be read; its file is in the slot as well */
	int slot;
	bool stopped;
	bool closed;
	void (*on_signal)(struct signals *signals, int signal);
};

/*
 * Block the signals of a daemon, and set the dispositions that it needs.  Before any
 * thread is started: they inherit the mask.  Returns 0 or -errno.
 */
int signals_block(sigset_t *ret_set);

/* Have @on_signal called for each signal of @set that comes.  Returns 0 or -errno. */
int signals_open(struct signals *signals, struct reactor *reactor, const sigset_t *set,
		 void (*on_signal)(struct signals *signals, int signal)) REACTOR_ONLY;

/* No more of them; closed is true when that is done.  May be called again. */
void signals_stop(struct signals *signals) REACTOR_ONLY;

#endif
