/*
 * uringspawnd: an engine behind a Unix socket.
 *
 * Starts everything, turns the reactor until a signal has stopped it all, and
 * leaves nothing behind: no process, no socket file.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include "base/clock.h"
#include "base/err.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/http.h"
#include "daemon/job.h"
#include "daemon/limits.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/session.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/sock.h"

#define EXIT_CANNOT_START 1
#define EXIT_BAD_OPTIONS  2

#define END_NS	 (10 * NS_PER_S) /* for the kill plans */
#define LEAVE_NS (2 * NS_PER_S)	 /* for what was killed to be gone */

/* Times that it tries to listen where somebody does. */
#define LISTEN_TRIES 20

/* Shared by all clients; each is read out before the next turn. */
#define RECV_BUFFERS 8

/* What main() owns beside the daemon's parts. */
struct service {
	struct daemon daemon;
	struct listener listener;
	struct http http;
	struct owner owner; /* of the operation below */
	struct op signals;
	int signal_fd; /* ordinary, to be read; its file is in the slot as well */
	int signal_slot;
	bool signals_closed;
	struct timer limit;
};

/* ---- stopping ------------------------------------------------------------ */

static void for_each_session(struct daemon *d, void (*fn)(struct session *s)) REACTOR_ONLY
{
	list_each(link, next, &d->sessions)
		fn(container_of(link, struct session, link));
}

static void say_goodbye(struct session *s) REACTOR_ONLY
{
	session_fail(s, ESHUTDOWN, "the daemon stops");
}

static void limit_in(struct service *sv, uint64_t ns) REACTOR_ONLY
{
	struct reactor *r = sv->daemon.reactor;

	timer_arm(r, &sv->limit, reactor_now_ns(r) + ns);
}

/* The sessions send what is queued, in bounded time, and close. */
static void leave(struct service *sv) REACTOR_ONLY
{
	sv->daemon.phase = DAEMON_LEAVING;
	timer_cancel(sv->daemon.reactor, &sv->limit);
	reactor_cancel(sv->daemon.reactor, &sv->signals);
	owner_close(&sv->owner);
	http_stop(&sv->http);
	for_each_session(&sv->daemon, say_goodbye);
}

static void on_limit(struct timer *timer) REACTOR_ONLY
{
	struct service *sv = container_of(timer, struct service, limit);

	leave(sv);
}

static void kill_at_once(struct service *sv) REACTOR_ONLY
{
	for_each_session(&sv->daemon, job_cut_all);
	sv->limit.on_fire = on_limit;
	limit_in(sv, LEAVE_NS);
}

static void on_plans_overdue(struct timer *timer) REACTOR_ONLY
{
	kill_at_once(container_of(timer, struct service, limit));
}

static void stop(struct service *sv) REACTOR_ONLY
{
	if (sv->daemon.phase == DAEMON_SERVING) {
		sv->daemon.phase = DAEMON_ENDING;
		listener_stop(&sv->listener);
		for_each_session(&sv->daemon, job_end_all);
		limit_in(sv, END_NS);
	} else if (sv->daemon.phase == DAEMON_ENDING) {
		kill_at_once(sv);
	}
}

/* ---- signals ------------------------------------------------------------- */

static void on_signal(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct service *sv = container_of(op, struct service, signals);
	struct signalfd_siginfo info;

	(void)done;
	while (read(sv->signal_fd, &info, sizeof(info)) == sizeof(info))
		stop(sv);
	if (sv->daemon.phase != DAEMON_LEAVING)
		reactor_poll(sv->daemon.reactor, op, sv->signal_slot, POLLIN);
}

static void on_signals_drained(struct owner *owner) REACTOR_ONLY
{
	struct service *sv = container_of(owner, struct service, owner);

	reactor_slot_drop(sv->daemon.reactor, sv->signal_slot);
	sys_close(sv->signal_fd);
	sv->signals_closed = true;
}

/* Threads that start later inherit the mask: the signals come by descriptor only. */
static int block_signals(sigset_t *ret_set)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP); /* its terminal is gone */
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	*ret_set = set;
	return 0;
}

static int open_signals(struct service *sv, const sigset_t *set) REACTOR_ONLY
{
	struct reactor *r = sv->daemon.reactor;
	int fd, copy, slot;

	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	copy = sys_dup(fd);
	slot = reactor_slot_take(r);
	if (copy < 0 || slot < 0) {
		sys_close(copy);
		sys_close(fd);
		return copy < 0 ? copy : slot;
	}
	reactor_slot_fill(r, slot, copy);
	sv->signal_fd = fd;
	sv->signal_slot = slot;
	sv->owner.on_drained = on_signals_drained;
	op_init(&sv->signals, &sv->owner, on_signal);
	reactor_poll(r, &sv->signals, slot, POLLIN);
	return 0;
}

/* ---- starting ------------------------------------------------------------ */

/* The directory of the default socket is the daemon's to make. */
static void make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[108];

	if (!slash || slash == path || (size_t)(slash - path) >= sizeof(dir))
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = 0;
	mkdir(dir, 0700); /* whatever is wrong with it, listening says it */
}

