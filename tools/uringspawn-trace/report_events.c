/*
 * A line, or a JSON object, for each spawn.
 */
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include "base/clock.h"
#include "uringspawn-trace/report.h"

void report_events_head(FILE *to, const struct options *options)
{
	const char *unit = options->milliseconds ? "ms" : "us";

	if (options->wall_clock)
		fprintf(to, "%-12s ", "TIME");
	fprintf(to,
		"%7s %1s %7s %-15s %-6s %9s %8s %8s %8s %8s %8s %8s %9s %8s %5s %s   (%s)\n",
		"TID", "M", "PID", "PROGRAM", "KIND", "BLOCKED", "COPY", "WAIT", "HANDSH",
		"QUEUE", "SETUP", "EXEC", "RUN", "REAP", "TRIES", "RESULT", unit);
}

/* The time of day of a moment of CLOCK_MONOTONIC. */
static void print_time(FILE *to, uint64_t at_ns)
{
	struct timespec now;
	uint64_t ago = clock_now_ns() - at_ns, real;
	struct tm day;
	time_t second;

	clock_gettime(CLOCK_REALTIME, &now);
	real = (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec - ago;
	second = (time_t)(real / NS_PER_S);
	localtime_r(&second, &day);
	fprintf(to, "%02d:%02d:%02d.%03u ", day.tm_hour, day.tm_min, day.tm_sec,
		(unsigned)(real / NS_PER_MS % 1000));
}

static void print_phase(FILE *to, const struct options *options, const struct record *r,
			enum phase phase, int width)
{
	double unit = options->milliseconds ? 1e6 : 1e3;

	if (record_has(r, phase))
		fprintf(to, " %*.*f", width, options->milliseconds ? 2 : 0,
			(double)r->ns[phase] / unit);
	else
		fprintf(to, " %*s", width, "-");
}

/* "0", "3", "SIGKILL", "ENOENT" of a clone, "no exec", "running". */
static void print_result(FILE *to, const struct record *r)
{
	uint32_t code = r->spawn.exit_code;

	if (r->clone_failed)
		fprintf(to, "clone: %s", strerrorname_np(r->spawn.clone_error));
	else if (r->exec_failed)
		fprintf(to, "no exec");
	else if (!r->spawn.exit_at)
		fprintf(to, "running");
	else if (code & 0x7f)
		fprintf(to, "SIG%s", sigabbrev_np((int)(code & 0x7f)));
	else
		fprintf(to, "%u", code >> 8);
	if (r->sync)
		fputs(" sync", to);
	if (r->job)
		fputs(" job", to);
}

void report_event(FILE *to, const struct options *options, const struct record *r)
{
	static const struct {
		enum phase phase;
		int width;
	} columns[] = {
		{ PHASE_BLOCKED, 9 },	{ PHASE_COPY, 8 },  { PHASE_WAIT, 8 },
		{ PHASE_HANDSHAKE, 8 }, { PHASE_QUEUE, 8 }, { PHASE_SETUP, 8 },
		{ PHASE_EXEC, 8 },	{ PHASE_RUN, 9 },   { PHASE_REAP, 8 },
	};

	if (options->wall_clock)
		print_time(to, r->spawn.clone_at);
	fprintf(to, "%7u %c %7u %-15s %-6s", r->spawn.tid, r->main ? '*' : '-',
		r->spawn.pid, record_program(r), record_kind(r));
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		print_phase(to, options, r, columns[i].phase, columns[i].width);
	fprintf(to, " %5u ", r->spawn.tries);
	print_result(to, r);
	fputc('\n', to);
}

static json_t *end_json(const struct record *r)
{
	uint32_t code = r->spawn.exit_code;

	if (r->clone_failed || !r->spawn.exit_at)
		return json_null();
	return code & 0x7f ? json_pack("{s:i}", "signal", (int)(code & 0x7f))
			   : json_pack("{s:i}", "code", (int)(code >> 8));
}

/* What is no UTF-8 (names are bytes) is left out. */
static json_t *name_json(const char *name)
{
	json_t *text = json_string(name);

	return text ? text : json_null();
}

void report_event_json(FILE *to, const struct record *r)
{
	const struct trace_spawn *s = &r->spawn;
	json_t *o = json_pack(
		"{s:s, s:I, s:i, s:i, s:b, s:i, s:o, s:o, s:o, s:s, s:i, s:i, s:i, s:i, "
		"s:b, s:b, s:b, s:o, s:I, s:I}",
		"type", "spawn", "at_ns", (json_int_t)s->clone_at, "tgid", (int)s->tgid,
		"tid", (int)s->tid, "main", r->main, "pid", (int)s->pid, "caller",
		name_json(s->caller), "program", name_json(record_program(r)), "file",
		name_json(s->file), "kind", record_kind(r), "tries", (int)s->tries,
		"execs", (int)s->execs, "handshakes", (int)(r->handshake ? s->sleeps : 0),
		"clone_error", (int)s->clone_error, "exec_failed", r->exec_failed, "sync",
		r->sync, "job", r->job, "end", end_json(r), "rss_pages",
		(json_int_t)s->rss_pages, "off_cpu_ns", (json_int_t)s->off_cpu_ns);

	for (enum phase i = 0; o && i < PHASE_LAUNCH; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s_ns", phase_names[i].name);
		json_object_set_new(o, name,
				    record_has(r, i) ? json_integer((json_int_t)r->ns[i])
						     : json_null());
	}
	if (!o)
		return;
	json_dumpf(o, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(o);
}

void report_function_json(FILE *to, const struct trace_function *f)
{
	fprintf(to,
		"{\"type\":\"function\",\"at_ns\":%llu,\"tgid\":%u,\"tid\":%u,\"pid\":%u,"
		"\"took_ns\":%llu}\n",
		f->enter_at, f->tgid, f->tid, f->pid, f->leave_at - f->enter_at);
}
