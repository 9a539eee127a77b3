/*
 * Prints what jobs said.  It waits for who reads it, and meanwhile still hears signals.
 */
#ifndef CLI_MAP_PRINT_H
#define CLI_MAP_PRINT_H

#include <stdbool.h>
#include <stddef.h>

/* Told that a signal waits; false: print no more. */
typedef bool map_print_signal_fn(void *user);

struct map_print {
	int signal_fd;
	map_print_signal_fn *on_signal;
	void *user;
	bool waits[3]; /* of stdout and stderr: writing to it may have to wait */
};

void map_print_open(struct map_print *print);

/* @stream: 1 or 2.  All of it.  Returns 0; -EINTR: on_signal() said so; -EPIPE; ... */
int map_print(struct map_print *print, int stream, const void *data, size_t size);

#endif
