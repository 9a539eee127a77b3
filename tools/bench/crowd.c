/*
 * Many clients of one daemon, in one thread.
 */
#include "crowd.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uringspawn/client.h>
#include "base/clock.h"

/* A daemon from which nothing comes in this time has lost something. */
#define SILENCE_MS 20000

struct member;

/* One job in flight. */
struct place {
	struct member *member;
	uint64_t asked_ns;
};

struct member {
	struct crowd *crowd;
	struct usp_client *client;
	unsigned asked, ended; /* in this round */
	struct place *places;
};

struct crowd {
	const struct crowd_options *options;
	struct member *members;
	struct pollfd *polled;
	uint64_t *latencies_ns;
	unsigned ended; /* of all, in this round */
	bool failed;
};

static void ask(struct place *place);

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct place *place = user;
	struct crowd *crowd = place->member->crowd;
	char text[256];

	(void)process;
	if (event->kind == USP_EVENT_FAILED) {
		fprintf(stderr, "crowd: %s\n",
			usp_failure_text(&event->failed, text, sizeof(text)));
		crowd->failed = true;
	}
	if (event->kind != USP_EVENT_END)
		return;
	if (event->end.reason != USP_REASON_EXITED)
		crowd->failed = true;
	crowd->latencies_ns[crowd->ended++] = clock_now_ns() - place->asked_ns;
	place->member->ended++;
	ask(place);
}

static void ask(struct place *place)
{
	struct member *member = place->member;
	struct crowd *crowd = member->crowd;
	const struct usp_options options =
		USP_OPTIONS(.argv = crowd->options->argv, .cwd = "/",
			    .on_event = on_event, .user = place, .flags = USP_FLAG_RUN);
	struct usp_process *process;

	if (member->asked == crowd->options->jobs || crowd->failed)
		return;
	member->asked++;
	place->asked_ns = clock_now_ns();
	if (usp_client_spawn(member->client, &options, &process) < 0)
		crowd->failed = true;
}

/* ---- a round ------------------------------------------------------------- */

/* Returns 0, or -errno. */
static int turn(struct crowd *crowd)
{
	unsigned n = crowd->options->clients;

	for (unsigned i = 0; i < n; i++)
		crowd->polled[i] = (struct pollfd){
			.fd = usp_client_fd(crowd->members[i].client),
			.events = usp_client_poll_events(crowd->members[i].client),
		};
	if (poll(crowd->polled, n, SILENCE_MS) <= 0) {
		fputs("crowd: nothing comes from the daemon any more\n", stderr);
		return -ETIMEDOUT;
	}
	for (unsigned i = 0; i < n; i++) {
		int ret = crowd->polled[i].revents
				  ? usp_client_turn(crowd->members[i].client)
				  : 0;

		if (ret < 0) {
			fprintf(stderr, "crowd: %s\n",
				usp_client_error(crowd->members[i].client));
			return ret;
		}
	}
	return crowd->failed ? -EIO : 0;
}

static int by_length(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int crowd_run(struct crowd *crowd, struct crowd_round *ret_round)
{
	const struct crowd_options *options = crowd->options;
	unsigned jobs = options->clients * options->jobs;
	uint64_t start_ns = clock_now_ns();
	int ret = 0;

	crowd->ended = 0;
	for (unsigned i = 0; i < options->clients; i++) {
		crowd->members[i].asked = crowd->members[i].ended = 0;
		for (unsigned k = 0; k < options->depth; k++)
			ask(&crowd->members[i].places[k]);
	}
	while (ret == 0 && crowd->ended < jobs)
		ret = turn(crowd);
	if (ret < 0)
		return ret;
	qsort(crowd->latencies_ns, jobs, sizeof(*crowd->latencies_ns), by_length);
	*ret_round = (struct crowd_round){
		.p50_ns = crowd->latencies_ns[jobs / 2],
		.p99_ns = crowd->latencies_ns[jobs - 1 - jobs / 100],
		.max_ns = crowd->latencies_ns[jobs - 1],
		.jobs_per_s = jobs * 1e9 / (double)(clock_now_ns() - start_ns),
	};
	return 0;
}

/* ---- life ---------------------------------------------------------------- */

static int open_member(struct crowd *crowd, struct member *member)
{
	const struct crowd_options *options = crowd->options;
	int ret;

	member->crowd = crowd;
	member->places = calloc(options->depth, sizeof(*member->places));
	if (!member->places)
		return -ENOMEM;
	for (unsigned i = 0; i < options->depth; i++)
		member->places[i].member = member;
	ret = usp_client_open(options->socket, &member->client);
	if (ret < 0)
		fprintf(stderr, "crowd: cannot connect to %s: %s\n", options->socket,
			strerrordesc_np(-ret));
	return ret;
}

struct crowd *crowd_new(const struct crowd_options *options)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	crowd->options = options;
	crowd->members = calloc(options->clients, sizeof(*crowd->members));
	crowd->polled = calloc(options->clients, sizeof(*crowd->polled));
	crowd->latencies_ns = calloc((size_t)options->clients * options->jobs,
				     sizeof(*crowd->latencies_ns));
	if (!crowd->members || !crowd->polled || !crowd->latencies_ns)
		goto failed;
	for (unsigned i = 0; i < options->clients; i++)
		if (open_member(crowd, &crowd->members[i]) < 0)
			goto failed;
	return crowd;

failed:
	crowd_free(crowd);
	return NULL;
}

void crowd_free(struct crowd *crowd)
{
	if (!crowd)
		return;
	for (unsigned i = 0; crowd->members && i < crowd->options->clients; i++) {
		usp_client_free(crowd->members[i].client);
		free(crowd->members[i].places);
	}
	free(crowd->members);
	free(crowd->polled);
	free(crowd->latencies_ns);
	free(crowd);
}
