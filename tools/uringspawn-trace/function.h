/*
 * A function of a program's or a library's file, found by its name.
 */
#ifndef TRACE_FUNCTION_H
#define TRACE_FUNCTION_H

#include <stddef.h>
#include <stdint.h>
#include "uringspawn-trace/failure.h"

enum { FUNCTION_VERSIONS_MAX = 4 };

struct function {
	char path[4096];
	const char *symbol;			 /* of the text that was given */
	size_t n;				 /* a name may have several versions */
	uint64_t offsets[FUNCTION_VERSIONS_MAX]; /* in the file */
};

/* "[PATH:]SYMBOL"; without a path it is one of @program, a file.  Returns 0, or the exit
 * code of @why. */
int function_find(struct function *function, const char *text, const char *program,
		  struct failure *why);

#endif
