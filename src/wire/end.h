/*
 * The payload of END: numbers that each end has, and fields.  Private to this folder.
 */
#ifndef WIRE_END_H
#define WIRE_END_H

#include "wire/reply.h"

/* Append the payload.  Returns 0, -ENOMEM or -EMSGSIZE, with some of it appended. */
int end_encode(const struct usp_end *end, struct buf *out);

/* Read it into @end, whose lists are in @room.  Returns 0 or -EINVAL. */
int end_decode(const uint8_t *payload, size_t size, struct reply_room *room,
	       struct usp_end *end);

#endif
