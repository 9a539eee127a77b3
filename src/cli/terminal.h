/*
 * The caller's terminal, taken for a while: it is as before when it is given back, and
 * when a signal ends this process.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

enum terminal_mode {
	TERMINAL_RAW,  /* it passes every key on, and changes nothing */
	TERMINAL_KEYS, /* each key is read at once and not shown; ^C and its like are
			  signals as before */
};

struct terminal {
	bool taken;
	struct termios before;
	const char *leave; /* written to stdout when it is given back */
};

/* The one of stdin; @leave is borrowed.  Nothing happens to one that is taken.  Returns 0
 * or -errno. */
int terminal_take(struct terminal *terminal, enum terminal_mode mode, const char *leave);
void terminal_give(struct terminal *terminal);

#endif
