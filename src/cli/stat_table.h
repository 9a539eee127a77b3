/*
 * A daemon's numbers, from its JSON, as a table for people.
 */
#ifndef CLI_STAT_TABLE_H
#define CLI_STAT_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* What is missing in @stats, as an older daemon's may, is left out. */
void stat_table_print(const json_t *stats, FILE *to);

/* "20 us", "1.5 ms", "3 s". */
struct stat_words {
	char text[32];
};
struct stat_words stat_table_seconds(double seconds);

#endif
