/*
 * What every struct usp_process starts with, whoever serves it.
 *
 * The engine's processes and a daemon client's have the same public calls; each
 * kind brings its verbs.  Nothing here knows either of them.
 */
#ifndef API_HANDLE_H
#define API_HANDLE_H

#include <uringspawn/spawn.h>

/* The public usp_process_*() calls of one kind of process, arguments checked. */
struct process_verbs {
	int (*write)(struct usp_process *process, int stream, const void *data,
		     size_t size);
	int (*close)(struct usp_process *process, int stream);
	int (*drop)(struct usp_process *process, int stream);
	int (*resize)(struct usp_process *process, const struct usp_winsize *size);
	void (*credit)(struct usp_process *process, int stream, uint32_t bytes);
	int (*signal)(struct usp_process *process, int signal, enum usp_target target);
	void (*kill)(struct usp_process *process);
	/* @reuse: else its member comes to its end.  NULL where there are no uses. */
	int (*give_back)(struct usp_process *process, unsigned uses, bool reuse);
};

/* Embedded as the first member of struct process and struct remote. */
struct usp_process {
	const struct process_verbs *verbs;
	usp_event_fn *on_event;
	void *user;
	pid_t pid;
};

/* Tell the owner of @process what happened to it. */
static inline void handle_tell(struct usp_process *process, const struct usp_event *event)
{
	process->on_event(process, event, process->user);
}

#endif
