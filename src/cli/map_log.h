/*
 * The job log of `uringspawn map`: a line for each job that has ended, in the columns of
 * GNU parallel's --joblog, and which jobs such a log says are done.
 */
#ifndef CLI_MAP_LOG_H
#define CLI_MAP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_log {
	int fd;	       /* -1: there is none */
	uint8_t *done; /* bit n: job n is, by a log of before */
	size_t size;   /* of @done */
};

/* What is told of a job. */
struct map_log_entry {
	uint64_t number;
	uint64_t started_ms; /* Unix time */
	uint64_t running_ns;
	uint64_t sent_bytes, received_bytes; /* stdin; stdout and stderr */
	int code;			     /* as a shell says it; 0 with a signal */
	int signal;
};

enum map_resume {
	MAP_RESUME_NONE,   /* the log begins anew */
	MAP_RESUME,	   /* what is in it is done */
	MAP_RESUME_FAILED, /* what is in it as a success is */
};

/* Returns 0, or -errno: what is wrong was said. */
int map_log_open(const char *path, enum map_resume resume, struct map_log *ret_log);
void map_log_close(struct map_log *log);

bool map_log_has(const struct map_log *log, uint64_t number);

/* @command: in one line.  Returns 0 or -errno. */
int map_log_write(const struct map_log *log, const struct map_log_entry *entry,
		  const char *command, size_t size);

/* Unix time, in ms. */
uint64_t map_log_now_ms(void);

#endif
