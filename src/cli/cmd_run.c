/*
 * `uringspawn run`: one program on the caller's own stdio, by an engine in this
 * process or by a daemon, its exit code as a shell reports it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include "cli/cmd.h"
#include "cli/reach.h"
#include "cli/run_options.h"
#include "cli/run_relay.h"
#include "cli/run_signals.h"
#include "cli/run_stats.h"
#include "cli/run_use.h"

enum { CODE_OURS = 125 };

struct run {
	struct run_options options;
	struct run_signals signals;
	struct run_relay relay;
	struct run_use use; /* with --pool */
	int relay_error;
	struct usp_stdio stdio[3];
	struct usp_engine *engine;   /* or ... */
	struct usp_client *client;   /* ... one of the two */
	struct usp_process *process; /* NULL when it has ended */
	bool exited, failed, ended;
	bool stop; /* by SIGSTOP, as soon as the child was told to */
	struct usp_exit exit;
	struct usp_end end; /* without what it borrowed */
	struct run_stats stats;
	struct usp_failure failure; /* its path points to @path */
	char path[PATH_MAX];
};

static int complain(const char *what, const char *name, int error)
{
	fprintf(stderr, "uringspawn: %s%s%s%s: %s\n", what, name ? " '" : "",
		name ? name : "", name ? "'" : "", strerrordesc_np(error));
	return -error;
}

/* ---- what the child is told to be ---------------------------------------- */

/* A stream that the caller closed is null for the child; here too, so that none
 * of our own descriptors takes its number. */
static int take_stdio(struct run *run)
{
	for (int i = 0; i < 3; i++) {
		if (fcntl(i, F_GETFD) >= 0) {
			run->stdio[i] =
				(struct usp_stdio){ .kind = USP_STDIO_FD, .fd = i };
			continue;
		}
		run->stdio[i].kind = USP_STDIO_NULL;
		if (open("/dev/null", O_RDWR | O_CLOEXEC) != i)
			return -EBADF;
	}
	return 0;
}

/* Not on the caller's descriptors: on pipes, or a terminal, that are copied here. */
static void relay_stdio(struct run *run)
{
	for (int i = 0; i < 3; i++) {
		if (run->options.pty)
			run->stdio[i] = (struct usp_stdio){ .kind = USP_STDIO_PTY };
		else if (run->options.relay && i > 0 &&
			 run->stdio[i].kind == USP_STDIO_FD)
			run->stdio[i] = (struct usp_stdio){ .kind = USP_STDIO_PIPE };
	}
}

/* Its output was not waited for: who had it open? */
static void say_holders(const struct usp_end *end)
{
	for (size_t i = 0; i < end->n_holders; i++)
		fprintf(stderr, "uringspawn: process %d (%s) still held its output\n",
			(int)end->holders[i].pid, end->holders[i].name);
}

/* Nobody reads us any more: nor does anybody read the program. */
static void relay_output(struct run *run, struct usp_process *process,
			 const struct usp_output *output)
{
	if (run->relay_error)
		return;
	run->relay_error = run_relay_output(output);
	if (!run->relay_error)
		return;
	if (run->options.pty)
		(void)usp_process_signal(process, SIGHUP, USP_TARGET_GROUP);
	else
		(void)usp_process_drop_stream(process, output->stream);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct run *run = user;

	switch (event->kind) {
	case USP_EVENT_FAILED:
		run->failed = true;
		run->failure = event->failed;
		snprintf(run->path, sizeof(run->path), "%s", event->failed.path);
		run->failure.path = run->path;
		break;
	case USP_EVENT_EXIT:
		run->exited = true;
		run->exit = event->exit;
		break;
	case USP_EVENT_END:
		run->ended = true;
		run->end = event->end;
		run_stats_keep(&run->stats, &event->end);
		if (event->end.drain == USP_DRAIN_DEADLINE)
			say_holders(&event->end);
		run->process = NULL;
		break;
	case USP_EVENT_OUTPUT:
		relay_output(run, process, &event->output);
		run_use_hear(&run->use, &event->output);
		break;
	case USP_EVENT_WINDOW:
		run_relay_feed(&run->relay, process);
		break;
	case USP_EVENT_EOF:
		run_use_eof(&run->use, process);
		break;
	case USP_EVENT_STARTED:
		break;
	}
}

/*
 * In our group the keyboard's signals reach it, and what ends it must not end us: it is
 * sent to the program alone.  A daemon is asked for our group by another name.
 */
