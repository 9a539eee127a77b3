/*
 * A client that does its worst: it asks for output and never reads it, talks garbage,
 * begins frames that do not end, and is gone as soon as it has asked for something.
 *
 * Nothing here waits or fails: what the daemon does not take is not sent.
 */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include <stdint.h>

#define HOSTILE_JOBS   8 /* of endless output, that are never read */
#define HOSTILE_HALVES 8 /* frames that have begun, at one time */

struct hostile {
	const char *socket;
	const char *flood, *sleeper; /* programs: endless output, endless patience */
	int mute;		     /* the connection that is never read */
	int halves[HOSTILE_HALVES];
	unsigned steps;
	uint32_t noise;
};

/* The names are borrowed until hostile_close(). */
void hostile_open(struct hostile *h, const char *socket, const char *flood,
		  const char *sleeper);

/* One more misdeed, each time another one. */
void hostile_step(struct hostile *h);

void hostile_close(struct hostile *h);

#endif
