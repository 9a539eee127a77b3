/*
 * The caller's own descriptors, for a program that is not on them: its output is copied
 * to them; and what is typed here, or stdin has, to the terminal or the stream that it
 * reads.
 */
#ifndef CLI_RUN_RELAY_H
#define CLI_RUN_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "cli/terminal.h"

/* What becomes of the end of stdin. */
enum run_relay_end {
	RUN_RELAY_KEY = 0, /* the key for it is typed */
	RUN_RELAY_CLOSE,   /* the stream ends */
	RUN_RELAY_NEWLINE, /* the last line does, if it has not */
};

struct run_relay {
	int stream; /* of the program's, which it goes to */
	enum run_relay_end at_end;
	uint64_t lines;		  /* that were read */
	char last;		  /* byte of them */
	struct terminal terminal; /* the caller's passes every key on */
	char typed[4096];	  /* read, and not yet written to the program */
	size_t n_typed;
	bool eof; /* nothing more is typed */
};

/*
 * Let the caller's terminal, if there is one, pass every key on, until run_relay_close()
 * or until a signal ends this process: then it is as before.  Returns 0 or -errno.
 */
int run_relay_open(struct run_relay *relay);
void run_relay_close(struct run_relay *relay);

/* The size of the caller's terminal; zeros: it has none. */
struct usp_winsize run_relay_size(void);

/* Copy to stdout or stderr.  Returns 0 or -errno. */
int run_relay_output(const struct usp_output *output);

/* May more be typed now? */
static inline bool run_relay_reads(const struct run_relay *relay)
{
	return !relay->eof && relay->n_typed == 0;
}

/* Something is typed: read it, and give it to @process. */
void run_relay_read(struct run_relay *relay, struct usp_process *process);

/* There is room for what was typed. */
void run_relay_feed(struct run_relay *relay, struct usp_process *process);

#endif
