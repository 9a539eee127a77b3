/*
 * `uringspawn map`: one program for each item of the input, several at a time, what each
 * says printed whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/map.h"
#include "cli/map_command.h"
#include "cli/map_results.h"
#include "cli/reach.h"

enum {
	CODE_OURS = 125,
	CODE_OURS_XARGS = 1,
	CODE_FAILED_MAX = 101, /* more than 100 jobs */
	ARGS_MAX = 128 << 10,  /* bytes of a command line, unless one item has more */
};

void map_fail(struct map *map, const char *what, int error)
{
	map_progress_hide(&map->progress, STDERR_FILENO, "\n", 1);
	if (!map->error)
		fprintf(stderr, "uringspawn: %s: %s\n", what, strerrordesc_np(error));
	map->error = -error;
	map_stop(map, true);
}

void map_stop(struct map *map, bool now)
{
	map->stopping = true;
	if (!now)
		return;
	map->killing = true;
	list_each(link, following, &map->running)
		usp_process_kill(container_of(link, struct map_job, link)->process);
}

/* ---- signals ------------------------------------------------------------- */

static void tell_all(struct map *map, int number)
{
	list_each(link, following, &map->running)
		(void)usp_process_signal(
			container_of(link, struct map_job, link)->process, number,
			USP_TARGET_GROUP);
}

static void take_signal(struct map *map, int number)
{
	switch (number) {
	case SIGINT:
	case SIGTERM:
	case SIGHUP:
	case SIGQUIT:
		if (!map->signal)
			map->signal = number;
		map_stop(map, true);
		return;
	case SIGTSTP:
		map->suspend = true;
		break;
	case SIGCONT:
		map->suspend = false;
		break;
	case SIGWINCH: /* the bar is as wide as the terminal */
		map->progress.shown = false;
		return;
	}
	tell_all(map, number);
}

/* What one that waits for who reads the output hears.  False: no more output. */
static bool on_signal(void *user)
{
	struct map *map = user;
	int number;

	while ((number = run_signals_next(&map->signals)) > 0)
		take_signal(map, number);
	return !map->signal;
}

/* ---- until all have ended ------------------------------------------------ */

static int turn(struct map *map)
{
	int ret =
		map->engine ? usp_engine_turn(map->engine) : usp_client_turn(map->client);

	if (ret && map->client) {
		fprintf(stderr, "uringspawn: lost the daemon: %s\n",
			usp_client_error(map->client));
		map->error = ret;
		map_stop(map, true);
	} else if (ret) {
		map_fail(map, "the engine stopped", -ret);
	}
	return ret;
}

/* The terminal stops us all.  SIGCONT comes to us and is forwarded. */
static void suspend(struct map *map)
{
	map->suspend = false;
	if (turn(map) == 0) {
		map_progress_hide(&map->progress, STDERR_FILENO, "\n", 1);
		(void)raise(SIGSTOP);
	}
}

static struct map_tally tally(const struct map *map)
{
	return (struct map_tally){
		.total = map->n_made,
		.total_known = map->input_ended,
		.skipped = map->n_skipped,
		.done = map->counts[MAP_DONE],
		.failed = map->counts[MAP_FAILS],
	};
}

/* Until something happens, at most until the daemon has places again. */
static int wait_limit_ms(const struct map *map)
{
	int bar = map_progress_wait_ms(&map->progress), busy = 0;
	uint64_t now = clock_now_ns();

	if (map->not_before_ns == 0 || map->stopping)
		return bar;
	if (map->not_before_ns > now)
		busy = (int)((map->not_before_ns - now) / NS_PER_MS) + 1;
	return bar >= 0 && bar < busy ? bar : busy;
}

static void watch(struct map *map, bool reads)
{
	struct pollfd p[3] = {
		{ .fd = map->signals.fd, .events = POLLIN },
		{ .fd = map->engine ? usp_engine_fd(map->engine)
				    : usp_client_fd(map->client) },
		{ .fd = reads ? map->input.fd : -1, .events = POLLIN },
	};

	p[1].events = map->engine ? POLLIN : usp_client_poll_events(map->client);
	if (poll(p, 3, wait_limit_ms(map)) < 0)
		return;
	if (p[0].revents)
		(void)on_signal(map);
	if (p[2].revents && map_input_read(&map->input)) {
		map->error = -EIO;
		map_stop(map, false);
	}
}

