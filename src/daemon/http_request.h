/*
 * What a visitor of the metrics asks for: as much of HTTP/1.1 as that takes.
 *
 * Pure: bytes in, words out.
 */
#ifndef DAEMON_HTTP_REQUEST_H
#define DAEMON_HTTP_REQUEST_H

#include <stddef.h>

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_OTHER, /* one that means something, elsewhere */
};

struct http_request {
	enum http_method method;
	const char *path; /* borrowed, without its query */
	size_t path_size;
};

/*
 * Returns 1: the request is whole; 0: more has to come; -EBADMSG: it is no request.
 * Its header fields are not looked at: nothing that is answered depends on them.
 */
int http_request_parse(const char *bytes, size_t size, struct http_request *ret_request);

#endif
