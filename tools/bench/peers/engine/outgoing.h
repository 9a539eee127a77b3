/*
 * Bytes that wait for a socket.
 */
#ifndef OUTGOING_H
#define OUTGOING_H

#include <stddef.h>
#include <sys/uio.h>

#define OUTGOING_PIECES_MAX 4

/** All zero: empty. */
struct outgoing {
	char *data;
	size_t begin, size, room;
};

/** Copies the pieces.  @return 0 or -ENOMEM */
int outgoing_add(struct outgoing *out, const struct iovec *pieces, int n);

/**
 * Send what waits and then the pieces, as much as the socket takes; keeps a copy of the
 * rest.
 *
 * @return 0, or -ENOMEM, or why nothing can be sent any more
 */
int outgoing_send(struct outgoing *out, int fd, const struct iovec *pieces, int n);

void outgoing_done(struct outgoing *out);

#endif
