/*
 * What happened to a process, as events for its owner.
 */
#ifndef PROCESS_TELL_H
#define PROCESS_TELL_H

#include "process/process.h"

void tell_started(struct process *p) REACTOR_ONLY;
void tell_failed(struct process *p) REACTOR_ONLY; /* p->failure */
/* @buffer: the one that @data is in, or NULL. */
void tell_output(struct process *p, int stream, const void *data, size_t size,
		 struct buffer *buffer) REACTOR_ONLY;
void tell_eof(struct process *p, int stream) REACTOR_ONLY;
void tell_window(struct process *p, int stream, uint32_t bytes) REACTOR_ONLY;
void tell_exit(struct process *p) REACTOR_ONLY; /* p->exit_info, or the status is lost */
void tell_end(struct process *p) REACTOR_ONLY;

#endif
