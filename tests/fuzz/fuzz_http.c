/*
 * Any bytes as an HTTP request: parsing stays inside its input, and once it has
 * decided, more bytes do not change its mind.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/http_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is said of the first @size bytes, by one who has no more of them. */
static int parse_exactly(const uint8_t *bytes, size_t size, size_t *ret_path_size)
{
	struct http_request request = { 0 };
	char *copy = malloc(size ? size : 1);
	int ret;

	assert(copy);
	memcpy(copy, bytes, size);
	ret = http_request_parse(copy, size, &request);
	if (ret == 1) {
		assert(request.path > copy && request.path_size > 0);
		assert(request.path + request.path_size < copy + size);
		assert(request.path[0] == '/');
		assert(!memchr(request.path, '?', request.path_size));
	}
	*ret_path_size = request.path_size;
	free(copy);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t path_size, decided_size = 0;
	int decided = 0;

	for (size_t cut = 0; cut <= size; cut++) {
		int ret = parse_exactly(bytes, cut, &path_size);

		if (decided)
			assert(ret == decided && path_size == decided_size);
		decided = ret;
		decided_size = path_size;
	}
	return 0;
}
