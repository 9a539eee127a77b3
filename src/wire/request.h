/*
 * What a client asks: the payloads of HELLO, SPAWN and RUN.
 *
 * Decoding borrows: strings point into the payload and live as long as it does.
 */
#ifndef WIRE_REQUEST_H
#define WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/wire.h>

struct buf;

/* NUL-terminated strings one after the other, or NULL; @size counts the NULs. */
struct packed {
	const char *bytes;
	size_t size;
};

/* Bytes without a NUL at the end; NULL when the field is not there. */
struct text {
	const char *bytes;
	size_t size;
};

/* A SPAWN or RUN, as sent: decoded, not yet judged by launch/spec. */
struct request {
	struct packed argv, env;
	struct text path, search, cwd;
	struct {
		uint8_t kind; /* enum usp_wire_stdio */
		uint8_t arg;
	} stdio[3];
	uint32_t group;
	uint64_t timeout_ns;
	uint32_t kill_signal, kill_target;
	uint64_t kill_grace_ns;
	uint64_t ignored_signals;
	uint32_t window_bytes;
	bool has_window;
};

/*
 * Read a SPAWN or RUN payload.
 *
 * @param ret_field  on failure the name of the field at fault, for the answer
 * @return 0, or -EINVAL: a field is malformed or stands twice, or argv or env does
 *         not end in NUL; -ENOTSUP: a field that must be understood is not known
 */
int request_decode(const void *payload, size_t size, struct request *ret_request,
		   const char **ret_field);

/*
 * Append the payload of @request to @out: the same fields, those at their
 * default left out.  Returns 0, -ENOMEM or -EMSGSIZE (@out's maximum).
 */
int request_encode(const struct request *request, struct buf *out);

/* How many descriptors its stdio asks for. */
unsigned request_fds(const struct request *request);

struct hello {
	uint16_t version_min, version_max;
	uint64_t features;
	uint32_t frame_bytes, jobs, window_bytes, stdin_window_bytes;
	struct text name; /* of the program that sent it; borrowed */
};

/* Returns 0, or -EINVAL: too short; -EPROTO: the magic is not there. */
int hello_decode(const void *payload, size_t size, struct hello *ret_hello);

/* Append a HELLO payload.  Returns 0, -ENOMEM or -EMSGSIZE. */
int hello_encode(const struct hello *hello, struct buf *out);

/*
 * The version that both sides speak: the highest common one, or -EPROTO.
 */
int hello_version(const struct hello *theirs);

#endif
