/*
 * One small job after the other through a daemon: each ends once and well, and the
 * daemon needs no more memory and no more descriptors at the last than it did when it
 * was warm.  `make soak` runs a million of them and prints the figures.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <uringspawn/client.h>

#include "support/daemon.h"
#include "support/tmpdir.h"
#include "support/wait.h"

/* As long as it takes: that something goes on is what is waited for. */
TestSuite(soak, .fini = tmpdir_done, .timeout = 7200);

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* memory is not what it is elsewhere */
#define JOBS	  "4000"
#else
#define SANITIZED false
#define JOBS	  "20000"
#endif

enum {
	IN_FLIGHT = 32,
	/* What may come beside the jobs: pages of the allocator's and of the kernel's
	 * buffers that are touched late.  At 20,000 jobs it is 13 bytes for each. */
	MARGIN_KIB = 256,
};

/* The daemon at one moment. */
struct look {
	long rss_kib;
	int fds, direct_fds;
};

struct soak {
	struct running_daemon daemon;
	struct usp_client *client;
	unsigned wanted, asked, ended; /* up to the next look */
	struct place {
		struct soak *soak;
		unsigned starts, exits, ends; /* of the job that is in it */
	} places[IN_FLIGHT];
};

static void ask(struct place *place);

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct place *place = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		place->starts++;
		break;
	case USP_EVENT_EXIT:
		place->exits++;
		cr_assert(eq(int, event->exit.code, 0));
		break;
	case USP_EVENT_END:
		cr_assert(eq(int, (int)event->end.reason, (int)USP_REASON_EXITED),
			  "job %u of %u", place->soak->ended, place->soak->wanted);
		cr_assert(eq(uint, place->starts, 1));
		cr_assert(eq(uint, place->exits, 1));
		place->soak->ended++;
		ask(place);
		break;
	case USP_EVENT_FAILED:
		cr_fatal("job %u failed at %s", place->soak->ended,
			 usp_stage_name(event->failed.stage));
		break;
	default:
		break;
	}
}

static void ask(struct place *place)
{
	static const char *const argv[] = { BUILD_DIR "/tests/programs/true", NULL };
	const struct usp_options options =
		USP_OPTIONS(.argv = argv, .cwd = "/", .on_event = on_event, .user = place,
			    .flags = USP_FLAG_RUN);
	struct soak *soak = place->soak;
	struct usp_process *process;

	if (soak->asked == soak->wanted)
		return;
	soak->asked++;
	*place = (struct place){ .soak = soak };
	cr_assert(eq(int, usp_client_spawn(soak->client, &options, &process), 0));
}

/* Run until @wanted have ended, and nothing is in flight. */
static void run_until(struct soak *soak, unsigned wanted)
{
	soak->wanted = wanted;
	for (int i = 0; i < IN_FLIGHT; i++)
		ask(&soak->places[i]);
	while (soak->ended < wanted) {
		cr_assert(wait_fd(usp_client_fd(soak->client),
				  usp_client_poll_events(soak->client), WAIT_MS),
			  "nothing comes: %u of %u have ended", soak->ended, wanted);
		cr_assert(eq(int, usp_client_turn(soak->client), 0), "%s",
			  usp_client_error(soak->client));
	}
	cr_assert(eq(uint, soak->ended, soak->asked));
}

static struct look look(const struct soak *soak, unsigned percent)
{
	const struct look seen = {
		.rss_kib = daemon_rss_kib(&soak->daemon),
		.fds = daemon_open_fds(&soak->daemon),
		.direct_fds = daemon_direct_fds(&soak->daemon),
	};

	printf("%3u %%: %u jobs, RSS %ld KiB, %d descriptors, %d direct\n", percent,
	       soak->ended, seen.rss_kib, seen.fds, seen.direct_fds);
	fflush(stdout);
	return seen;
}

static unsigned count_jobs(void)
{
	const char *jobs = getenv("SOAK_JOBS");

	return (unsigned)strtoul(jobs && *jobs ? jobs : JOBS, NULL, 10);
}

Test(soak, nothing_grows_with_the_jobs_that_were_done)
{
	static struct soak soak;
	unsigned jobs = count_jobs();
	struct look warm, half, last;

	daemon_start(&soak.daemon, NULL);
	cr_assert(eq(int, usp_client_open(soak.daemon.socket, &soak.client), 0));
	for (int i = 0; i < IN_FLIGHT; i++)
		soak.places[i].soak = &soak;
	run_until(&soak, jobs / 10);
	warm = look(&soak, 10);
	run_until(&soak, jobs / 2);
	half = look(&soak, 50);
	run_until(&soak, jobs);
	last = look(&soak, 100);

	cr_expect(eq(int, half.fds, warm.fds));
	cr_expect(eq(int, last.fds, warm.fds));
	cr_expect(eq(int, half.direct_fds, warm.direct_fds));
	cr_expect(eq(int, last.direct_fds, warm.direct_fds));
	if (!SANITIZED)
		cr_expect(le(long, last.rss_kib, warm.rss_kib + MARGIN_KIB));
	usp_client_free(soak.client);
	daemon_stop(&soak.daemon);
}