static void set_group(const struct run *run, struct usp_options *options)
{
	if (options->group == USP_GROUP_SESSION)
		return;
	if (run->options.foreground) {
		options->group = run->engine ? USP_GROUP_SAME : USP_GROUP_JOIN;
		if (options->kill.target == USP_TARGET_GROUP)
			options->kill.target = USP_TARGET_PROCESS;
	} else if (run->signals.keyboard) {
		options->group = USP_GROUP_SAME;
	}
}

static int spawn_use(struct run *run)
{
	int ret = run_use_spawn(&run->use, run->client, &run->options, on_event, run,
				&run->process);

	return ret ? complain("cannot use pool", run->use.name, -ret) : 0;
}

static int spawn(struct run *run)
{
	struct usp_options options = run->options.asked;
	char here[PATH_MAX];
	int ret;

	options.size = sizeof(options);
	run_options_command(&run->options, &options);
	set_group(run, &options);
	options.ignored_signals |= run->signals.ignored;
	options.on_event = on_event;
	options.user = run;
	memcpy(options.stdio, run->stdio, sizeof(options.stdio));
	if (run->options.pty && !options.pty.rows)
		options.pty = run_relay_size();
	if (run->engine) {
		ret = usp_spawn(run->engine, &options, &run->process);
	} else {
		/* The daemon's own directory is not what the caller means. */
		if (!options.cwd)
			options.cwd = getcwd(here, sizeof(here));
		if (!options.cwd)
			return complain("cannot tell the working directory", NULL, errno);
		ret = usp_client_spawn(run->client, &options, &run->process);
	}
	return ret ? complain("cannot run", run->options.argv[0], -ret) : 0;
}

/* ---- until it ends ------------------------------------------------------- */

static int turn(struct run *run)
{
	return run->engine ? usp_engine_turn(run->engine) : usp_client_turn(run->client);
}

/* The terminal stops the caller's job, so the child stops with it.  SIGCONT comes
 * to us afterwards and is forwarded.  Who has the terminal meanwhile has it as it was. */
static void stop_too(struct run *run)
{
	run->stop = false;
	if (turn(run) || !run->process)
		return;
	run_relay_close(&run->relay);
	(void)raise(SIGSTOP);
}

/* Somebody else may have used the terminal meanwhile. */
static void go_on(struct run *run)
{
	run->stop = false;
	if (run->options.pty)
		(void)run_relay_open(&run->relay);
}

/* Unless it was given a size of its own. */
static void resize(struct run *run)
{
	const struct usp_winsize size = run_relay_size();

	if (run->process && size.rows && !run->options.asked.pty.rows)
		(void)usp_process_resize(run->process, &size);
}

/* On a terminal of its own nobody minds a program that SIGTSTP stops: the kernel does not
 * stop it. */
static int as_forwarded(const struct run *run, int number)
{
	return run->options.pty && number == SIGTSTP ? SIGSTOP : number;
}

static void forward(struct run *run)
{
	int number;

	while ((number = run_signals_next(&run->signals)) > 0) {
		if (number == SIGCONT)
			go_on(run);
		if (run->options.pty && (number == SIGWINCH || number == SIGCONT))
			resize(run);
		if (run->options.pty && number == SIGWINCH)
			continue;
		/* It may have exited: then nobody is left to be told. */
		if (run->process)
			(void)usp_process_signal(run->process, as_forwarded(run, number),
						 USP_TARGET_GROUP);
		if (number == SIGTSTP)
			run->stop = true;
	}
}

/* What a pool has is read for as soon as there is one. */
static bool reads_stdin(const struct run *run)
{
	if (!run->process || !run_relay_reads(&run->relay))
		return false;
	return run->options.pty ||
	       (run->use.pool && usp_process_pid(run->process) && !run->use.over);
}

static int watch(struct run *run)
{
	struct pollfd p[3] = {
		{ .fd = run->signals.fd, .events = POLLIN },
		{ .fd = run->engine ? usp_engine_fd(run->engine)
				    : usp_client_fd(run->client) },
		{ .events = POLLIN },
	};

	for (;;) {
		int ret = turn(run);

		if (ret || run->ended)
			return ret;
		if (run->process)
			run_use_look(&run->use, &run->relay, run->process);
		p[2].fd = reads_stdin(run) ? STDIN_FILENO : -1;
		/* Before it has started, the signal waits for it, and so do we. */
		if (run->stop && usp_process_pid(run->process)) {
			stop_too(run);
			continue;
		}
		p[1].events = run->engine ? POLLIN : usp_client_poll_events(run->client);
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			return -errno;
		if (p[2].revents && run->process)
			run_relay_read(&run->relay, run->process);
		if (p[0].revents)
			forward(run);
	}
}

