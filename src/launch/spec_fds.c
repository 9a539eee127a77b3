/*
 * The descriptors of a spec: the standard ones and those that were added become
 * one list.
 */
#include "launch/spec_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/annotate.h"
#include "sys/fd.h"

/* What open() is not to be asked for: what is not a file to read or write. */
#define FLAGS_REFUSED (O_PATH | O_DIRECTORY)

#define MODE_DEFAULT 0666u
#define MODE_MAX     07777u

static const char *const standard_names[] = { "stdin", "stdout", "stderr" };

/* "descriptor 255" */
#define NAME_BYTES_MAX 24

/* ---- first pass: check and measure --------------------------------------- */

/* What @target of the child is asked to be; NULL: nothing. */
static const struct usp_stdio *find(const struct spec_input *input, int target)
{
	const struct usp_options *options = &input->options;

	if (target >= 0 && target < 3)
		return &options->stdio[target];
	for (size_t i = 0; i < options->n_fds; i++)
		if (options->fds[i].target == target)
			return &options->fds[i].stdio;
	return NULL;
}

static bool is_read(const struct usp_stdio *stdio, int target)
{
	return stdio->direction == USP_DIRECTION_READ ||
	       (stdio->direction == USP_DIRECTION_DEFAULT && target == 0);
}

static int file_flags(const struct usp_stdio *stdio, int target)
{
	if (stdio->flags)
		return stdio->flags & ~O_CLOEXEC;
	return is_read(stdio, target) ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
}

/* A program that waits for its input would find a new and empty file. */
static bool creates_stdin(const struct usp_stdio *stdio, int target)
{
	return target == 0 && file_flags(stdio, target) & O_CREAT;
}

static int check_file(const struct usp_stdio *stdio, int target, struct measure *m)
{
	size_t size;

	if (!stdio->path || !*stdio->path || creates_stdin(stdio, target))
		return -EINVAL;
	if (stdio->flags & FLAGS_REFUSED || stdio->mode > MODE_MAX)
		return -EINVAL;
	size = strnlen(stdio->path, PATH_MAX);
	if (size == PATH_MAX)
		return -E2BIG;
	m->fd_bytes += size + 1;
	return 0;
}

static int check_duplicate(const struct spec_input *input, int of)
{
	const struct usp_stdio *stdio = find(input, of);

	return stdio && stdio->kind != USP_STDIO_DUP ? 0 : -EINVAL;
}

static int check_one(const struct spec_input *input, const struct usp_stdio *stdio,
		     int target, struct measure *m)
{
	if (stdio->direction > USP_DIRECTION_WRITE)
		return -EINVAL;
	switch (stdio->kind) {
	case USP_STDIO_DEFAULT:
	case USP_STDIO_PTY:
		return target < 3 ? 0 : -EINVAL;
	case USP_STDIO_NULL:
	case USP_STDIO_PIPE:
	case USP_STDIO_DUPLEX:
	case USP_STDIO_HANDOVER:
		return 0;
	case USP_STDIO_FD:
		return stdio->fd < 0 ? -EBADF : 0;
	case USP_STDIO_DUP:
		return check_duplicate(input, stdio->fd);
	case USP_STDIO_FILE:
		return check_file(stdio, target, m);
	default:
		return -EINVAL;
	}
}

/* What a terminal says is told as stream 1, and stream 0 is what it is told. */
static int check_pty(const struct usp_options *options)
{
	const struct usp_stdio *stdio = options->stdio;
	bool has_pty = false;

	for (int i = 0; i < 3; i++)
		has_pty |= stdio[i].kind == USP_STDIO_PTY;
	if (!has_pty)
		return 0;
	if (options->group != USP_GROUP_NEW && options->group != USP_GROUP_SESSION)
		return -EINVAL;
	for (int i = 0; i < 2; i++)
		if (stdio[i].kind == USP_STDIO_PIPE ||
		    stdio[i].kind == USP_STDIO_DUPLEX ||
		    (i == 1 && stdio[i].kind == USP_STDIO_DEFAULT))
			return -EINVAL;
	return 0;
}

