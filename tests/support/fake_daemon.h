/*
 * A daemon that says what a test tells it to: the other end of a client's
 * connection, spoken by hand.  Only its greeting comes from a thread, because
 * usp_client_open() waits for it.
 */
#ifndef SUPPORT_FAKE_DAEMON_H
#define SUPPORT_FAKE_DAEMON_H

#include <stddef.h>
#include <stdint.h>
#include <uringspawn/client.h>

#include "wire/frame.h"
#include "wire/request.h"

struct fake {
	int fd; /* its end of the connection */
	char socket[64];
	struct usp_client *client;
};

/* The HELLO that fake_open() greets with. */
extern const struct hello fake_hello;

/* Connect a client to a daemon that greets with @hello.  The client's own HELLO
 * is read already. */
void fake_open(struct fake *fake, const struct hello *hello);

/* Greet with @hello a client that comes again: usp_client_reopen()'s answer. */
int fake_reopen(struct fake *fake, const struct hello *hello);

/* What usp_client_open() says to a daemon that answers with these bytes, and then
 * closes.  The client is freed. */
int fake_open_raw(const void *bytes, size_t size);

void fake_close(struct fake *fake);  /* both ends */
void fake_hangup(struct fake *fake); /* the daemon's */

/* Say a frame, or any bytes. */
void fake_say(struct fake *fake, uint8_t type, uint32_t job, uint16_t flags,
	      uint32_t arg);
void fake_say_bytes(struct fake *fake, uint8_t type, uint32_t job, uint16_t flags,
		    uint32_t arg, const void *payload, size_t size);
/* With @n descriptors, which it does not take. */
void fake_say_fds(struct fake *fake, uint8_t type, uint32_t job, uint32_t arg,
		  const void *payload, size_t size, const int *fds, unsigned n);
void fake_say_raw(struct fake *fake, const void *bytes, size_t size);
void fake_say_end(struct fake *fake, uint32_t job, enum usp_reason reason);

/* The next frame that the client sent, with its descriptors; the payload is valid
 * until the next call.  Fails the test when there is none. */
struct frame fake_hear(struct fake *fake, int *ret_fds);

/* Did the client send nothing more? */
int fake_silence(struct fake *fake);

#endif
