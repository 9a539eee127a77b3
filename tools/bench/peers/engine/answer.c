/*
 * Answers of HTTP/1.1, as bytes for a connection.
 */
#include "answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include "connection.h"

#define HEAD_BYTES_MAX 256

static const char *reason_phrase(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 404:
		return "Not Found";
	case 413:
		return "Content Too Large";
	case 431:
		return "Request Header Fields Too Large";
	case 500:
		return "Internal Server Error";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Bad Request";
	}
}

/* Written anew once a second. */
static const char *date(struct server *server)
{
	time_t now = time(NULL);
	struct tm tm;

	if (now != server->date_s && gmtime_r(&now, &tm)) {
		strftime(server->date, sizeof(server->date), "%a, %d %b %Y %T GMT", &tm);
		server->date_s = now;
	}
	return server->date;
}

/* The head, with @body for a line that says how its body ends. */
static struct iovec make_head(struct connection *c, int status, const char *body,
			      char head[HEAD_BYTES_MAX])
{
	int size = snprintf(head, HEAD_BYTES_MAX,
			    "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s\r\n\r\n", status,
			    reason_phrase(status), date(c->server),
			    c->last ? "Connection: close\r\n" : "", body);

	return (struct iovec){ head, (size_t)size };
}

void answer_whole(struct connection *c, int status, const char *body)
{
	char head[HEAD_BYTES_MAX], length[48];
	struct iovec pieces[2];

	snprintf(length, sizeof(length), "Content-Length: %zu", strlen(body));
	pieces[0] = make_head(c, status, length, head);
	pieces[1] = (struct iovec){ (void *)body, strlen(body) };
	connection_send(c, pieces, 2);
}

void answer_output(struct connection *c, const void *data, size_t size)
{
	char head[HEAD_BYTES_MAX], length[48];
	struct iovec pieces[OUTGOING_PIECES_MAX];
	int n = 0;

	if (!c->answering)
		pieces[n++] = make_head(c, 200, "Transfer-Encoding: chunked", head);
	c->answering = true;
	pieces[n++] = (struct iovec){ length, (size_t)snprintf(length, sizeof(length),
							       "%zx\r\n", size) };
	pieces[n++] = (struct iovec){ (void *)data, size };
	pieces[n++] = (struct iovec){ "\r\n", 2 };
	connection_send(c, pieces, n);
}

void answer_end(struct connection *c)
{
	const struct iovec last_chunk = { "0\r\n\r\n", 5 };

	if (c->answering)
		connection_send(c, &last_chunk, 1);
	else
		answer_whole(c, 200, "");
}
