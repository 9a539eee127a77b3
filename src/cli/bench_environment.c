/*
 * An environment of so many variables: what each one is called does not matter, only
 * that its bytes are copied as those of a real one are.
 */
#include "cli/bench_environment.h"

#include <stdio.h>

#include "base/alloc.h"

/* 44 bytes with its end. */
#define VARIABLE_FORMAT "BENCH_VARIABLE_%06u=/usr/lib/a/value"
#define VARIABLE_BYTES	48u

char **bench_environment_new(unsigned n_variables)
{
	/* The pointers, and behind them what they point to. */
	size_t pointer_bytes = (n_variables + 1) * sizeof(char *);
	char **environment = mem_alloc(pointer_bytes + n_variables * VARIABLE_BYTES);

	if (!environment)
		return NULL;
	char *text = (char *)environment + pointer_bytes;

	for (unsigned i = 0; i < n_variables; i++, text += VARIABLE_BYTES) {
		snprintf(text, VARIABLE_BYTES, VARIABLE_FORMAT, i);
		environment[i] = text;
	}
	environment[n_variables] = NULL;
	return environment;
}

void bench_environment_free(char **environment)
{
	mem_free(environment);
}
