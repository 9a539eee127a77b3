/*
 * The daemon's sockets and who connects to them: each call that can fail, failed in
 * turn.  What fails leaves no descriptor, no memory and no socket file.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/admit.h"
#include "daemon/daemon.h"
#include "daemon/life.h"
#include "daemon/limits.h"
#include "daemon/session.h"
#include "engine/engine.h"
#include "pool/pool.h"
#include "support/clean.h"
#include "support/fault.h"
#include "support/tmpdir.h"
#include "sys/sock.h"

TestSuite(front, .timeout = 60);

static struct daemon d;
static struct config config;
static struct pool_budget budget;

static void open_daemon(void)
{
	static const struct config fresh = {
		.log_level = LOG_LEVEL_ERROR,
		.limits = { .clients_max = 4,
			    .jobs_max = 4,
			    .queue_max = 4,
			    .client_running_max = 4,
			    .client_queue_max = 4,
			    .turn_launches = 1 },
	};
	const struct usp_engine_options options = { .launchers = 1, .running_max = 4 };

	d = (struct daemon){ .config = &config, .pool_budget = &budget };
	pool_budget_init(&budget, 1);
	config = fresh;
	strcpy(config.sockets[0], tmpdir_path("one"));
	strcpy(config.sockets[1], tmpdir_path("two"));
	config.n_sockets = 2;
	cr_assert(eq(int, engine_new(&options, 2, &d.engine), 0));
	d.reactor = engine_reactor(d.engine);
	outbox_pool_init(&d.outboxes, d.reactor);
	limits_set(&d, &config.limits);
	admit_init(&d);
	life_init(&d);
}

static void close_daemon(void)
{
	while (!front_closed(&d.front) || d.connections > 0) {
		cr_assert(eq(int, engine_wait(d.engine), 0));
		session_sweep(&d);
	}
	session_sweep(&d);
	admit_stop(&d);
	d.engine = usp_engine_free(d.engine);
	outbox_pool_done(&d.outboxes);
	peer_done(&d.self);
	tmpdir_done();
}

static bool is_there(unsigned i)
{
	return access(config.sockets[i], F_OK) == 0;
}

static const struct activation nobody;
static const struct handed_over nothing;

/* Two sockets: each is named, shared, and has its senders told. */
CLEAN_TEST(front, every_fault_of_opening_is_reported_and_undone)
{
	unsigned n = 0;
	bool fired;
	int ret;

	log_set_level(LOG_LEVEL_ERROR - 1);
	do {
		open_daemon();
		fault_at(++n, EMFILE);
		ret = front_open(&d, &nobody, &nothing);
		fired = fault_fired();
		if (fired) {
			cr_expect(eq(int, ret, -EMFILE), "call %u", n);
			cr_expect(not(is_there(0) || is_there(1)), "call %u", n);
		} else {
			cr_expect(eq(int, ret, 0));
			cr_expect(is_there(0) && is_there(1));
			front_stop(&d.front, false);
		}
		close_daemon();
	} while (fired);
	cr_expect(eq(uint, n - 1, 6), "a new fault point: raise this number");
}

/* A connection becomes a session, or is closed. */
CLEAN_TEST(front, every_fault_of_a_connection_closes_it)
{
	unsigned n = 0;
	bool fired;

	log_set_level(LOG_LEVEL_ERROR - 1);
	do {
		int pair[2];
		char byte;

		open_daemon();
		cr_assert(eq(int, peer_self(&d.self), 0));
		cr_assert(eq(int,
			     socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
			     0));
		fault_at(++n, ENOMEM);
		admit_connection(&d, pair[0]);
		fired = fault_fired();
		cr_expect(eq(uint, d.connections, fired && n <= 3 ? 0 : 1), "call %u", n);
		shutdown(pair[1], SHUT_WR);
		close_daemon();
		while (recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1)
			continue;
		cr_expect(eq(int, (int)recv(pair[1], &byte, 1, MSG_DONTWAIT), 0),
			  "call %u: it is still open", n);
		close(pair[1]);
	} while (fired);
	/* User, groups, memory for the session; epoll waits by a call of its own. */
	cr_expect(le(uint, 3, n - 1));
}
