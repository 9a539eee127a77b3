/*
 * Payloads of SPAWN and RUN; those of HELLO are in hello.c.
 *
 * The decoder checks what makes a field well formed: its size, its numbers, that
 * it stands once.  Whether the request makes sense is for launch/spec to say, so
 * a request without argv decodes.
 */
#include "wire/request.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <uringspawn/spawn.h>

#include "base/buf.h"
#include "wire/bytes.h"

#define FIELD_HEADER_BYTES 8

/* GROUP, and the target of KILL, are the numbers of spawn.h. */
_Static_assert(USP_GROUP_NEW == 0 && USP_GROUP_SESSION == 1, "frozen by the protocol");
_Static_assert((int)USP_TARGET_GROUP == (int)USP_WIRE_SIGNAL_GROUP, "one number");
_Static_assert((int)USP_TARGET_PROCESS == (int)USP_WIRE_SIGNAL_PROCESS, "one number");
_Static_assert((int)USP_STDIO_DEFAULT == (int)USP_WIRE_STDIO_DEFAULT, "one number");
_Static_assert((int)USP_STDIO_NULL == (int)USP_WIRE_STDIO_NULL, "one number");
_Static_assert((int)USP_STDIO_PIPE == (int)USP_WIRE_STDIO_PIPE, "one number");
_Static_assert((int)USP_STDIO_FD == (int)USP_WIRE_STDIO_FD, "one number");
_Static_assert((int)USP_STDIO_DUP == (int)USP_WIRE_STDIO_DUP, "one number");

/* ---- decoding ------------------------------------------------------------ */

struct field {
	uint16_t tag, flags;
	uint32_t size;
	const uint8_t *bytes;
};

typedef int read_fn(const struct field *field, struct request *request);

static int read_packed(const struct field *field, struct packed *ret_packed)
{
	if (field->size == 0)
		return 0;
	if (field->bytes[field->size - 1] != 0)
		return -EINVAL;
	*ret_packed = (struct packed){ (const char *)field->bytes, field->size };
	return 0;
}

static struct text as_text(const struct field *field)
{
	return (struct text){ (const char *)field->bytes, field->size };
}

static int read_argv(const struct field *field, struct request *request)
{
	return read_packed(field, &request->argv);
}

static int read_env(const struct field *field, struct request *request)
{
	return read_packed(field, &request->env);
}

static int read_path(const struct field *field, struct request *request)
{
	request->path = as_text(field);
	return 0;
}

static int read_search(const struct field *field, struct request *request)
{
	request->search = as_text(field);
	return 0;
}

static int read_cwd(const struct field *field, struct request *request)
{
	request->cwd = as_text(field);
	return 0;
}

/* An argument without a meaning must be zero, so that it can be given one. */
static int read_stdio(const struct field *field, struct request *request)
{
	for (int i = 0; i < 3; i++) {
		uint8_t kind = field->bytes[2 * i], arg = field->bytes[2 * i + 1];

		if (kind > USP_WIRE_STDIO_DUP || arg > 2)
			return -EINVAL;
		if (kind != USP_WIRE_STDIO_DUP && arg != 0)
			return -EINVAL;
		request->stdio[i].kind = kind;
		request->stdio[i].arg = arg;
	}
	return 0;
}

static int read_group(const struct field *field, struct request *request)
{
	request->group = load_u32(field->bytes);
	return request->group > USP_GROUP_SESSION ? -EINVAL : 0;
}

static int read_timeout(const struct field *field, struct request *request)
{
	request->timeout_ns = load_u64(field->bytes);
	return 0;
}

static int read_kill(const struct field *field, struct request *request)
{
	request->kill_signal = load_u32(field->bytes);
	request->kill_target = load_u32(field->bytes + 4);
	request->kill_grace_ns = load_u64(field->bytes + 8);
	if (request->kill_signal >= NSIG ||
	    request->kill_target > USP_WIRE_SIGNAL_PROCESS)
		return -EINVAL;
	return 0;
}

static int read_ignored(const struct field *field, struct request *request)
{
	request->ignored_signals = load_u64(field->bytes);
	return 0;
}

/* Without any credit nothing could be said, and zero means no limit elsewhere. */
static int read_credit(const struct field *field, struct request *request)
{
	request->window_bytes = load_u32(field->bytes);
	request->has_window = true;
	return request->window_bytes == 0 ? -EINVAL : 0;
}

#define ANY_SIZE UINT32_MAX

static const struct field_kind {
	const char *name;
	uint32_t size; /* the only one that is right, or ANY_SIZE */
	read_fn *read;
} field_kinds[] = {
	[USP_WIRE_ARGV] = { "argv", ANY_SIZE, read_argv },
	[USP_WIRE_PATH] = { "path", ANY_SIZE, read_path },
	[USP_WIRE_SEARCH] = { "search", ANY_SIZE, read_search },
	[USP_WIRE_ENV] = { "env", ANY_SIZE, read_env },
	[USP_WIRE_CWD] = { "cwd", ANY_SIZE, read_cwd },
	[USP_WIRE_STDIO] = { "stdio", 6, read_stdio },
	[USP_WIRE_GROUP] = { "group", 4, read_group },
	[USP_WIRE_TIMEOUT] = { "timeout", 8, read_timeout },
	[USP_WIRE_KILL] = { "kill", 16, read_kill },
	[USP_WIRE_IGNORED] = { "ignored", 8, read_ignored },
	[USP_WIRE_CREDIT] = { "credit", 4, read_credit },
};

#define FIELD_KINDS (sizeof(field_kinds) / sizeof(field_kinds[0]))

_Static_assert(FIELD_KINDS <= 32, "a bit per field");

/* Returns the bytes that the field at @at takes, or -EINVAL. */
static int64_t next_field(const uint8_t *at, size_t size, struct field *ret_field)
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

