/*
 * The engine: descriptors that are files, opened by the child itself.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/record.h"
#include "support/tmpdir.h"

TestSuite(engine_files, .timeout = 60, .fini = tmpdir_done);

#define NOBODY 65534
#define FILE_STDIO(...)                                                                  \
	{                                                                                \
		.kind = USP_STDIO_FILE, __VA_ARGS__                                      \
	}
#define NULL_STDIO                                                                       \
	{                                                                                \
		.kind = USP_STDIO_NULL                                                   \
	}

static const char *put(const char *name, const char *text, mode_t mode)
{
	const char *path = tmpdir_path(name);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, (int)write(fd, text, strlen(text)), (int)strlen(text)));
	cr_assert(eq(int, fchmod(fd, mode), 0));
	close(fd);
	return path;
}

static void expect_content(const char *path, const char *want)
{
	char text[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert(ge(int, fd, 0), "%s", path);
	cr_assert(ge(int, (int)read(fd, text, sizeof(text) - 1), 0));
	close(fd);
	cr_assert(eq(str, text, (char *)want));
}

/* A job with three streams of @stdio that writes, and ends well. */
static void run_well(const struct usp_stdio *stdio)
{
	struct record r = { 0 };

	RUN(&r, .argv = SHELL("cat; echo out; echo err >&2"),
	    .stdio = { stdio[0], stdio[1], stdio[2] }, .set = USP_SET_UMASK,
	    .umask = 027);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, r.order, "sx."), "its files need nobody here");
	record_done(&r);
}

static mode_t mode_of(const char *path)
{
	struct stat stat;

	cr_assert(eq(int, lstat(path, &stat), 0));
	return stat.st_mode & 07777;
}

CLEAN_TEST(engine_files, they_are_read_made_and_written)
{
	const char *in = put("in", "in\n", 0400), *out = tmpdir_path("out");
	const char *err = tmpdir_path("err");

	run_well((struct usp_stdio[]){
		FILE_STDIO(.path = in), FILE_STDIO(.path = out),
		FILE_STDIO(.path = err, .mode = 0604, .flags = O_WRONLY | O_CREAT) });
	expect_content(out, "in\nout\n");
	expect_content(err, "err\n");
	cr_assert(eq(int, mode_of(out), 0640), "0666 without its umask");
	cr_assert(eq(int, mode_of(err), 0600));
}

CLEAN_TEST(engine_files, they_are_cut_or_appended_to)
{
	const char *cut = put("cut", "a long text", 0600);
	const char *longer = put("longer", "a\n", 0600);

	run_well((struct usp_stdio[]){
		NULL_STDIO, FILE_STDIO(.path = cut),
		FILE_STDIO(.path = longer, .flags = O_WRONLY | O_APPEND) });
	expect_content(cut, "out\n");
	expect_content(longer, "a\nerr\n");
}

CLEAN_TEST(engine_files, two_may_be_one)
{
	const char *both = tmpdir_path("both");

	run_well((struct usp_stdio[]){ NULL_STDIO,
				       { .kind = USP_STDIO_DUP, .fd = 2 },
				       FILE_STDIO(.path = both) });
	expect_content(both, "out\nerr\n");
}

CLEAN_TEST(engine_files, their_paths_start_in_its_directory)
{
	struct record r = { 0 };

	put("here", "text", 0600);
	RUN(&r, .argv = ARGV("cat"), .cwd = tmpdir(),
	    .stdio = { FILE_STDIO(.path = "here") });
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "text"));
	record_done(&r);
}

