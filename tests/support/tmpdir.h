/*
 * A directory of the test's own.  Each Criterion test is a process, so there is
 * one per process; it goes away with tmpdir_done() (a suite's .fini) or exit().
 */
#ifndef SUPPORT_TMPDIR_H
#define SUPPORT_TMPDIR_H

/* Its path; made at the first call. */
const char *tmpdir(void);

/* The path of @name in it; one of eight buffers that are used in turn. */
const char *tmpdir_path(const char *name);

/* Remove it with all that is in it.  Nothing happens in a forked child. */
void tmpdir_done(void);

#endif
