/*
 * Somebody who traces a process.
 */
#include "support/tracer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The end of a tracer lets go whom it traces. */
static _Noreturn void trace(int fd, pid_t traced)
{
	char c = ptrace(PTRACE_SEIZE, traced, NULL, NULL) == 0 ? 'y' : 'n';

	if (write(fd, &c, 1) == 1)
		(void)!read(fd, &c, 1);
	_exit(0);
}

bool tracer_start(struct tracer *tracer, pid_t traced)
{
	int ends[2];
	char c;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0));
	tracer->pid = fork();
	if (tracer->pid == 0) {
		close(ends[0]);
		trace(ends[1], traced);
	}
	cr_assert(lt(int, 0, tracer->pid));
	close(ends[1]);
	tracer->fd = ends[0];
	cr_assert(eq(int, (int)read(tracer->fd, &c, 1), 1));
	if (c == 'y')
		return true;
	tracer_end(tracer);
	return false;
}

void tracer_end(struct tracer *tracer)
{
	close(tracer->fd);
	cr_assert(eq(int, waitpid(tracer->pid, NULL, 0), tracer->pid));
}
