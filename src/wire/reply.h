/*
 * What a client is told: events of a process as frames, and back.
 *
 * Encoding an OUTPUT writes its header only: the bytes are sent from where they
 * are.  Decoding borrows from the frame's payload.
 */
#ifndef WIRE_REPLY_H
#define WIRE_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <uringspawn/spawn.h>
#include "wire/frame.h"

struct buf;

/*
 * Append the frame of @event for @job to @out; of an OUTPUT only the header,
 * whose payload the caller sends next.  Returns 0, -ENOMEM or -EMSGSIZE.
 */
int reply_encode(const struct usp_event *event, uint32_t job, struct buf *out);

/* Room for the path of a decoded FAILED, which needs its NUL. */
struct reply_text {
	char bytes[4096];
};

/*
 * Read an event of a process from @frame.  A STDIN_WINDOW becomes
 * USP_EVENT_WINDOW; with its flag set, of 0 bytes.
 *
 * @param text  holds the failed path, cut at its size
 * @return 0, or -EINVAL: malformed; -ENOTSUP: not a frame of a process
 */
int reply_decode(const struct frame *frame, struct reply_text *text,
		 struct usp_event *ret_event);

/* Append an ERROR frame: the connection ends for this reason.  As reply_encode(). */
int reply_encode_error(int error, const char *sentence, struct buf *out);

#endif
