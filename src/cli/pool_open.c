/*
 * `uringspawn pool open`.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/jobs.h"
#include "cli/pool_command.h"
#include "cli/pool_options.h"
#include "cli/pools.h"
#include "cli/reach.h"

/* Its streams: a standby's are its uses', and so is a worker's channel. */
static void take_streams(struct pool_options *options, struct usp_options *member)
{
	struct run_options *program = &options->program;
	int channel = options->asked.channel, ready = options->asked.ready_stream;

	for (int i = 0; i < 3; i++)
		if (options->asked.kind == USP_POOL_STANDBY)
			member->stdio[i].kind = USP_STDIO_PIPE;
	run_options_files(program, member->stdio);
	if (channel > 0 && channel < 3)
		member->stdio[channel].kind = USP_STDIO_DUPLEX;
	else if (channel)
		program->fds[member->n_fds++] =
			(struct usp_fd){ .target = channel,
					 .stdio.kind = USP_STDIO_DUPLEX };
	if (ready > 2 && ready != (channel ? channel : options->asked.kind ? 3 : 0))
		program->fds[member->n_fds++] = (struct usp_fd){
			.target = ready,
			.stdio = { .kind = USP_STDIO_PIPE,
				   .direction = USP_DIRECTION_WRITE },
		};
	member->fds = program->fds;
}

/* One that is there would be shared, and what was asked for here would not count. */
static int is_free(struct usp_client *client, const char *name)
{
	json_t *pools = jobs_list(client, JOBS_POOLS);
	const json_t *pool = pools_find(pools, name);
	int ret = pools ? 0 : -EPIPE;

	if (pool && jobs_number(pool, "uid") == (double)geteuid()) {
		fprintf(stderr,
			"uringspawn: there is a pool '%s'; 'uringspawn pool close' ends "
			"it, 'uringspawn pool resize' changes its size\n",
			name);
		ret = -EEXIST;
	}
	json_decref(pools);
	return ret;
}

static int open_pool(struct usp_client *client, struct pool_options *options)
{
	struct usp_options member = options->program.asked;
	struct usp_pool *pool;
	char here[PATH_MAX];
	int ret = is_free(client, options->asked.name);

	if (ret)
		return ret;
	member.size = sizeof(member);
	run_options_command(&options->program, &member);
	take_streams(options, &member);
	if (!member.cwd)
		member.cwd = getcwd(here, sizeof(here));
	if (!member.cwd) {
		fprintf(stderr, "uringspawn: cannot tell the working directory: %s\n",
			strerrordesc_np(errno));
		return -errno;
	}
	options->asked.member = &member;
	options->asked.keep = true;
	ret = pools_open(client, &options->asked, &pool);
	if (!ret)
		usp_client_pool_leave(pool); /* it is kept */
	return ret;
}

int pool_command_open(int argc, char **argv)
{
	static struct pool_options options;
	struct usp_client *client = NULL;
	int ret = pool_options_parse(argc, argv, &options);

	if (ret == -ENOMEM)
		fputs("uringspawn: cannot start: out of memory\n", stderr);
	if (ret > 0)
		return 0;
	if (!ret)
		ret = reach_daemon(options.socket, &client);
	if (!ret)
		ret = open_pool(client, &options);
	usp_client_free(client);
	pool_options_done(&options);
	return ret ? POOL_CODE_OURS : 0;
}
