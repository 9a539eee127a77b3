/*
 * The pools of a daemon as a table, and one of them with all its numbers.
 */
#ifndef CLI_POOL_TABLE_H
#define CLI_POOL_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * One line without its end: the heading, or a pool.  No longer than @width.  @before: the
 * same pool @seconds ago, and its uses are those of a second; NULL: all since it was opened.
 */
void pool_table_heading(FILE *to, bool rates, int width);
void pool_table_pool(FILE *to, const json_t *pool, const json_t *before, double seconds,
		     int width);

/* The same, of what its members use, and why they ended. */
void pool_table_members(FILE *to, const json_t *pool, int width);

/* Are they one, at two times?  Some without a name may look the same. */
bool pool_table_same(const json_t *a, const json_t *b);

/* All its numbers, a line each, and its processes. */
void pool_table_print(FILE *to, const json_t *pool);

#endif
