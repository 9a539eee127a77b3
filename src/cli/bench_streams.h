/*
 * Output that the caller of a job reads itself, beside the events of the engine or the
 * daemon: by ends of pipes that it was given, or that it made.
 *
 * Not here: what a job is, and when it is over.
 */
#ifndef CLI_BENCH_STREAMS_H
#define CLI_BENCH_STREAMS_H

#include <stddef.h>
#include <uringspawn/spawn.h>

struct bench_streams;

/* Told of each piece of a stream of @owner, and of its end: @size is 0. */
typedef void bench_streams_fn(void *owner, size_t size);

/* @return 0 or -errno */
int bench_streams_new(bench_streams_fn *on_bytes, struct bench_streams **ret_streams);

/* Closes what is still read.  Accepts NULL. */
void bench_streams_free(struct bench_streams *streams);

/*
 * Let bench_streams_turn() return when @fd has any of @events, which are poll()'s: one
 * descriptor, which is not read here.  @return 0 or -errno
 */
int bench_streams_watch(struct bench_streams *streams, int fd, short events);

/* Read @fd to its end and close it then.  Takes @fd.  @return 0 or -errno */
int bench_streams_add(struct bench_streams *streams, int fd, void *owner);

/*
 * Make a pipe, read it, and give the end to write to, as a stream of a child.
 * @return 0 or -errno
 */
int bench_streams_pipe(struct bench_streams *streams, void *owner,
		       struct usp_stdio *ret_stdio);

/*
 * Wait until there is something, and read some of what is there.  Returns after a tenth
 * of a second at the latest.  @return 0 or -errno
 */
int bench_streams_turn(struct bench_streams *streams);

#endif
