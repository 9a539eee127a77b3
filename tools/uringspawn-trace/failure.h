/*
 * Why something cannot be traced here: in one line, with what would help, and as the
 * exit code that it is.
 */
#ifndef TRACE_FAILURE_H
#define TRACE_FAILURE_H

#include "base/annotate.h"

enum {
	CODE_OK = 0,
	CODE_USAGE = 1,	 /* a wrong option, a process that is not there */
	CODE_DENIED = 2, /* permission is missing */
	CODE_KERNEL = 3, /* the kernel has not what is needed */
};

struct failure {
	int code;
	char text[512];
};

/* Returns @code, never 0. */
__attribute__((format(printf, 3, 4))) int failure_set(struct failure *why, int code,
						      const char *format, ...);

/* Of an -errno of the kernel's at @what: whether it is a matter of permission or of the
 * kernel, with what is known about why.  Returns the code. */
int failure_of_errno(struct failure *why, int error, const char *what);

#endif
