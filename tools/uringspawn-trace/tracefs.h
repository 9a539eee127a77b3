/*
 * The numbers of tracepoints, which only tracefs tells.  Where it is not mounted, it is
 * opened without a place in the file system, so that nobody else sees it.
 */
#ifndef TRACE_TRACEFS_H
#define TRACE_TRACEFS_H

/* Returns a directory, or -errno. */
int tracefs_open(void);

/* Of "syscalls/sys_enter_clone".  Returns -ENOENT when this kernel has none. */
int tracefs_id(int tracefs_fd, const char *name);

/* A descriptor of perf's that counts it everywhere, or -errno. */
int tracefs_event(int tracefs_fd, const char *name);

#endif
