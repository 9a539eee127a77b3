/*
 * The three loops that the engine is measured against.
 */
#ifndef CLI_BENCH_PEER_H
#define CLI_BENCH_PEER_H

#include "cli/bench_run.h"

enum bench_peer {
	BENCH_PEER_BARE, /* clone(CLONE_VM | CLONE_VFORK | CLONE_PIDFD) and execve */
	BENCH_PEER_POSIX_SPAWN,
	BENCH_PEER_FORK, /* fork() and execve */
};

/* One for each CPU that this process may use. */
unsigned bench_peer_threads(void);

/*
 * Do @n_jobs with one thread for each CPU that this process may use.
 * @return 0, or -errno when there are no threads to be had.
 */
int bench_peer_run(enum bench_peer peer, const struct bench_job *job, unsigned n_jobs,
		   struct bench_round *ret_round);

/* ---- between bench_peer.c and the three ways to start a program ------------ */

struct bench_child {
	pid_t pid;
	int pidfd; /* -1: none, wait for the pid */
};

/* What one thread needs to start programs; its own, so that no two share a line. */
struct bench_starter {
	const struct bench_job *job;
	void *stack; /* of the children, which run one at a time */
	size_t stack_size;
	int out_fd, err_fd; /* what the next child gets as 1 and 2 */
	int exec_error;	    /* written by the child, in our memory */
};

/* Start a program by @starter.  @return 0 or -errno. */
int bench_clone_start(struct bench_starter *starter, struct bench_child *ret_child);
int bench_posix_start(struct bench_starter *starter, struct bench_child *ret_child);
int bench_fork_start(struct bench_starter *starter, struct bench_child *ret_child);

#endif
