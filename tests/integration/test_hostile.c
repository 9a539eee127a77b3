/*
 * Many clients beside one that does its worst: each of their jobs ends with the right
 * bytes, the daemon's memory stays within its limits, and nothing is left behind.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uringspawn/client.h>

#include "programs/pattern.h"
#include "support/daemon.h"
#include "support/hostile.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(hostile, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true /* memory is not what it is elsewhere */
enum { JOBS = 8 };
#else
#define SANITIZED false
enum { JOBS = 30 };
#endif

enum {
	CLIENTS_PER_CPU = 12,
	CLIENTS_MAX = 100,
	IN_FLIGHT = 2, /* of each client */
	BYTES_MAX = 40000,
	BACKLOG_KIB = 1024,	    /* --backlog-max, by default */
	READ_BUFFERS_KIB = 64 * 64, /* shared by all reads */
	RECV_BUFFERS_KIB = 8 * 64,
	HALF_KIB = 512, /* of a frame of which 256 KiB came, as memory grows */
	JOB_KIB = 16,	/* what the daemon may need for a job besides its bytes */
	CLIENT_KIB = 32,
};

static struct running_daemon daemon_run;

/* ---- the others ---------------------------------------------------------- */

struct good;

struct job {
	struct good *good;
	uint64_t seed;
	size_t bytes; /* that it writes */
	size_t came;
	unsigned char text[BYTES_MAX + PATTERN_WORD];
};

struct good {
	struct usp_client *client;
	unsigned number, asked, ended;
	struct job jobs[IN_FLIGHT];
};

static struct good goods[CLIENTS_MAX];
static unsigned n_goods;

static void ask(struct job *job);

static void check(const struct job *job, const struct usp_end *end)
{
	static unsigned char want[BYTES_MAX + PATTERN_WORD];

	cr_assert(eq(int, (int)end->reason, (int)USP_REASON_EXITED));
	cr_assert(eq(sz, job->came, job->bytes));
	cr_assert(eq(u64, end->bytes[1], job->bytes));
	pattern_fill(want, (job->bytes + PATTERN_WORD - 1) & ~(PATTERN_WORD - 1ul),
		     job->seed, 0);
	cr_assert(eq(int, memcmp(want, job->text, job->bytes), 0), "wrong bytes");
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct job *job = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_FAILED:
		cr_fatal("client %u: %s at %s", job->good->number,
			 usp_stage_name(event->failed.stage), event->failed.path);
		break;
	case USP_EVENT_OUTPUT:
		cr_assert(le(sz, job->came + event->output.size, job->bytes));
		memcpy(job->text + job->came, event->output.data, event->output.size);
		job->came += event->output.size;
		break;
	case USP_EVENT_END:
		check(job, &event->end);
		job->good->ended++;
		ask(job);
		break;
	default:
		break;
	}
}

/* The next one of its client, in the place of @job. */
static void ask(struct job *job)
{
	struct good *good = job->good;
	struct usp_process *process;
	char bytes[24], seed[24];
	const char *const argv[] = { PROGRAM("flood"), bytes, seed, "1", NULL };
	const struct usp_options options =
		USP_OPTIONS(.argv = argv, .cwd = "/", .on_event = on_event, .user = job,
			    .flags = good->asked & 1 ? USP_FLAG_RUN : 0);

	if (good->asked == JOBS)
		return;
	job->seed = good->number * 1000u + good->asked++;
	job->bytes = job->seed * 7919 % BYTES_MAX;
	job->came = 0;
	snprintf(bytes, sizeof(bytes), "%zu", job->bytes);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)job->seed);
	cr_assert(eq(int, usp_client_spawn(good->client, &options, &process), 0));
}

static void good_open(struct good *good, unsigned number)
{
	good->number = number;
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &good->client), 0));
	for (int i = 0; i < IN_FLIGHT; i++) {
		good->jobs[i].good = good;
		ask(&good->jobs[i]);
	}
}

static void turn(struct good *good)
{
	cr_assert(eq(int, usp_client_turn(good->client), 0), "client %u: %s",
		  good->number, usp_client_error(good->client));
}

/* Wait until something comes for one of them, and let each take what is there. */
static void turn_all(void)
{
	static struct pollfd polled[CLIENTS_MAX];

	for (unsigned i = 0; i < n_goods; i++)
		polled[i] = (struct pollfd){
			.fd = goods[i].ended < JOBS ? usp_client_fd(goods[i].client) : -1,
			.events = usp_client_poll_events(goods[i].client),
		};
	cr_assert(lt(int, 0, poll(polled, n_goods, WAIT_MS)), "nothing comes any more");
	for (unsigned i = 0; i < n_goods; i++)
		if (polled[i].revents)
			turn(&goods[i]);
}

static bool all_ended(void)
{
	for (unsigned i = 0; i < n_goods; i++)
		if (goods[i].ended < JOBS)
			return false;
	return true;
}

/* ---- the test ------------------------------------------------------------ */

/* What the daemon may have in use beside what it had when idle. */
static long limit_kib(void)
{
	return READ_BUFFERS_KIB + RECV_BUFFERS_KIB + BACKLOG_KIB +
	       HOSTILE_JOBS * (64 + JOB_KIB) + HOSTILE_HALVES * HALF_KIB +
	       (long)n_goods * (CLIENT_KIB + IN_FLIGHT * (JOB_KIB + BYTES_MAX / 1024));
}

static unsigned count_clients(void)
{
	unsigned n = (unsigned)sysconf(_SC_NPROCESSORS_ONLN) * CLIENTS_PER_CPU;

	return n < CLIENTS_MAX ? n : CLIENTS_MAX;
}

/* All that it has open, in either of its tables. */
static int all_fds(void)
{
	int direct = daemon_direct_fds(&daemon_run);

	return daemon_open_fds(&daemon_run) + (direct > 0 ? direct : 0);
}

Test(hostile, one_that_does_its_worst_harms_nobody)
{
	struct hostile hostile;
	long idle_kib;
	int idle_fds;

	daemon_start(&daemon_run, NULL);
	idle_kib = daemon_rss_kib(&daemon_run);
	idle_fds = all_fds();
	n_goods = count_clients();
	hostile_open(&hostile, daemon_run.socket, PROGRAM("flood"),
		     PROGRAM("sleep_forever"));
	for (unsigned i = 0; i < n_goods; i++)
		good_open(&goods[i], i);

	while (!all_ended()) {
		hostile_step(&hostile);
		turn_all();
	}

	cr_expect(lt(uint, 4 * HOSTILE_HALVES, hostile.steps), "it did not do its worst");
	if (!SANITIZED)
		cr_expect(le(long, daemon_peak_kib(&daemon_run), idle_kib + limit_kib()));
	hostile_close(&hostile);
	for (unsigned i = 0; i < n_goods; i++)
		usp_client_free(goods[i].client);
	cr_expect(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true),
		  "processes are left");
	cr_expect(eq(int, wait_until(all_fds() == idle_fds, WAIT_MS), true),
		  "%d descriptors, not %d", all_fds(), idle_fds);
	daemon_stop(&daemon_run);
}
