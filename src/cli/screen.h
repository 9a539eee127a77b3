/*
 * What a daemon lists, on the whole terminal, over and over: for `uringspawn top` and
 * `uringspawn pool top`, which draw it.
 */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "cli/jobs.h"
#include "cli/terminal.h"

struct screen {
	/* Set before screen_run(). */
	const char *command; /* "top" */
	const char *instead; /* what there is for a script */
	const char *usage;
	enum jobs_what what;
	const char *keys; /* the last line */
	/* Draw what is listed, in @rows lines that end with SCREEN_EOL. */
	void (*draw)(const struct screen *screen, FILE *to, int rows, int columns);
	/* A key that is not q; NULL: there are none. */
	void (*press)(struct screen *screen, char key);

	/* For who draws. */
	const char *socket; /* NULL: the default one */
	json_t *items;	    /* the last answer, and the one before; or NULL */
	json_t *before;
	double seconds; /* between the two */

	/* screen.c's own. */
	uint64_t interval_ns, answered_ns;
	struct usp_client *client;
	struct terminal terminal;
	int signal_fd, timer_fd;
	struct jobs_question question;
};

#define SCREEN_EOL "\033[K\r\n"

/* Take the options, and show it until a key or a signal ends it.  Returns the exit code. */
int screen_run(struct screen *screen, int argc, char **argv);

#endif