/* The caller's strings are its own again when the call returns. */
CLEAN_TEST(engine_files, their_paths_are_copied)
{
	struct usp_engine *engine = record_engine(NULL);
	char first[PATH_MAX], second[PATH_MAX];
	struct record r = { 0 };

	strcpy(first, put("first", "1", 0600));
	strcpy(second, put("second", "2", 0600));
	record_spawn(
		&r, engine,
		&USP_OPTIONS(.argv = SHELL("cat; cat <&7"),
			     .stdio = { FILE_STDIO(.path = first) },
			     .fds =
				     (struct usp_fd[]){
					     { 7,
					       FILE_STDIO(.path = second,
							  .direction =
								  USP_DIRECTION_READ) } },
			     .n_fds = 1));
	memset(first, 'z', sizeof(first));
	memset(second, 'z', sizeof(second));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "12"));
	record_done(&r);
	usp_engine_free(engine);
}

/* ---- what cannot be opened ----------------------------------------------- */

static void expect_refused(int stream, struct usp_stdio file, int error)
{
	struct usp_stdio stdio[3] = { NULL_STDIO, NULL_STDIO, NULL_STDIO };
	struct record r = { 0 };

	stdio[stream] = file;
	RUN(&r, .argv = ARGV(PROGRAM("true")), .stdio = { stdio[0], stdio[1], stdio[2] });
	record_expect_failed(&r, USP_STAGE_STDIO, error, file.path);
	record_done(&r);
}

CLEAN_TEST(engine_files, what_cannot_be_opened_is_named)
{
	const char *file = put("file", "", 0600);
	char below[PATH_MAX];

	snprintf(below, sizeof(below), "%s/below", file);
	expect_refused(0, (struct usp_stdio)FILE_STDIO(.path = "/no/such/file"), ENOENT);
	expect_refused(1, (struct usp_stdio)FILE_STDIO(.path = "/no/such/file"), ENOENT);
	expect_refused(1, (struct usp_stdio)FILE_STDIO(.path = below), ENOTDIR);
	expect_refused(0, (struct usp_stdio)FILE_STDIO(.path = "/tmp"), EISDIR);
	expect_refused(1, (struct usp_stdio)FILE_STDIO(.path = "/tmp"), EISDIR);
	expect_refused(2,
		       (struct usp_stdio)FILE_STDIO(.path = file,
						    .flags = O_WRONLY | O_CREAT | O_EXCL),
		       EEXIST);
}

CLEAN_TEST(engine_files, a_stdin_is_never_made)
{
	const char *missing = tmpdir_path("missing");
	struct record r = { 0 };

	expect_refused(0, (struct usp_stdio)FILE_STDIO(.path = missing), ENOENT);
	RUN(&r, .argv = ARGV("cat"),
	    .stdio = { FILE_STDIO(.path = missing, .flags = O_RDWR | O_CREAT) });
	record_expect_failed(&r, USP_STAGE_VALIDATE, EINVAL, "stdio");
	record_done(&r);
	cr_assert(eq(int, access(missing, F_OK), -1));
}

/* ---- FIFOs --------------------------------------------------------------- */

CLEAN_TEST(engine_files, a_fifo_without_another_end_is_an_error)
{
	const char *fifo = tmpdir_path("fifo");

	cr_assert(eq(int, mkfifo(fifo, 0600), 0));
	expect_refused(0, (struct usp_stdio)FILE_STDIO(.path = fifo), ENXIO);
	expect_refused(1, (struct usp_stdio)FILE_STDIO(.path = fifo), ENXIO);
}

/* What is in it already is not lost, and neither end comes to know of O_NONBLOCK. */
CLEAN_TEST(engine_files, a_fifo_with_another_end_is_a_file_like_others)
{
	const char *fifo = tmpdir_path("fifo");
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 }, w = { 0 };
	char text[8] = "";
	int fd;

	cr_assert(eq(int, mkfifo(fifo, 0600), 0));
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	cr_assert(eq(int, (int)write(fd, "early ", 6), 6));
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = ARGV("head", "-c", "10"),
				  .stdio = { FILE_STDIO(.path = fifo) }));
	while (!r.started)
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	cr_assert(eq(int, (int)write(fd, "late", 4), 4));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "early late"));
	record_done(&r);

	record_spawn(&w, engine,
		     &USP_OPTIONS(.argv = ARGV("echo", "text"),
				  .stdio = { [1] = FILE_STDIO(.path = fifo) }));
	record_wait(&w);
	record_expect_exit(&w, 0);
	cr_assert(eq(int, (int)read(fd, text, sizeof(text)), 5));
	cr_assert(eq(str, text, "text\n"));
	record_done(&w);
	close(fd);
	usp_engine_free(engine);
}

