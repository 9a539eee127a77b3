/*
 * Payloads of SPAWN, RUN, TEMPLATE and POOL_OPEN as lists of fields; those of HELLO are
 * in hello.c, what the fields hold in fields.c, field_stdio.c, field_limits.c and
 * field_pool.c.
 *
 * The decoder checks what makes a field well formed: its size, its numbers, that
 * it stands once.  Whether the request makes sense is for launch/spec to say, so
 * a request without argv decodes.
 */
#include "wire/request.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"
#include "wire/field.h"

/* Of fields: one, and all from @first to @last. */
#define BIT(tag)	  (UINT64_C(1) << (tag))
#define BITS(first, last) ((BIT(last) << 1) - BIT(first))

/* ---- fields -------------------------------------------------------------- */

int64_t field_next(const uint8_t *at, size_t size, struct field *ret_field)
{
	if (size < FIELD_HEADER_BYTES)
		return -EINVAL;

	uint32_t bytes = load_u32(at + 4);

	if (bytes > size - FIELD_HEADER_BYTES)
		return -EINVAL;
	*ret_field = (struct field){
		.tag = load_u16(at),
		.flags = load_u16(at + 2),
		.size = bytes,
		.bytes = at + FIELD_HEADER_BYTES,
	};
	return (int64_t)FIELD_HEADER_BYTES + bytes;
}

int field_put(struct buf *out, uint16_t tag, size_t size, uint8_t **ret_at)
{
	uint8_t *at;
	int ret;

	if (size > UINT32_MAX)
		return -EMSGSIZE;
	ret = buf_reserve(out, FIELD_HEADER_BYTES + size, &at);
	if (ret < 0)
		return ret;
	at = store_u16(at, tag);
	at = store_u16(at, 0);
	*ret_at = store_u32(at, (uint32_t)size);
	buf_grew(out, FIELD_HEADER_BYTES + size);
	return 0;
}

/* ---- decoding ------------------------------------------------------------ */

struct reading {
	struct request *request;
	struct files files;
};

static bool right_size(const struct field_kind *kind, uint32_t size)
{
	return size >= kind->size_min && size <= kind->size_max &&
	       (size - kind->size_min) % kind->step == 0;
}

/* Names the field before it looks at it, so that every failure is a named one. */
static int read_field(struct reading *reading, const struct field *field,
		      const char **ret_name)
{
	const struct field_kind *kind = field_kind(field->tag);

	if (!kind) {
		*ret_name = "unknown field";
		return field->flags & USP_WIRE_MUST_UNDERSTAND ? -ENOTSUP : 0;
	}
	*ret_name = kind->name;
	if (!right_size(kind, field->size))
		return -EINVAL;
	if (field->tag != USP_WIRE_FILE && reading->request->seen & BIT(field->tag))
		return -EINVAL;
	reading->request->seen |= BIT(field->tag);
	if (field->tag == USP_WIRE_FILE)
		return read_file(&reading->files, field);
	return kind->read(kind, field, reading->request);
}

static int read_all(struct reading *reading, const uint8_t *at, size_t size,
		    const char **ret_name)
{
	while (size > 0) {
		struct field field;
		int64_t used = field_next(at, size, &field);
		int ret;

		*ret_name = "payload";
		if (used < 0)
			return (int)used;
		ret = read_field(reading, &field, ret_name);
		if (ret < 0)
			return ret;
		at += used;
		size -= (size_t)used;
	}
	*ret_name = "file";
	return files_apply(&reading->files, reading->request);
}

int request_decode(const void *payload, size_t size, struct request *request,
		   const char **ret_field)
{
	struct reading reading;
	const char *name;
	int ret;

	/* The lists are written before they are read, and are most of it. */
	memset(request, 0, offsetof(struct request, fds));
	reading.request = request;
	reading.files.count = 0;
	ret = read_all(&reading, payload, size, &name);
	if (ret < 0)
		*ret_field = name;
	return ret;
}

/* ---- what belongs where ---------------------------------------------------- */

static uint64_t fields_of(uint8_t type)
{
	const uint64_t pools = BITS(USP_WIRE_POOL_NAME, USP_WIRE_POOL_PING);
	const uint64_t uses = BITS(USP_WIRE_USE_POOL, USP_WIRE_PRIORITY);

	switch (type) {
	case USP_WIRE_TEMPLATE:
		return ~(pools | uses);
	case USP_WIRE_POOL_OPEN:
		return ~uses;
	default:
		return ~pools;
	}
}

int request_check_type(const struct request *request, uint8_t type,
		       const char **ret_field)
{
	uint64_t odd = request->seen & ~fields_of(type);

	if (!odd)
		return 0;
	*ret_field = field_kind((uint16_t)__builtin_ctzll(odd))->name;
	return -EINVAL;
}

bool request_has_program(const struct request *request)
{
	return request->argv.bytes || request->template_id;
}

unsigned request_fds(const struct request *request)
{
	const struct usp_options *options = &request->options;
	unsigned count = 0;

	for (int i = 0; i < 3; i++)
		count += options->stdio[i].kind == USP_STDIO_FD;
	for (size_t i = 0; i < options->n_fds; i++)
		count += options->fds[i].stdio.kind == USP_STDIO_FD;
	return count;
}

/* ---- encoding ------------------------------------------------------------ */

int request_encode(const struct request *request, struct buf *out, const char **ret_field)
{
	size_t before = buf_size(out);

	for (uint16_t tag = USP_WIRE_ARGV; tag <= USP_WIRE_PRIORITY; tag++) {
		const struct field_kind *kind = field_kind(tag);
		int ret = kind->write(kind, request, out);

		if (ret < 0) {
			out->end = out->start + before;
			*ret_field = kind->name;
			return ret;
		}
	}
	return 0;
}

/* ---- batches ------------------------------------------------------------- */

int64_t batch_next(const void *payload, size_t size, struct frame *ret_frame)
{
	const uint8_t *at = payload;

	if (size < USP_WIRE_BATCH_BYTES)
		return -EINVAL;

	struct frame frame = {
		.payload_bytes = load_u32(at + 8),
		.type = at[4],
		.fds = at[5],
		.job = load_u32(at),
		.payload = at + USP_WIRE_BATCH_BYTES,
	};

	if (frame.payload_bytes > size - USP_WIRE_BATCH_BYTES || load_u16(at + 6) != 0)
		return -EINVAL;
	if ((frame.type != USP_WIRE_SPAWN && frame.type != USP_WIRE_RUN) ||
	    frame.job == 0)
		return -EINVAL;
	*ret_frame = frame;
	return (int64_t)USP_WIRE_BATCH_BYTES + frame.payload_bytes;
}

void batch_encode_header(const struct frame *frame, void *out)
{
	uint8_t *at = store_u32(out, frame->job);

	*at++ = frame->type;
	*at++ = frame->fds;
	store_u32(store_u16(at, 0), frame->payload_bytes);
}
