/*
 * A client's program on a connection to a fake daemon: it asks, and writes down what
 * it is told.  That nothing is told after the end is checked at each event.
 */
#ifndef SUPPORT_CLIENT_H
#define SUPPORT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/client.h>

#include "support/fake_daemon.h"

/* What was told of a process, as words: "started:42 output:1:hi eof:1 exit:0 end:exited". */
struct told {
	struct fake *fake;
	struct usp_process *process;
	char words[1024];
	bool ended;
	size_t bytes; /* of output */
	void (*then)(struct told *told, const struct usp_event *event);
};

/* Its user is a struct told. */
void on_event(struct usp_process *process, const struct usp_event *event, void *user);

/* What is asked for when the options name nothing. */
extern const char *const argv_true[];

/* Returns what usp_client_spawn() does. */
int ask_with(struct fake *fake, struct told *told, struct usp_options options);

/* Ask, send, and give the job's number. */
uint32_t ask(struct fake *fake, struct told *told, struct usp_options options);

int turn(struct fake *fake);

/* Exactly these words were told. */
void expect(const struct told *told, const char *words);

/* Say all of a job's events, and the words that tell them. */
void say_a_life(struct fake *fake, uint32_t job);
extern const char a_life[];

#endif
