/*
 * A program started by posix_spawn(), as the manual would have it.
 */
#include "cli/bench_peer.h"

#include <errno.h>
#include <spawn.h>

static int set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attr,
		  const struct bench_starter *starter)
{
	sigset_t none;
	int ret = posix_spawn_file_actions_adddup2(actions, starter->job->null_fd, 0);

	sigemptyset(&none);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(actions, starter->out_fd, 1);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(actions, starter->err_fd, 2);
	/* The calling thread blocks every signal, and the child shall not. */
	if (!ret)
		ret = posix_spawnattr_setsigmask(attr, &none);
	if (!ret)
		ret = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK);
	return ret;
}

int bench_posix_start(struct bench_starter *starter, struct bench_child *ret_child)
{
	const struct bench_job *job = starter->job;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	pid_t pid = 0;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	ret = posix_spawnattr_init(&attr);
	if (!ret) {
		ret = set_up(&actions, &attr, starter);
		if (!ret)
			ret = posix_spawn(&pid, job->path, &actions, &attr, job->argv,
					  job->envp);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return -ret;
	*ret_child = (struct bench_child){ .pid = pid, .pidfd = -1 };
	return 0;
}
