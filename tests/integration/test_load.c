/*
 * Many jobs on two connections of one daemon, one of which reads slowly: every
 * byte comes once and in its place, each job ends once, the daemon's memory stays
 * within its limits, and who reads fast is not held up by who does not.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uringspawn/client.h>

#include "base/annotate.h"
#include "programs/pattern.h"
#include "support/daemon.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(load, .fini = tmpdir_done, .timeout = 120);

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED  true /* memory is not what it is elsewhere */
#define SCALE_DOWN 4
#else
#define SANITIZED  false
#define SCALE_DOWN 1
#endif

enum {
	JOBS = 20000 / SCALE_DOWN,
	IN_FLIGHT = 32,	  /* of each connection */
	SLOW_ONE_IN = 24, /* the slow one reads once in so many turns of the fast */
	ROUNDS = 3,	  /* beside one that is stalled */
	ROUND_JOBS = 600,
	BACKLOG_KIB = 1024, /* --backlog-max */
	READ_BUFFERS_KIB = 64 * 64,
	JOB_KIB = 16, /* what the daemon may need for a job besides its bytes */
	BLOCK = 64 << 10,
};

#define WINDOW_MAX (16u << 20) /* the largest that a daemon grants */

static const char program[] = BUILD_DIR "/tests/programs/flood";
static struct running_daemon daemon_run;

/* ---- a job and what has come of it --------------------------------------- */

struct load;

struct job {
	struct load *load;
	uint64_t seed;
	uint64_t bytes; /* that it writes */
	int stream;
	uint64_t came;
	unsigned started, eofs, exits, ends;
};

/* One connection and what runs over it. */
struct load {
	struct usp_client *client;
	uint32_t window_bytes;
	unsigned first, wanted;	 /* numbers of its jobs */
	unsigned asked, running; /* of them */
	unsigned started, ended;
	bool leaving; /* with jobs that have not ended */
	uint64_t bytes;
	uint64_t (*size_of)(unsigned number);
	struct job *jobs;
};

/* From nothing to 10 MB: most jobs say little, most bytes come from a few. */
static uint64_t mixed_size(unsigned number)
{
	static const struct {
		unsigned upto; /* of 2000 */
		uint64_t bytes;
	} mix[] = {
		{ 1, 10000000 }, { 20, 1 << 20 }, { 200, 300000 },
		{ 600, 65536 },	 { 1200, 4096 },  { 1800, 100 },
	};
	uint64_t chance = (number * UINT64_C(2654435761) >> 4) % 2000;

	for (size_t i = 0; i < ARRAY_SIZE(mix); i++)
		if (chance < mix[i].upto)
			return mix[i].bytes - (i ? number % (mix[i].bytes / 2) : 0);
	return 0;
}

/* More than can be read in the time of a test. */
static uint64_t endless_size(unsigned number)
{
	(void)number;
	return UINT64_C(1) << 40;
}

/* The job's next bytes are the next of its pattern. */
static void check_bytes(struct job *job, const struct usp_output *output)
{
	static unsigned char want[BLOCK + 2 * PATTERN_WORD];
	const unsigned char *got = output->data;
	size_t left = output->size;

	cr_assert(eq(int, output->stream, job->stream), "job %d", (int)job->seed);
	cr_assert(eq(uint, job->eofs >> output->stream & 1, 0), "output after eof");
	cr_assert(le(u64, job->came + left, job->bytes), "too much of job %d",
		  (int)job->seed);
	while (left > 0) {
		size_t skip = job->came % PATTERN_WORD;
		size_t part = left < BLOCK ? left : BLOCK;

		pattern_fill(want,
			     (skip + part + PATTERN_WORD - 1) & ~(PATTERN_WORD - 1ul),
			     job->seed, job->came - skip);
		cr_assert(eq(int, memcmp(want + skip, got, part), 0),
			  "job %d: a byte of %d from %llu on is not in its place",
			  (int)job->seed, (int)part, (unsigned long long)job->came);
		job->came += part;
		got += part;
		left -= part;
	}
}

static void check_end(const struct job *job, const struct usp_end *end)
{
	cr_assert(eq(int, end->reason, (int)USP_REASON_EXITED), "job %d", (int)job->seed);
	cr_assert(eq(uint, job->started, 1));
	cr_assert(eq(uint, job->exits, 1));
	cr_assert(eq(uint, job->ends, 1), "job %d ended again", (int)job->seed);
	cr_assert(eq(uint, job->eofs, 1u << 1 | 1u << 2));
	cr_assert(eq(u64, job->came, job->bytes), "job %d", (int)job->seed);
	cr_assert(eq(u64, end->bytes[job->stream], job->bytes));
	cr_assert(eq(u64, end->bytes[3 - job->stream], 0));
}

static void ask(struct load *load);

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct job *job = user;

	switch (event->kind) {
	case USP_EVENT_STARTED:
		job->started++;
		job->load->started++;
		break;
	case USP_EVENT_OUTPUT:
		check_bytes(job, &event->output);
		job->load->bytes += event->output.size;
		if (job->load->window_bytes)
			usp_process_credit(process, job->stream,
					   (uint32_t)event->output.size);
		break;
	case USP_EVENT_EOF:
		cr_assert(eq(uint, job->eofs >> event->eof.stream & 1, 0));
		job->eofs |= 1u << event->eof.stream;
		break;
	case USP_EVENT_EXIT:
		job->exits++;
		cr_assert(eq(int, event->exit.code, 0), "job %d", (int)job->seed);
		break;
	case USP_EVENT_FAILED: /* it had not started when the client left */
		cr_assert(job->load->leaving, "job %d failed", (int)job->seed);
		break;
	case USP_EVENT_END:
		job->ends++;
		if (job->load->leaving)
			break;
		check_end(job, &event->end);
		job->load->running--;
		job->load->ended++;
		ask(job->load);
		break;
	default:
		cr_fatal("job %d: event %d", (int)job->seed, event->kind);
	}
}