static bool finished(const struct map *map)
{
	return map->n_running == 0 &&
	       (map->stopping || (map->input_ended && list_empty(&map->queue)));
}

static void run_all(struct map *map)
{
	for (;;) {
		bool reads = !map_job_fill(map);
		struct map_tally now = tally(map);

		map_progress_show(&map->progress, &now);
		if (finished(map) || turn(map) || finished(map))
			return;
		if (map->suspend)
			suspend(map);
		else if (!map_job_startable(map) || reads)
			watch(map, reads);
	}
}

/* ---- beginning and end --------------------------------------------------- */

/* A stream that the caller closed is null here, so that none of our own descriptors
 * takes its number. */
static int fill_stdio(void)
{
	for (int i = 0; i < 3; i++)
		if (fcntl(i, F_GETFD) < 0 && open("/dev/null", O_RDWR) != i)
			return -EBADF;
	return 0;
}

static int open_engine(struct map *map)
{
	struct usp_engine_options options = {
		.size = sizeof(options),
		.queued_max = map->options.jobs,
		.running_max = map->options.jobs,
	};
	int ret = usp_engine_new(&options, &map->engine);

	if (ret == 0)
		return 0;
	map_fail(map, "cannot start an engine", -ret);
	fputs("uringspawn: 'uringspawn doctor' says what is missing\n", stderr);
	return ret;
}

static int open_client(struct map *map)
{
	map->error = reach_daemon(map->options.socket, &map->client);
	return map->error;
}

/* Where the log and the results go. */
static int open_files(struct map *map)
{
	const struct map_options *options = &map->options;
	int ret = 0;

	if (options->results)
		ret = map_results_prepare(options->results);
	if (ret) {
		fprintf(stderr, "uringspawn: cannot make '%s': %s\n", options->results,
			strerrordesc_np(-ret));
		return ret;
	}
	return options->log_path
		       ? map_log_open(options->log_path, options->resume, &map->log)
		       : 0;
}

static int open_all(struct map *map)
{
	size_t command = map_command_size(map->options.command);
	int ret = run_signals_open(false, &map->signals);

	if (ret) {
		map_fail(map, "cannot catch signals", -ret);
		return ret;
	}
	map->print = (struct map_print){
		.signal_fd = map->signals.fd,
		.on_signal = on_signal,
		.user = map,
	};
	map_print_open(&map->print);
	map_progress_open(&map->progress, map->options.progress && !map->options.dry_run);
	/* Who reads our output and goes away is told of by EPIPE. */
	(void)signal(SIGPIPE, SIG_IGN);
	ret = map_input_open(&map->options, command < ARGS_MAX ? ARGS_MAX - command : 0,
			     &map->input);
	if (ret == 0)
		ret = open_files(map);
	map->error = ret;
	if (ret == 0)
		ret = map->options.socket ? open_client(map) : open_engine(map);
	return ret ? ret : map_job_prepare(map);
}

static void close_all(struct map *map)
{
	struct map_tally last;

	usp_template_free(map->template);
	usp_client_free(map->client);
	usp_engine_free(map->engine);
	map_output_done(map);
	last = tally(map);
	map_progress_close(&map->progress, &last);
	map_spill_done(&map->spill);
	map_input_close(&map->input);
	map_log_close(&map->log);
	run_signals_close(&map->signals);
}

/* As if it had never been caught. */
static void die_by(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int exit_code(const struct map *map)
{
	if (map->error)
		return map->options.xargs_status ? CODE_OURS_XARGS : CODE_OURS;
	if (map->options.xargs_status)
		return map->xargs_code;
	return map->counts[MAP_FAILS] < CODE_FAILED_MAX ? (int)map->counts[MAP_FAILS]
							: CODE_FAILED_MAX;
}

int cmd_map(int argc, char **argv)
{
	static struct map map = {
		.spill.fd = -1, .log.fd = -1, .input.fd = -1, .signals.fd = -1
	};
	int ret;

	if (fill_stdio())
		return CODE_OURS;
	ret = map_options_parse(argc, argv, &map.options);
	if (ret)
		return ret > 0 ? 0 : CODE_OURS;
	buf_init(&map.tagged, SIZE_MAX / 2);
	list_init(&map.queue);
	list_init(&map.running);
	list_init(&map.order);
	if (open_all(&map) == 0)
		run_all(&map);
	close_all(&map);
	if (map.signal)
		die_by(map.signal);
	return exit_code(&map);
}
