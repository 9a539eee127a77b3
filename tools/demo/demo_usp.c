/*
 * The work done through a daemon, as a server with an event loop would: ask,
 * poll the connection, take the events.
 */
#include "demo.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <uringspawn/client.h>

/* The longest that a daemon with jobs in flight may be silent. */
#define SILENCE_MS 10000

struct round;

struct job {
	struct round *round;
	size_t got; /* bytes of stdout so far, all of them right */
	uint64_t begin_ns;
	bool faulty, exited;
};

struct round {
	struct usp_client *client;
	const struct demo_work *work;
	struct demo_tally *tally;
	unsigned n_unasked, n_in_flight;
	int error;
	struct job jobs[DEMO_IN_FLIGHT];
};

static void check_output(struct job *job, const struct usp_output *output)
{
	const struct demo_work *work = job->round->work;

	if (output->stream != 1 || output->size > work->want_bytes - job->got ||
	    memcmp(output->data, work->want + job->got, output->size) != 0)
		job->faulty = true;
	else
		job->got += output->size;
}

static void ask(struct job *job);

static void finish(struct job *job, const struct usp_end *end)
{
	struct round *round = job->round;
	struct demo_tally *tally = round->tally;

	if (job->faulty || !job->exited || job->got != round->work->want_bytes ||
	    end->reason != USP_REASON_EXITED || end->bytes[1] != job->got)
		demo_tally_error(
			tally,
			"%s by the daemon: ended as %s with %zu right bytes of %zu",
			round->work->title, usp_reason_name(end->reason), job->got,
			round->work->want_bytes);
	tally->latency_ns[tally->n_jobs++] = demo_now_ns() - job->begin_ns;
	tally->bytes += job->got;
	round->n_in_flight--;
	ask(job);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct job *job = user;
	char text[200];

	(void)process;
	switch (event->kind) {
	case USP_EVENT_FAILED:
		demo_tally_error(job->round->tally, "%s",
				 usp_failure_text(&event->failed, text, sizeof(text)));
		break;
	case USP_EVENT_OUTPUT:
		check_output(job, &event->output);
		break;
	case USP_EVENT_EXIT:
		job->exited = event->exit.code == 0;
		break;
	case USP_EVENT_END:
		finish(job, &event->end);
		break;
	default:
		break;
	}
}

/* Ask for one more job in the place of one that ended. */
static void ask(struct job *job)
{
	struct round *round = job->round;
	const struct demo_work *work = round->work;
	struct usp_options options =
		USP_OPTIONS(.path = work->path, .argv = (const char *const *)work->argv,
			    .envp = (const char *const *)environ, .flags = USP_FLAG_RUN,
			    .on_event = on_event, .user = job);
	struct usp_process *process;

	if (!round->n_unasked || round->error || demo_stopped)
		return;
	*job = (struct job){ .round = round, .begin_ns = demo_now_ns() };
	round->error = usp_client_spawn(round->client, &options, &process);
	if (round->error)
		return;
	round->n_unasked--;
	round->n_in_flight++;
	/* The jobs that are in flight have their places after those that ended. */
	round->tally->call_ns[round->tally->n_jobs + round->n_in_flight - 1] =
		demo_now_ns() - job->begin_ns;
}

/* @return how long it waited, in ns, or -errno. */
static int64_t wait_for_events(struct usp_client *client)
{
	struct pollfd fd = { usp_client_fd(client), usp_client_poll_events(client), 0 };
	uint64_t begin_ns = demo_now_ns();
	int n = poll(&fd, 1, SILENCE_MS);

	if (n == 0)
		return -ETIMEDOUT;
	if (n < 0 && errno != EINTR)
		return -errno;
	return (int64_t)(demo_now_ns() - begin_ns);
}

int demo_usp_round(struct usp_client *client, const struct demo_work *work,
		   unsigned n_jobs, struct demo_tally *tally)
{
	/* Jobs that an error leaves behind get their events when the client is freed. */
	static struct round round;
	struct demo_stopwatch begin = demo_round_begin(tally);
	uint64_t idle_ns = 0;

	round = (struct round){
		.client = client, .work = work, .tally = tally, .n_unasked = n_jobs
	};
	for (unsigned i = 0; i < DEMO_IN_FLIGHT; i++) {
		round.jobs[i].round = &round;
		ask(&round.jobs[i]);
	}
	while (round.n_in_flight && !round.error) {
		round.error = usp_client_turn(client);
		if (!round.n_in_flight || round.error)
			break;
		int64_t waited_ns = wait_for_events(client);

		if (waited_ns < 0)
			round.error = (int)waited_ns;
		else
			idle_ns += (uint64_t)waited_ns;
	}
	demo_round_end(tally, begin, idle_ns);
	if (round.error)
		demo_tally_error(tally, "the daemon: %s %s", strerror(-round.error),
				 usp_client_error(client));
	return round.error;
}
