/*
 * The jobs of a daemon as a table.
 */
#ifndef CLI_JOBS_TABLE_H
#define CLI_JOBS_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* One line without its end: the heading, or a job.  No longer than @width. */
void jobs_table_heading(FILE *to, int width);
void jobs_table_job(FILE *to, const json_t *job, int width);

#endif
