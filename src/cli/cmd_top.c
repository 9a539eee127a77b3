/*
 * `uringspawn top`: the jobs of a daemon, on the whole terminal, over and over.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "base/clock.h"
#include "cli/cmd.h"
#include "cli/jobs.h"
#include "cli/jobs_table.h"
#include "cli/option.h"
#include "cli/terminal.h"

static const char usage[] =
	"Usage: uringspawn top [--socket PATH] [--interval TIME]\n"
	"Show the jobs of a daemon on the whole terminal, and again every second.\n"
	"\n"
	"  --socket PATH     of the daemon at PATH (or @NAME), not the default one\n"
	"  --interval TIME   1s, 200ms; not less than 100ms\n"
	"\n"
	"Keys: q ends it; c m o a  sort by CPU time, memory, output, age; j  not at all.\n"
	"For a script there is 'uringspawn ps'.\n"
	"\n"
	"Exit code: 0 by q or ^C; 128+N by another signal N; 125 when there is no\n"
	"terminal or no daemon that answers, or on a wrong option.\n";

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

enum { HELP = 256, SOCKET, INTERVAL, CODE_OURS = 125, GO_ON = -1 };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "interval", required_argument, NULL, INTERVAL },
	{ 0 },
};

static const struct {
	char key;
	const char *name;
} orders[] = {
	{ 'j', "job" },		 { 'c', "cpu_seconds" }, { 'm', "memory_bytes" },
	{ 'o', "output_bytes" }, { 'a', "age_seconds" },
};

struct top {
	const char *socket; /* NULL: the default one */
	uint64_t interval_ns;
	struct usp_client *client;
	struct terminal terminal;
	int signal_fd, timer_fd;
	struct jobs_question question;
	json_t *jobs; /* the last answer, or NULL */
	const char *order;
};

/* Returns 0, 1 when help was asked for, or -EINVAL; says why. */
static int parse(int argc, char **argv, struct top *top)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (option) {
		case HELP:
			fputs(usage, stdout);
			return 1;
		case SOCKET:
			top->socket = optarg;
			break;
		case INTERVAL:
			if (option_duration(optarg, &top->interval_ns) == 0 &&
			    top->interval_ns >= 100 * NS_PER_MS)
				break;
			fprintf(stderr,
				"uringspawn: --interval '%s' is not a length of time of "
				"100ms or more\n",
				optarg);
			return -EINVAL;
		default:
			option_complain("top", argv, known);
			return -EINVAL;
		}
	}
	if (!argv[optind])
		return 0;
	fprintf(stderr, "uringspawn: top takes no argument, but was given '%s'\n",
		argv[optind]);
	return -EINVAL;
}

/* ---- the screen ----------------------------------------------------------------- */

static const char *sorted_by;

static int compare(const void *a, const void *b)
{
	double x = jobs_number(*(json_t *const *)a, sorted_by),
	       y = jobs_number(*(json_t *const *)b, sorted_by);

	return x < y ? 1 : x > y ? -1 : 0;
}

/* As they came is the order of the array; the rest begins with the largest. */
static void sort(json_t **jobs, size_t n, const char *order)
{
	sorted_by = order;
	if (order != orders[0].name)
		qsort(jobs, n, sizeof(*jobs), compare);
}

static size_t in_state(const struct top *top, const char *state)
{
	const json_t *job;
	size_t i, n = 0;

	json_array_foreach(top->jobs, i, job)
	{
		const char *its = json_string_value(json_object_get(job, "state"));

		n += its && strcmp(its, state) == 0;
	}
	return n;
}

static void draw_head(const struct top *top, FILE *to, int columns)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "%zu jobs: %zu running, %zu queued, %zu draining   at %s",
		 json_array_size(top->jobs), in_state(top, "running"),
		 in_state(top, "queued"), in_state(top, "draining"),
		 top->socket ? top->socket : "the default socket");
	fprintf(to, "\033[H%.*s\033[K\r\n\033[7m", columns, line);
	jobs_table_heading(to, columns);
	fputs("\033[K\033[0m\r\n", to);
}

static void draw_jobs(const struct top *top, FILE *to, int rows, int columns)
{
	size_t n = json_array_size(top->jobs), i;
	json_t **jobs = mem_zalloc((n + 1) * sizeof(*jobs)), *job;

	if (!jobs)
		return;
	json_array_foreach(top->jobs, i, job) jobs[i] = job;
	sort(jobs, n, top->order);
	for (i = 0; i < n && (int)i < rows; i++) {
		jobs_table_job(to, jobs[i], columns);
		fputs("\033[K\r\n", to);
	}
	mem_free(jobs);
}

/* Made whole and written at once, so that it does not flicker. */
static void draw(const struct top *top)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 4 || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	draw_head(top, to, size.ws_col);
	draw_jobs(top, to, size.ws_row - 3, size.ws_col);
	fprintf(to, "\033[J\033[%d;1H%.*s", size.ws_row, size.ws_col - 1,
		"q quit  sort: c CPU  m memory  o output  a age  j as they came");
	if (fclose(to) == 0)
		for (size_t at = 0; at < n;) {
			ssize_t done = write(STDOUT_FILENO, text + at, n - at);

			if (done <= 0)
				break;
			at += (size_t)done;
		}
	free(text);
}

