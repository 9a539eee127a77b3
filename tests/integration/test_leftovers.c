/*
 * After thousands of jobs of every kind, and clients that just vanish, the daemon
 * is as it was before: no child, no zombie, no descriptor, no socket file.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <signal.h>
#include <unistd.h>
#include <uringspawn/client.h>

#include "base/annotate.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(leftovers, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* memory is not what it is elsewhere */
enum { JOBS = 500 };
#else
#define SANITIZED false
enum { JOBS = 2000 };
#endif

enum {
	IN_FLIGHT = 32,
	CONNECTIONS = 20, /* one after the other */
	IDLE_MAX_KIB = 8 * 1024,
	GROWTH_MAX_KIB = 8 * 1024, /* buffers that were used, and stay */
};

static struct running_daemon daemon_run;

/* ---- jobs of every kind -------------------------------------------------- */

/* What becomes of one, and what has to be said of it. */
enum fate { ENDS, FLOODS, MISSING, NOWHERE, CRASHES, KILLED, TIMES_OUT, FATES };

static const struct kind {
	const char *argv[5];
	const char *cwd;
	uint64_t timeout_ns;
	enum usp_reason reason;
} kinds[FATES] = {
	[ENDS] = { { PROGRAM("true") }, "/", 0, USP_REASON_EXITED },
	[FLOODS] = { { PROGRAM("flood"), "200000", "1", "2" },
		     "/",
		     0,
		     USP_REASON_EXITED },
	[MISSING] = { { "/no/such/program" }, "/", 0, USP_REASON_FAILED },
	[NOWHERE] = { { PROGRAM("true") }, "/no/such/place", 0, USP_REASON_FAILED },
	[CRASHES] = { { "/bin/sh", "-c", "kill -SEGV $$" },
		      "/",
		      0,
		      USP_REASON_SIGNALLED },
	[KILLED] = { { PROGRAM("sleep_forever") }, "/", 0, USP_REASON_KILLED },
	[TIMES_OUT] = { { PROGRAM("sleep_forever") },
			"/",
			2 * NS_PER_MS,
			USP_REASON_TIMEOUT },
};

struct crowd {
	struct usp_client *client;
	unsigned asked, wanted, running;
	unsigned ends[FATES];
	bool leaving;
};

struct job {
	struct crowd *crowd;
	enum fate fate;
};

static struct job jobs[JOBS];

static void spawn(struct crowd *crowd);

/* A timeout this short may also come before the exec was through. */
static void check_end(const struct job *job, enum usp_reason reason)
{
	if (job->fate == TIMES_OUT && reason == USP_REASON_LAUNCH_TIMEOUT)
		return;
	cr_assert(eq(int, reason, kinds[job->fate].reason), "%s: %s",
		  kinds[job->fate].argv[0], usp_reason_name(reason));
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct job *job = user;
	struct crowd *crowd = job->crowd;

	if (event->kind == USP_EVENT_STARTED && job->fate == KILLED)
		usp_process_kill(process);
	if (event->kind != USP_EVENT_END)
		return;
	crowd->ends[job->fate]++;
	crowd->running--;
	if (crowd->leaving)
		return;
	check_end(job, event->end.reason);
	if (crowd->asked < crowd->wanted)
		spawn(crowd);
}

static void spawn(struct crowd *crowd)
{
	struct job *job = &jobs[crowd->asked];
	const struct kind *kind;
	struct usp_process *process;

	*job = (struct job){ .crowd = crowd, .fate = crowd->asked++ % FATES };
	kind = &kinds[job->fate];
	const struct usp_options options =
		USP_OPTIONS(.argv = kind->argv, .cwd = kind->cwd,
			    .timeout_ns = kind->timeout_ns, .kill = { .signal = SIGKILL },
			    .on_event = on_event, .user = job);

	cr_assert(eq(int, usp_client_spawn(crowd->client, &options, &process), 0));
	crowd->running++;
}

static void begin(struct crowd *crowd, unsigned wanted)
{
	*crowd = (struct crowd){ .wanted = wanted };
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &crowd->client), 0));
	while (crowd->asked < wanted && crowd->asked < IN_FLIGHT)
		spawn(crowd);
}

/* Until @n jobs have ended. */
static void run_until(struct crowd *crowd, unsigned n)
{
	while (crowd->asked - crowd->running < n) {
		cr_assert(wait_fd(usp_client_fd(crowd->client),
				  usp_client_poll_events(crowd->client), WAIT_MS),
			  "%u jobs do not end", crowd->running);
		cr_assert(eq(int, usp_client_turn(crowd->client), 0));
	}
}

/* ---- before and after ---------------------------------------------------- */

struct state {
	int children, fds, direct_fds;
	long rss_kib;
};

static struct peer witness; /* a client that stays */

