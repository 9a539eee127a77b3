/*
 * `--check`: what works here, and why the rest does not.
 */
#ifndef TRACE_CHECK_H
#define TRACE_CHECK_H

/* Returns the exit code: 0 when something can be traced. */
int check_run(void);

#endif
