/*
 * Pools of receive buffers that the kernel picks from, and what came beside the bytes
 * that were received: descriptors, and who sent them.
 */
#include "reactor/backend.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include "base/alloc.h"
#include "sys/fd.h"
#include "sys/map.h"

/* Pages that nothing touched cost nothing: a pool costs what was used of it. */
int pool_init(struct pool *pool, unsigned count, size_t buffer_bytes)
{
	pool->buffers = mem_zalloc(count * sizeof(*pool->buffers));
	pool->memory = sys_map(count * buffer_bytes);
	pool->count = pool->free = count;
	pool->buffer_bytes = buffer_bytes;
	if (!pool->buffers || !pool->memory)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		pool->buffers[i] = (struct buffer){
			.pool = pool,
			.id = (uint16_t)i,
			.base = pool->memory + i * buffer_bytes,
		};
	return 0;
}

void pool_done(struct pool *pool)
{
	sys_unmap(pool->memory, pool->count * pool->buffer_bytes);
	mem_free(pool->buffers);
}

void *buffer_bytes(struct buffer *buffer)
{
	return buffer->payload;
}

void buffer_keep(struct buffer *buffer)
{
	assert(!buffer->kept);
	buffer->kept = true;
}

static struct msghdr control_of(const struct buffer *buffer)
{
	return (struct msghdr){
		.msg_control = buffer->control,
		.msg_controllen = buffer->control_bytes,
	};
}

bool buffer_sender(const struct buffer *buffer, struct ucred *ret_sender)
{
	struct msghdr message = control_of(buffer);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c;
	     c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(ret_sender, CMSG_DATA(c), sizeof(*ret_sender));
		return true;
	}
	return false;
}

/* The descriptors in @buffer's control messages; nothing is left in them then. */
static unsigned take_fds(struct buffer *buffer, int *ret_fds, unsigned max)
{
	struct msghdr message = control_of(buffer);
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c;
	     c = CMSG_NXTHDR(&message, c)) {
		const int *fds = (const int *)CMSG_DATA(c);
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++)
			if (n < max)
				ret_fds[n++] = fds[i];
			else
				sys_close(fds[i]);
	}
	buffer->control_bytes = 0;
	return n;
}

int buffer_fds(struct buffer *buffer, int *ret_fds, unsigned max)
{
	if (buffer->truncated) {
		take_fds(buffer, NULL, 0);
		return -EMSGSIZE;
	}
	return (int)take_fds(buffer, ret_fds, max);
}

void buffer_give_back(struct reactor *r, struct buffer *buffer)
{
	struct pool *pool = buffer->pool;

	if (buffer->control_bytes)
		take_fds(buffer, NULL, 0);
	buffer->kept = false;
	pool->free++;
	r->backend->buffer_give_back(r, buffer);
}

unsigned reactor_read_buffers_free(const struct reactor *r)
{
	return r->read_pool.free;
}
