/*
 * The daemon's numbers, one family after the other.
 */
#include "daemon/stat.h"

#include <string.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include "daemon/daemon.h"
#include "daemon/exposition.h"
#include "daemon/pool_stat.h"
#include "engine/engine.h"

#define FAMILY(name, type, help, label)                                                  \
	(&(const struct family){ name, type, help, label, NULL })
#define GAUGE(name, help)	    FAMILY(name, "gauge", help, NULL)
#define GAUGES(name, label, help)   FAMILY(name, "gauge", help, label)
#define COUNTER(name, help)	    FAMILY(name, "counter", help, NULL)
#define COUNTERS(name, label, help) FAMILY(name, "counter", help, label)
#define HISTOGRAM(name, help)	    FAMILY(name, "histogram", help, NULL)

static void write_daemon(struct exposition *e, const struct daemon *d)
{
	const char *const about[][2] = {
		{ "version", USP_VERSION },
		{ "backend", usp_engine_backend(d->engine) },
	};

	expose_info(e, GAUGE("info", "What runs here, and on what"), about,
		    ARRAY_SIZE(about));
	expose_number(e, GAUGE("start_time_seconds", "When it started, in Unix time"),
		      d->start_time_s);
	expose_number(e, GAUGE("clients", "Clients that may ask for something"),
		      d->clients);
	expose_number(e, GAUGE("connections", "Sockets that are open"), d->connections);
}

static void write_limits(struct exposition *e, const struct daemon *d)
{
	const struct config_limits *limits = &d->limits;

	expose_begin(e,
		     GAUGES("limit", "option", "Limits in force, as options set them"));
	expose_sample(e, "--clients-max", daemon_clients_max(d));
	expose_sample(e, "--jobs-max", limits->jobs_max);
	expose_sample(e, "--queue-max", limits->queue_max);
	expose_sample(e, "--client-jobs-max", limits->client_jobs_max);
	expose_sample(e, "--client-running-max", limits->client_running_max);
	expose_sample(e, "--client-queue-max", limits->client_queue_max);
	expose_sample(e, "--bytes-max", limits->bytes_max);
	expose_sample(e, "--client-bytes-max", limits->client_bytes_max);
	expose_sample(e, "--pools-max", limits->pools_max);
	expose_sample(e, "--pool-members-max", limits->pool_members_max);
	expose_end(e);
}

static void write_held(struct exposition *e, const struct daemon *d)
{
	expose_begin(e, GAUGES("held_bytes", "what", "Bytes held for all clients"));
	expose_sample(e, "replies", d->outboxes.queued_bytes);
	expose_sample(e, "requests", d->request_bytes);
	expose_sample(e, "stdin", d->stdin_bytes);
	expose_sample(e, "frames", d->partial_bytes);
	expose_end(e);
}

static void write_gauges(struct exposition *e, const struct usp_engine_stats *stats)
{
	expose_number(e, GAUGE("running", "Processes that run or are being started"),
		      stats->running);
	expose_number(e, GAUGE("queued", "Jobs that wait for a place"), stats->queued);
	expose_number(e, GAUGE("files", "Files in the ring's own table"), stats->files);
	expose_number(e, GAUGE("files_max", "Files that the ring's table has room for"),
		      stats->files_max);
	expose_number(e, GAUGE("launchers", "Threads that start processes"),
		      stats->launchers);
}

static void write_ends(struct exposition *e, const struct usp_engine_stats *stats)
{
	expose_begin(e, COUNTERS("ended_total", "reason", "Jobs by how they ended"));
	for (unsigned i = USP_REASON_EXITED; i <= USP_REASON_RELEASED; i++)
		expose_sample(e, usp_reason_name(i), stats->ended_by[i]);
	expose_end(e);
	expose_begin(e, COUNTERS("failed_total", "stage",
				 "Jobs that did not start, by the stage that failed"));
	for (unsigned i = USP_STAGE_VALIDATE; i <= USP_STAGE_READY; i++)
		expose_sample(e, usp_stage_name(i), stats->failed_at[i]);
	expose_end(e);
}

static void write_refused(struct exposition *e, const struct usp_engine *engine)
{
	const uint64_t *refused = engine_refused(engine);

	expose_begin(e, COUNTERS("refused_total", "limit",
				 "Jobs refused as busy, by the limit in their way"));
	for (unsigned i = 0; i < LIMITS; i++)
		expose_sample(e, engine_limit_name(engine, i), refused[i]);
	expose_end(e);
}

static void write_bytes(struct exposition *e, const struct usp_engine_stats *stats)
{
	expose_begin(e, COUNTERS("carried_bytes_total", "stream",
				 "Bytes of the standard streams of jobs that ended"));
	expose_sample(e, "stdin", stats->bytes[0]);
	expose_sample(e, "stdout", stats->bytes[1]);
	expose_sample(e, "stderr", stats->bytes[2]);
	expose_end(e);
}

static void write_work(struct exposition *e, const struct usp_engine_stats *stats,
		       const struct reactor_stats *reactor)
{
	expose_number(e,
		      COUNTER("launches_stuck_total",
			      "Launches that took longer than their limit"),
		      stats->launches_stuck);
	expose_number(e,
		      COUNTER("launcher_wakeups_total",
			      "Times that a sleeping launcher had to be woken"),
		      stats->launcher_wakeups);
	expose_number(
		e,
		COUNTER("reads_parked_total", "Reads that had to wait for a free buffer"),
		stats->reads_parked);
	expose_number(e, COUNTER("enters_total", "Times that the kernel was waited for"),
		      reactor->enters);
	expose_number(e, COUNTER("completions_total", "Completions of the kernel"),
		      reactor->completions);
}

static void write_times(struct exposition *e, const struct usp_engine_stats *stats)
{
	expose_histogram(e, HISTOGRAM("queue_seconds", "From a request to a launcher"),
			 &stats->queue_ns);
	expose_histogram(e, HISTOGRAM("launch_seconds", "From a launcher to exec"),
			 &stats->launch_ns);
	expose_histogram(e, HISTOGRAM("run_seconds", "From exec to exit"),
			 &stats->run_ns);
	expose_histogram(e, HISTOGRAM("drain_seconds", "From exit to the last byte"),
			 &stats->drain_ns);
}

int stat_write(const struct daemon *d, bool json, struct buf *out)
{
	struct usp_engine_stats stats;
	struct exposition e;

	usp_engine_stats(d->engine, &stats);
	exposition_begin(&e, out, json);
	write_daemon(&e, d);
	write_limits(&e, d);
	write_held(&e, d);
	write_gauges(&e, &stats);
	write_ends(&e, &stats);
	write_refused(&e, d->engine);
	write_bytes(&e, &stats);
	write_work(&e, &stats, reactor_stats(d->reactor));
	write_times(&e, &stats);
	pool_stat_write(&e, d);
	return exposition_end(&e);
}
