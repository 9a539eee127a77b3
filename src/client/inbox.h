/*
 * What a daemon says: bytes from the socket, frames, events of processes.
 */
#ifndef CLIENT_INBOX_H
#define CLIENT_INBOX_H

#include <stdbool.h>
#include <uringspawn/client.h>

struct hello;

void inbox_init(struct usp_client *client);
void inbox_done(struct usp_client *client); /* drops what came and was not told */

/*
 * Receive what is there and tell it.  @all: until nothing is left, rather than for
 * one turn's share.  Returns 0; -EPIPE: the daemon is gone; -EPROTO: it does not
 * speak the protocol; -ENOMEM.  For the last three client_fail() was called.
 */
int inbox_turn(struct usp_client *client, bool all);

/*
 * Wait for the daemon's HELLO.  What @ret_hello borrows is valid until the next
 * inbox call.  Returns 0, -ETIMEDOUT, what the daemon refused with, or as inbox_turn().
 */
int inbox_greeting(struct usp_client *client, uint64_t deadline_ns,
		   struct hello *ret_hello);

#endif
