/*
 * The head of an HTTP/1.1 request: bytes to fields.  Strict, and no more than this
 * server needs: no older version, no bodies, no folded lines.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define REQUEST_BYTES_MAX 8192

struct slice {
	const char *data;
	size_t size;
};

struct request {
	struct slice method, target; /**< in the parsed bytes */
	unsigned hosts;		     /**< of its Host fields */
	bool close;		     /**< it is to be the last one of its connection */
};

/**
 * @param size  at most REQUEST_BYTES_MAX
 * @param ret_request  set when a size is returned
 * @return the bytes that the head takes; 0: more has to come; or the status to refuse it
 *         with, negative
 */
int request_parse(const char *data, size_t size, struct request *ret_request);

bool slice_is(struct slice slice, const char *text);

#endif
