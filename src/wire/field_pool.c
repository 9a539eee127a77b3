/*
 * The fields of a pool, and those of its uses.
 */
#include "wire/field.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"

#define KIND_FLAGS                                                                       \
	(USP_WIRE_POOL_REPLACE | USP_WIRE_POOL_PING_ON_USE | USP_WIRE_POOL_KEEP |        \
	 USP_WIRE_POOL_OUTPUTS)

/* Numbers of pool.h that travel as they are. */
_Static_assert(USP_POOL_STANDBY == 0 && USP_POOL_WORKER == 1, "frozen by the protocol");
_Static_assert(USP_POOL_ORDER_DEFAULT == 0 && USP_POOL_FIFO == 1 && USP_POOL_LIFO == 2,
	       "frozen by the protocol");

/* ---- what it is ------------------------------------------------------------------- */

static bool is_name(const char *bytes, size_t size)
{
	return size > 0 && size <= USP_POOL_NAME_MAX && !memchr(bytes, 0, size);
}

int read_pool_name(const struct field_kind *kind, const struct field *field,
		   struct request *request)
{
	(void)kind;
	request->pool_name = (struct text){ (const char *)field->bytes, field->size };
	return is_name(request->pool_name.bytes, field->size) ? 0 : -EINVAL;
}

int write_pool_name(const struct field_kind *kind, const struct request *request,
		    struct buf *out)
{
	const struct text *name = &request->pool_name;

	if (name->bytes && !is_name(name->bytes, name->size))
		return -EINVAL;
	return field_put_bytes(kind->tag, name->bytes, name->size, out);
}

int read_pool_kind(const struct field_kind *kind, const struct field *field,
		   struct request *request)
{
	struct usp_pool_options *pool = &request->pool;
	uint32_t which = load_u32(field->bytes), order = load_u32(field->bytes + 4);
	uint32_t flags = load_u32(field->bytes + 8);

	(void)kind;
	pool->kind = (enum usp_pool_kind)which;
	pool->order = (enum usp_pool_order)order;
	pool->replace = flags & USP_WIRE_POOL_REPLACE;
	pool->ping_on_use = flags & USP_WIRE_POOL_PING_ON_USE;
	pool->keep = flags & USP_WIRE_POOL_KEEP;
	request->pool_outputs = flags & USP_WIRE_POOL_OUTPUTS;
	return which > USP_POOL_WORKER || order > USP_POOL_LIFO || flags & ~KIND_FLAGS
		       ? -EINVAL
		       : 0;
}

int write_pool_kind(const struct field_kind *kind, const struct request *request,
		    struct buf *out)
{
	const struct usp_pool_options *pool = &request->pool;
	uint32_t flags = (pool->replace ? USP_WIRE_POOL_REPLACE : 0) |
			 (pool->ping_on_use ? USP_WIRE_POOL_PING_ON_USE : 0) |
			 (pool->keep ? USP_WIRE_POOL_KEEP : 0) |
			 (request->pool_outputs ? USP_WIRE_POOL_OUTPUTS : 0);
	uint8_t *at;
	int ret;

	if ((unsigned)pool->kind > USP_POOL_WORKER ||
	    (unsigned)pool->order > USP_POOL_LIFO)
		return -EINVAL;
	if (!pool->kind && !pool->order && !flags)
		return 0;
	ret = field_put(out, kind->tag, 12, &at);
	if (ret == 0)
		store_u32(store_u32(store_u32(at, pool->kind), pool->order), flags);
	return ret;
}

int read_pool_size(const struct field_kind *kind, const struct field *field,
		   struct request *request)
{
	struct usp_pool_options *pool = &request->pool;

	(void)kind;
	pool->min = load_u32(field->bytes);
	pool->max = load_u32(field->bytes + 4);
	pool->spare = load_u32(field->bytes + 8);
	pool->waiting_max = load_u32(field->bytes + 12);
	return 0;
}

int write_pool_size(const struct field_kind *kind, const struct request *request,
		    struct buf *out)
{
	const struct usp_pool_options *pool = &request->pool;
	uint8_t *at;
	int ret;

	if (!pool->min && !pool->max && !pool->spare && !pool->waiting_max)
		return 0;
	ret = field_put(out, kind->tag, 16, &at);
	if (ret < 0)
		return ret;
	at = store_u32(store_u32(at, pool->min), pool->max);
	store_u32(store_u32(at, pool->spare), pool->waiting_max);
	return 0;
}

int read_pool_limits(const struct field_kind *kind, const struct field *field,
		     struct request *request)
{
	struct usp_pool_options *pool = &request->pool;

	(void)kind;
	pool->idle_ns = load_u64(field->bytes);
	pool->max_age_ns = load_u64(field->bytes + 8);
	pool->max_rss_bytes = load_u64(field->bytes + 16);
	pool->max_uses = load_u32(field->bytes + 24);
	return load_u32(field->bytes + 28) ? -EINVAL : 0;
}

int write_pool_limits(const struct field_kind *kind, const struct request *request,
		      struct buf *out)
{
	const struct usp_pool_options *pool = &request->pool;
	uint8_t *at;
	int ret;

	if (!pool->idle_ns && !pool->max_age_ns && !pool->max_rss_bytes &&
	    !pool->max_uses)
		return 0;
	ret = field_put(out, kind->tag, 32, &at);
	if (ret < 0)
		return ret;
	at = store_u64(store_u64(at, pool->idle_ns), pool->max_age_ns);
	at = store_u64(at, pool->max_rss_bytes);
	store_u32(store_u32(at, pool->max_uses), 0);
	return 0;
}

