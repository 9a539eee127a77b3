/*
 * The payload of HELLO, and the version that follows from two of them.
 *
 * Limits are carried as they are; what to make of them is for their reader.
 */
#include "wire/request.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"

int hello_decode(const void *payload, size_t size, struct hello *ret_hello)
{
	const uint8_t *at = payload;

	if (size < USP_WIRE_HELLO_BYTES)
		return -EINVAL;
	if (load_u32(at) != USP_WIRE_MAGIC)
		return -EPROTO;
	*ret_hello = (struct hello){
		.version_min = load_u16(at + 4),
		.version_max = load_u16(at + 6),
		.features = load_u64(at + 8),
		.frame_bytes = load_u32(at + 16),
		.jobs = load_u32(at + 20),
		.window_bytes = load_u32(at + 24),
		.stdin_window_bytes = load_u32(at + 28),
		.name = { (const char *)at + USP_WIRE_HELLO_BYTES,
			  size - USP_WIRE_HELLO_BYTES },
	};
	return 0;
}

int hello_encode(const struct hello *hello, struct buf *out)
{
	uint8_t *at;
	int ret = buf_reserve(out, USP_WIRE_HELLO_BYTES + hello->name.size, &at);

	if (ret < 0)
		return ret;
	at = store_u32(at, USP_WIRE_MAGIC);
	at = store_u16(at, hello->version_min);
	at = store_u16(at, hello->version_max);
	at = store_u64(at, hello->features);
	at = store_u32(at, hello->frame_bytes);
	at = store_u32(at, hello->jobs);
	at = store_u32(at, hello->window_bytes);
	at = store_u32(at, hello->stdin_window_bytes);
	if (hello->name.size)
		memcpy(at, hello->name.bytes, hello->name.size);
	buf_grew(out, USP_WIRE_HELLO_BYTES + hello->name.size);
	return 0;
}

int hello_version(const struct hello *theirs)
{
	int highest = theirs->version_max < USP_WIRE_VERSION_MAX ? theirs->version_max
								 : USP_WIRE_VERSION_MAX;

	if (highest < USP_WIRE_VERSION_MIN || highest < theirs->version_min)
		return -EPROTO;
	return highest;
}
