/*
 * An environment of so many variables, made for a benchmark.
 */
#ifndef CLI_BENCH_ENVIRONMENT_H
#define CLI_BENCH_ENVIRONMENT_H

/* NULL-terminated, about as long as real ones are.  NULL: there is no memory for it. */
char **bench_environment_new(unsigned n_variables);

/* Accepts NULL. */
void bench_environment_free(char **environment);

#endif
