/*
 * A growable byte buffer.  It moves its content to the front of its memory
 * before it asks for more, and doubles when it must, so that appending costs
 * constant time per byte.
 */
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"

#define BUF_FIRST_BYTES ((size_t)256)

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max };
}

void buf_done(struct buf *buf)
{
	mem_free(buf->bytes);
	buf_init(buf, buf->max);
}

/* The size to allocate for @needed bytes of content: doubled, but within @max. */
static size_t next_capacity(const struct buf *buf, size_t needed)
{
	size_t capacity = buf->capacity ? buf->capacity : BUF_FIRST_BYTES;

	while (capacity < needed)
		capacity = capacity > buf->max / 2 ? buf->max : capacity * 2;
	return capacity < buf->max ? capacity : buf->max;
}

static int grow(struct buf *buf, size_t needed)
{
	size_t capacity = next_capacity(buf, needed);
	uint8_t *bytes = mem_resize(buf->bytes, capacity > 0 ? capacity : 1);

	if (!bytes)
		return -ENOMEM;
	buf->bytes = bytes;
	buf->capacity = capacity;
	return 0;
}

static void move_to_front(struct buf *buf)
{
	size_t size = buf_size(buf);

	if (size > 0)
		memmove(buf->bytes, buf->bytes + buf->start, size);
	buf->start = 0;
	buf->end = size;
}

/*
 * Room at the end of @buf for content of @needed bytes.  Moving the content to
 * the front is paid for by the bytes consumed before it only while the content
 * fills no more than half, so a fuller buffer grows, as long as it may.
 */
static int make_room(struct buf *buf, size_t needed)
{
	size_t wanted = needed > buf->capacity / 2 ? buf->capacity + 1 : needed;
	int ret = 0;

	if (wanted > buf->max)
		wanted = buf->max;
	if (wanted < needed)
		wanted = needed;
	if (wanted > buf->capacity)
		ret = grow(buf, wanted);
	if (ret == 0)
		move_to_front(buf);
	return ret;
}

int buf_reserve(struct buf *buf, size_t size, uint8_t **ret_place)
{
	size_t content = buf_size(buf);
	int ret = 0;

	if (content > buf->max || size > buf->max - content)
		return -EMSGSIZE;
	if (!buf->bytes || size > buf->capacity - buf->end)
		ret = make_room(buf, content + size);
	if (ret < 0)
		return ret;
	*ret_place = buf->bytes + buf->end;
	return 0;
}

void buf_grew(struct buf *buf, size_t size)
{
	assert(size <= buf->capacity - buf->end);
	buf->end += size;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
	uint8_t *place;
	int ret = buf_reserve(buf, size, &place);

	if (ret < 0)
		return ret;
	if (size > 0)
		memcpy(place, data, size);
	buf_grew(buf, size);
	return 0;
}

void buf_consume(struct buf *buf, size_t size)
{
	assert(size <= buf_size(buf));
	buf->start += size;
	if (buf->start == buf->end)
		buf->start = buf->end = 0;
}
