/*
 * daemon/http_request: what is a request, how much of it is there, and for what.
 */
#include "daemon/http_request.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "base/annotate.h"

#define END "\r\n\r\n"

static const struct row {
	const char *bytes;
	int want;
	enum http_method method;
	const char *path;
} rows[] = {
	{ "GET /metrics HTTP/1.1" END, 1, HTTP_GET, "/metrics" },
	{ "GET /metrics HTTP/1.0\r\nHost: a\r\nX: y\r\n\r\n", 1, HTTP_GET, "/metrics" },
	{ "GET /metrics?a=b&c HTTP/1.1" END, 1, HTTP_GET, "/metrics" },
	{ "HEAD / HTTP/1.1" END, 1, HTTP_HEAD, "/" },
	{ "POST /metrics HTTP/1.1" END "body", 1, HTTP_OTHER, "/metrics" },
	{ "get / HTTP/1.1" END, 1, HTTP_OTHER, "/" },
	{ "GET / HTTP/1.1\nHost: a\n\n", 1, HTTP_GET, "/" },
	{ "", 0, 0, NULL },
	{ "G", 0, 0, NULL },
	{ "GET /metrics HTTP/1.1\r\n", 0, 0, NULL },
	{ "GET /metrics HTTP/1.1\r\nHost: a\r\n", 0, 0, NULL },
	{ "GET /metrics HTTP/1.1\r", 0, 0, NULL },
	{ "GET /metrics HTTP/2.0" END, -EBADMSG, 0, NULL },
	{ "GET /metrics HTTP/1.x" END, -EBADMSG, 0, NULL },
	{ "GET /metrics HTTP/1.10" END, -EBADMSG, 0, NULL },
	{ "GET /metrics" END, -EBADMSG, 0, NULL },
	{ "GET  /metrics HTTP/1.1" END, -EBADMSG, 0, NULL },
	{ "GET metrics HTTP/1.1" END, -EBADMSG, 0, NULL },
	{ " GET /metrics HTTP/1.1" END, -EBADMSG, 0, NULL },
	{ "GET http://a/metrics HTTP/1.1" END, -EBADMSG, 0, NULL },
	{ END, -EBADMSG, 0, NULL },
	{ "\x16\x03\x01", -EBADMSG, 0, NULL },
	{ "GET /\x01 HTTP/1.1" END, -EBADMSG, 0, NULL },
};

static const struct row *row_of(size_t i, struct http_request *request, int *ret)
{
	*request = (struct http_request){ 0 };
	*ret = http_request_parse(rows[i].bytes, strlen(rows[i].bytes), request);
	return &rows[i];
}

Test(http_request, it_is_whole_begun_or_none)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_request request;
		int ret;
		const struct row *row = row_of(i, &request, &ret);

		cr_expect(eq(int, ret, row->want), "'%s'", row->bytes);
		if (ret != 1)
			continue;
		cr_expect(eq(int, (int)request.method, (int)row->method), "'%s'",
			  row->bytes);
		cr_expect(eq(sz, request.path_size, strlen(row->path)), "'%s'",
			  row->bytes);
		cr_expect(eq(int, strncmp(request.path, row->path, request.path_size), 0),
			  "'%s'", row->bytes);
	}
}

/* A whole request is begun at each of its bytes, and never something else. */
Test(http_request, each_beginning_of_a_request_waits_for_more)
{
	static const char whole[] = "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
	struct http_request request;

	for (size_t size = 0; size < sizeof(whole) - 1; size++)
		cr_expect(eq(int, http_request_parse(whole, size, &request), 0), "%zu",
			  size);
	cr_expect(eq(int, http_request_parse(whole, sizeof(whole) - 1, &request), 1));
}
