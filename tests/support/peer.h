/*
 * The other end of a daemon's socket, frame by frame: what a test sends is exactly
 * what it says, right or wrong.
 */
#ifndef SUPPORT_PEER_H
#define SUPPORT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "base/buf.h"
#include "wire/frame.h"
#include "wire/reply.h"
#include "wire/request.h"

struct peer {
	int fd;
	struct buf in;		/* received, not taken yet */
	size_t taken;		/* of @in: the frame given last */
	struct reply_room room; /* of the event given last */
};

/* Connect, and say nothing. */
void peer_connect(struct peer *peer, const char *socket);

/* The same on a connection that there is; takes it. */
void peer_wrap(struct peer *peer, int fd);

/* Connect, greet, and be greeted. */
void peer_open(struct peer *peer, const char *socket);

/* The latter, on a connection. */
void peer_greet(struct peer *peer);
void peer_close(struct peer *peer);

void peer_send(struct peer *peer, const void *bytes, size_t size);
void peer_send_frame(struct peer *peer, const struct frame *frame, const void *payload);
void peer_send_hello(struct peer *peer, const struct hello *hello);

/* A SPAWN, or with @run a RUN. */
void peer_spawn(struct peer *peer, uint32_t job, const struct request *request, bool run);

/* A request for a program with its arguments and the defaults. */
#define PEER_ARGV(packed_strings)                                                        \
	((struct request){ .argv = { packed_strings, sizeof(packed_strings) } })

/* The next frame, borrowed until the next call.  False: the daemon closed. */
bool peer_next(struct peer *peer, struct frame *ret_frame);

/* The next frame is of @type. */
struct frame peer_expect(struct peer *peer, enum usp_wire_type type);

/* The next frame tells an event of @job; borrowed as peer_next(). */
struct usp_event peer_event(struct peer *peer, uint32_t *ret_job);

/* Skip to the event of this kind of this job. */
struct usp_event peer_skip_to(struct peer *peer, uint32_t job, enum usp_event_kind kind);

/* Skip to an ERROR with this errno, whose sentence holds @part; then the daemon closes.
 */
void peer_expect_error(struct peer *peer, int error, const char *part);

/* FAILED with these, then END, and nothing else. */
void peer_expect_failed(struct peer *peer, uint32_t job, enum usp_stage stage, int error,
			const char *path);

/* A job runs from SPAWN to END with exit code 0: the daemon still serves. */
void peer_expect_service(struct peer *peer, uint32_t job);

/* The same on a connection of its own. */
void daemon_expect_service(const char *socket);

#endif
