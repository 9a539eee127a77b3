/*
 * The metrics over HTTP, for a collector on this machine: GET /metrics, one request
 * for each connection.
 *
 * Bounded: HTTP_VISITS_MAX connections, of which the oldest makes room; a request of
 * HTTP_REQUEST_BYTES; and HTTP_LIMIT_NS from the connection to the last byte.
 */
#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include <stdbool.h>
#include "base/annotate.h"
#include "reactor/reactor.h"

#define HTTP_VISITS_MAX	   16
#define HTTP_REQUEST_BYTES 8192
#define HTTP_LIMIT_NS	   UINT64_C(5000000000)

struct daemon;
struct tcp_address;

/* A zeroed one is closed. */
struct http {
	struct owner owner; /* of the operation below */
	struct daemon *daemon;
	int slot;
	int port;
	bool open, stopped;
	struct op accept;
	struct timer retry; /* accepting failed; again a little later */
	struct list visits; /* that go on, the oldest first */
	unsigned n_visits;  /* those */
	unsigned n_sockets; /* of these and of those being closed */
};

/* Returns 0, or -EADDRINUSE, -EACCES, -EMFILE and what bind() else gives. */
int http_open(struct http *h, struct daemon *d,
	      const struct tcp_address *address) REACTOR_ONLY;

/* Close everything; http_closed() is true when that is done.  A closed one is fine. */
void http_stop(struct http *h) REACTOR_ONLY;

static inline bool http_closed(const struct http *h)
{
	return !h->open && h->n_sockets == 0;
}

#endif
