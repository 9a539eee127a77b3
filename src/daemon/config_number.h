/*
 * Numbers, sizes and times as people write them.  False: it is none, or too large.
 */
#ifndef DAEMON_CONFIG_NUMBER_H
#define DAEMON_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits; where @bytes are meant K, M or G may follow. */
bool config_number(const char *text, bool bytes, uint64_t *ret_number);

/* Decimal digits, then ms, s, m or h; without, seconds. */
bool config_time(const char *text, uint64_t *ret_ns);

#endif