/* Names the field before it looks at it, so that every failure is a named one. */
static int read_field(const struct field *field, uint32_t *seen, struct request *request,
		      const char **ret_name)
{
	if (field->tag == 0 || field->tag >= FIELD_KINDS) {
		*ret_name = "unknown field";
		return field->flags & USP_WIRE_MUST_UNDERSTAND ? -ENOTSUP : 0;
	}

	const struct field_kind *kind = &field_kinds[field->tag];

	*ret_name = kind->name;
	if (*seen & UINT32_C(1) << field->tag)
		return -EINVAL;
	*seen |= UINT32_C(1) << field->tag;
	if (kind->size != ANY_SIZE && kind->size != field->size)
		return -EINVAL;
	return kind->read(field, request);
}

int request_decode(const void *payload, size_t size, struct request *ret_request,
		   const char **ret_field)
{
	const uint8_t *at = payload;
	struct request request = { 0 };
	uint32_t seen = 0;

	while (size > 0) {
		const char *name = "payload";
		struct field field;
		int64_t used = next_field(at, size, &field);
		int ret =
			used < 0 ? (int)used : read_field(&field, &seen, &request, &name);

		if (ret < 0) {
			*ret_field = name;
			return ret;
		}
		at += used;
		size -= (size_t)used;
	}
	*ret_request = request;
	return 0;
}

unsigned request_fds(const struct request *request)
{
	unsigned n_fds = 0;

	for (int i = 0; i < 3; i++)
		n_fds += request->stdio[i].kind == USP_WIRE_STDIO_FD;
	return n_fds;
}

/* ---- encoding ------------------------------------------------------------ */

#define NUMBER_BYTES (6 + 4 + 8 + 16 + 8 + 4)

/* The fields to write; the bytes of the numbers among them are kept here. */
struct fields {
	struct field list[FIELD_KINDS];
	size_t n_fields;
	uint64_t total_bytes;
	uint8_t numbers[NUMBER_BYTES];
};

static void add(struct fields *fields, uint16_t tag, const void *bytes, size_t size)
{
	fields->list[fields->n_fields++] = (struct field){
		.tag = tag,
		.size = (uint32_t)size,
		.bytes = bytes,
	};
	fields->total_bytes += FIELD_HEADER_BYTES + size;
}

static void add_strings(struct fields *fields, const struct request *request)
{
	if (request->argv.size)
		add(fields, USP_WIRE_ARGV, request->argv.bytes, request->argv.size);
	if (request->path.bytes)
		add(fields, USP_WIRE_PATH, request->path.bytes, request->path.size);
	if (request->search.bytes)
		add(fields, USP_WIRE_SEARCH, request->search.bytes, request->search.size);
	if (request->env.size)
		add(fields, USP_WIRE_ENV, request->env.bytes, request->env.size);
	if (request->cwd.bytes)
		add(fields, USP_WIRE_CWD, request->cwd.bytes, request->cwd.size);
}

static bool has_stdio(const struct request *request)
{
	for (int i = 0; i < 3; i++)
		if (request->stdio[i].kind != USP_WIRE_STDIO_DEFAULT)
			return true;
	return false;
}

/* Only a DUP has an argument. */
static uint8_t *store_stdio(uint8_t *at, const struct request *request)
{
	for (int i = 0; i < 3; i++) {
		uint8_t kind = request->stdio[i].kind;

		*at++ = kind;
		*at++ = kind == USP_WIRE_STDIO_DUP ? request->stdio[i].arg : 0;
	}
	return at;
}

static void add_numbers(struct fields *fields, const struct request *request)
{
	uint8_t *at = fields->numbers, *end;

	if (has_stdio(request)) {
		end = store_stdio(at, request);
		add(fields, USP_WIRE_STDIO, at, (size_t)(end - at));
		at = end;
	}
	if (request->group != USP_GROUP_NEW) {
		end = store_u32(at, request->group);
		add(fields, USP_WIRE_GROUP, at, (size_t)(end - at));
		at = end;
	}
	if (request->timeout_ns) {
		end = store_u64(at, request->timeout_ns);
		add(fields, USP_WIRE_TIMEOUT, at, (size_t)(end - at));
		at = end;
	}
	if (request->kill_signal || request->kill_target || request->kill_grace_ns) {
		end = store_u32(at, request->kill_signal);
		end = store_u32(end, request->kill_target);
		end = store_u64(end, request->kill_grace_ns);
		add(fields, USP_WIRE_KILL, at, (size_t)(end - at));
		at = end;
	}
	if (request->ignored_signals) {
		end = store_u64(at, request->ignored_signals);
		add(fields, USP_WIRE_IGNORED, at, (size_t)(end - at));
		at = end;
	}
	if (request->has_window) {
		end = store_u32(at, request->window_bytes);
		add(fields, USP_WIRE_CREDIT, at, (size_t)(end - at));
	}
}

int request_encode(const struct request *request, struct buf *out)
{
	struct fields fields = { .n_fields = 0 };
	uint8_t *at;

	add_strings(&fields, request);
	add_numbers(&fields, request);
	if (fields.total_bytes == 0)
		return 0;
	if (fields.total_bytes > UINT32_MAX)
		return -EMSGSIZE;

	int ret = buf_reserve(out, fields.total_bytes, &at);

	if (ret < 0)
		return ret;
	for (size_t i = 0; i < fields.n_fields; i++) {
		const struct field *field = &fields.list[i];

		at = store_u16(at, field->tag);
		at = store_u16(at, field->flags);
		at = store_u32(at, field->size);
		memcpy(at, field->bytes, field->size);
		at += field->size;
	}
	buf_grew(out, fields.total_bytes);
	return 0;
}
