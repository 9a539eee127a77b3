/*
 * What an engine tells about a process, written down for a test to look at.
 *
 * Each event is checked against the promises of spawn.h as it comes: its place in
 * the order, that it comes once, and that nothing comes after the end.
 */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include <stdbool.h>
#include <uringspawn/spawn.h>
#include "base/buf.h"

#define ARGV(...)     ((const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(script) ARGV("sh", "-c", script)
#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

/* The three standard streams without a pipe. */
#define NO_PIPES                                                                         \
	{                                                                                \
		{ .kind = USP_STDIO_NULL }, { .kind = USP_STDIO_NULL },                  \
		{                                                                        \
			.kind = USP_STDIO_NULL                                           \
		}                                                                        \
	}

#define RECORD_STREAMS (USP_FD_TARGET_MAX + 1)

struct record;

typedef void record_fn(struct record *record, const struct usp_event *event);

struct record {
	struct usp_process *process; /* NULL when it is over */
	struct usp_engine *engine;
	record_fn *also; /* called after each event was written down; NULL: nobody */
	void *user;	 /* @also's */

	/* One letter per event: s(tarted) f(ailed) 1 2 o (output of those and of others,
	 * many in a row once) e E O (their end) w(indow) x (exit) . (end). */
	char order[128];
	bool started, failed, exited, ended, eof[RECORD_STREAMS];
	pid_t pid;
	struct usp_failure failure; /* path: @path */
	char path[512];
	struct usp_exit exit;
	struct usp_end end; /* its holders, rusage and cgroup: those below */
	struct usp_cgroup_usage cgroup;
	struct usp_holder holders[16];
	struct usp_rusage usage;
	struct buf out[RECORD_STREAMS];
	struct usp_given_fd given[3 + USP_FDS_MAX];
	size_t n_given;
	int pidfd;	       /* as given: the test's */
	uint64_t window_bytes; /* sum of the window events */
	bool stdin_closed;     /* a window event of 0 */
};

/* An engine of two launchers and otherwise the defaults, or @options. */
struct usp_engine *record_engine(const struct usp_engine_options *options);

/* Ask @engine for a process; @also and @user are set before. */
void record_spawn(struct record *record, struct usp_engine *engine,
		  const struct usp_options *options);

/* Turn until it has ended. */
void record_wait(struct record *record);

/* Spawn and wait, on an engine of its own. */
void record_run(struct record *record, const struct usp_options *options);
#define RUN(record, ...) record_run(record, &USP_OPTIONS(__VA_ARGS__))

/* What it wrote to @stream, with a NUL behind it. */
const char *record_text(struct record *record, int stream);

void record_done(struct record *record);

/* It exited with @code and nothing was done to it. */
void record_expect_exit(struct record *record, int code);

/* It failed to start, and that is all that was told. */
void record_expect_failed(struct record *record, enum usp_stage stage, int error,
			  const char *path);

/* This process has no child left, dead ones included. */
bool no_children(void);

#endif
