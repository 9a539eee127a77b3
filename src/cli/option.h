/*
 * What people type: words that are nearly right, lengths of time, signals.
 */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

/* The candidate that @word was probably meant to be, or NULL when none is near. */
const char *option_nearest(const char *word, const char *const *candidates, size_t n);

/*
 * Say on stderr what getopt_long() did not like, and which option is near.
 * To be called when it returned '?' or ':' (opterr 0, short options start with "+:").
 */
void option_complain(const char *command, char **argv, const struct option *options);

/* "1.5", "500ms", "10s", "2m", "1h".  Returns 0, or -EINVAL, -ERANGE. */
int option_duration(const char *text, uint64_t *ret_ns);

/*
 * Bytes as a text tells them: \n, \t, \r, \0, \\, \xHH, and all else as it is.  @ret_bytes
 * has strlen(@text) places.  Returns 0, or -EINVAL: another letter is behind a backslash.
 */
int option_text(const char *text, char *ret_bytes, size_t *ret_size);

/* "TERM", "SIGTERM", "15".  Returns the signal or -EINVAL. */
int option_signal(const char *text);

#endif
