/*
 * A growable byte buffer with a hard maximum.
 *
 * Bytes are appended at the end and consumed from the front.  A zeroed struct
 * with @max set is an empty buffer.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *bytes;	 /* NULL until something is appended */
	size_t start;	 /* consumed so far */
	size_t end;	 /* bytes[start..end) is the content */
	size_t capacity; /* allocated */
	size_t max;	 /* the content never grows past this */
};

static inline size_t buf_size(const struct buf *buf)
{
	return buf->end - buf->start;
}

static inline uint8_t *buf_bytes(const struct buf *buf)
{
	return buf->bytes + buf->start;
}

void buf_init(struct buf *buf, size_t max);
void buf_done(struct buf *buf); /* frees the bytes; the struct may be used again */

/*
 * Make room for @size more and give the place to write them; buf_grew() then
 * says how many were written.  Returns 0, -ENOMEM, or -EMSGSIZE past @max.
 */
int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_place);
void buf_grew(struct buf *buf, size_t size);

/* Copies @data to the end.  Returns as buf_reserve(). */
int buf_append(struct buf *buf, const void *data, size_t size);

/* Drop @size bytes from the front; an emptied buffer keeps its memory. */
void buf_consume(struct buf *buf, size_t size);

#endif
