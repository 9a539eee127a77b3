/*
 * The fields that say what the child's descriptors are: STDIO, FDS and FILE.
 *
 * STDIO and FDS hold a kind and an argument for each; FILE holds the path of one, and
 * may stand before or behind them.
 */
#include "wire/field.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "wire/bytes.h"

#define FILE_BYTES   12 /* of a FILE before its path */
#define FD_BYTES     4	/* of one entry of FDS */
#define DUP_MAX	     USP_FD_TARGET_MAX
#define FILE_MODES   07777u
#define FIRST_TARGET 3 /* of FDS */

_Static_assert((int)USP_STDIO_DEFAULT == (int)USP_WIRE_STDIO_DEFAULT, "one number");
_Static_assert((int)USP_STDIO_NULL == (int)USP_WIRE_STDIO_NULL, "one number");
_Static_assert((int)USP_STDIO_PIPE == (int)USP_WIRE_STDIO_PIPE, "one number");
_Static_assert((int)USP_STDIO_FD == (int)USP_WIRE_STDIO_FD, "one number");
_Static_assert((int)USP_STDIO_DUP == (int)USP_WIRE_STDIO_DUP, "one number");
_Static_assert((int)USP_STDIO_FILE == (int)USP_WIRE_STDIO_FILE, "one number");
_Static_assert((int)USP_STDIO_DUPLEX == (int)USP_WIRE_STDIO_DUPLEX, "one number");
_Static_assert((int)USP_STDIO_PTY == (int)USP_WIRE_STDIO_PTY, "one number");
_Static_assert((int)USP_STDIO_HANDOVER == (int)USP_WIRE_STDIO_HANDOVER, "one number");
_Static_assert((int)USP_DIRECTION_READ == (int)USP_WIRE_DIRECTION_READ, "one number");
_Static_assert((int)USP_DIRECTION_WRITE == (int)USP_WIRE_DIRECTION_WRITE, "one number");

/* ---- a kind and its argument ---------------------------------------------- */

/* An argument without a meaning must be zero, so that it can be given one. */
static int read_one(const uint8_t *at, struct usp_stdio *stdio)
{
	uint8_t kind = at[0], argument = at[1];

	if (kind > USP_WIRE_STDIO_HANDOVER)
		return -EINVAL;
	*stdio = (struct usp_stdio){ .kind = (enum usp_stdio_kind)kind };
	switch (stdio->kind) {
	case USP_STDIO_DUP:
		stdio->fd = argument;
		return 0;
	case USP_STDIO_PIPE:
	case USP_STDIO_HANDOVER:
		stdio->direction = (enum usp_direction)argument;
		return argument > USP_WIRE_DIRECTION_WRITE ? -EINVAL : 0;
	default:
		return argument ? -EINVAL : 0;
	}
}

/* Returns the place after it, or NULL: it has no form. */
static uint8_t *store_one(uint8_t *at, const struct usp_stdio *stdio)
{
	unsigned kind = (unsigned)stdio->kind, argument = 0;

	if (kind > USP_WIRE_STDIO_HANDOVER)
		return NULL;
	if (stdio->kind == USP_STDIO_DUP) {
		argument = (unsigned)stdio->fd;
		if (argument > DUP_MAX)
			return NULL;
	} else if (stdio->kind == USP_STDIO_PIPE || stdio->kind == USP_STDIO_HANDOVER) {
		argument = (unsigned)stdio->direction;
		if (argument > USP_WIRE_DIRECTION_WRITE)
			return NULL;
	}
	*at++ = (uint8_t)kind;
	*at++ = (uint8_t)argument;
	return at;
}

/* ---- STDIO ---------------------------------------------------------------- */

int read_stdio(const struct field_kind *kind, const struct field *field,
	       struct request *request)
{
	(void)kind;
	for (int i = 0; i < 3; i++)
		if (read_one(field->bytes + 2 * i, &request->options.stdio[i]) < 0)
			return -EINVAL;
	return 0;
}

int write_stdio(const struct field_kind *kind, const struct request *request,
		struct buf *out)
{
	const struct usp_stdio *stdio = request->options.stdio;
	uint8_t *at;
	int ret;

	if (!stdio[0].kind && !stdio[1].kind && !stdio[2].kind)
		return 0;
	ret = field_put(out, kind->tag, 6, &at);
	for (int i = 0; i < 3 && ret == 0; i++) {
		at = store_one(at, &stdio[i]);
		ret = at ? 0 : -EINVAL;
	}
	return ret;
}

/* ---- FDS ------------------------------------------------------------------- */

/* A terminal is one of the standard streams; DEFAULT would say nothing. */
static bool is_fd_kind(enum usp_stdio_kind kind)
{
	return kind != USP_STDIO_DEFAULT && kind != USP_STDIO_PTY;
}

static bool is_target(int target)
{
	return target >= FIRST_TARGET && target <= USP_FD_TARGET_MAX;
}

