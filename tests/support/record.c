/*
 * What an engine tells about a process, written down and checked.
 */
#include "support/record.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/annotate.h"
#include "engine/engine.h"

#define OUTPUT_MAX (64u << 20)

struct usp_engine *record_engine(const struct usp_engine_options *options)
{
	const struct usp_engine_options two = { .size = sizeof(two), .launchers = 2 };
	struct usp_engine *engine;

	cr_assert(eq(int, usp_engine_new(options ? options : &two, &engine), 0));
	return engine;
}

static void note(struct record *r, char letter)
{
	size_t n = strlen(r->order);

	if (n && (letter == '1' || letter == '2' || letter == 'o' || letter == 'w') &&
	    r->order[n - 1] == letter)
		return;
	if (n < sizeof(r->order) - 1)
		r->order[n] = letter;
}

static void note_output(struct record *r, const struct usp_output *output)
{
	struct buf *out = &r->out[output->stream];

	cr_assert(output->stream >= 0 && output->stream < RECORD_STREAMS);
	cr_assert(r->started && !r->eof[output->stream], "output out of order");
	cr_assert(ne(sz, output->size, 0));
	if (out->max == 0)
		buf_init(out, OUTPUT_MAX);
	cr_assert(eq(int, buf_append(out, output->data, output->size), 0));
	note(r, output->stream == 1 ? '1' : output->stream == 2 ? '2' : 'o');
}

static void note_eof(struct record *r, int stream)
{
	cr_assert(stream >= 0 && stream < RECORD_STREAMS);
	cr_assert(r->started && !r->eof[stream], "an end of stream out of order");
	r->eof[stream] = true;
	note(r, stream == 1 ? 'e' : stream == 2 ? 'E' : 'O');
}

static void note_failure(struct record *r, const struct usp_failure *failure)
{
	cr_assert(eq(str, r->order, ""), "a failure is not the first");
	cr_assert(failure->path != NULL);
	r->failed = true;
	r->failure = *failure;
	snprintf(r->path, sizeof(r->path), "%s", failure->path);
	r->failure.path = r->path;
	note(r, 'f');
}

static void note_end(struct record *r, const struct usp_end *end)
{
	cr_assert(r->failed || r->exited || end->tree == USP_TREE_PENDING ||
			  end->reason == USP_REASON_RELEASED,
		  "an end without an exit");
	cr_assert(eq(u64, end->bytes[1], buf_size(&r->out[1])));
	cr_assert(eq(u64, end->bytes[2], buf_size(&r->out[2])));
	for (size_t i = 0; i < end->n_streams; i++) {
		const struct usp_stream_total *total = &end->streams[i];

		cr_assert(lt(int, 2, total->stream));
		if (r->eof[total->stream])
			cr_assert(
				eq(u64, total->bytes, buf_size(&r->out[total->stream])));
	}
	r->end = *end;
	cr_assert(le(sz, end->n_holders, ARRAY_SIZE(r->holders)));
	if (end->n_holders)
		memcpy(r->holders, end->holders, end->n_holders * sizeof(*end->holders));
	r->end.holders = r->holders;
	if (end->rusage) {
		r->usage = *end->rusage;
		r->end.rusage = &r->usage;
	}
	if (end->cgroup) {
		r->cgroup = *end->cgroup;
		r->end.cgroup = &r->cgroup;
	}
	r->ended = true;
	r->process = NULL;
	note(r, '.');
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct record *r = user;

	cr_assert(not(r->ended), "event %d after the end", event->kind);
	cr_assert(r->process == process, "an event of another process, or too early");
	switch (event->kind) {
	case USP_EVENT_STARTED:
		cr_assert(eq(str, r->order, ""), "started is not the first");
		cr_assert(lt(int, 0, event->started.pid));
		cr_assert(eq(int, usp_process_pid(process), event->started.pid));
		r->started = true;
		r->pid = event->started.pid;
		r->pidfd = event->started.pidfd;
		r->n_given = event->started.n_fds;
		memcpy(r->given, event->started.fds, r->n_given * sizeof(*r->given));
		note(r, 's');
		break;
	case USP_EVENT_FAILED:
		note_failure(r, &event->failed);
		break;
	case USP_EVENT_OUTPUT:
		note_output(r, &event->output);
		break;
	case USP_EVENT_EOF:
		note_eof(r, event->eof.stream);
		break;
	case USP_EVENT_WINDOW:
		cr_assert(r->started);
		r->window_bytes += event->window.bytes;
		r->stdin_closed |= event->window.bytes == 0;
		note(r, 'w');
		break;
	case USP_EVENT_EXIT:
		cr_assert(r->started && !r->exited, "an exit out of order");
		r->exited = true;
		r->exit = event->exit;
		note(r, 'x');
		break;
	case USP_EVENT_END:
		note_end(r, &event->end);
		break;
	default:
		cr_assert(false, "an event of kind %d", event->kind);
	}
	if (r->also)
		r->also(r, event);
}

void record_spawn(struct record *r, struct usp_engine *engine,
		  const struct usp_options *options)
{
	struct usp_options full = *options;

	full.on_event = on_event;
	full.user = r;
	r->engine = engine;
	cr_assert(eq(int, usp_spawn(engine, &full, &r->process), 0));
	cr_assert(eq(str, r->order, ""), "told from inside the call");
	cr_assert(eq(int, usp_process_pid(r->process), 0));
}

void record_wait(struct record *r)
{
	while (!r->ended)
		cr_assert(eq(int, engine_wait(r->engine), 0));
}

void record_run(struct record *r, const struct usp_options *options)
{
	struct usp_engine *engine = record_engine(NULL);

	record_spawn(r, engine, options);
	cr_assert(eq(int, usp_engine_run(engine), 0));
	cr_assert(r->ended, "the engine ran out, and the process has not ended");
	usp_engine_free(engine);
	cr_assert(no_children(), "a process is left");
}

const char *record_text(struct record *r, int stream)
{
	struct buf *out = &r->out[stream];

	if (out->max == 0)
		buf_init(out, OUTPUT_MAX);
	cr_assert(eq(int, buf_append(out, "", 1), 0));
	out->end--;
	return (const char *)buf_bytes(out);
}

void record_done(struct record *r)
{
	cr_assert(r->ended);
	for (int i = 0; i < RECORD_STREAMS; i++)
		buf_done(&r->out[i]);
}

void record_expect_exit(struct record *r, int code)
{
	cr_assert(not(r->failed), "failed at stage %s: %s %s",
		  usp_stage_name(r->failure.stage), strerror(r->failure.error), r->path);
	cr_assert(eq(int, r->exit.code, code));
	cr_assert(eq(int, r->exit.signal, 0));
	cr_assert(eq(int, r->end.reason, USP_REASON_EXITED));
}

void record_expect_failed(struct record *r, enum usp_stage stage, int error,
			  const char *path)
{
	cr_assert(eq(str, r->order, "f."));
	cr_assert(eq(str, (char *)usp_stage_name(r->failure.stage),
		     (char *)usp_stage_name(stage)));
	cr_assert(eq(int, r->failure.error, error));
	cr_assert(eq(int, r->failure.signal, 0));
	cr_assert(eq(str, r->path, (char *)path));
	cr_assert(eq(int, r->end.reason, USP_REASON_FAILED));
}

bool no_children(void)
{
	return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}
