/*
 * What the two sides of the demo share: the work, and what doing it cost.
 */
#ifndef DEMO_H
#define DEMO_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEMO_IN_FLIGHT 30u
#define DEMO_ROUNDS    5u

struct usp_client;

/* One program, and what it must write to stdout, byte for byte; nothing to stderr. */
struct demo_work {
	const char *title;
	const char *path;
	char *const *argv;
	const unsigned char *want;
	size_t want_bytes;
	unsigned n_jobs; /* in all rounds together */
};

/* What one side needed for one kind of work. */
struct demo_tally {
	uint64_t *latency_ns; /* of each job, from its request to its end */
	uint64_t *call_ns;    /* of each job: in the call that asks for it */
	unsigned n_jobs;
	double rates[DEMO_ROUNDS]; /* jobs/s */
	unsigned n_rates;
	uint64_t busy_ns; /* of the main thread: everything but waiting in poll() */
	uint64_t cpu_ns;  /* of the main thread */
	uint64_t bytes;
	unsigned errors;
	char failure[300]; /* the first error, or "" */
};

/* Set by a signal.  Whoever sees it starts nothing more. */
extern volatile sig_atomic_t demo_stopped;

/* Do @n_jobs, DEMO_IN_FLIGHT at a time.  @return 0 or -errno; tally->failure says more.
 */
int demo_usp_round(struct usp_client *client, const struct demo_work *work,
		   unsigned n_jobs, struct demo_tally *tally);
int demo_posix_round(const struct demo_work *work, unsigned n_jobs,
		     struct demo_tally *tally);

/* ---- demo_tally.c -------------------------------------------------------- */

/* Allocates for every job of @work.  @return 0 or -ENOMEM. */
int demo_tally_init(struct demo_tally *tally, const struct demo_work *work);
void demo_tally_done(struct demo_tally *tally);

/* Count an error, and keep the words of the first one. */
__attribute__((format(printf, 2, 3))) void demo_tally_error(struct demo_tally *tally,
							    const char *format, ...);

/* Two clocks, read at the start and at the end of a round. */
struct demo_stopwatch {
	uint64_t wall_ns, cpu_ns;
	unsigned n_jobs;
};

struct demo_stopwatch demo_round_begin(const struct demo_tally *tally);
void demo_round_end(struct demo_tally *tally, struct demo_stopwatch begin,
		    uint64_t idle_ns);

uint64_t demo_now_ns(void);
uint64_t demo_percentile(uint64_t *values, unsigned n_values,
			 unsigned percent);	   /* sorts */
double demo_median_rate(struct demo_tally *tally); /* sorts */

/* ---- demo_daemon.c ------------------------------------------------------- */

/* A directory of its own with a socket and a file in it, and a daemon. */
struct demo_place {
	char directory[200];
	char socket[240];
	char file[240];
	int daemon_pid;	  /* 0: none */
	int daemon_pidfd; /* -1: none */
};

/* Make the directory and a file of @size bytes in it.  @return 0 or -errno. */
int demo_place_init(struct demo_place *place, const unsigned char *bytes, size_t size);

/* Start the daemon that lies beside this program and connect to it.  Prints what goes
 * wrong. */
int demo_place_connect(struct demo_place *place, struct usp_client **ret_client);

/* Stop the daemon and remove everything.  @return 0, or -EIO: it did not end as it
 * should. */
int demo_place_done(struct demo_place *place);

#endif
