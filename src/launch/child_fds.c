/*
 * The child's descriptors.  Dialect: child.
 *
 * First those that are there already: all of them are moved above the highest
 * place before the first one is put into its own, so that none is lost whatever
 * comes from where.  What is left between and above the places is closed then.
 * Files are opened much later, when the child has become who it is to be.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "launch/child_parts.h"

/* ---- those that are there ------------------------------------------------- */

/* A file of the child's own, or the same as one: nothing to be placed yet. */
static bool is_opened_later(const struct spec *spec, size_t i)
{
	const struct spec_fd *fd = &spec->fds[i];

	if (fd->kind == USP_STDIO_DUP)
		fd = &spec->fds[fd->same_as];
	return fd->kind == USP_STDIO_FILE;
}

/* Where it comes from, out of the way of all places. */
static long move_up(struct plan *plan, size_t i)
{
	const struct spec *spec = plan->spec;
	const int above = spec->fds[spec->n_fds - 1].target + 1;
	const int fd = spec->fds[i].kind == USP_STDIO_NULL ? plan->setup->null_fd
							   : plan->ends[i].theirs;
	long ret = fd < above ? RAW(SYS_fcntl, fd, F_DUPFD_CLOEXEC, above) : fd;

	if (ret < 0)
		child_fail(plan, ret, spec->fds[i].name);
	return ret;
}

/* A copy at @target, which is not closed by exec. */
static void put(struct plan *plan, const struct spec_fd *fd, long from)
{
	long ret = RAW(SYS_dup3, from, fd->target, 0);

	if (ret < 0)
		child_fail(plan, ret, fd->name);
}

static void close_between(struct plan *plan, unsigned first, unsigned last)
{
	long ret = RAW(SYS_close_range, first, last, 0);

	if (ret == -ENOSYS || ret == -EPERM)
		ret = child_close_listed(first, last);
	if (ret < 0)
		child_fail(plan, ret, "close_range");
}

static void close_the_rest(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	unsigned next = 0;

	for (size_t i = 0; i < spec->n_fds; i++) {
		unsigned target = (unsigned)spec->fds[i].target;

		if (is_opened_later(spec, i))
			continue;
		if (target > next)
			close_between(plan, next, target - 1);
		next = target + 1;
	}
	close_between(plan, next, ~0U);
}

void child_place_fds(struct plan *plan)
{
	const struct spec *spec = plan->spec;
	long source[SPEC_FDS_MAX];

	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].kind != USP_STDIO_DUP && !is_opened_later(spec, i))
			source[i] = move_up(plan, i);
	for (size_t i = 0; i < spec->n_fds; i++) {
		const struct spec_fd *fd = &spec->fds[i];

		if (!is_opened_later(spec, i))
			put(plan, fd,
			    source[fd->kind == USP_STDIO_DUP ? fd->same_as : i]);
	}
	close_the_rest(plan);
}

/* ---- files ---------------------------------------------------------------- */

/*
 * A FIFO is opened to be read whether somebody is there to write it or not, and
 * would be at its end at once.  tee() tells the two apart and takes nothing out.
 */
static bool is_without_writer(int fd)
{
	int ends[2];
	long ret;

	if (RAW(SYS_pipe2, ends, O_CLOEXEC) < 0)
		return false;
	ret = RAW(SYS_tee, fd, ends[1], 1, 2 /* SPLICE_F_NONBLOCK */);
	RAW(SYS_close, ends[0]);
	RAW(SYS_close, ends[1]);
	return ret == 0;
}

static long check_file(int fd, int flags)
{
	struct stat stat; /* the kernel's is the same on these architectures */
	long ret = RAW(SYS_fstat, fd, &stat);

	if (ret < 0)
		return ret;
	if (S_ISDIR(stat.st_mode))
		return -EISDIR;
	if (S_ISFIFO(stat.st_mode) && (flags & O_ACCMODE) == O_RDONLY &&
	    is_without_writer(fd))
		return -ENXIO;
	return 0;
}

/* It was opened so as not to wait; its reader or writer does not know of that. */
static long make_blocking(int fd)
{
	long flags = RAW(SYS_fcntl, fd, F_GETFL);

	return flags < 0 ? flags : RAW(SYS_fcntl, fd, F_SETFL, flags & ~O_NONBLOCK);
}

static void open_file(struct plan *plan, const struct spec_fd *file)
{
	long ret = RAW(SYS_openat, AT_FDCWD, file->path,
		       file->flags | O_NONBLOCK | O_NOCTTY, file->mode);
	int fd = (int)ret;

	if (ret >= 0)
		ret = check_file(fd, file->flags);
	if (ret >= 0 && !(file->flags & O_NONBLOCK))
		ret = make_blocking(fd);
	if (ret >= 0 && fd != file->target) {
		ret = RAW(SYS_dup3, fd, file->target, 0);
		RAW(SYS_close, fd);
	}
	if (ret < 0)
		child_fail(plan, ret, file->path);
}

void child_open_files(struct plan *plan)
{
	const struct spec *spec = plan->spec;

	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].kind == USP_STDIO_FILE)
			open_file(plan, &spec->fds[i]);
	for (size_t i = 0; i < spec->n_fds; i++)
		if (spec->fds[i].kind == USP_STDIO_DUP && is_opened_later(spec, i))
			put(plan, &spec->fds[i], spec->fds[spec->fds[i].same_as].target);
}
