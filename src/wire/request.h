/*
 * What a client asks: the payloads of HELLO, SPAWN, RUN, TEMPLATE, POOL_OPEN and BATCH.
 *
 * Decoding borrows: strings point into the payload and live as long as it does.
 */
#ifndef WIRE_REQUEST_H
#define WIRE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/pool.h>
#include <uringspawn/spawn.h>
#include <uringspawn/wire.h>
#include "wire/frame.h"

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

/*
 * A SPAWN, RUN, TEMPLATE or POOL_OPEN, as sent: decoded, not yet judged by launch/spec.
 *
 * Its options point into it: it is not to be copied by assignment.
 */
struct request {
	struct packed argv, env, env_extend, env_unset;
	struct text path, search, cwd;
	uint32_t template_id; /* 0: none */
	uint32_t pool_id;     /* of whose members it is a use; 0: none */
	uint64_t seen;	      /* of one that was decoded: bit n: the field with tag n */
	/*
	 * All the rest.  What stands above is not looked at here, nor are base, pool and
	 * USP_FLAG_RUN: the frame's type says that.  A decoded path is a string of the
	 * payload's, with its NUL; the FD of a stdio is not known.
	 */
	struct usp_options options;
	/*
	 * Of a POOL_OPEN.  Its name and member are not looked at, and of on_output only
	 * whether there is one, by @pool_outputs.  Messages are borrowed.
	 */
	struct text pool_name;
	struct usp_pool_options pool;
	bool pool_outputs;
	/* Where a decoded request keeps its lists; options.fds and .groups point here. */
	struct usp_fd fds[USP_FDS_MAX];
	gid_t groups[USP_GROUPS_MAX];
};

/*
 * Read a SPAWN, RUN, TEMPLATE or POOL_OPEN payload.
 *
 * @param request  of no use on failure
 * @param ret_field  on failure the name of the field at fault, for the answer
 * @return 0, or -EINVAL: a field is malformed, out of range, or stands twice;
 *         -ENOTSUP: a field that must be understood is not known
 */
int request_decode(const void *payload, size_t size, struct request *request,
		   const char **ret_field);

/*
 * Append the payload of @request to @out: the same fields, those at their default
 * left out.
 *
 * @param ret_field  with -EINVAL the name of the field at fault
 * @return 0, or -EINVAL: a value that has no form on the wire; -ENOMEM or -EMSGSIZE
 *         (@out's maximum); on failure @out is as it was
 */
int request_encode(const struct request *request, struct buf *out,
		   const char **ret_field);

/*
 * Does a decoded request have fields of its own kind of frame only?  Returns 0, or -EINVAL
 * with the name of one that a frame of @type does not have.
 */
int request_check_type(const struct request *request, uint8_t type,
		       const char **ret_field);

/* Does it say how a program starts? */
bool request_has_program(const struct request *request);

/* How many descriptors come with it: those of kind FD. */
unsigned request_fds(const struct request *request);

/*
 * Read the entry at the start of a BATCH payload, as the frame that would ask for the
 * same alone.
 *
 * Returns the bytes that it takes, or -EINVAL: it is cut off, or no SPAWN or RUN.
 */
int64_t batch_next(const void *payload, size_t size, struct frame *ret_frame);

/* Write what stands before the payload of @frame in a BATCH, USP_WIRE_BATCH_BYTES. */
void batch_encode_header(const struct frame *frame, void *out);

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
