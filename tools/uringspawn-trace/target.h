/*
 * Whom is looked at: processes that run already, or a command that is started for it.
 */
#ifndef TRACE_TARGET_H
#define TRACE_TARGET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "uringspawn-trace/failure.h"

enum { TARGETS_MAX = 64 };

struct targets {
	size_t n;
	pid_t pids[TARGETS_MAX];
	int pidfds[TARGETS_MAX]; /* readable when it has ended */
	char names[TARGETS_MAX][16];
	bool started; /* the only one is ours */
	int go_fd;    /* a byte lets it execute */
};

/* Find running processes.  Returns 0, or the exit code of @why. */
int target_find(struct targets *targets, const pid_t *pids, size_t n,
		struct failure *why);

/* Make a process that will execute @command once target_go() is called; @mask is its
 * signal mask. */
int target_start(struct targets *targets, char *const *command, const sigset_t *mask,
		 struct failure *why);

/* The file that the first one executes, or will. */
void target_program(const struct targets *targets, char *const *command, char *ret_path,
		    size_t size);

/* The working directory of the first one, else ours. */
void target_directory(const struct targets *targets, char *ret_path, size_t size);

/* Let it execute.  Returns 0, or the exit code of @why when that did not go well. */
int target_go(struct targets *targets, struct failure *why);

/* Whether all have ended. */
bool target_all_gone(const struct targets *targets);

/* End what was started, with SIGTERM and then SIGKILL; nothing else is touched. */
void target_end(struct targets *targets);

void target_close(struct targets *targets);

#endif
