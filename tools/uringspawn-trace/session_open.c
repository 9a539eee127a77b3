/*
 * The start of a session: whom to look at, how, and where to.
 */
#include "uringspawn-trace/session_parts.h"

#include <errno.h>
#include <string.h>
#include "base/clock.h"
#include "uringspawn-trace/function.h"
#include "uringspawn-trace/privilege.h"

static int open_output(struct session *session, struct failure *why)
{
	const char *path = session->options->output;

	session->to = path ? fopen(path, "we") : stdout;
	if (!session->to)
		return failure_set(why, CODE_USAGE, "%s: %s", path,
				   strerrordesc_np(errno));
	return 0;
}

static int open_targets(struct session *session, struct failure *why)
{
	const struct options *options = session->options;

	if (options->command)
		return target_start(&session->targets, options->command,
				    &session->mask_before, why);
	return target_find(&session->targets, options->pids, options->n_pids, why);
}

/* The back end that was asked for, or the first that works. */
static int open_probe(struct session *session, probe_told *told, struct failure *why)
{
	struct probe_options options = {
		.backend = session->options->backend,
		.every = session->options->every,
		.follow = session->options->follow,
		.commands = session->options->compare,
		.function = session->options->function,
		.jobs = privilege_has(CAPABILITY_SYS_ADMIN),
	};
	struct failure first;
	int ret = probe_open(&options, told, session, &session->probe, why);

	if (ret && !session->options->backend_given) {
		first = *why;
		options.backend = BACKEND_RAW;
		ret = probe_open(&options, told, session, &session->probe, why);
		if (!ret)
			fprintf(stderr, "uringspawn-trace: using --backend raw: %s\n",
				first.text);
		else if (ret == first.code)
			*why = first;
	}
	if (ret)
		return ret;
	session->summary = summary_new(probe_backend_name(options.backend),
				       session->options->by_thread);
	return session->summary ? 0 : failure_set(why, CODE_KERNEL, "no memory");
}

static int open_compare(struct session *session, struct failure *why)
{
	target_directory(&session->targets, session->cwd, sizeof(session->cwd));
	return compare_open(session->options->compare, session->cwd, &session->compare,
			    why);
}

/* A program of uringspawn's says more about its jobs; any other has nothing to say. */
static void open_jobs(struct session *session)
{
	char program[4096];

	if (!privilege_has(CAPABILITY_SYS_ADMIN))
		return;
	target_program(&session->targets, session->options->command, program,
		       sizeof(program));
	(void)probe_jobs(session->probe, program);
}

static int open_function(struct session *session, struct failure *why)
{
	const struct options *options = session->options;
	struct function function;
	char program[4096];
	int ret;

	target_program(&session->targets, options->command, program, sizeof(program));
	ret = function_find(&function, options->function, program, why);
	for (size_t i = 0; i < function.n && !ret; i++)
		ret = probe_function(session->probe, function.path, function.offsets[i],
				     why);
	return ret;
}

int session_open(struct session *session, probe_told *told, struct failure *why)
{
	const struct options *options = session->options;
	struct targets *targets = &session->targets;
	int ret = open_output(session, why);

	if (!ret)
		ret = open_targets(session, why);
	if (!ret && options->compare)
		ret = open_compare(session, why);
	if (!ret)
		ret = open_probe(session, told, why);
	if (!ret)
		ret = probe_watch(session->probe, targets->pids, targets->n, why);
	if (!ret)
		open_jobs(session);
	if (!ret && options->function)
		ret = open_function(session, why);
	if (!ret)
		ret = target_go(targets, why);
	if (ret)
		return ret;
	session->summary->from_ns = clock_now_ns();
	session->stop_ns = options->duration_ns ? clock_after(session->summary->from_ns,
							      options->duration_ns)
						: UINT64_MAX;
	session->interval_ns =
		options->interval_ns
			? clock_after(session->summary->from_ns, options->interval_ns)
			: UINT64_MAX;
	session->intervals = options->intervals;
	return 0;
}
