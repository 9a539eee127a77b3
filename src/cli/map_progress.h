/*
 * The bar of `uringspawn map --progress`: one line at the bottom of the terminal that is
 * stderr, taken away before anything else is printed.  It changes no mode of the terminal.
 */
#ifndef CLI_MAP_PROGRESS_H
#define CLI_MAP_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAP_PROGRESS_LINE_MAX = 512 };

/* What it tells. */
struct map_tally {
	uint64_t total;	  /* jobs */
	bool total_known; /* else there may be more */
	uint64_t skipped; /* of them, by --resume */
	uint64_t done;	  /* of the others */
	uint64_t failed;  /* of @done */
	uint64_t elapsed_ns;
};

struct map_progress {
	bool on;    /* stderr is a terminal, and it was asked for */
	bool shown; /* the line is there */
	uint64_t begun_ns, shown_ns;
	bool tty[3];	  /* of stdout and stderr: printing there meets the bar */
	bool mid_line[3]; /* and the last line there has no end */
};

void map_progress_open(struct map_progress *progress, bool wanted);

/* Before something is printed to @stream. */
void map_progress_hide(struct map_progress *progress, int stream, const void *data,
		       size_t size);

/* Show how things are, unless that was done a moment ago.  tally->elapsed_ns is set. */
void map_progress_show(struct map_progress *progress, struct map_tally *tally);

/* Show the last state, and leave it there. */
void map_progress_close(struct map_progress *progress, struct map_tally *tally);

/* When the next one is due; -1: never. */
int map_progress_wait_ms(const struct map_progress *progress);

/* The line for @columns, without an end.  Returns its length. */
size_t map_progress_line(const struct map_tally *tally, unsigned columns,
			 char line[MAP_PROGRESS_LINE_MAX]);

#endif
