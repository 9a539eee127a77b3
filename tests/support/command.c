/*
 * Commands and their pipes.  Every wait has a limit.
 */
#include "support/command.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/wait.h"

/* ---- starting ------------------------------------------------------------ */

/* The test runner's own dispositions are nobody else's. */
static void set_signals(uint64_t ignored)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		signal(i, ignored >> (i - 1) & 1 ? SIG_IGN : SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The first terminal that a session leader opens is its controlling one. */
static void take_terminal(const char *tty, int fds[3])
{
	int fd;

	setsid();
	fd = open(tty, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0))
		_exit(99);
	for (int i = 0; i < 3; i++)
		fds[i] = fd;
}

static void become(const struct command *command, int fds[3])
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_signals(command->ignored);
	if (command->tty)
		take_terminal(command->tty, fds);
	/* Out of the way first, so that none is overwritten before it is moved. */
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 10);
	for (int i = 0; i < 3; i++) {
		if (fds[i] >= 0)
			dup2(fds[i], i);
		else
			close(i);
	}
	execv(command->argv[0], (char *const *)command->argv);
	_exit(99);
}

/* The child's end for stream @i; ours in *ret_ours. */
static int open_end(const struct command *command, int i, int *ret_ours)
{
	int pipe_fds[2], fd;

	*ret_ours = -1;
	if (command->stdio[i] || command->tty)
		return command->stdio[i];
	if (i == 0 && !command->input) {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		cr_assert(ge(int, fd, 0));
		return fd;
	}
	cr_assert(eq(int, pipe2(pipe_fds, O_CLOEXEC), 0));
	*ret_ours = pipe_fds[i == 0];
	return pipe_fds[i != 0];
}

void command_start(struct running_command *running, const struct command *command)
{
	int fds[3], ours[3];

	for (int i = 0; i < 3; i++)
		fds[i] = open_end(command, i, &ours[i]);
	*running = (struct running_command){
		.in_fd = ours[0],
		.out_fd = ours[1],
		.err_fd = ours[2],
		.input = command->input,
		.input_size = command->input_size,
	};
	running->pid = fork();
	cr_assert(ge(int, running->pid, 0));
	if (running->pid == 0)
		become(command, fds);
	for (int i = 0; i < 3; i++)
		if (!command->stdio[i] && !command->tty)
			close(fds[i]);
	running->pidfd = (int)syscall(SYS_pidfd_open, running->pid, 0);
	cr_assert(ge(int, running->pidfd, 0));
}

/* ---- reading ------------------------------------------------------------- */

/* Byte by byte, so that nothing behind the line is taken. */
static void read_one_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	do {
		cr_assert(lt(sz, n, size - 1));
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS), "no line comes");
		cr_assert(eq(int, (int)read(fd, line + n, 1), 1), "the output ended");
	} while (line[n++] != '\n');
	line[n] = 0;
}

void read_line(int fd, const char *start, char *line, size_t size)
{
	do
		read_one_line(fd, line, size);
	while (strncmp(line, start, strlen(start)) != 0);
}

void command_read_line(struct running_command *running, const char *start, char *line,
		       size_t size)
{
	read_line(running->out_fd, start, line, size);
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void feed(struct running_command *running)
{
	ssize_t n = 0;

	if (running->input_size > 0)
		n = write(running->in_fd, running->input,
			  running->input_size < 4096 ? running->input_size : 4096);
	if (n <= 0) {
		drop(&running->in_fd);
		return;
	}
	running->input += n;
	running->input_size -= (size_t)n;
}

static void take(int *fd, char *place, size_t size, size_t *n)
{
	ssize_t ret;

	cr_assert(lt(sz, *n, size - 1), "more output than was thought of");
	ret = read(*fd, place + *n, size - 1 - *n);
	if (ret <= 0)
		drop(fd);
	else
		*n += (size_t)ret;
	place[*n] = 0;
}

static void carry(struct running_command *running, struct command_result *result)
{
	struct pollfd p[3] = {
		{ .fd = running->in_fd, .events = POLLOUT },
		{ .fd = running->out_fd, .events = POLLIN },
		{ .fd = running->err_fd, .events = POLLIN },
	};

	cr_assert(lt(int, 0, poll(p, 3, WAIT_MS)), "the command says nothing");
	if (p[0].revents)
		feed(running);
	if (p[1].revents)
		take(&running->out_fd, result->out, sizeof(result->out),
		     &result->out_size);
	if (p[2].revents)
		take(&running->err_fd, result->err, sizeof(result->err),
		     &result->err_size);
}

void command_end(struct running_command *running, struct command_result *ret_result)
{
	siginfo_t info = { 0 };

	ret_result->out_size = ret_result->err_size = 0;
	ret_result->out[0] = ret_result->err[0] = 0;
	signal(SIGPIPE, SIG_IGN); /* it need not read all of its input */
	while (running->in_fd >= 0 || running->out_fd >= 0 || running->err_fd >= 0)
		carry(running, ret_result);
	cr_assert(wait_fd(running->pidfd, POLLIN, WAIT_MS), "the command does not end");
	cr_assert(eq(int, waitid(P_PIDFD, (id_t)running->pidfd, &info, WEXITED), 0));
	close(running->pidfd);
	ret_result->code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

int command_run(const struct command *command, struct command_result *ret_result)
{
	struct running_command running;

	command_start(&running, command);
	command_end(&running, ret_result);
	return ret_result->code;
}
