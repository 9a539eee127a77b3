/*
 * What `uringspawn run` was asked to do.
 */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <uringspawn/spawn.h>

struct run_options {
	const char *socket; /* NULL: an engine in this process */
	const char *pool;   /* a use of it, in place of a program; or NULL */
	bool has_answer;
	bool until_exit; /* of a worker: its exit is the end of its answer */
	const char
		*of_start; /* the last option that says how a program starts, or NULL */
	bool pty;	   /* on a terminal of its own */
	bool relay;	   /* its output is copied, so that it can be watched */
	bool stats;	   /* say what it used */
	/* What is asked for as it is: times, limits, credentials. */
	struct usp_options asked;
	gid_t groups[USP_GROUPS_MAX]; /* of asked, which points here */
	bool has_group;
	gid_t group;
	bool has_groups;
	gid_t given_groups[USP_GROUPS_MAX]; /* in place of the user's */
	size_t n_groups;
	struct usp_fd fds[USP_FDS_MAX]; /* of asked */
	const char *files[3];		/* in place of the caller's stream, or NULL */
	bool append;			/* to those that it writes */
	const char *arg0;		/* what it is told that its name is, or NULL */
	bool foreground;		/* in this process group, alone to be ended */
	bool has_gone;
	bool preserve_status; /* also of one that a timeout ended */
	char **envp;	      /* complete; free with run_options_done() */
	char **argv;	      /* the command; part of the caller's argv */
};

/* Returns 0; 1: help was printed; -EINVAL: what is wrong was said; -ENOMEM. */
int run_options_parse(int argc, char **argv, struct run_options *options);
void run_options_done(struct run_options *options);

/* The command, its environment and its name, for @asked; once. */
void run_options_command(struct run_options *options, struct usp_options *asked);

/* The files that take the place of @stdio. */
void run_options_files(const struct run_options *options, struct usp_stdio stdio[3]);

#endif
