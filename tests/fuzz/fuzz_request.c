/*
 * Any bytes as the payload of a SPAWN or POOL_OPEN, of a BATCH and of a HELLO: what decodes keeps
 * inside its input, and decodes to the same after it was encoded again.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "wire/pool_frame.h"
#include "wire/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_inside(const void *part, size_t part_size, const uint8_t *bytes,
			 size_t size)
{
	const uint8_t *at = part;

	assert(!at || (at >= bytes && part_size <= size &&
		       (size_t)(at - bytes) <= size - part_size));
}

static void check_string(const char *string, const uint8_t *bytes, size_t size)
{
	if (string)
		check_inside(string, strnlen(string, size) + 1, bytes, size);
}

static void check_pool(const struct request *request, const uint8_t *bytes, size_t size)
{
	const struct usp_pool_message *reset = &request->pool.reset;
	const struct usp_pool_message *ping = &request->pool.ping;

	check_inside(request->pool_name.bytes, request->pool_name.size, bytes, size);
	check_inside(reset->ask, reset->ask_bytes, bytes, size);
	check_inside(reset->answer, reset->answer_bytes, bytes, size);
	check_inside(ping->ask, ping->ask_bytes, bytes, size);
	check_inside(ping->answer, ping->answer_bytes, bytes, size);
	assert(request->pool_name.size <= USP_POOL_NAME_MAX);
	assert(reset->ask_bytes <= USP_POOL_MESSAGE_MAX);
	assert(ping->answer_bytes <= USP_POOL_MESSAGE_MAX);
}

static void check_request(const uint8_t *bytes, size_t size)
{
	static struct request request, again;
	const char *field = NULL;
	struct buf out, twice;

	if (request_decode(bytes, size, &request, &field) < 0) {
		assert(field && *field);
		return;
	}
	check_inside(request.argv.bytes, request.argv.size, bytes, size);
	check_inside(request.env.bytes, request.env.size, bytes, size);
	check_inside(request.env_extend.bytes, request.env_extend.size, bytes, size);
	check_inside(request.env_unset.bytes, request.env_unset.size, bytes, size);
	check_inside(request.path.bytes, request.path.size, bytes, size);
	check_inside(request.search.bytes, request.search.size, bytes, size);
	check_inside(request.cwd.bytes, request.cwd.size, bytes, size);
	check_string(request.options.cgroup.path, bytes, size);
	check_pool(&request, bytes, size);
	for (int i = 0; i < 3; i++)
		check_string(request.options.stdio[i].path, bytes, size);
	for (size_t i = 0; i < request.options.n_fds; i++)
		check_string(request.fds[i].stdio.path, bytes, size);
	assert(request_fds(&request) <= 3 + USP_FDS_MAX);
	buf_init(&out, size);
	buf_init(&twice, size);
	assert(request_encode(&request, &out, &field) == 0);
	if (buf_size(&out)) {
		assert(!request_decode(buf_bytes(&out), buf_size(&out), &again, &field));
		assert(request_encode(&again, &twice, &field) == 0);
		assert(buf_size(&out) == buf_size(&twice));
		assert(!memcmp(buf_bytes(&out), buf_bytes(&twice), buf_size(&out)));
	}
	buf_done(&out);
	buf_done(&twice);
}

/* As the payload of POOL_RESIZE and POOL_CLOSE. */
static void check_pool_frames(const uint8_t *bytes, size_t size)
{
	uint8_t place[POOL_RESIZE_BYTES];
	struct frame frame = { .job = 1,
			       .payload = bytes,
			       .payload_bytes = (uint32_t)size };
	struct pool_closing closing;
	struct pool_new_size sizes;

	if (pool_resize_decode(&frame, &sizes) == 0) {
		pool_resize_frame(1, &sizes, place);
		assert(memcmp(place, bytes, size) == 0);
	}
	if (pool_close_decode(&frame, &closing) == 0) {
		pool_close_frame(1, &closing, place);
		assert(memcmp(place, bytes, size) == 0);
	}
}

/* Each entry is as long as its header says, and is a request or refused as one. */
static void check_batch(const uint8_t *bytes, size_t size)
{
	uint8_t header[USP_WIRE_BATCH_BYTES];
	struct frame frame;
	int64_t used;

	while ((used = batch_next(bytes, size, &frame)) > 0) {
		check_inside(frame.payload, frame.payload_bytes, bytes, size);
		batch_encode_header(&frame, header);
		assert(memcmp(header, bytes, sizeof(header)) == 0);
		check_request(frame.payload, frame.payload_bytes);
		bytes += used;
		size -= (size_t)used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct hello hello;
	struct buf out;

	check_request(bytes, size);
	check_batch(bytes, size);
	check_pool_frames(bytes, size);
	if (hello_decode(bytes, size, &hello) < 0)
		return 0;
	buf_init(&out, size);
	assert(hello_encode(&hello, &out) == 0 && buf_size(&out) == size);
	assert(memcmp(buf_bytes(&out), bytes, size) == 0);
	assert(hello_version(&hello) <= USP_WIRE_VERSION_MAX);
	buf_done(&out);
	return 0;
}
