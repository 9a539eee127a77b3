/*
 * `uringspawn kill`: jobs of a daemon, by the numbers that `uringspawn ps` shows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>
#include "base/annotate.h"
#include "cli/cmd.h"
#include "cli/jobs.h"
#include "cli/limits.h"
#include "cli/option.h"

static const char usage[] =
	"Usage: uringspawn kill [OPTIONS] JOB...\n"
	"End jobs of a daemon, by the numbers that 'uringspawn ps' shows: each by its own\n"
	"kill plan, that is a signal, time to obey it, then SIGKILL.\n"
	"\n"
	"  --socket PATH       of the daemon at PATH (or @NAME), not the default one\n"
	"  -s, --signal NAME   send this signal instead, and nothing else\n"
	"  --target WHOM       to its group (the default), process or tree\n"
	"\n"
	"Exit code: 0; 1 when one of them is no job of yours, or has exited; 125 when\n"
	"there is no daemon that answers, or on a wrong option.\n";

enum { HELP = 256, SOCKET, TARGET };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "signal", required_argument, NULL, 's' },
	{ "target", required_argument, NULL, TARGET },
	{ 0 },
};

struct kill_options {
	const char *socket; /* NULL: the default one */
	int signal;	    /* 0: its plan */
	enum usp_target target;
	bool has_target;
	char **jobs;
};

static int bad(const char *option, const char *value, const char *hint)
{
	fprintf(stderr, "uringspawn: %s '%s' is not %s\n", option, value, hint);
	return -EINVAL;
}

static int take_target(struct kill_options *options)
{
	static const char *const names[] = { "group", "process", "tree" };

	options->has_target = true;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(optarg, names[i]) == 0) {
			options->target = (enum usp_target)i;
			return 0;
		}
	return bad("--target", optarg, "group, process or tree");
}

/* Returns 0, 1 when help was asked for, or -EINVAL; says why. */
static int take(int option, struct kill_options *options, char **argv)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case SOCKET:
		options->socket = optarg;
		return 0;
	case 's':
		options->signal = option_signal(optarg);
		return options->signal > 0 ? 0 : bad("--signal", optarg, "a signal");
	case TARGET:
		return take_target(options);
	}
	option_complain("kill", argv, known);
	return -EINVAL;
}

static int check_jobs(const struct kill_options *options)
{
	long number;

	if (!options->jobs[0]) {
		fputs("uringspawn: no job to end; see 'uringspawn ps'\n", stderr);
		return -EINVAL;
	}
	for (char **job = options->jobs; *job; job++)
		if (limits_number(*job, 10, 1, UINT32_MAX, &number) < 0)
			return bad("job", *job, "a number of 'uringspawn ps'");
	if (options->has_target && !options->signal) {
		fputs("uringspawn: --target means nothing without --signal: a plan says "
		      "itself whom it is for\n",
		      stderr);
		return -EINVAL;
	}
	return 0;
}

static int parse(int argc, char **argv, struct kill_options *options)
{
	int option, ret;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:s:", known, NULL)) != -1) {
		ret = take(option, options, argv);
		if (ret)
			return ret;
	}
	options->jobs = argv + optind;
	return check_jobs(options);
}

static void on_killed(struct usp_client *client, uint32_t job, int error, void *user)
{
	int *ret_error = user;

	(void)client;
	(void)job;
	*ret_error = error;
}

/* Returns its part of the exit code. */
static int end_job(struct usp_client *client, const struct kill_options *options,
		   const char *job)
{
	int error = -EPIPE, ret;
	long number = 0;

	(void)limits_number(job, 10, 1, UINT32_MAX, &number);
	ret = usp_client_kill_job(client, (uint32_t)number, options->signal,
				  options->target, on_killed, &error);
	if (ret == 0)
		ret = usp_client_run(client);
	if (ret < 0 || error == -EPIPE) {
		fprintf(stderr, "uringspawn: the daemon did not answer: %s\n",
			usp_client_error(client));
		return 125;
	}
	if (error == -ESRCH)
		fprintf(stderr, "uringspawn: no job %s of yours runs here\n", job);
	else if (error)
		fprintf(stderr, "uringspawn: cannot end job %s: %s\n", job,
			strerrordesc_np(-error));
	return error ? 1 : 0;
}

int cmd_kill(int argc, char **argv)
{
	struct kill_options options = { 0 };
	struct usp_client *client;
	int ret = parse(argc, argv, &options);

	if (ret)
		return ret < 0 ? 125 : 0;
	client = jobs_connect(options.socket);
	if (!client)
		return 125;
	for (char **job = options.jobs; *job && ret != 125; job++) {
		int one = end_job(client, &options, *job);

		ret = one > ret ? one : ret;
	}
	usp_client_free(client);
	return ret;
}