/* ---- its streams, and what is said on them -------------------------------------- */

static bool is_stream(int64_t number)
{
	return number >= 0 && number <= USP_FD_TARGET_MAX;
}

int read_pool_ready(const struct field_kind *kind, const struct field *field,
		    struct request *request)
{
	uint32_t stream = load_u32(field->bytes);

	(void)kind;
	request->pool.ready_stream = (int)stream;
	request->pool.ready_timeout_ns = load_u64(field->bytes + 8);
	return !is_stream(stream) || load_u32(field->bytes + 4) ? -EINVAL : 0;
}

int write_pool_ready(const struct field_kind *kind, const struct request *request,
		     struct buf *out)
{
	const struct usp_pool_options *pool = &request->pool;
	uint8_t *at;
	int ret;

	if (!is_stream(pool->ready_stream))
		return -EINVAL;
	if (!pool->ready_stream && !pool->ready_timeout_ns)
		return 0;
	ret = field_put(out, kind->tag, 16, &at);
	if (ret == 0)
		store_u64(store_u32(store_u32(at, (uint32_t)pool->ready_stream), 0),
			  pool->ready_timeout_ns);
	return ret;
}

/* Stream 0 is no channel: it is what a program reads only. */
int read_pool_channel(const struct field_kind *kind, const struct field *field,
		      struct request *request)
{
	uint32_t stream = load_u32(field->bytes);

	(void)kind;
	request->pool.channel = (int)stream;
	return stream == 0 || !is_stream(stream) ? -EINVAL : 0;
}

int write_pool_channel(const struct field_kind *kind, const struct request *request,
		       struct buf *out)
{
	int stream = request->pool.channel;

	if (!is_stream(stream))
		return -EINVAL;
	return stream ? field_put_u32(kind->tag, (uint32_t)stream, out) : 0;
}

/* From the length of the ask on: @size bytes at @at. */
static int read_messages(const uint8_t *at, uint32_t size,
			 struct usp_pool_message *message)
{
	uint32_t ask_bytes = load_u32(at);

	if (ask_bytes == 0 || ask_bytes > size - 4 || ask_bytes > USP_POOL_MESSAGE_MAX)
		return -EINVAL;
	message->ask = at + 4;
	message->ask_bytes = ask_bytes;
	message->answer = at + 4 + ask_bytes;
	message->answer_bytes = size - 4 - ask_bytes;
	return message->answer_bytes > USP_POOL_MESSAGE_MAX ? -EINVAL : 0;
}

static bool messages_fit(const struct usp_pool_message *message)
{
	return message->ask && message->ask_bytes <= USP_POOL_MESSAGE_MAX &&
	       message->answer_bytes <= USP_POOL_MESSAGE_MAX &&
	       (message->answer || !message->answer_bytes);
}

static void store_messages(uint8_t *at, const struct usp_pool_message *message)
{
	at = store_u32(at, (uint32_t)message->ask_bytes);
	memcpy(at, message->ask, message->ask_bytes);
	if (message->answer_bytes)
		memcpy(at + message->ask_bytes, message->answer, message->answer_bytes);
}

int read_pool_reset(const struct field_kind *kind, const struct field *field,
		    struct request *request)
{
	(void)kind;
	request->pool.reset.timeout_ns = load_u64(field->bytes);
	return read_messages(field->bytes + 8, field->size - 8, &request->pool.reset);
}

int write_pool_reset(const struct field_kind *kind, const struct request *request,
		     struct buf *out)
{
	const struct usp_pool_message *reset = &request->pool.reset;
	uint8_t *at;
	int ret;

	if (!reset->ask_bytes)
		return 0;
	if (!messages_fit(reset))
		return -EINVAL;
	ret = field_put(out, kind->tag,
			RESET_BYTES + reset->ask_bytes + reset->answer_bytes, &at);
	if (ret == 0)
		store_messages(store_u64(at, reset->timeout_ns), reset);
	return ret;
}

int read_pool_ping(const struct field_kind *kind, const struct field *field,
		   struct request *request)
{
	(void)kind;
	request->pool.ping.timeout_ns = load_u64(field->bytes);
	request->pool.ping_interval_ns = load_u64(field->bytes + 8);
	return read_messages(field->bytes + 16, field->size - 16, &request->pool.ping);
}

/* An interval without a message would be lost. */
int write_pool_ping(const struct field_kind *kind, const struct request *request,
		    struct buf *out)
{
	const struct usp_pool_message *ping = &request->pool.ping;
	uint8_t *at;
	int ret;

	if (!ping->ask_bytes)
		return request->pool.ping_interval_ns ? -EINVAL : 0;
	if (!messages_fit(ping))
		return -EINVAL;
	ret = field_put(out, kind->tag, PING_BYTES + ping->ask_bytes + ping->answer_bytes,
			&at);
	if (ret < 0)
		return ret;
	at = store_u64(store_u64(at, ping->timeout_ns), request->pool.ping_interval_ns);
	store_messages(at, ping);
	return 0;
}

/* ---- of a use -------------------------------------------------------------------- */

int read_priority(const struct field_kind *kind, const struct field *field,
		  struct request *request)
{
	(void)kind;
	request->options.priority = (int32_t)load_u32(field->bytes);
	return 0;
}

int write_priority(const struct field_kind *kind, const struct request *request,
		   struct buf *out)
{
	int32_t priority = request->options.priority;

	return priority ? field_put_u32(kind->tag, (uint32_t)priority, out) : 0;
}
