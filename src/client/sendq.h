/*
 * Frames that wait to leave, in order, and the descriptors that travel with some
 * of them.
 *
 * Everything that waits leaves in one message, up to the next frame that has
 * descriptors: those must arrive with its first byte, so it starts a message.
 */
#ifndef CLIENT_SENDQ_H
#define CLIENT_SENDQ_H

#include <stdbool.h>
#include "base/buf.h"
#include "base/list.h"
#include "wire/frame.h"

struct sendq {
	struct buf bytes;
	uint64_t sent;	     /* bytes that left since the start */
	struct list parcels; /* descriptors, in the order of their frames */
};

void sendq_init(struct sendq *sendq);
void sendq_done(struct sendq *sendq); /* drops what waits */

/*
 * Append @frame and its payload, which is copied.  Takes the frame's descriptors,
 * also when it fails.  Returns 0 or -ENOMEM.
 */
int sendq_put(struct sendq *sendq, const struct frame *frame, const int *fds);

/* Send what the socket takes without waiting.  Returns 0, or -EPIPE and its like. */
int sendq_send(struct sendq *sendq, int fd);

static inline bool sendq_empty(const struct sendq *sendq)
{
	return buf_size(&sendq->bytes) == 0;
}

#endif