int read_fds(const struct field_kind *kind, const struct field *field,
	     struct request *request)
{
	bool taken[USP_FD_TARGET_MAX + 1] = { false };
	size_t count = field->size / FD_BYTES;

	(void)kind;
	for (size_t i = 0; i < count; i++) {
		const uint8_t *at = field->bytes + i * FD_BYTES;
		struct usp_fd *fd = &request->fds[i];

		fd->target = load_u16(at);
		if (!is_target(fd->target) || taken[fd->target])
			return -EINVAL;
		taken[fd->target] = true;
		if (read_one(at + 2, &fd->stdio) < 0 || !is_fd_kind(fd->stdio.kind))
			return -EINVAL;
	}
	request->options.fds = request->fds;
	request->options.n_fds = count;
	return 0;
}

int write_fds(const struct field_kind *kind, const struct request *request,
	      struct buf *out)
{
	const struct usp_options *options = &request->options;
	uint8_t *at;
	int ret;

	if (options->n_fds == 0)
		return 0;
	if (options->n_fds > USP_FDS_MAX)
		return -EINVAL;
	ret = field_put(out, kind->tag, options->n_fds * FD_BYTES, &at);
	for (size_t i = 0; i < options->n_fds && ret == 0; i++) {
		const struct usp_fd *fd = &options->fds[i];

		if (!is_target(fd->target) || !is_fd_kind(fd->stdio.kind))
			return -EINVAL;
		at = store_one(store_u16(at, (uint16_t)fd->target), &fd->stdio);
		ret = at ? 0 : -EINVAL;
	}
	return ret;
}

/* ---- FILE ------------------------------------------------------------------ */

int read_file(struct files *files, const struct field *field)
{
	const uint8_t *path = field->bytes + FILE_BYTES;
	size_t path_size = field->size - FILE_BYTES;

	/* More than there can be descriptors: one of them stands twice. */
	if (files->count == 3 + USP_FDS_MAX)
		return -EINVAL;
	if (load_u16(field->bytes + 2) != 0 || load_u32(field->bytes + 8) > FILE_MODES)
		return -EINVAL;
	if (memchr(path, 0, path_size) != path + path_size - 1)
		return -EINVAL;
	files->list[files->count++] = *field;
	return 0;
}

/* The descriptor of the child that has this number, or NULL. */
static struct usp_stdio *find_stdio(struct request *request, unsigned target)
{
	if (target < FIRST_TARGET)
		return &request->options.stdio[target];
	for (size_t i = 0; i < request->options.n_fds; i++)
		if (request->fds[i].target == (int)target)
			return &request->fds[i].stdio;
	return NULL;
}

static unsigned count_files(const struct usp_options *options)
{
	unsigned count = 0;

	for (int i = 0; i < 3; i++)
		count += options->stdio[i].kind == USP_STDIO_FILE;
	for (size_t i = 0; i < options->n_fds; i++)
		count += options->fds[i].stdio.kind == USP_STDIO_FILE;
	return count;
}

int files_apply(const struct files *files, struct request *request)
{
	for (size_t i = 0; i < files->count; i++) {
		const uint8_t *at = files->list[i].bytes;
		struct usp_stdio *stdio = find_stdio(request, load_u16(at));

		if (!stdio || stdio->kind != USP_STDIO_FILE || stdio->path)
			return -EINVAL;
		stdio->flags = (int)load_u32(at + 4);
		stdio->mode = load_u32(at + 8);
		stdio->path = (const char *)at + FILE_BYTES;
	}
	return count_files(&request->options) == files->count ? 0 : -EINVAL;
}

static int write_file(uint16_t tag, int target, const struct usp_stdio *stdio,
		      struct buf *out)
{
	size_t size;
	uint8_t *at;
	int ret;

	if (stdio->kind != USP_STDIO_FILE)
		return 0;
	if (!stdio->path || !*stdio->path || stdio->mode > FILE_MODES)
		return -EINVAL;
	size = strlen(stdio->path) + 1;
	ret = field_put(out, tag, FILE_BYTES + size, &at);
	if (ret < 0)
		return ret;
	at = store_u16(at, (uint16_t)target);
	at = store_u16(at, 0);
	at = store_u32(at, (uint32_t)stdio->flags);
	memcpy(store_u32(at, stdio->mode), stdio->path, size);
	return 0;
}

int write_files(const struct field_kind *kind, const struct request *request,
		struct buf *out)
{
	const struct usp_options *options = &request->options;
	int ret = 0;

	for (int i = 0; i < 3 && ret == 0; i++)
		ret = write_file(kind->tag, i, &options->stdio[i], out);
	for (size_t i = 0; i < options->n_fds && ret == 0; i++)
		ret = write_file(kind->tag, options->fds[i].target,
				 &options->fds[i].stdio, out);
	return ret;
}