/* The next job; SPAWN and RUN, stdout and stderr take turns. */
static void spawn_next(struct load *load)
{
	unsigned n = load->asked++;
	struct job *job = &load->jobs[n];
	struct usp_process *process;
	char bytes[24], seed[24], stream[4];
	const char *const argv[] = { program, bytes, seed, stream, NULL };
	const struct usp_options options =
		USP_OPTIONS(.argv = argv, .on_event = on_event, .user = job, .cwd = "/",
			    .window_bytes = load->window_bytes,
			    .flags = n & 1 ? USP_FLAG_RUN : 0);

	*job = (struct job){
		.load = load,
		.seed = load->first + n,
		.bytes = load->size_of(load->first + n),
		.stream = n & 2 ? 2 : 1,
	};
	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)job->bytes);
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)job->seed);
	snprintf(stream, sizeof(stream), "%d", job->stream);
	cr_assert(eq(int, usp_client_spawn(load->client, &options, &process), 0));
	load->running++;
}

static void ask(struct load *load)
{
	while (load->running < IN_FLIGHT && load->asked < load->wanted)
		spawn_next(load);
}

static void load_start(struct load *load, unsigned first, unsigned wanted)
{
	load->first = first;
	load->wanted = wanted;
	load->jobs = calloc(wanted, sizeof(*load->jobs));
	cr_assert(ne(ptr, load->jobs, NULL));
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &load->client), 0));
	ask(load);
}

static void load_stop(struct load *load)
{
	load->leaving = true;
	load->client = usp_client_free(load->client);
	free(load->jobs);
}

static bool busy(const struct load *load)
{
	return load->ended < load->wanted;
}

static void turn(struct load *load)
{
	cr_assert(eq(int, usp_client_turn(load->client), 0), "%s",
		  usp_client_error(load->client));
}

/* Wait until there is something for the connection, and take it. */
static void wait_and_turn(struct load *load)
{
	cr_assert(wait_fd(usp_client_fd(load->client),
			  usp_client_poll_events(load->client), WAIT_MS),
		  "nothing comes: %u jobs run, %u ended", load->running, load->ended);
	turn(load);
}

/* ---- the daemon's memory ------------------------------------------------- */

/* What it may have in use with @n_clients, each with its fill of jobs and replies. */
static long limit_kib(long idle_kib, unsigned n_clients)
{
	/* A backlog is seen to be full when a buffer of each job has been added. */
	return idle_kib + READ_BUFFERS_KIB +
	       (long)n_clients * (BACKLOG_KIB + IN_FLIGHT * (64 + JOB_KIB));
}

static void start_daemon(void)
{
	static const char *const args[] = { "--backlog-max", "1M", NULL };

	_Static_assert(BACKLOG_KIB == 1024, "--backlog-max");
	daemon_start(&daemon_run, args);
}

/* ---- the tests ----------------------------------------------------------- */

Test(load, no_byte_is_lost_and_no_job_ends_twice)
{
	struct load fast = { .size_of = mixed_size };
	struct load slow = { .size_of = mixed_size, .window_bytes = WINDOW_MAX };
	unsigned turns = 0;
	long idle_kib;

	start_daemon();
	idle_kib = daemon_rss_kib(&daemon_run);
	load_start(&fast, 0, JOBS / 2);
	load_start(&slow, JOBS / 2, JOBS / 2);
	turn(&slow);

	while (busy(&fast)) {
		wait_and_turn(&fast);
		if (++turns % SLOW_ONE_IN == 0)
			turn(&slow);
	}
	cr_expect(busy(&slow), "the slow one is not slower");
	while (busy(&slow))
		wait_and_turn(&slow);

	cr_expect(eq(uint, fast.ended + slow.ended, JOBS / 2 * 2));
	if (!SANITIZED)
		cr_expect(le(long, daemon_peak_kib(&daemon_run), limit_kib(idle_kib, 2)));
	load_stop(&fast);
	load_stop(&slow);
	daemon_stop(&daemon_run);
}

/* A round of jobs on a connection that reads at once, to the last byte of each. */
static void run_round(void)
{
	struct load fast = { .size_of = mixed_size };

	load_start(&fast, 0, ROUND_JOBS);
	while (busy(&fast))
		wait_and_turn(&fast);
	cr_expect(eq(uint, fast.ended, ROUND_JOBS));
	load_stop(&fast);
}

/*
 * The same beside one that asks for all it can get and takes nothing more once the
 * socket and the daemon hold what they hold for it.
 */
static void run_round_beside_a_stalled_one(void)
{
	struct load stalled = { .size_of = endless_size, .window_bytes = WINDOW_MAX };

	load_start(&stalled, 0, IN_FLIGHT);
	while (stalled.started < IN_FLIGHT)
		wait_and_turn(&stalled);
	run_round();
	cr_expect(eq(uint, stalled.ended, 0), "it was to be stalled");
	load_stop(&stalled);
	cr_assert(eq(int, wait_until(daemon_children(&daemon_run) == 0, WAIT_MS), true),
		  "what a client left is still there");
}

/* That the rate is the same beside it is for `make bench` to say. */
Test(load, a_connection_that_does_not_read_does_not_hold_up_another)
{
	long idle_kib;

	start_daemon();
	idle_kib = daemon_rss_kib(&daemon_run);
	for (int i = 0; i < ROUNDS; i++)
		run_round_beside_a_stalled_one();

	if (!SANITIZED)
		cr_expect(le(long, daemon_peak_kib(&daemon_run), limit_kib(idle_kib, 2)));
	daemon_stop(&daemon_run);
}
