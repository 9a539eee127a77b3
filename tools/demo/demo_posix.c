/*
 * The same work by posix_spawn(), as a server with an event loop would do it
 * by itself: one thread, pipes, poll(), and a pidfd for a program that closes
 * its output before it exits.
 */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FD_OUT, FD_ERR, FD_EXIT, FDS_PER_JOB };

struct job {
	pid_t pid;
	size_t got; /* bytes of stdout so far, all of them right */
	uint64_t begin_ns;
	bool faulty;
};

struct round {
	const struct demo_work *work;
	struct demo_tally *tally;
	unsigned n_unasked, n_in_flight;
	int error;
	struct job jobs[DEMO_IN_FLIGHT];
	struct pollfd fds[DEMO_IN_FLIGHT * FDS_PER_JOB]; /* closed ones are -1 */
};

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn_program(const struct demo_work *work, int out_fd, int err_fd,
			 pid_t *ret_pid, uint64_t *ret_call_ns)
{
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, out_fd, 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, err_fd, 2);
	if (!ret) {
		uint64_t begin_ns = demo_now_ns();

		ret = posix_spawn(ret_pid, work->path, &actions, NULL, work->argv,
				  environ);
		*ret_call_ns = demo_now_ns() - begin_ns;
	}
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

/* Start one more program in the place of one that ended. */
static void start(struct round *round, unsigned index)
{
	struct demo_tally *tally = round->tally;
	struct pollfd *fds = &round->fds[index * FDS_PER_JOB];
	struct job *job = &round->jobs[index];
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	uint64_t call_ns = 0;

	if (!round->n_unasked || round->error || demo_stopped)
		return;
	*job = (struct job){ .begin_ns = demo_now_ns() };
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		round->error = -errno;
	else
		round->error =
			spawn_program(round->work, out[1], err[1], &job->pid, &call_ns);
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (round->error) {
		close_fd(&out[0]);
		close_fd(&err[0]);
		return;
	}
	fds[FD_OUT].fd = out[0];
	fds[FD_ERR].fd = err[0];
	round->n_unasked--;
	round->n_in_flight++;
	tally->call_ns[tally->n_jobs + round->n_in_flight - 1] = call_ns;
}

static void read_some(struct round *round, struct job *job, struct pollfd *fd,
		      bool is_stdout)
{
	static char bytes[64 << 10];
	const struct demo_work *work = round->work;
	ssize_t n = read(fd->fd, bytes, sizeof(bytes));

	if (n <= 0) {
		close_fd(&fd->fd);
		job->faulty = job->faulty || n < 0;
	} else if (!is_stdout || (size_t)n > work->want_bytes - job->got ||
		   memcmp(bytes, work->want + job->got, (size_t)n) != 0) {
		job->faulty = true;
	} else {
		job->got += (size_t)n;
	}
}

/* @return whether the program has exited; if not, poll() will tell when. */
static bool reap(struct round *round, unsigned index)
{
	struct pollfd *fds = &round->fds[index * FDS_PER_JOB];
	struct job *job = &round->jobs[index];
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG) < 0) {
		job->faulty = true;
	} else if (info.si_pid == 0) {
		if (fds[FD_EXIT].fd < 0)
			fds[FD_EXIT].fd = (int)syscall(SYS_pidfd_open, job->pid, 0);
		if (fds[FD_EXIT].fd < 0)
			round->error = -errno;
		return false;
	}
	close_fd(&fds[FD_EXIT].fd);
	if (info.si_code != CLD_EXITED || info.si_status != 0)
		job->faulty = true;
	return true;
}

static void finish(struct round *round, unsigned index)
{
	struct job *job = &round->jobs[index];
	struct demo_tally *tally = round->tally;

	if (job->faulty || job->got != round->work->want_bytes)
		demo_tally_error(tally, "%s by posix_spawn: %zu right bytes of %zu",
				 round->work->title, job->got, round->work->want_bytes);
	tally->latency_ns[tally->n_jobs++] = demo_now_ns() - job->begin_ns;
	tally->bytes += job->got;
	round->n_in_flight--;
	start(round, index);
}

static void serve(struct round *round, unsigned index)
{
	struct pollfd *fds = &round->fds[index * FDS_PER_JOB];
	bool ready = fds[FD_OUT].revents || fds[FD_ERR].revents || fds[FD_EXIT].revents;

	if (fds[FD_OUT].revents)
		read_some(round, &round->jobs[index], &fds[FD_OUT], true);
	if (fds[FD_ERR].revents)
		read_some(round, &round->jobs[index], &fds[FD_ERR], false);
	if (ready && fds[FD_OUT].fd < 0 && fds[FD_ERR].fd < 0 && reap(round, index))
		finish(round, index);
}

int demo_posix_round(const struct demo_work *work, unsigned n_jobs,
		     struct demo_tally *tally)
{
	struct round round = { .work = work, .tally = tally, .n_unasked = n_jobs };
	struct demo_stopwatch begin = demo_round_begin(tally);
	uint64_t idle_ns = 0;

	for (unsigned i = 0; i < DEMO_IN_FLIGHT * FDS_PER_JOB; i++)
		round.fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	for (unsigned i = 0; i < DEMO_IN_FLIGHT; i++)
		start(&round, i);
	while (round.n_in_flight && !round.error) {
		uint64_t poll_ns = demo_now_ns();

		if (poll(round.fds, DEMO_IN_FLIGHT * FDS_PER_JOB, -1) < 0) {
			if (errno != EINTR)
				round.error = -errno;
			continue;
		}
		idle_ns += demo_now_ns() - poll_ns;
		for (unsigned i = 0; i < DEMO_IN_FLIGHT; i++)
			serve(&round, i);
	}
	demo_round_end(tally, begin, idle_ns);
	if (round.error)
		demo_tally_error(tally, "posix_spawn: %s", strerror(-round.error));
	return round.error;
}
