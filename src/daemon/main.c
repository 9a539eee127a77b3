/*
 * uringspawnd: an engine behind Unix sockets.
 *
 * Starts everything, turns the reactor until the daemon's life is over, and leaves
 * nothing behind: no process, no socket file.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include "base/clock.h"
#include "base/err.h"
#include "daemon/activation.h"
#include "daemon/admit.h"
#include "daemon/background.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/http.h"
#include "daemon/life.h"
#include "daemon/limits.h"
#include "daemon/notify.h"
#include "daemon/reload.h"
#include "daemon/session.h"
#include "daemon/signals.h"
#include "engine/engine.h"
#include "pool/pool.h"
#include "sys/fd.h"
#include "sys/own.h"

#define EXIT_CANNOT_START 1
#define EXIT_BAD_OPTIONS  2
#define EXIT_CUT_OFF	  3

/* Times that it tries to listen where the daemon that it replaces does. */
#define METRICS_TRIES 50

/* Shared by all clients; each is read out before the next turn. */
#define RECV_BUFFERS 8

/* So many jobs for each launcher keep them all at work while a client that hears of some
 * ends, together, asks for the next. */
#define CROWD_FACTOR 2

/* What main() owns beside the daemon's parts. */
struct service {
	struct daemon daemon;
	struct pool_budget pool_budget;
	struct config config;
	struct activation activation;
	struct handed_over taken;
	struct signals signals;
	struct http http;
};

static int complain(const char *what, int error)
{
	log_say(LOG_LEVEL_ERROR, "cannot %s: %s (%s)", what, strerror(-error),
		err_name(-error));
	return error;
}

/* ---- starting ------------------------------------------------------------ */

static void on_signal(struct signals *signals, int signal) REACTOR_ONLY
{
	struct service *sv = container_of(signals, struct service, signals);

	if (signal == SIGHUP)
		reload(&sv->daemon);
	else
		life_stop(&sv->daemon);
}

static int start_engine(struct daemon *d) REACTOR_ONLY
{
	const struct usp_engine_options options = {
		.launchers = d->config->launchers,
		.policy = d->config->policy,
		.tables = USP_TABLES_SHARED, /* what lives long here is in slots */
		.running_max = d->config->limits.jobs_max,
		.queued_max = d->config->limits.queue_max,
	};

	struct usp_engine_stats stats;
	int ret = engine_new(&options, RECV_BUFFERS, &d->engine);

	if (ret < 0)
		return ret;
	usp_engine_stats(d->engine, &stats);
	d->crowd_jobs = (unsigned)stats.launchers * CROWD_FACTOR;
	if (d->config->is_private)
		engine_inherit(d->engine);
	return 0;
}

static int ask_for_sockets(struct service *sv)
{
	struct config *config = &sv->config;
	int ret = 0;

	if (!config->replace)
		return 0;
	if (config->n_sockets == 0)
		ret = front_standard_name(config);
	if (ret < 0)
		return complain("find the daemon to replace", ret);
	return replace_ask(config->sockets[0], &sv->daemon.self, &sv->taken);
}

/* A daemon that was replaced gives up its port as it hears of it: @tries are 20 ms
 * apart. */
static int open_metrics(struct service *sv, int tries) REACTOR_ONLY
{
	const struct timespec pause = { .tv_nsec = 20 * (long)NS_PER_MS };
	const struct config *config = &sv->config;
	int ret;

	if (config->metrics.size == 0)
		return 0;
	while ((ret = http_open(&sv->http, &sv->daemon, &config->metrics)) ==
		       -EADDRINUSE &&
	       --tries > 0)
		nanosleep(&pause, NULL);
	if (ret < 0)
		return complain("listen for --metrics", ret);
	log_say(LOG_LEVEL_NOTICE, "metrics on port %d", sv->http.port);
	return 0;
}

static int start(struct service *sv, const sigset_t *signals) REACTOR_ONLY
{
	struct daemon *d = &sv->daemon;
	int ret;

	ret = peer_self(&d->self);
	if (ret < 0)
		return complain("learn who it is", ret);
	ret = start_engine(d);
	if (ret == -EINVAL)
		return complain("start the engine: " USP_BACKEND_VARIABLE
				" is neither uring nor epoll",
				ret);
	if (ret < 0)
		return complain("start the engine", ret);
	d->reactor = engine_reactor(d->engine);
	engine_clear_leftovers(d->engine);
	d->start_time_s = (uint64_t)time(NULL);
	pool_budget_init(&sv->pool_budget, d->config->limits.pool_members_max);
	d->pool_budget = &sv->pool_budget;
	limits_set(d, &d->config->limits);
	outbox_pool_init(&d->outboxes, d->reactor);
	admit_init(d);
	life_init(d);
	ret = signals_open(&sv->signals, d->reactor, signals, on_signal);
	if (ret < 0)
		return complain("receive signals", ret);
	ret = ask_for_sockets(sv);
	if (ret == 0 && !sv->taken.by_somebody)
		ret = open_metrics(sv, 1);
	if (ret < 0)
		return ret;
	return front_open(d, &sv->activation, &sv->taken);
}

