/*
 * What a client is told: events of a process as frames, and back.
 *
 * Encoding an OUTPUT writes its header only: the bytes are sent from where they
 * are.  Decoding borrows from the frame's payload.
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "wire/frame.h"

struct buf;

/*
 * Append the frame of @event for @job to @out; of an OUTPUT only the header,
 * whose payload the caller sends next.  The descriptors of a STARTED are the
 * caller's to send, the pidfd first and the others in their order.  Returns 0,
 * -ENOMEM or -EMSGSIZE.
 */
int reply_encode(const struct usp_event *event, uint32_t job, struct buf *out);

#define REPLY_PATH_BYTES                                                                 \
	4096		     /* of a failed path, its NUL included: what is more is cut */
#define REPLY_HOLDERS_MAX 16 /* of an end: those beyond are left out */

/* Room for what a decoded event points to. */
struct reply_room {
	union {
		char path[REPLY_PATH_BYTES]; /* of FAILED */
		struct {		     /* of STARTED */
			/* A stream for each descriptor of the frame, or USP_WIRE_PIDFD. */
			uint16_t given[USP_WIRE_FDS_MAX];
			struct usp_given_fd fds[USP_WIRE_FDS_MAX];
			bool has_pidfd;
		};
		struct { /* of END */
			struct usp_stream_total streams[USP_FDS_MAX];
			struct usp_holder holders[REPLY_HOLDERS_MAX];
			struct usp_rusage rusage;
			struct usp_cgroup_usage cgroup;
		};
	};
};

/*
 * Read an event of a process from @frame.  A STDIN_WINDOW becomes
 * USP_EVENT_WINDOW; with its flag set, of 0 bytes.  Of a STARTED with descriptors
 * the numbers are still -1: see reply_place().
 *
 * @param room  holds what @ret_event points to, beside the payload
 * @return 0, or -EINVAL: malformed; -ENOTSUP: not a frame of a process
 */
int reply_decode(const struct frame *frame, struct reply_room *room,
		 struct usp_event *ret_event);

/* Put the descriptors that came with a decoded STARTED, as many as @frame counts, in
 * their places in @event. */
void reply_place(const int *descriptors, const struct frame *frame,
		 struct reply_room *room, struct usp_event *event);

/* Append an ERROR frame: the connection ends for this reason.  As reply_encode(). */
int reply_encode_error(int error, const char *sentence, struct buf *out);

#endif