static int start_engine(struct daemon *d)
{
	const struct usp_engine_options options = {
		.launchers = d->config->launchers,
		.running_max = d->config->limits.jobs_max,
		.queued_max = d->config->limits.queue_max,
	};

	return engine_new(&options, RECV_BUFFERS, &d->engine);
}

/* A client may not take the slots that jobs need: three out of four are theirs. */
static void daemon_init(struct daemon *d) REACTOR_ONLY
{
	d->reactor = engine_reactor(d->engine);
	d->start_time_s = (uint64_t)time(NULL);
	d->uid = geteuid();
	limits_set(d, &d->config->limits);
	d->clients_room = reactor_slots_free(d->reactor) / 4;
	list_init(&d->sessions);
	list_init(&d->waiting);
	list_init(&d->dead);
	outbox_pool_init(&d->outboxes, d->reactor);
}

static int complain(const char *what, const char *name, int error)
{
	fprintf(stderr, "uringspawnd: cannot %s%s%s: %s (%s)\n", what, name ? " " : "",
		name ? name : "", strerror(error), err_name(error));
	return EXIT_CANNOT_START;
}

/*
 * A daemon that was killed a moment ago may still seem to listen: the kernel takes
 * its ring apart, with the socket in it, some 50 ms later.
 */
static int listen_patiently(struct service *sv, const char *name) REACTOR_ONLY
{
	const struct timespec pause = { .tv_nsec = 20 * (long)NS_PER_MS };
	int ret, tries = LISTEN_TRIES;

	umask(077);
	while ((ret = listener_open(&sv->listener, &sv->daemon, name)) == -EADDRINUSE &&
	       --tries > 0)
		nanosleep(&pause, NULL);
	umask(022); /* the one that children get, whoever started the daemon */
	return ret;
}

/* Returns 0, or -errno. */
static int open_metrics(struct service *sv) REACTOR_ONLY
{
	const struct config *config = sv->daemon.config;
	int ret;

	if (config->metrics.size == 0)
		return 0;
	ret = http_open(&sv->http, &sv->daemon, &config->metrics);
	if (ret == 0 && !config->quiet)
		log_say(LOG_LEVEL_NOTICE, "metrics on port %d", sv->http.port);
	return ret;
}

/* ---- turning ------------------------------------------------------------- */

/* Returns 0, or the -errno that ended it before its time. */
static int serve(struct service *sv) REACTOR_ONLY
{
	struct daemon *d = &sv->daemon;
	int ret = 0;

	while (ret == 0 &&
	       (d->phase != DAEMON_LEAVING || d->connections > 0 ||
		!sv->listener.closed || !http_closed(&sv->http) || !sv->signals_closed)) {
		ret = engine_wait(d->engine);
		session_sweep(d);
		if (d->phase == DAEMON_ENDING && d->jobs == 0)
			leave(sv);
	}
	return ret;
}

static int run(struct service *sv, const char *name, const sigset_t *signals) REACTOR_ONLY
{
	struct daemon *d = &sv->daemon;
	int ret;

	ret = start_engine(d);
	if (ret == -EINVAL)
		return complain("start the engine: " USP_BACKEND_VARIABLE
				" is neither uring nor epoll",
				NULL, -ret);
	if (ret < 0)
		return complain("start the engine", NULL, -ret);
	daemon_init(d);
	ret = open_signals(sv, signals);
	if (ret < 0)
		return complain("receive signals", NULL, -ret);
	ret = listen_patiently(sv, name);
	if (ret < 0)
		return complain("listen on", name, -ret);
	ret = open_metrics(sv);
	if (ret < 0)
		return complain("listen for --metrics", NULL, -ret);
	sv->limit.on_fire = on_plans_overdue;
	if (!d->config->quiet)
		fprintf(stderr, "uringspawnd: ready on %s (%s)\n", name,
			usp_engine_backend(d->engine));
	ret = serve(sv);
	listener_stop(
		&sv->listener); /* where it did not stop by itself: the socket file */
	if (ret < 0)
		return complain("go on", NULL, -ret);
	d->engine = usp_engine_free(d->engine);
	session_sweep(d);
	outbox_pool_done(&d->outboxes);
	return 0;
}

int main(int argc, char **argv)
{
	static struct service service;
	struct config config;
	struct config_error error;
	char standard[108];
	sigset_t signals;
	int ret;

	enter_reactor();
	if (config_parse(argc, argv, &config, &error) < 0) {
		fprintf(stderr, "uringspawnd: %s\n", error.text);
		return EXIT_BAD_OPTIONS;
	}
	if (config.action == CONFIG_HELP)
		return fputs(config_help, stdout) < 0 || fflush(stdout) < 0;
	if (config.action == CONFIG_VERSION)
		return puts("uringspawnd " USP_VERSION) < 0 || fflush(stdout) < 0;
	if (!config.socket) {
		ret = socket_default(standard, sizeof(standard));
		if (ret < 0)
			return complain("listen on", "the default socket", -ret);
		make_parent(standard);
		config.socket = standard;
	}
	ret = block_signals(&signals);
	if (ret < 0)
		return complain("block signals", NULL, -ret);
	sys_nofile_raise(); /* with fewer descriptors it serves fewer */
	service.daemon.config = &config;
	return run(&service, config.socket, &signals);
}