static void say_ready(struct service *sv) REACTOR_ONLY
{
	bool replaces = sv->taken.by_somebody;
	char names[512];

	front_accept(&sv->daemon.front);
	reactor_submit(sv->daemon.reactor);
	replace_confirm(&sv->taken);
	if (replaces)
		(void)open_metrics(sv, METRICS_TRIES); /* it serves without them, too */
	front_names(&sv->daemon.front, names, sizeof(names));
	log_say(LOG_LEVEL_NOTICE, "ready on %s (%s)", names,
		usp_engine_backend(sv->daemon.engine));
	notify_ready();
	background_ready();
}

/* ---- turning ------------------------------------------------------------- */

/* Returns 0, or the -errno that ended it before its time. */
static int serve(struct service *sv) REACTOR_ONLY
{
	struct daemon *d = &sv->daemon;
	int ret = 0;

	while (ret == 0 &&
	       !(life_is_over(d) && sv->signals.closed && http_closed(&sv->http))) {
		ret = engine_wait(d->engine);
		session_sweep(d);
		life_step(d);
		if (d->phase == DAEMON_LEAVING)
			signals_stop(&sv->signals);
		if (d->phase == DAEMON_LEAVING || daemon_is_replaced(d))
			http_stop(&sv->http);
	}
	return ret;
}

static int finish(struct service *sv) REACTOR_ONLY
{
	struct daemon *d = &sv->daemon;

	if (d->released > 0) {
		engine_leave(d->engine);
	} else {
		d->engine = usp_engine_free(d->engine);
		session_sweep(d);
		outbox_pool_done(&d->outboxes);
		peer_done(&d->self);
	}
	if (d->jobs_cut == 0)
		return 0;
	log_say(LOG_LEVEL_WARNING, "%u jobs were cut off", d->jobs_cut);
	return EXIT_CUT_OFF;
}

static int run(struct service *sv, const sigset_t *signals) REACTOR_ONLY
{
	int ret = start(sv, signals);

	if (ret < 0)
		return EXIT_CANNOT_START;
	say_ready(sv);
	ret = serve(sv);
	if (ret == 0)
		return finish(sv);
	/* It did not stop by itself: the socket file. */
	front_stop(&sv->daemon.front, sv->daemon.phase != DAEMON_SERVING);
	complain("go on", ret);
	return EXIT_CANNOT_START;
}

/* ---- options ------------------------------------------------------------- */

/* Returns -1: serve; else the exit code. */
static int read_options(struct service *sv, int argc, char **argv)
{
	struct config_error error;

	if (config_parse(argc, argv, &sv->config, &error) < 0) {
		log_say(LOG_LEVEL_ERROR, "%s", error.text);
		return EXIT_BAD_OPTIONS;
	}
	log_set_level(sv->config.log_level);
	if (sv->config.action == CONFIG_HELP)
		return fputs(config_help, stdout) < 0 || fflush(stdout) < 0;
	if (sv->config.action == CONFIG_VERSION)
		return puts("uringspawnd " USP_VERSION) < 0 || fflush(stdout) < 0;
	return -1;
}

/*
 * What a service manager passed was passed to the program that a private daemon is of,
 * and so is it for that to say how things are.
 */
static int take_passed(struct service *sv)
{
	int ret = sv->config.is_private ? 0 : activation_take(&sv->activation);

	if (ret < 0)
		return complain("take the sockets of LISTEN_FDS", ret);
	if (!sv->config.is_private)
		notify_open();
	return 0;
}

/* Returns -1: serve; else the exit code. */
static int enter_background(const struct service *sv)
{
	struct background_kept kept = { .n_fds = 0 };

	if (!sv->config.background)
		return -1;
	for (unsigned i = 0; i < sv->activation.n_fds; i++)
		kept.fds[kept.n_fds++] = ACTIVATION_FIRST_FD + (int)i;
	for (unsigned i = 0; i < sv->config.n_listen_fds; i++)
		kept.fds[kept.n_fds++] = sv->config.listen_fds[i];
	return background_enter(&kept);
}

/* Not to be interrupted with the program, nor stopped for what it says on the terminal. */
static void stay_in_session(void)
{
	(void)setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
}

/* Among the processes of who started it, before there is any thread. */
static void settle(const struct config *config)
{
	if (config->is_private) {
		stay_in_session();
	} else {
		if (config->background)
			(void)setsid();
		umask(022); /* the one that children get, whoever started the daemon */
		sys_own_leave_terminal(); /* a job could type there */
	}
	sys_nofile_raise(); /* with fewer descriptors it serves fewer */
}

/*
 * The allocator asks the kernel for a megabyte at a time, and keeps up to two at the end
 * of its heap.  By default it asks for 128 KiB and gives them back as soon as they are free
 * there: a system call each, while jobs come and go.  What was not touched yet costs
 * nothing.
 */
static void keep_memory(void)
{
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 2 << 20);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

int main(int argc, char **argv)
{
	static struct service service;
	sigset_t signals;
	int ret;

	enter_reactor();
	keep_memory();
	log_open();
	ret = read_options(&service, argc, argv);
	if (ret >= 0)
		return ret;
	if (take_passed(&service) < 0)
		return EXIT_CANNOT_START;
	ret = enter_background(&service);
	if (ret >= 0)
		return ret;
	ret = signals_block(&signals);
	if (ret < 0) {
		complain("block signals", ret);
		return EXIT_CANNOT_START;
	}
	settle(&service.config);
	service.daemon.config = &service.config;
	service.daemon.argc = argc;
	service.daemon.argv = argv;
	return run(&service, &signals);
}
