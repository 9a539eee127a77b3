/*
 * The public usp_process_*() calls: check the arguments that mean the same
 * everywhere, then leave the rest to whoever serves the process.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <uringspawn/pool.h>
#include "api/handle.h"

int usp_process_write_stream(struct usp_process *process, int stream, const void *data,
			     size_t size)
{
	assert(process);
	if (size && !data)
		return -EINVAL;
	return process->verbs->write(process, stream, data, size);
}

int usp_process_write(struct usp_process *process, const void *data, size_t size)
{
	return usp_process_write_stream(process, 0, data, size);
}

int usp_process_close_stream(struct usp_process *process, int stream)
{
	assert(process);
	return process->verbs->close(process, stream);
}

int usp_process_drop_stream(struct usp_process *process, int stream)
{
	assert(process);
	return process->verbs->drop(process, stream);
}

int usp_process_close_stdin(struct usp_process *process)
{
	return usp_process_close_stream(process, 0);
}

int usp_process_resize(struct usp_process *process, const struct usp_winsize *size)
{
	assert(process && size);
	return process->verbs->resize(process, size);
}

void usp_process_credit(struct usp_process *process, int stream, uint32_t bytes)
{
	assert(process);
	if (bytes)
		process->verbs->credit(process, stream, bytes);
}

int usp_process_signal(struct usp_process *process, int signal, enum usp_target target)
{
	assert(process);
	if (signal < 1 || signal > SIGRTMAX)
		return -EINVAL;
	if ((unsigned)target > USP_TARGET_TREE)
		return -EINVAL;
	return process->verbs->signal(process, signal, target);
}

void usp_process_kill(struct usp_process *process)
{
	assert(process);
	process->verbs->kill(process);
}

static int give_back(struct usp_process *process, unsigned uses, bool reuse)
{
	assert(process);
	if (!process->verbs->give_back)
		return -ENOTSUP;
	return process->verbs->give_back(process, uses, reuse);
}

int usp_process_release(struct usp_process *process, unsigned uses)
{
	return give_back(process, uses, true);
}

int usp_process_discard(struct usp_process *process)
{
	return give_back(process, 0, false);
}

pid_t usp_process_pid(const struct usp_process *process)
{
	assert(process);
	return process->pid;
}
