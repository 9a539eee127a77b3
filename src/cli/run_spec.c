#include "cli/run_spec.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "base/annotate.h"
#include "cli/limits.h"
#include "cli/option.h"
#include "cli/run_options.h"
#include "cli/run_rights.h"

int run_spec_bad(const char *option, const char *hint)
{
	fprintf(stderr, "uringspawn: %s '%s' is not %s\n", option, optarg, hint);
	return -EINVAL;
}

/* ---- times and amounts ------------------------------------------------------ */

/* A time of 0 would mean the default: the least time is what was meant. */
int run_spec_duration(const char *option, uint64_t *ret_ns)
{
	if (option_duration(optarg, ret_ns))
		return run_spec_bad(option, "a length of time (10, 1.5s, 500ms, 2m, 1h)");
	if (*ret_ns == 0)
		*ret_ns = 1;
	return 0;
}

int run_spec_bytes(const char *option, uint64_t *ret_bytes)
{
	if (limits_bytes(optarg, ret_bytes) < 0 || *ret_bytes == 0)
		return run_spec_bad(option, "a number of bytes (512, 64K, 2M)");
	return 0;
}

/* As timeout(1) has it, a timeout of 0 is none. */
static int take_timeout(struct usp_options *asked)
{
	int ret = run_spec_duration("--timeout", &asked->timeout_ns);

	if (!ret && asked->timeout_ns == 1)
		asked->timeout_ns = 0;
	return ret;
}

static int take_kill_target(struct usp_options *asked)
{
	static const char *const names[] = {
		[USP_TARGET_GROUP] = "group",
		[USP_TARGET_PROCESS] = "process",
		[USP_TARGET_TREE] = "tree",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(optarg, names[i]) == 0) {
			asked->kill.target = (enum usp_target)i;
			return 0;
		}
	return run_spec_bad("--kill-target", "group, process or tree");
}

static int take_end(int option, struct usp_options *asked)
{
	switch (option) {
	case RUN_TIMEOUT:
		return take_timeout(asked);
	case RUN_KILL_AFTER:
		return run_spec_duration("--kill-after", &asked->kill.grace_ns);
	case RUN_SIGNAL:
		asked->kill.signal = option_signal(optarg);
		return asked->kill.signal > 0 ? 0 : run_spec_bad("--signal", "a signal");
	case RUN_KILL_TARGET:
		return take_kill_target(asked);
	case RUN_LAUNCH_TIMEOUT:
		return run_spec_duration("--launch-timeout", &asked->launch_timeout_ns);
	case RUN_QUEUE_TIMEOUT:
		return run_spec_duration("--queue-timeout", &asked->queue_timeout_ns);
	case RUN_IDLE_TIMEOUT:
		return run_spec_duration("--idle-timeout", &asked->idle_timeout_ns);
	case RUN_OUTPUT_MAX:
		return run_spec_bytes("--output-max", &asked->output_max_bytes);
	case RUN_TAIL:
		asked->output_action = USP_OUTPUT_DROP;
		return run_spec_bytes("--tail", &asked->output_tail_bytes);
	case RUN_DRAIN:
		return run_spec_duration("--drain", &asked->drain_ns);
	case RUN_DRAIN_KILL:
		asked->drain_action = USP_DRAIN_KILL;
		return 0;
	}
	return -EINVAL;
}

/* ---- descriptors ------------------------------------------------------------ */

static int take_file(struct run_options *options, int stream, const char *option)
{
	if (!*optarg)
		return run_spec_bad(option, "a file");
	options->files[stream] = optarg;
	return 0;
}

static int take_fd(struct run_options *options)
{
	struct usp_options *asked = &options->asked;
	long fd;

	if (limits_number(optarg, 10, 3, USP_FD_TARGET_MAX, &fd) < 0 ||
	    fcntl((int)fd, F_GETFD) < 0)
		return run_spec_bad("--fd",
				    "a descriptor from 3 to 255 that is open here");
	for (size_t i = 0; i < asked->n_fds; i++)
		if (options->fds[i].target == fd)
			return 0;
	if (asked->n_fds == USP_FDS_MAX)
		return run_spec_bad("--fd", "among the first 64");
	options->fds[asked->n_fds++] = (struct usp_fd){
		.target = (int)fd,
		.stdio = { .kind = USP_STDIO_FD, .fd = (int)fd },
	};
	asked->fds = options->fds;
	return 0;
}

