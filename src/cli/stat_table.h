/*
 * A daemon's numbers, from its JSON, as a table for people.
 */
#ifndef CLI_STAT_TABLE_H
#define CLI_STAT_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* What is missing in @stats, as an older daemon's may, is left out. */
void stat_table_print(const json_t *stats, FILE *to);

#endif