static int check_added(const struct spec_input *input, struct measure *m)
{
	const struct usp_options *options = &input->options;
	bool seen[USP_FD_TARGET_MAX + 1] = { false };

	if (options->n_fds > USP_FDS_MAX || (options->n_fds && !options->fds))
		return -EINVAL;
	for (size_t i = 0; i < options->n_fds; i++) {
		const struct usp_fd *fd = &options->fds[i];
		int ret;

		if (fd->target < 3 || fd->target > USP_FD_TARGET_MAX || seen[fd->target])
			return -EINVAL;
		seen[fd->target] = true;
		m->fd_bytes += NAME_BYTES_MAX;
		ret = check_one(input, &fd->stdio, fd->target, m);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int spec_fds_measure(const struct spec_input *input, struct measure *m,
		     const char **ret_field)
{
	int ret;

	/* First those that the standard ones may be duplicates of. */
	*ret_field = "fds";
	ret = check_added(input, m);
	if (ret < 0)
		return ret;
	*ret_field = "stdio";
	for (int i = 0; i < 3; i++) {
		ret = check_one(input, &input->options.stdio[i], i, m);
		if (ret < 0)
			return ret;
	}
	*ret_field = "pty";
	m->n_fds = 3 + input->options.n_fds;
	return check_pty(&input->options);
}

/* ---- second pass: copy --------------------------------------------------- */

static struct bytes text(const char *string)
{
	return (struct bytes){ string, strlen(string) };
}

static const char *put_name(struct cursor *to, int target)
{
	char *name = to->bytes;

	if (target < 3)
		return standard_names[target];
	to->bytes += NAME_BYTES_MAX;
	snprintf(name, NAME_BYTES_MAX, "descriptor %d", target);
	return name;
}

static void put(struct spec_fd *fd, const struct usp_stdio *stdio, int target,
		struct cursor *to)
{
	*fd = (struct spec_fd){
		.target = target,
		.kind = stdio->kind,
		.is_read = is_read(stdio, target),
		.fd = stdio->kind == USP_STDIO_FD ? stdio->fd : -1,
		.name = put_name(to, target),
	};
	if (fd->kind == USP_STDIO_DEFAULT)
		fd->kind = target == 0 ? USP_STDIO_NULL : USP_STDIO_PIPE;
	if (fd->kind == USP_STDIO_FILE) {
		const struct bytes path = text(stdio->path);

		fd->path = cursor_put(to, &path);
		fd->flags = file_flags(stdio, target);
		fd->mode = stdio->mode ? stdio->mode : MODE_DEFAULT;
	}
}

/* @n are there, in order: make room for @target among them. */
static struct spec_fd *insert(struct spec_fd *fds, size_t n, int target)
{
	for (; fds[n - 1].target > target; n--)
		fds[n] = fds[n - 1];
	return &fds[n];
}

static size_t index_of(const struct spec *spec, int target)
{
	size_t i = 0;

	while (spec->fds[i].target != target)
		i++;
	return i;
}

/* By index, and past the terminal's own duplicates. */
static void resolve_duplicates(struct spec *spec, const struct spec_input *input)
{
	size_t terminal = SPEC_FDS_MAX;

	for (size_t i = 0; i < 3; i++) {
		if (spec->fds[i].kind != USP_STDIO_PTY)
			continue;
		if (terminal < i) {
			spec->fds[i].kind = USP_STDIO_DUP;
			spec->fds[i].same_as = terminal;
		} else {
			terminal = i;
		}
	}
	for (size_t i = 0; i < spec->n_fds; i++) {
		const struct usp_stdio *stdio = find(input, spec->fds[i].target);

		if (stdio->kind != USP_STDIO_DUP)
			continue;
		spec->fds[i].same_as = find(input, stdio->fd)->kind == USP_STDIO_PTY
					       ? terminal
					       : index_of(spec, stdio->fd);
	}
}

void spec_fds_copy(struct spec *spec, const struct spec_input *input, struct cursor *to)
{
	const struct usp_options *options = &input->options;

	spec->fds = to->fds;
	for (int i = 0; i < 3; i++)
		put(&spec->fds[i], &options->stdio[i], i, to);
	for (size_t i = 0; i < options->n_fds; i++) {
		const struct usp_fd *fd = &options->fds[i];

		put(insert(spec->fds, 3 + i, fd->target), &fd->stdio, fd->target, to);
	}
	resolve_duplicates(spec, input);
}

static void close_one(const struct usp_stdio *stdio)
{
	if (stdio->kind == USP_STDIO_FD)
		sys_close(stdio->fd);
}

void spec_fds_close(const struct spec_input *input)
{
	const struct usp_options *options = &input->options;

	for (int i = 0; i < 3; i++)
		close_one(&options->stdio[i]);
	if (!options->fds || options->n_fds > USP_FDS_MAX)
		return;
	for (size_t i = 0; i < options->n_fds; i++)
		close_one(&options->fds[i].stdio);
}
