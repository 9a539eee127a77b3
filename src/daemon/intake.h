/*
 * What one client sent: whole frames out of the bytes as they arrive, and the
 * descriptors that came with them.
 *
 * A frame that arrived whole is read where it was received; only a frame that
 * arrived in pieces is put together in memory of the intake.
 */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "wire/frame.h"

/* Descriptors that wait for the frame that counts them. */
#define INTAKE_FDS_MAX 512

struct intake {
	struct buf partial; /* the beginning of a frame; no memory when empty */
	size_t given;	    /* of @partial: the frame that intake_next() gave last */
	struct buf fds;	    /* ints, in order of arrival; no memory when empty */
	uint32_t frame_max;
};

void intake_init(struct intake *in, uint32_t frame_max);
void intake_limit(struct intake *in, uint32_t frame_max); /* for the frames to come */
void intake_done(struct intake *in); /* closes what descriptors are left */

/*
 * The next whole frame of what was kept before and *@bytes, *@size, which move
 * past what was read.  Its payload is borrowed until the next call.
 *
 * Returns 1: a frame; 0: no more, the rest is kept; -EMSGSIZE: the next frame is
 * longer than frame_max, its header is in *ret_frame; -ENOMEM.
 */
int intake_next(struct intake *in, const uint8_t **bytes, size_t *size,
		struct frame *ret_frame);

/* Bytes kept of a frame whose end has not come, and of the one given last. */
static inline size_t intake_held(const struct intake *in)
{
	return buf_size(&in->partial);
}

/* Is there the beginning of a frame without its end? */
bool intake_partial(const struct intake *in);

/* Takes the descriptors.  Returns 0, -EMSGSIZE: more than INTAKE_FDS_MAX, or -ENOMEM. */
int intake_add_fds(struct intake *in, const int *fds, unsigned n);

/* Gives the @n descriptors that came first.  Returns 0, or -EBADF: there are fewer. */
int intake_take_fds(struct intake *in, unsigned n, int *ret_fds);

#endif
