/*
 * One process of a session: asked for, fed, reported.
 */
#ifndef DAEMON_JOB_H
#define DAEMON_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"
#include "base/list.h"
#include "daemon/held.h"

struct frame;
struct session;

struct job {
	struct list link; /* session.jobs */
	struct session *session;
	struct usp_process *process;
	size_t request_bytes;
	struct held stdin_held; /* taken from the client, and not yet by the process */
	unsigned given;		/* descriptors that it is to be given, and was not yet */
	uint32_t id;		/* the client's */
	struct list listed;	/* daemon.listed */
	uint32_t number;	/* the daemon's own; 0: it has no process */
	bool run;		/* its frames may wait a little for each other */
	enum usp_gone gone;	/* what happens when its client is */
	bool unstarted;		/* counted in session.unstarted */
	bool started;
	bool released; /* left to itself by its client */
	bool left; /* it runs, too: counted in daemon.released, and nobody's concern */
	bool given_up; /* whether it ends by itself is nobody's question any more */
};

/*
 * Start what a SPAWN or RUN asks for; takes the descriptors of @frame.  What cannot be
 * started is answered by FAILED and END.
 */
void job_start(struct session *s, const struct frame *frame, const int *fds) REACTOR_ONLY;

/* The same for each entry of a BATCH; one that is no list ends the session. */
void job_start_batch(struct session *s, const struct frame *frame,
		     const int *fds) REACTOR_ONLY;

/* The session's job with this id, or NULL. */
struct job *job_find(const struct session *s, uint32_t id);

/* Bytes for @stream, as usp_process_write_stream(). */
int job_write(struct job *job, int stream, const void *data, size_t size) REACTOR_ONLY;

/* Give @stream up, if it has it, with all that was held for it. */
void job_drop(struct job *job, int stream) REACTOR_ONLY;

/* For all jobs of a session. */
/* The client is gone: by its kill plan, or unheard, as each was asked for. */
void job_abandon_all(struct session *s) REACTOR_ONLY;
void job_end_all(struct session *s) REACTOR_ONLY; /* by their kill plans */
void job_cut_all(struct session *s) REACTOR_ONLY; /* at once */
void job_pause_all(struct session *s, bool pause) REACTOR_ONLY;

#endif