/* "--pty" or "--pty=24x80". */
static int take_pty(struct run_options *options)
{
	static const long range[] = { 1, UINT16_MAX };
	char *times = optarg ? strchr(optarg, 'x') : NULL;
	long rows, columns;
	char text[8];

	options->pty = true;
	if (!optarg)
		return 0;
	snprintf(text, sizeof(text), "%.*s", times ? (int)(times - optarg) : 0, optarg);
	if (!times || limits_number(text, 10, range[0], range[1], &rows) < 0 ||
	    limits_number(times + 1, 10, range[0], range[1], &columns) < 0)
		return run_spec_bad("--pty", "ROWSxCOLUMNS, as 24x80");
	options->asked.pty = (struct usp_winsize){ .rows = (uint16_t)rows,
						   .columns = (uint16_t)columns };
	return 0;
}

/* ---- where it belongs --------------------------------------------------------- */

static int take_gone(struct run_options *options)
{
	static const char *const names[] = {
		[USP_GONE_KILL] = "kill",
		[USP_GONE_KEEP] = "keep",
		[USP_GONE_RELEASE] = "release",
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(optarg, names[i]) == 0) {
			options->asked.gone = (enum usp_gone)i;
			options->has_gone = true;
			return 0;
		}
	return run_spec_bad("--gone", "kill, keep or release");
}

static int take_place(int option, struct run_options *options)
{
	switch (option) {
	case RUN_CWD:
		options->asked.cwd = optarg;
		return *optarg ? 0 : run_spec_bad("--cwd", "a directory");
	case RUN_ARG0:
		options->arg0 = optarg;
		return 0;
	case RUN_STDIN:
		return take_file(options, 0, "--stdin");
	case RUN_STDOUT:
		return take_file(options, 1, "--stdout");
	case RUN_STDERR:
		return take_file(options, 2, "--stderr");
	case RUN_APPEND:
		options->append = true;
		return 0;
	case RUN_FD:
		return take_fd(options);
	case RUN_SESSION:
		options->asked.group = USP_GROUP_SESSION;
		return 0;
	case RUN_FOREGROUND:
		options->foreground = true;
		return 0;
	case RUN_GONE:
		return take_gone(options);
	case RUN_PTY:
		return take_pty(options);
	}
	return run_rights_take(option, options);
}

int run_spec_take(int option, struct run_options *options)
{
	if (option == RUN_SIGNAL || option == RUN_KILL_AFTER ||
	    (option >= RUN_TIMEOUT && option <= RUN_KILL_TARGET))
		return take_end(option, &options->asked);
	return take_place(option, options);
}

/* ---- all together ------------------------------------------------------------- */

static int excluded(const char *one, const char *other)
{
	fprintf(stderr, "uringspawn: %s and %s exclude each other\n", one, other);
	return -EINVAL;
}

static int needs(const char *one, const char *other)
{
	fprintf(stderr, "uringspawn: %s means nothing without %s\n", one, other);
	return -EINVAL;
}

/* Its output has to be seen for these. */
static bool is_watched(const struct usp_options *asked)
{
	return asked->idle_timeout_ns || asked->output_max_bytes ||
	       asked->output_tail_bytes || asked->drain_ns;
}

int run_spec_complete(struct run_options *options)
{
	const struct usp_options *asked = &options->asked;

	if (options->foreground && asked->group == USP_GROUP_SESSION)
		return excluded("--foreground", "--session");
	if (options->foreground && options->pty)
		return excluded("--foreground", "--pty");
	if (options->pty && (options->files[0] || options->files[1] || options->files[2]))
		return excluded("--pty", "--stdin, --stdout or --stderr");
	if (asked->cgroup.path && (asked->flags & USP_FLAG_CGROUP))
		return excluded("--cgroup-path", "a cgroup of its own");
	if (options->append && !options->files[1] && !options->files[2])
		return needs("--append", "--stdout or --stderr");
	if (options->has_gone && !options->socket && !options->pool)
		return needs("--gone", "--socket");
	if (asked->output_tail_bytes && !asked->output_max_bytes)
		return needs("--tail", "--output-max");
	if (asked->drain_action && !asked->drain_ns)
		return needs("--drain-kill", "--drain");
	options->relay = is_watched(asked);
	run_rights_complete(options);
	return 0;
}
