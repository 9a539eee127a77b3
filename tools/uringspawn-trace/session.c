#include "uringspawn-trace/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/clock.h"
#include "uringspawn-trace/report.h"
#include "uringspawn-trace/session_parts.h"

/* How often the ring is looked at when nobody wakes us. */
enum { LOOK_MS = 50 };

/* ---- records ------------------------------------------------------------- */

static bool is_wanted(const struct options *options, const struct record *r)
{
	if (options->main_only && !r->main)
		return false;
	if (options->failed_only && !record_failed(r))
		return false;
	return !options->name || strcmp(options->name, record_program(r)) == 0;
}

static void on_spawn(struct session *session, const struct trace_spawn *spawn)
{
	const struct options *options = session->options;
	struct record r;

	record_make(&r, spawn,
		    summary_uses_handshakes(session->summary, (pid_t)spawn->tgid));
	summary_learn(session->summary, &r);
	r.job = summary_take_job(session->summary, spawn->pid);
	if (!is_wanted(options, &r))
		return;
	summary_add(session->summary, &r);
	if (r.ns[PHASE_BLOCKED] < options->least_ns)
		return;
	if (options->json)
		report_event_json(session->to, &r);
	else if (options->events)
		report_event(session->to, options, &r);
}

/* A call that made no process is none of ours. */
static void on_function(struct session *session, const struct trace_function *function)
{
	if (!function->pid ||
	    (session->options->main_only && function->tid != function->tgid))
		return;
	summary_add_function(session->summary, function);
	if (session->options->json)
		report_function_json(session->to, function);
}

static void on_record(const void *record, size_t size, void *user)
{
	const __u32 *kind = record;

	if (size >= sizeof(struct trace_spawn) && *kind == TRACE_SPAWN)
		on_spawn(user, record);
	else if (size >= sizeof(struct trace_function) && *kind == TRACE_FUNCTION)
		on_function(user, record);
	else if (size >= sizeof(struct trace_job) && *kind == TRACE_JOB)
		summary_add_job(((struct session *)user)->summary, record);
	else if (size >= sizeof(struct trace_command) && *kind == TRACE_COMMAND)
		commands_add(&((struct session *)user)->commands, record);
}

/* ---- summaries ----------------------------------------------------------- */

static void summarize(struct session *session, uint64_t now_ns)
{
	struct summary *s = session->summary;

	s->to_ns = now_ns;
	s->losses = probe_losses(session->probe);
	if (session->options->json) {
		report_summary_json(session->to, s);
	} else {
		report_summary(session->to, session->options, s);
		report_advice(session->to, &s->all);
	}
	if (session->ended && session->compare)
		compare_run(session->compare, commands_first(&session->commands), &s->all,
			    session->options->json, session->to);
	fflush(session->to);
	summary_clear(s, now_ns);
}

/* An interval is over.  False: it was the last. */
static bool next_interval(struct session *session, uint64_t now_ns)
{
	summarize(session, now_ns);
	session->interval_ns += session->options->interval_ns;
	if (session->intervals && --session->intervals == 0)
		return false;
	if (!session->options->json)
		fputc('\n', session->to);
	return true;
}

/* ---- waiting ------------------------------------------------------------- */

static int wait_ms(const struct session *session, uint64_t now_ns)
{
	uint64_t until = session->stop_ns < session->interval_ns ? session->stop_ns
								 : session->interval_ns;
	uint64_t ms = until > now_ns ? (until - now_ns) / NS_PER_MS + 1 : 0;

	return ms < LOOK_MS ? (int)ms : LOOK_MS;
}

static bool all_gone(const struct session *session)
{
	return !session->options->every && target_all_gone(&session->targets) &&
	       !(session->options->follow && probe_has_targets(session->probe));
}

/* Until time is up, everybody is gone, or somebody does not want any more. */
static void follow(struct session *session)
{
	struct pollfd wake[] = {
		{ .fd = session->signal_fd, .events = POLLIN },
		{ .fd = probe_fd(session->probe), .events = POLLIN },
	};
	bool go_on = true;

	while (go_on) {
		uint64_t now = clock_now_ns();
		bool gone = all_gone(session);

		probe_drain(session->probe);
		if (session->options->events)
			fflush(session->to);
		if (now >= session->interval_ns)
			go_on = next_interval(session, now);
		if (!go_on || gone || now >= session->stop_ns)
			break;
		(void)poll(wake, ARRAY_SIZE(wake), wait_ms(session, now));
		go_on = !(wake[0].revents & POLLIN);
	}
}

/* ---- the run ------------------------------------------------------------- */

static void announce(const struct session *session)
{
	const struct targets *targets = &session->targets;
	const struct options *options = session->options;

	fputs("Tracing", stderr);
	for (size_t i = 0; i < targets->n; i++)
		fprintf(stderr, "%s %s (%d)", i ? "," : "", targets->names[i],
			(int)targets->pids[i]);
	if (options->every)
		fputs(" every process", stderr);
	fputs(options->duration_ns || targets->started ? "\n" : "; Ctrl-C ends it\n",
	      stderr);
	if (options->events && !options->json)
		report_events_head(session->to, options);
}

/* SIGINT and SIGTERM end the tracing, and the summary is still told. */
static void hold_signals(struct session *session)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &session->mask_before);
	session->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

int session_run(const struct options *options)
{
	static struct session session;
	struct failure why;
	uint64_t end_ns;
	int ret;

	session.options = options;
	hold_signals(&session);
	ret = session_open(&session, on_record, &why);
	if (!ret) {
		announce(&session);
		follow(&session);
		end_ns = clock_now_ns();
		target_end(&session.targets);
		probe_finish(session.probe);
		session.ended = true;
		if (!options->intervals)
			summarize(&session, end_ns);
	} else {
		fprintf(stderr, "uringspawn-trace: %s\n", why.text);
		target_end(&session.targets);
	}
	probe_close(session.probe);
	compare_close(session.compare);
	summary_free(session.summary);
	target_close(&session.targets);
	if (session.to && session.to != stdout && fclose(session.to))
		fprintf(stderr, "uringspawn-trace: %s: %s\n", options->output,
			strerrordesc_np(errno));
	close(session.signal_fd);
	return ret;
}