static int show(struct top *top)
{
	int ret = terminal_take(&top->terminal, TERMINAL_KEYS, LEAVE);

	if (ret == 0 && write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) < 0)
		ret = -errno;
	if (ret == 0)
		draw(top);
	return ret;
}

/* ---- what happens --------------------------------------------------------------- */

/* Each returns the exit code, or GO_ON. */

static int on_key(struct top *top)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		return 0; /* the terminal is gone */
	if (n < 0)
		return GO_ON;
	if (key == 'q' || key == 'Q')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (key == orders[i].key)
			top->order = orders[i].name;
	draw(top);
	return GO_ON;
}

static int on_signal(struct top *top)
{
	struct signalfd_siginfo info;

	if (read(top->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return GO_ON;
	switch (info.ssi_signo) {
	case SIGWINCH:
		draw(top);
		return GO_ON;
	case SIGTSTP:
		terminal_give(&top->terminal);
		(void)raise(SIGSTOP);
		return GO_ON;
	case SIGCONT:
		return show(top) ? CODE_OURS : GO_ON;
	case SIGINT:
		return 0;
	}
	return 128 + (int)info.ssi_signo;
}

static int on_timer(struct top *top)
{
	uint64_t times;

	if (read(top->timer_fd, &times, sizeof(times)) < 0 || top->question.asked)
		return GO_ON; /* a slow daemon is not asked twice */
	return jobs_ask(top->client, &top->question) ? CODE_OURS : GO_ON;
}

/* Returns the exit code, or GO_ON, when the answer is there. */
static int on_answer(struct top *top)
{
	json_t *jobs;

	if (top->question.asked && !top->question.error)
		return GO_ON;
	if (!top->question.jobs)
		return GO_ON;
	if (top->question.error || *usp_client_error(top->client))
		return CODE_OURS;
	jobs = jobs_answer(top->client, &top->question);
	json_decref(top->jobs);
	top->jobs = jobs;
	draw(top);
	return GO_ON;
}

static int watch(struct top *top)
{
	struct pollfd p[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = top->signal_fd, .events = POLLIN },
		{ .fd = top->timer_fd, .events = POLLIN },
		{ .fd = usp_client_fd(top->client) },
	};
	int code = GO_ON;

	while (code == GO_ON) {
		if (usp_client_turn(top->client))
			return CODE_OURS;
		code = on_answer(top);
		if (code != GO_ON)
			break;
		p[3].events = usp_client_poll_events(top->client);
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return CODE_OURS;
		if (p[1].revents)
			code = on_signal(top);
		else if (p[0].revents)
			code = on_key(top);
		else if (p[2].revents)
			code = on_timer(top);
	}
	return code;
}

/* ---- all ------------------------------------------------------------------------ */

static int open_fds(struct top *top)
{
	static const int wanted[] = { SIGINT,  SIGTERM,	 SIGHUP,  SIGQUIT,
				      SIGTSTP, SIGWINCH, SIGCONT, SIGPIPE };
	const struct itimerspec every = {
		.it_value = { .tv_nsec = 1 },
		.it_interval = { .tv_sec = (time_t)(top->interval_ns / NS_PER_S),
				 .tv_nsec = (long)(top->interval_ns % NS_PER_S) },
	};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	top->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	top->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (top->signal_fd < 0 || top->timer_fd < 0 ||
	    timerfd_settime(top->timer_fd, 0, &every, NULL))
		return -errno;
	return 0;
}

static int run_top(struct top *top)
{
	int code = CODE_OURS, ret = open_fds(top);

	if (ret == 0)
		ret = show(top);
	if (ret == 0)
		code = watch(top);
	terminal_give(&top->terminal);
	if (ret)
		fprintf(stderr, "uringspawn: cannot use the terminal: %s\n",
			strerrordesc_np(-ret));
	else if (code == CODE_OURS)
		fprintf(stderr, "uringspawn: the daemon did not list its jobs: %s\n",
			usp_client_error(top->client));
	return code;
}

int cmd_top(int argc, char **argv)
{
	static struct top top = { .interval_ns = NS_PER_S };
	int ret;

	top.order = orders[0].name;
	ret = parse(argc, argv, &top);
	if (ret)
		return ret < 0 ? CODE_OURS : 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fputs("uringspawn: top needs a terminal; 'uringspawn ps' lists the jobs "
		      "once\n",
		      stderr);
		return CODE_OURS;
	}
	top.client = jobs_connect(top.socket);
	if (!top.client)
		return CODE_OURS;
	ret = run_top(&top);
	usp_client_free(top.client);
	json_decref(top.question.jobs);
	json_decref(top.jobs);
	return ret;
}
