/*
 * Fields of a payload: u16 tag, u16 flags, u32 bytes, then the bytes.  Private to
 * this folder.
 *
 * A field of a request has a kind: its name, the sizes that are right, and how it is
 * read and written.
 */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include <stdbool.h>
#include "wire/request.h"

#define FIELD_HEADER_BYTES 8

struct field {
	uint16_t tag, flags;
	uint32_t size;
	const uint8_t *bytes;
};

/* Returns the bytes that the field at @at takes, or -EINVAL. */
int64_t field_next(const uint8_t *at, size_t size, struct field *ret_field);

/* Append a field of @size bytes, which the caller fills at *ret_at at once. */
int field_put(struct buf *out, uint16_t tag, size_t size, uint8_t **ret_at);

int field_put_u32(uint16_t tag, uint32_t value, struct buf *out);

/* NULL: there is no such field. */
int field_put_bytes(uint16_t tag, const char *bytes, size_t size, struct buf *out);

struct field_kind;

/* The size of @field is right already.  Returns 0 or -EINVAL. */
typedef int field_read_fn(const struct field_kind *kind, const struct field *field,
			  struct request *request);

/* Append it to @out, unless @request has it at its default.  Returns 0, -EINVAL: its value
 * has no form; -ENOMEM, -EMSGSIZE. */
typedef int field_write_fn(const struct field_kind *kind, const struct request *request,
			   struct buf *out);

struct field_kind {
	const char *name; /* of the tag, in lower case */
	uint16_t tag;
	uint32_t size_min, size_max; /* bytes */
	uint32_t step;		     /* its sizes above size_min are so far apart */
	field_read_fn *read;
	field_write_fn *write;
	size_t offset; /* in struct request, for those that say no more than a value */
};

/* The kind of a tag, or NULL. */
const struct field_kind *field_kind(uint16_t tag);

/* ---- field_stdio.c: STDIO, FDS and FILE, which belong together -------------------- */

/* FILE stands once for each target: it is kept until the others are known. */
struct files {
	struct field list[3 + USP_FDS_MAX];
	size_t count;
};

int read_stdio(const struct field_kind *kind, const struct field *field,
	       struct request *request);
int read_fds(const struct field_kind *kind, const struct field *field,
	     struct request *request);
int read_file(struct files *files, const struct field *field);

/* Give each FILE to its descriptor.  Returns 0, or -EINVAL: one has none, or none has one. */
int files_apply(const struct files *files, struct request *request);

int write_stdio(const struct field_kind *kind, const struct request *request,
		struct buf *out);
int write_fds(const struct field_kind *kind, const struct request *request,
	      struct buf *out);
int write_files(const struct field_kind *kind, const struct request *request,
		struct buf *out);

/* ---- field_limits.c ---------------------------------------------------------- */

#define RLIMIT_BYTES 24 /* of one entry of RLIMITS */

int read_umask(const struct field_kind *kind, const struct field *field,
	       struct request *request);
int write_umask(const struct field_kind *kind, const struct request *request,
		struct buf *out);
int read_nice(const struct field_kind *kind, const struct field *field,
	      struct request *request);
int write_nice(const struct field_kind *kind, const struct request *request,
	       struct buf *out);
int read_oom_score_adj(const struct field_kind *kind, const struct field *field,
		       struct request *request);
int write_oom_score_adj(const struct field_kind *kind, const struct request *request,
			struct buf *out);
int read_credentials(const struct field_kind *kind, const struct field *field,
		     struct request *request);
int write_credentials(const struct field_kind *kind, const struct request *request,
		      struct buf *out);
int read_rlimits(const struct field_kind *kind, const struct field *field,
		 struct request *request);
int write_rlimits(const struct field_kind *kind, const struct request *request,
		  struct buf *out);
int read_cpus(const struct field_kind *kind, const struct field *field,
	      struct request *request);
int write_cpus(const struct field_kind *kind, const struct request *request,
	       struct buf *out);
int read_cgroup(const struct field_kind *kind, const struct field *field,
		struct request *request);
int write_cgroup(const struct field_kind *kind, const struct request *request,
		 struct buf *out);
int read_cgroup_limits(const struct field_kind *kind, const struct field *field,
		       struct request *request);
int write_cgroup_limits(const struct field_kind *kind, const struct request *request,
			struct buf *out);

/* ---- field_pool.c ------------------------------------------------------------ */

#define RESET_BYTES 12 /* of POOL_RESET before its messages */
#define PING_BYTES  20 /* of POOL_PING */

int read_pool_name(const struct field_kind *kind, const struct field *field,
		   struct request *request);
int write_pool_name(const struct field_kind *kind, const struct request *request,
		    struct buf *out);
int read_pool_kind(const struct field_kind *kind, const struct field *field,
		   struct request *request);
int write_pool_kind(const struct field_kind *kind, const struct request *request,
		    struct buf *out);
int read_pool_size(const struct field_kind *kind, const struct field *field,
		   struct request *request);
int write_pool_size(const struct field_kind *kind, const struct request *request,
		    struct buf *out);
int read_pool_limits(const struct field_kind *kind, const struct field *field,
		     struct request *request);
int write_pool_limits(const struct field_kind *kind, const struct request *request,
		      struct buf *out);
int read_pool_ready(const struct field_kind *kind, const struct field *field,
		    struct request *request);
int write_pool_ready(const struct field_kind *kind, const struct request *request,
		     struct buf *out);
int read_pool_channel(const struct field_kind *kind, const struct field *field,
		      struct request *request);
int write_pool_channel(const struct field_kind *kind, const struct request *request,
		       struct buf *out);
int read_pool_reset(const struct field_kind *kind, const struct field *field,
		    struct request *request);
int write_pool_reset(const struct field_kind *kind, const struct request *request,
		     struct buf *out);
int read_pool_ping(const struct field_kind *kind, const struct field *field,
		   struct request *request);
int write_pool_ping(const struct field_kind *kind, const struct request *request,
		    struct buf *out);
int read_priority(const struct field_kind *kind, const struct field *field,
		  struct request *request);
int write_priority(const struct field_kind *kind, const struct request *request,
		   struct buf *out);

#endif
