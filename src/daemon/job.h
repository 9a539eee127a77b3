/*
 * One process of a session: asked for, fed, reported.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/annotate.h"
#include "base/list.h"

struct frame;
struct session;
struct usp_process;

struct job {
	struct list link; /* session.jobs */
	struct session *session;
	struct usp_process *process;
	size_t request_bytes;
	size_t stdin_bytes; /* taken from the client, and not yet by the process */
	uint32_t id;	    /* the client's */
	bool run;	    /* its frames may wait a little for each other */
};

/*
 * Start what a SPAWN or RUN asks for; takes the @n_fds descriptors.  What cannot be
 * started is answered by FAILED and END.
 */
void job_start(struct session *s, const struct frame *frame, int *fds,
	       unsigned n_fds) REACTOR_ONLY;

/* The session's job with this id, or NULL. */
struct job *job_find(const struct session *s, uint32_t id);

/* So much of its stdin was taken from the client, and not yet by the process. */
void job_holds_stdin(struct job *job, size_t bytes);

/* For all jobs of a session. */
void job_abandon_all(struct session *s) REACTOR_ONLY; /* the client is gone */
void job_end_all(struct session *s) REACTOR_ONLY;     /* by their kill plans */
void job_cut_all(struct session *s) REACTOR_ONLY;     /* at once */
void job_pause_all(struct session *s, bool pause) REACTOR_ONLY;

#endif
