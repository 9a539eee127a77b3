/*
 * What the parts of child.c have in common.  Private to them, and the last file
 * that each of them includes: from here on libc's state cannot be named.
 */
#ifndef LAUNCH_CHILD_PARTS_H
#define LAUNCH_CHILD_PARTS_H

#include <errno.h>
#include "launch/plan.h"
#include "sys/raw.h"

#undef errno
#undef assert
#pragma GCC poison malloc free printf errno assert

/* Say that the step failed by @ret, and about what; and be gone. */
_Noreturn void child_fail(struct plan *plan, long ret, const char *path);

/* Descriptors that are there already in their places, and all others closed. */
void child_place_fds(struct plan *plan);

/* Close all from @first to @last, where close_range() is refused.  Returns 0, or -errno
 * when /proc does not tell which there are. */
long child_close_listed(unsigned first, unsigned last);

/* Those of files, opened with the child's own rights. */
void child_open_files(struct plan *plan);

void child_join_group(struct plan *plan);
void child_set_limits(struct plan *plan);
void child_set_credentials(struct plan *plan);
void child_set_umask(struct plan *plan);

#endif
