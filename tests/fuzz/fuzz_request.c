/*
 * Any bytes as the payload of a SPAWN, of a BATCH and of a HELLO: what decodes keeps
 * inside its input, and decodes to the same after it was encoded again.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
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
	if (hello_decode(bytes, size, &hello) < 0)
		return 0;
	buf_init(&out, size);
	assert(hello_encode(&hello, &out) == 0 && buf_size(&out) == size);
	assert(memcmp(buf_bytes(&out), bytes, size) == 0);
	assert(hello_version(&hello) <= USP_WIRE_VERSION_MAX);
	buf_done(&out);
	return 0;
}
