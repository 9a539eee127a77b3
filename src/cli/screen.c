#include "cli/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include "base/annotate.h"
#include "base/clock.h"
#include "cli/option.h"

#define ENTER "\033[?1049h\033[?25l"
#define LEAVE "\033[?25h\033[?1049l"

enum { HELP = 256, SOCKET, INTERVAL, CODE_OURS = 125, GO_ON = -1 };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "interval", required_argument, NULL, INTERVAL },
	{ 0 },
};

/* Returns 0, 1 when help was asked for, or -EINVAL; says why. */
static int parse(int argc, char **argv, struct screen *screen)
{
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (option) {
		case HELP:
			fputs(screen->usage, stdout);
			return 1;
		case SOCKET:
			screen->socket = optarg;
			break;
		case INTERVAL:
			if (option_duration(optarg, &screen->interval_ns) == 0 &&
			    screen->interval_ns >= 100 * NS_PER_MS)
				break;
			fprintf(stderr,
				"uringspawn: --interval '%s' is not a length of time of "
				"100ms or more\n",
				optarg);
			return -EINVAL;
		default:
			option_complain(screen->command, argv, known);
			return -EINVAL;
		}
	}
	if (!argv[optind])
		return 0;
	fprintf(stderr, "uringspawn: %s takes no argument, but was given '%s'\n",
		screen->command, argv[optind]);
	return -EINVAL;
}

/* ---- the screen ----------------------------------------------------------------- */

/* Made whole and written at once, so that it does not flicker. */
static void draw(const struct screen *screen)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);

	if (!to)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 4 || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	fputs("\033[H", to);
	screen->draw(screen, to, size.ws_row - 1, size.ws_col);
	fprintf(to, "\033[J\033[%d;1H%.*s", size.ws_row, size.ws_col - 1, screen->keys);
	if (fclose(to) == 0)
		for (size_t at = 0; at < n;) {
			ssize_t done = write(STDOUT_FILENO, text + at, n - at);

			if (done <= 0)
				break;
			at += (size_t)done;
		}
	free(text);
}

static int show(struct screen *screen)
{
	int ret = terminal_take(&screen->terminal, TERMINAL_KEYS, LEAVE);

	if (ret == 0 && write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) < 0)
		ret = -errno;
	if (ret == 0)
		draw(screen);
	return ret;
}

/* ---- what happens --------------------------------------------------------------- */

/* Each returns the exit code, or GO_ON. */

static int on_key(struct screen *screen)
{
	char key;
	ssize_t n = read(STDIN_FILENO, &key, 1);

	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		return 0; /* the terminal is gone */
	if (n < 0)
		return GO_ON;
	if (key == 'q' || key == 'Q')
		return 0;
	if (screen->press)
		screen->press(screen, key);
	draw(screen);
	return GO_ON;
}

static int on_signal(struct screen *screen)
{
	struct signalfd_siginfo info;

	if (read(screen->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return GO_ON;
	switch (info.ssi_signo) {
	case SIGWINCH:
		draw(screen);
		return GO_ON;
	case SIGTSTP:
		terminal_give(&screen->terminal);
		(void)raise(SIGSTOP);
		return GO_ON;
	case SIGCONT:
		return show(screen) ? CODE_OURS : GO_ON;
	case SIGINT:
		return 0;
	}
	return 128 + (int)info.ssi_signo;
}

static int on_timer(struct screen *screen)
{
	uint64_t times;

	if (read(screen->timer_fd, &times, sizeof(times)) < 0 || screen->question.asked)
		return GO_ON; /* a slow daemon is not asked twice */
	return jobs_ask(screen->client, screen->what, &screen->question) ? CODE_OURS
									 : GO_ON;
}

/* Keep the answer, and the one before. */
static void keep(struct screen *screen)
{
	uint64_t now_ns = clock_now_ns();

	json_decref(screen->before);
	screen->before = screen->items;
	screen->items = jobs_answer(screen->client, &screen->question);
	screen->seconds = (double)(now_ns - screen->answered_ns) / (double)NS_PER_S;
	screen->answered_ns = now_ns;
}

/* Returns the exit code, or GO_ON, when the answer is there. */
static int on_answer(struct screen *screen)
{
	if (screen->question.asked && !screen->question.error)
		return GO_ON;
	if (!screen->question.items)
		return GO_ON;
	if (screen->question.error || *usp_client_error(screen->client))
		return CODE_OURS;
	keep(screen);
	draw(screen);
	return GO_ON;
}

static int watch(struct screen *screen)
{
	struct pollfd p[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = screen->signal_fd, .events = POLLIN },
		{ .fd = screen->timer_fd, .events = POLLIN },
		{ .fd = usp_client_fd(screen->client) },
	};
	int code = GO_ON;

	while (code == GO_ON) {
		if (usp_client_turn(screen->client))
			return CODE_OURS;
		code = on_answer(screen);
		if (code != GO_ON)
			break;
		p[3].events = usp_client_poll_events(screen->client);
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return CODE_OURS;
		if (p[1].revents)
			code = on_signal(screen);
		else if (p[0].revents)
			code = on_key(screen);
		else if (p[2].revents)
			code = on_timer(screen);
	}
	return code;
}

/* ---- all ------------------------------------------------------------------------ */

static int open_fds(struct screen *screen)
{
	static const int wanted[] = { SIGINT,  SIGTERM,	 SIGHUP,  SIGQUIT,
				      SIGTSTP, SIGWINCH, SIGCONT, SIGPIPE };
	const struct itimerspec every = {
		.it_value = { .tv_nsec = 1 },
		.it_interval = { .tv_sec = (time_t)(screen->interval_ns / NS_PER_S),
				 .tv_nsec = (long)(screen->interval_ns % NS_PER_S) },
	};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	screen->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	screen->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (screen->signal_fd < 0 || screen->timer_fd < 0 ||
	    timerfd_settime(screen->timer_fd, 0, &every, NULL))
		return -errno;
	return 0;
}

static int show_until_end(struct screen *screen)
{
	int code = CODE_OURS, ret = open_fds(screen);

	if (ret == 0)
		ret = show(screen);
	if (ret == 0)
		code = watch(screen);
	terminal_give(&screen->terminal);
	if (ret)
		fprintf(stderr, "uringspawn: cannot use the terminal: %s\n",
			strerrordesc_np(-ret));
	else if (code == CODE_OURS)
		fprintf(stderr, "uringspawn: the daemon did not list its %s: %s\n",
			jobs_what_name(screen->what), usp_client_error(screen->client));
	return code;
}

int screen_run(struct screen *screen, int argc, char **argv)
{
	int ret;

	screen->interval_ns = NS_PER_S;
	ret = parse(argc, argv, screen);
	if (ret)
		return ret < 0 ? CODE_OURS : 0;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fprintf(stderr,
			"uringspawn: %s needs a terminal; '%s' lists the %s once\n",
			screen->command, screen->instead, jobs_what_name(screen->what));
		return CODE_OURS;
	}
	screen->client = jobs_connect(screen->socket);
	if (!screen->client)
		return CODE_OURS;
	ret = show_until_end(screen);
	usp_client_free(screen->client);
	json_decref(screen->question.items);
	json_decref(screen->items);
	json_decref(screen->before);
	return ret;
}