static struct state look(void)
{
	return (struct state){
		.children = daemon_children(&daemon_run),
		.fds = daemon_open_fds(&daemon_run),
		.direct_fds = daemon_direct_fds(&daemon_run),
		.rss_kib = daemon_rss_kib(&daemon_run),
	};
}

/* A daemon that has served a job already: what it opens once is open, what it has open
 * only to begin is closed.  Direct descriptors of the job may be on their way out, so
 * those are counted before it. */
static struct state start(void)
{
	struct state state;
	int direct_fds;

	daemon_start(&daemon_run, NULL);
	peer_open(&witness, daemon_run.socket);
	direct_fds = daemon_direct_fds(&daemon_run);
	peer_expect_service(&witness, 1);
	state = look();
	state.direct_fds = direct_fds;
	return state;
}

static void stop(void)
{
	peer_expect_service(&witness, 2);
	peer_close(&witness);
	daemon_stop(&daemon_run);
}

/* What a client left may take the daemon a moment. */
static void expect_as_before(const struct state *before)
{
	cr_expect(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true),
		  "%d children are left", daemon_children(&daemon_run));
	cr_expect(eq(int,
		     wait_until(daemon_open_fds(&daemon_run) == before->fds, WAIT_MS),
		     true),
		  "%d descriptors, %d before", daemon_open_fds(&daemon_run), before->fds);
	cr_expect(eq(int,
		     wait_until(daemon_direct_fds(&daemon_run) == before->direct_fds,
				WAIT_MS),
		     true),
		  "%d direct descriptors, %d before", daemon_direct_fds(&daemon_run),
		  before->direct_fds);
	if (!SANITIZED)
		cr_expect(le(long, look().rss_kib, before->rss_kib + GROWTH_MAX_KIB));
}

Test(leftovers, an_idle_daemon_is_small)
{
	struct state idle;

	daemon_start(&daemon_run, NULL);
	idle = look();
	cr_expect(eq(int, idle.children, 0));
	if (!SANITIZED)
		cr_expect(le(long, idle.rss_kib, IDLE_MAX_KIB));
	daemon_stop(&daemon_run);
}

Test(leftovers, nothing_is_left_of_jobs_of_every_kind)
{
	struct state idle;
	struct crowd crowd;

	idle = start();
	begin(&crowd, JOBS);
	run_until(&crowd, JOBS);
	for (int i = 0; i < FATES; i++)
		cr_expect(le(uint, JOBS / FATES, crowd.ends[i]), "fate %d", i);

	usp_client_free(crowd.client);
	expect_as_before(&idle);
	stop();
}

Test(leftovers, nothing_is_left_of_clients_that_vanish)
{
	struct state idle;

	idle = start();
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct crowd crowd;

		/* One more has ended each time: others are in every state there is. */
		begin(&crowd, JOBS / CONNECTIONS);
		run_until(&crowd, i * JOBS / CONNECTIONS / CONNECTIONS);
		crowd.leaving = true;
		usp_client_free(crowd.client);
		cr_assert(eq(uint, crowd.running, 0));
	}
	expect_as_before(&idle);
	stop();
}

/* One that ends inside a frame, with jobs of its own, and one that never greets. */
Test(leftovers, nothing_is_left_of_clients_that_are_cut_off)
{
	struct state idle;

	idle = start();
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct peer silent, half;

		peer_connect(&silent, daemon_run.socket);
		peer_open(&half, daemon_run.socket);
		peer_spawn(&half, 1, &PEER_ARGV(PROGRAM("sleep_forever")), i & 1);
		peer_send(&half, "\4\0\0\0\2", i % 6);
		peer_close(&silent);
		peer_close(&half);
	}
	expect_as_before(&idle);
	stop();
}

/* The descriptors that a job was given are closed, whether it started or not. */
Test(leftovers, nothing_is_left_of_descriptors_that_were_passed)
{
	struct state idle;
	struct crowd crowd = { 0 };

	idle = start();
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &crowd.client), 0));
	for (unsigned i = 0; i < 100; i++) {
		const struct kind *kind = &kinds[i & 1 ? ENDS : MISSING];
		struct usp_process *process;
		const struct usp_options options =
			USP_OPTIONS(.argv = kind->argv,
				    .stdio = { { USP_STDIO_FD, 0 },
					       { USP_STDIO_FD, 1 },
					       { USP_STDIO_FD, 2 } },
				    .on_event = on_event, .user = &jobs[i]);

		jobs[i] = (struct job){ .crowd = &crowd, .fate = i & 1 ? ENDS : MISSING };
		cr_assert(eq(int, usp_client_spawn(crowd.client, &options, &process), 0));
		crowd.asked++;
		crowd.running++;
	}
	run_until(&crowd, 100);
	usp_client_free(crowd.client);
	expect_as_before(&idle);
	stop();
}