CLEAN_TEST(engine_files, a_fifo_that_nobody_wrote_yet_blocks_its_reader)
{
	const char *fifo = tmpdir_path("fifo");
	struct usp_engine *engine = record_engine(NULL);
	struct record r = { 0 };
	int fd;

	cr_assert(eq(int, mkfifo(fifo, 0600), 0));
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	record_spawn(&r, engine,
		     &USP_OPTIONS(.argv = SHELL("echo ready; head -c 4"),
				  .stdio = { FILE_STDIO(.path = fifo) }));
	while (!strstr(record_text(&r, 1), "ready"))
		cr_assert(eq(int, usp_engine_turn(engine), 0));
	cr_assert(eq(int, (int)write(fd, "text", 4), 4));
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "ready\ntext"));
	record_done(&r);
	close(fd);
	usp_engine_free(engine);
}

/* ---- with whose rights --------------------------------------------------- */

/* As @NOBODY, who may enter the directory. */
static void expect_denied(int stream, const char *path, int flags)
{
	struct usp_stdio stdio[3] = { NULL_STDIO, NULL_STDIO, NULL_STDIO };
	struct record r = { 0 };

	stdio[stream] = (struct usp_stdio)FILE_STDIO(.path = path, .flags = flags);
	RUN(&r, .argv = ARGV("/bin/true"), .stdio = { stdio[0], stdio[1], stdio[2] },
	    .set = USP_SET_CREDENTIALS, .uid = NOBODY, .gid = NOBODY);
	record_expect_failed(&r, USP_STAGE_STDIO, EACCES, path);
	record_done(&r);
}

CLEAN_TEST(engine_files, they_are_opened_with_its_own_rights)
{
	char secret[PATH_MAX], readable[PATH_MAX];
	struct record r = { 0 };

	if (getuid())
		cr_skip("only root may become another");
	strcpy(secret, put("secret", "text", 0600));
	strcpy(readable, put("readable", "text", 0444));
	cr_assert(eq(int, chmod(tmpdir(), 0755), 0));
	expect_denied(0, secret, 0);
	expect_denied(1, secret, O_WRONLY | O_APPEND);
	expect_denied(1, readable, 0);
	expect_denied(2, tmpdir_path("new"), 0);
	expect_denied(0, "/etc/shadow", 0);
	expect_content(readable, "text");

	RUN(&r, .argv = ARGV("cat"), .stdio = { FILE_STDIO(.path = readable) },
	    .set = USP_SET_CREDENTIALS, .uid = NOBODY, .gid = NOBODY);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "text"));
	record_done(&r);
}

/* A terminal that is opened does not become the controlling one. */
CLEAN_TEST(engine_files, a_terminal_is_a_file_like_others)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), tty;
	struct record r = { 0 };

	cr_assert(ge(int, master, 0));
	cr_assert(eq(int, grantpt(master) + unlockpt(master), 0));
	RUN(&r, .argv = ARGV("cat", "/proc/self/stat"), .group = USP_GROUP_SESSION,
	    .stdio = { FILE_STDIO(.path = ptsname(master), .flags = O_RDWR) });
	record_expect_exit(&r, 0);
	cr_assert(eq(int,
		     sscanf(record_text(&r, 1), "%*d (cat) %*c %*d %*d %*d %d", &tty),
		     1));
	cr_assert(eq(int, tty, 0));
	record_done(&r);
	close(master);
}
