/*
 * What the daemon says: one line per event worth waking for, on stderr.
 *
 * A line holds numbers, names that the operator gave, and sentences of the daemon's
 * own; nothing that a client sent: no argument, no environment, no path, no bytes.
 *
 * Where the journal reads stderr a line begins with its priority, as sd-daemon(3)
 * has it; elsewhere with the name of the program.  Nothing here waits: what stderr
 * does not take at once is counted, and the next line that it takes says so.
 */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* The journal's numbers. */
enum log_level {
	LOG_LEVEL_ERROR = 3,   /* the daemon cannot do what it is for */
	LOG_LEVEL_WARNING = 4, /* somebody should look at it */
	LOG_LEVEL_NOTICE = 5,  /* its own life: ready, replaced, stopping */
	LOG_LEVEL_INFO = 6,    /* who was refused, and why */
	LOG_LEVEL_DEBUG = 7,   /* who came and went */
};

/* "error" to "debug".  False: there is no such level. */
bool log_level_of(const char *name, enum log_level *ret_level);

/* Find out who reads stderr.  Before it, lines have the program's name. */
void log_open(void);

/* From here on lines of this level and the graver ones are written. */
void log_set_level(enum log_level level);

/* @format makes a sentence without a full stop. */
__attribute__((format(printf, 2, 3))) void log_say(enum log_level level,
						   const char *format, ...);

/* Of a line that may come often; zeroed at the start. */
struct log_repeat {
	uint64_t next_ns; /* until then it is left out */
	unsigned left_out;
};

/* As log_say(), once in LOG_REPEAT_NS at most; how often it was left out is added. */
#define LOG_REPEAT_NS UINT64_C(10000000000)
__attribute__((format(printf, 4, 5))) void log_often(struct log_repeat *repeat,
						     uint64_t now_ns,
						     enum log_level level,
						     const char *format, ...);

#endif
