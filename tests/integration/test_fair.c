/*
 * What a daemon's clients have a right to beside each other: a turn, and a place that
 * no other client's jobs or bytes can take.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"

TestSuite(fair, .fini = tmpdir_done, .timeout = 120);

#define TRUE	BUILD_DIR "/tests/programs/true"
#define SLEEPER BUILD_DIR "/tests/programs/sleep_forever"

static struct running_daemon daemon_run;

static void spawn(struct peer *peer, uint32_t job, const char *program)
{
	const struct request request = { .argv = { program, strlen(program) + 1 } };

	peer_spawn(peer, job, &request, false);
}

static void kill_job(struct peer *peer, uint32_t job)
{
	const struct frame frame = {
		.type = USP_WIRE_SIGNAL,
		.job = job,
		.flags = USP_WIRE_SIGNAL_PROCESS,
		.arg = SIGKILL,
	};

	peer_send_frame(peer, &frame, "");
}

/* How many jobs of @peer ended before the daemon answered: nothing more is on its way. */
static unsigned count_ends(struct peer *peer)
{
	const struct frame stat = { .type = USP_WIRE_STAT };
	struct frame frame;
	unsigned n = 0;

	peer_send_frame(peer, &stat, "");
	do {
		cr_assert(eq(int, peer_next(peer, &frame), true));
		n += frame.type == USP_WIRE_END;
	} while (frame.type != USP_WIRE_STATS);
	return n;
}

/* There is one place.  When it becomes free the one who came last waits for a turn of
 * the other, not for all that the other has queued; and then keeps the place. */
Test(fair, a_job_waits_for_a_turn_of_the_other_client)
{
	enum { MANY = 1000, TURN = 3 };
	/* With a limit of its own at 1 the greedy one would go behind the other at once. */
	const char *const args[] = {
		"--jobs-max", "1", "--turn-launches", "3", "--client-running-max",
		"2",	      NULL
	};
	struct peer greedy, modest;

	daemon_start(&daemon_run, args);
	peer_open(&greedy, daemon_run.socket);
	peer_open(&modest, daemon_run.socket);
	spawn(&greedy, 1, SLEEPER);
	peer_skip_to(&greedy, 1, USP_EVENT_STARTED);
	for (uint32_t job = 2; job < 2 + MANY; job++)
		spawn(&greedy, job, TRUE);
	cr_assert(eq(uint, count_ends(&greedy), 0));
	spawn(&modest, 1, SLEEPER);
	cr_assert(eq(uint, count_ends(&modest), 0));

	kill_job(&greedy, 1);
	peer_skip_to(&modest, 1, USP_EVENT_STARTED);

	cr_expect(eq(uint, count_ends(&greedy), 1 + TURN), "the sleeper, and a turn");
	kill_job(&modest, 1);
	peer_skip_to(&modest, 1, USP_EVENT_END);
	peer_skip_to(&greedy, MANY + 1, USP_EVENT_END);
	peer_close(&greedy);
	peer_close(&modest);
	daemon_stop(&daemon_run);
}

/* Whatever one client runs, another finds a place. */
Test(fair, one_client_cannot_take_all_places)
{
	const char *const args[] = { "--jobs-max", "8", NULL };
	struct peer greedy, modest;

	daemon_start(&daemon_run, args);
	peer_open(&greedy, daemon_run.socket);
	for (uint32_t job = 1; job <= 20; job++)
		spawn(&greedy, job, SLEEPER);
	cr_assert(eq(uint, count_ends(&greedy), 0));
	peer_open(&modest, daemon_run.socket);
	peer_expect_service(&modest, 1);
	peer_close(&greedy);
	peer_close(&modest);
	daemon_stop(&daemon_run);
}

static void expect_busy(struct peer *peer, uint32_t job, const char *limit)
{
	struct usp_event event = peer_skip_to(peer, job, USP_EVENT_FAILED);

	cr_expect(eq(int, (int)event.failed.stage, (int)USP_STAGE_ADMISSION));
	cr_expect(eq(int, event.failed.error, EAGAIN));
	cr_expect(eq(str, (char *)event.failed.path, (char *)limit));
	cr_expect(le(u32, 1, event.failed.retry_ms));
	cr_expect(le(u32, event.failed.retry_ms, 10000));
	event = peer_skip_to(peer, job, USP_EVENT_END);
	cr_expect(eq(int, (int)event.end.reason, (int)USP_REASON_FAILED));
}

Test(fair, who_is_too_many_learns_the_limit_and_when_to_come_again)
{
	const char *const args[] = { "--jobs-max",
				     "2",
				     "--client-running-max",
				     "1",
				     "--client-queue-max",
				     "2",
				     "--queue-max",
				     "3",
				     NULL };
	struct peer first, second;

	daemon_start(&daemon_run, args);
	peer_open(&first, daemon_run.socket);
	peer_open(&second, daemon_run.socket);
	for (uint32_t job = 1; job <= 4; job++)
		spawn(&first, job, SLEEPER);
	expect_busy(&first, 4, "--client-queue-max");
	for (uint32_t job = 1; job <= 3; job++)
		spawn(&second, job, SLEEPER);
	expect_busy(&second, 3, "--queue-max");
	peer_close(&first);
	peer_close(&second);
	daemon_stop(&daemon_run);
}

/* A request alone is never too much; what comes beside it is counted with it. */
Test(fair, bytes_of_one_client_are_bounded)
{
	enum { LARGE = 100000 };
	static char argv[sizeof(SLEEPER) + LARGE];
	const struct request large = { .argv = { argv, sizeof(argv) } };
	const char *const args[] = { "--client-bytes-max", "64K", NULL };
	struct peer heavy, light;

	memcpy(argv, SLEEPER, sizeof(SLEEPER));
	memset(argv + sizeof(SLEEPER), 'x', LARGE - 1);
	daemon_start(&daemon_run, args);
	peer_open(&heavy, daemon_run.socket);
	peer_spawn(&heavy, 1, &large, false);
	peer_skip_to(&heavy, 1, USP_EVENT_STARTED);
	spawn(&heavy, 2, TRUE);
	expect_busy(&heavy, 2, "--client-bytes-max");
	peer_open(&light, daemon_run.socket);
	peer_expect_service(&light, 1);

	kill_job(&heavy, 1);
	peer_skip_to(&heavy, 1, USP_EVENT_END);
	peer_expect_service(&heavy, 3);
	peer_close(&heavy);
	peer_close(&light);
	daemon_stop(&daemon_run);
}

Test(fair, stdin_of_one_client_is_bounded)
{
	static const char sleeper[] = SLEEPER;
	static uint8_t bytes[60000];
	const char *const args[] = { "--client-bytes-max", "64K", NULL };
	const struct request request = {
		.argv = { sleeper, sizeof(sleeper) },
		.options.stdio = { [0] = { .kind = USP_STDIO_PIPE } },
	};
	struct frame frame = { .type = USP_WIRE_STDIN, .payload_bytes = sizeof(bytes) };
	struct peer peer;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	for (frame.job = 1; frame.job <= 3; frame.job++) {
		peer_spawn(&peer, frame.job, &request, false);
		peer_send_frame(&peer, &frame, bytes);
		peer_send_frame(&peer, &frame, bytes);
	}
	peer_expect_error(&peer, ENOMEM, "are held for this client");
	daemon_expect_service(daemon_run.socket);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}
