/*
 * A command run as a person runs it: with stdio of any kind, signals, a terminal.
 */
#ifndef SUPPORT_COMMAND_H
#define SUPPORT_COMMAND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name
#define ARGS(...)     ((const char *const[]){ __VA_ARGS__, NULL })

#define COMMAND_CLOSED (-1)

struct command {
	const char *const *argv;
	/* For each of 0 to 2: 0 is the default, that is @input and captured, captured;
	 * COMMAND_CLOSED; or a descriptor, which stays the caller's. */
	int stdio[3];
	const void *input; /* for its stdin, which is /dev/null without */
	size_t input_size;
	uint64_t ignored; /* bit n-1: signal n is ignored when it starts */
	const char *tty;  /* its terminal, in a session of its own, for all of stdio */
};

struct running_command {
	pid_t pid;
	int pidfd;
	int in_fd, out_fd, err_fd; /* our ends, or -1 */
	const char *input;
	size_t input_size;
};

struct command_result {
	int code; /* its exit code, or minus the signal that ended it */
	char out[512 << 10];
	size_t out_size; /* a NUL follows */
	char err[8192];
	size_t err_size;
};

/* It dies with the test. */
void command_start(struct running_command *running, const struct command *command);

/* Read its output until a line that begins with @start has come whole, into @line. */
void command_read_line(struct running_command *running, const char *start, char *line,
		       size_t size);

/* The same on any descriptor. */
void read_line(int fd, const char *start, char *line, size_t size);

/* Wait until it ends, with all of its output. */
void command_end(struct running_command *running, struct command_result *ret_result);

/* Start it and wait until it ends.  Returns its exit code, or minus the signal. */
int command_run(const struct command *command, struct command_result *ret_result);

#endif
