/*
 * One client: its requests, one after the other, and the answer at hand.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include "outgoing.h"
#include "request.h"
#include "server.h"

struct connection {
	LIST_ENTRY(connection) link;
	STAILQ_ENTRY(connection) due_link;
	struct server *server;
	struct watch watch;
	int fd;	       /**< -1: closed, and its program is to end */
	bool due;      /**< in the server's list of those to step */
	bool readable; /**< and no call has had to wait since */
	bool broken;   /**< nothing can be sent any more */
	bool ended;    /**< the client sends nothing more */
	bool last;     /**< no request is taken after the one at hand */
	bool shut;     /**< all was sent; what still comes is dropped */

	struct usp_process *process; /**< that answers; NULL: none does */
	bool answering;		     /**< the head of its answer was sent */
	bool failed;		     /**< it did not start; the answer says why */
	struct usp_exit exit;
	uint32_t owed_bytes; /**< told by the engine, and not credited */

	struct outgoing out;
	size_t in_size;
	char in[REQUEST_BYTES_MAX];
};

/** Takes @fd.  @return 0 or -errno */
int connection_open(struct server *server, int fd);

/** Let connection_step() be called before the next wait. */
void connection_due(struct connection *connection);

/** Send what waits, take the next request, close: whatever is possible now, within bounds.
 * The only function that frees a connection. */
void connection_step(struct connection *connection);

/** Part of an answer; copied where the socket does not take it at once. */
void connection_send(struct connection *connection, const struct iovec *pieces, int n);

/** The client gets nothing more, and its program is killed. */
void connection_break(struct connection *connection);

#endif