static int open_engine(struct run *run)
{
	struct usp_engine_options options = {
		.size = sizeof(options),
		.launchers = 1,
		.running_max = 1,
		.queued_max = 1,
		.ring_entries = 16,
		.read_buffers = 1,
	};
	int ret = usp_engine_new(&options, &run->engine);

	if (!ret)
		return 0;
	(void)complain("cannot start an engine", NULL, -ret);
	fputs("uringspawn: 'uringspawn doctor' says what is missing\n", stderr);
	return ret;
}

static int open_client(struct run *run)
{
	int ret = reach_daemon(run->options.socket, &run->client);

	if (ret == 0 && run->options.pool)
		return run_use_open(&run->use, run->client, &run->options, &run->relay);
	if (ret == 0 && isatty(STDIN_FILENO) && !run->options.pty)
		fputs("uringspawn: through a daemon this terminal is not the program's "
		      "controlling one: ^C is forwarded, job control is not; --pty gives "
		      "it one\n",
		      stderr);
	return ret;
}

static bool is_success(const struct run *run)
{
	return usp_shell_code(&run->end, run->exited ? &run->exit : NULL,
			      run->failed ? &run->failure : NULL) == 0;
}

/* What people must know that the exit code alone does not say. */
static int report(struct run *run, int error)
{
	char text[PATH_MAX + 200];

	/* A daemon that stops tells the end of its jobs before its own. */
	if (run->ended && run->end.reason != USP_REASON_STATUS_LOST)
		error = 0;
	if (run->client && error)
		fprintf(stderr, "uringspawn: lost the daemon: %s\n",
			usp_client_error(run->client));
	else if (error)
		(void)complain("the engine stopped", NULL, -error);
	if (error || !run->ended)
		return CODE_OURS;
	if (run->relay_error && run->relay_error != -EPIPE) {
		(void)complain("cannot copy its output", NULL, -run->relay_error);
		return CODE_OURS;
	}

	if (run->failed && run->end.reason == USP_REASON_FAILED)
		fprintf(stderr, "uringspawn: %s\n",
			usp_failure_text(&run->failure, text, sizeof(text)));
	else if (run->end.reason == USP_REASON_OUTPUT_LIMIT)
		fputs("uringspawn: the program was ended: it wrote more output than it "
		      "may\n",
		      stderr);
	else if (run->end.reason == USP_REASON_STATUS_LOST)
		fputs("uringspawn: somebody else reaped the program: how it ended is not "
		      "known\n",
		      stderr);
	if (run_use_complain(&run->use, &run->relay) && is_success(run))
		return CODE_OURS;
	if (run->options.preserve_status && run->exited)
		return run->exit.signal ? 128 + run->exit.signal : run->exit.code;
	return usp_shell_code(&run->end, run->exited ? &run->exit : NULL,
			      run->failed ? &run->failure : NULL);
}

static void print_stats(const struct run *run)
{
	if (run->options.stats && run->ended)
		run_stats_print(&run->stats, &run->end, run->exited ? &run->exit : NULL);
}

static int run_program(struct run *run)
{
	bool by_daemon = run->options.socket || run->options.pool;
	int ret = by_daemon ? open_client(run) : open_engine(run);
	int code = CODE_OURS;

	if (!ret && run->options.pty) {
		ret = run_relay_open(&run->relay);
		if (ret)
			(void)complain("cannot use the terminal", NULL, -ret);
	}
	if (!ret && !(run->options.pool ? spawn_use(run) : spawn(run))) {
		ret = watch(run);
		run_relay_close(&run->relay); /* before anything is said */
		code = report(run, ret);
		print_stats(run);
	}
	run_relay_close(&run->relay);
	usp_client_pool_leave(run->use.pool);
	usp_client_free(run->client);
	usp_engine_free(run->engine);
	return code;
}

/* Does the program have the signals of the terminal from the terminal itself? */
static bool shares_keyboard(const struct run_options *options)
{
	if (options->pty || options->asked.group == USP_GROUP_SESSION)
		return false;
	return !options->socket && !options->pool && isatty(STDIN_FILENO);
}

int cmd_run(int argc, char **argv)
{
	static struct run run;
	int code = CODE_OURS, ret;

	ret = take_stdio(&run);
	if (ret)
		return CODE_OURS;
	ret = run_options_parse(argc, argv, &run.options);
	if (ret == -ENOMEM)
		(void)complain("cannot start", NULL, ENOMEM);
	if (ret)
		return ret > 0 ? 0 : CODE_OURS;

	run_options_files(&run.options, run.stdio);
	relay_stdio(&run);
	ret = run_signals_open(shares_keyboard(&run.options), &run.signals);
	if (ret) {
		(void)complain("cannot catch signals", NULL, -ret);
	} else {
		code = run_program(&run);
		run_signals_close(&run.signals);
	}
	run_options_done(&run.options);
	return code;
}
