/*
 * Error numbers as the names that manual pages use.
 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

const char *err_name(int error)
{
	static _Thread_local char text[16];
	const char *name = strerrorname_np(error);

	if (name && error != 0)
		return name;
	snprintf(text, sizeof(text), "E%d", error);
	return text;
}
