/*
 * From a request to a process of the engine, and from its events to frames.
 *
 * A job lives from its SPAWN to its END; when its client is gone it lives on
 * unheard, until the engine says the end.
 */
#include "daemon/job.h"

#include <errno.h>
#include <uringspawn/spawn.h>
#include <uringspawn/wire.h>
#include "base/alloc.h"
#include "daemon/daemon.h"
#include "daemon/session.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "wire/request.h"

/* What a client may ask for as the credit of a stream. */
#define CREDIT_MAX (16u << 20)

/* ---- the end and the beginning of a job ---------------------------------- */

/* Returns the job, findable under @id, or NULL with *ret_error EEXIST or ENOMEM. */
static struct job *job_new(struct session *s, const struct frame *frame, int *ret_error)
{
	struct job *job = mem_zalloc(sizeof(*job));
	int ret = -ENOMEM;

	if (job)
		ret = table_put(&s->jobs_by_id, frame->job, job);
	if (ret < 0) {
		mem_free(job);
		*ret_error = -ret;
		return NULL;
	}
	job->session = s;
	job->id = frame->job;
	job->run = frame->type == USP_WIRE_RUN;
	job->request_bytes = frame->payload_bytes;
	list_init(&job->link);
	s->daemon->jobs++;
	s->daemon->request_bytes += job->request_bytes;
	s->bytes += job->request_bytes;
	return job;
}

static void job_free(struct job *job) REACTOR_ONLY
{
	struct session *s = job->session;

	table_remove(&s->jobs_by_id, job->id);
	list_remove(&job->link);
	s->daemon->jobs--;
	s->daemon->request_bytes -= job->request_bytes;
	s->daemon->stdin_bytes -= job->stdin_bytes;
	s->bytes -= job->request_bytes + job->stdin_bytes;
	mem_free(job);
	session_job_ended(s);
}

struct job *job_find(const struct session *s, uint32_t id)
{
	return table_get(&s->jobs_by_id, id);
}

/* ---- events to frames ---------------------------------------------------- */

/* A RUN job's frames wait for its last one, for a moment. */
static enum outbox_when when(const struct job *job, const struct usp_event *event)
{
	return job->run && event->kind != USP_EVENT_END ? OUTBOX_LATER : OUTBOX_SOON;
}

static void tell(struct job *job, const struct usp_event *event) REACTOR_ONLY
{
	struct session *s = job->session;

	if (!session_listens(s))
		return;
	if (outbox_event(&s->out, event, job->id, when(job, event)) < 0)
		session_close(s); /* a frame is missing or cut: nothing sent after it is
				     sound */
	else
		session_queued(s);
}

void job_holds_stdin(struct job *job, size_t bytes)
{
	job->stdin_bytes += bytes;
	job->session->daemon->stdin_bytes += bytes;
	job->session->bytes += bytes;
}

/* The process took @bytes of its stdin; 0: it takes no more, and none is held. */
static void count_stdin(struct job *job, size_t bytes)
{
	size_t gone = bytes ? bytes : job->stdin_bytes;

	job->stdin_bytes -= gone;
	job->session->daemon->stdin_bytes -= gone;
	job->session->bytes -= gone;
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user) REACTOR_ONLY
{
	struct job *job = user;

	(void)process;
	if (event->kind == USP_EVENT_WINDOW)
		count_stdin(job, event->window.bytes);
	tell(job, event);
	if (event->kind == USP_EVENT_END)
		job_free(job);
}

/* ---- requests to processes ----------------------------------------------- */

/* It is over before the engine hears of it. */
static void refuse(struct job *job, const struct usp_failure *failure) REACTOR_ONLY
{
	const struct usp_event failed = { .kind = USP_EVENT_FAILED, .failed = *failure };
	const struct usp_event end = {
		.kind = USP_EVENT_END,
		.end = { .reason = USP_REASON_FAILED },
	};

	engine_count_failed(job->session->daemon->engine, failure->stage);
	tell(job, &failed);
	tell(job, &end);
	job_free(job);
}

static void refuse_at(struct job *job, enum usp_stage stage, int error,
		      const char *what) REACTOR_ONLY
{
	refuse(job,
	       &(struct usp_failure){ .stage = stage, .error = error, .path = what });
}

/* The limit that stands against one more job, or LIMITS.  The job counts already. */
static enum admission_limit limit_reached(const struct session *s, const struct job *job)
{
	const struct daemon *d = s->daemon;

	if (s->jobs_by_id.count > d->limits.client_jobs_max)
		return LIMIT_OWNER_JOBS;
	if (d->request_bytes > d->limits.bytes_max)
		return LIMIT_BYTES;
	/* One that it has nothing beside is not too much, however large. */
	if (s->bytes > d->limits.client_bytes_max && s->bytes > job->request_bytes)
		return LIMIT_OWNER_BYTES;
	return LIMITS;
}

/* Returns whether there is room for @job; else it is over. */
static bool admit(struct job *job) REACTOR_ONLY
{
	struct daemon *d = job->session->daemon;
	enum admission_limit limit = limit_reached(job->session, job);
	struct usp_failure busy;

	if (d->phase != DAEMON_SERVING) {
		refuse_at(job, USP_STAGE_ADMISSION, ESHUTDOWN, "the daemon stops");
		return false;
	}
	if (limit == LIMITS)
		return true;
	busy = engine_refusal(d->engine, limit);
	refuse(job, &busy);
	return false;
}

static struct strings as_strings(const struct packed *packed)
{
	return (struct strings){ .packed = packed->bytes, .packed_bytes = packed->size };
}

static struct bytes as_bytes(const struct text *text)
{
	return (struct bytes){ .bytes = text->bytes, .size = text->size };
}

/* Every descriptor of @fds gets its place: there are as many as @request asks for. */
static void place_fds(struct request *request, const int *fds)
{
	for (int i = 0; i < 3; i++)
		if (request->options.stdio[i].kind == USP_STDIO_FD)
			request->options.stdio[i].fd = *fds++;
	for (size_t i = 0; i < request->options.n_fds; i++)
		if (request->fds[i].stdio.kind == USP_STDIO_FD)
			request->fds[i].stdio.fd = *fds++;
}

static struct spec_input as_input(const struct request *request)
{
	struct spec_input input = {
		.argv = as_strings(&request->argv),
		.env = as_strings(&request->env),
		.env_extend = as_strings(&request->env_extend),
		.env_unset = as_strings(&request->env_unset),
		.path = as_bytes(&request->path),
		.search = as_bytes(&request->search),
		.cwd = as_bytes(&request->cwd),
		.options = request->options,
	};

	if (!input.options.window_bytes)
		input.options.window_bytes = USP_WIRE_WINDOW_BYTES;
	return input;
}

/*
 * Judge what spec_new() cannot see.  Returns 0, or -errno with the field's name.
 */
static int decode(const struct frame *frame, unsigned n_fds, struct request *request,
		  const char **ret_field)
{
	int ret =
		request_decode(frame->payload, frame->payload_bytes, request, ret_field);

	if (ret < 0)
		return ret;
	if (request_fds(request) != n_fds) {
		*ret_field = "stdio";
		return -EINVAL;
	}
	if (request->options.window_bytes > CREDIT_MAX) {
		*ret_field = "credit";
		return -EINVAL;
	}
	return 0;
}

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		sys_close(fds[i]);
}

/* It has a process: what is done to all jobs of the session is done to it. */
static void admitted(struct job *job) REACTOR_ONLY
{
	list_append(&job->session->jobs, &job->link);
	if (job->session->paused)
		engine_pause(job->process, true);
}

/* Hand the job to the engine; takes the descriptors. */
static void launch(struct job *job, const struct frame *frame, const int *fds,
		   unsigned n_fds) REACTOR_ONLY
{
	struct session *s = job->session;
	struct spec_input input;
	struct request request;
	const char *what;
	int ret;

	ret = decode(frame, n_fds, &request, &what);
	if (ret < 0) {
		close_all(fds, n_fds);
		refuse_at(job, USP_STAGE_VALIDATE, -ret, what);
		return;
	}
	if (!admit(job)) {
		close_all(fds, n_fds);
		return;
	}
	place_fds(&request, fds);
	input = as_input(&request);
	ret = engine_spawn(s->daemon->engine, &s->turns, &input, on_event, job,
			   &job->process);
	if (ret == -EINVAL)
		refuse_at(job, USP_STAGE_VALIDATE, EINVAL, "argv");
	else if (ret < 0)
		refuse_at(job, USP_STAGE_ADMISSION, -ret, "");
	else
		admitted(job);
}

void job_start(struct session *s, const struct frame *frame, int *fds, unsigned n_fds)
{
	struct job *job;
	int error;

	if (frame->job == 0) {
		close_all(fds, n_fds);
		session_fail(s, EPROTO, "a request for job 0");
		return;
	}
	job = job_new(s, frame, &error);
	if (!job) {
		close_all(fds, n_fds);
		session_fail(s, error,
			     error == EEXIST ? "job %u has not ended"
					     : "no memory for job %u",
			     frame->job);
		return;
	}
	launch(job, frame, fds, n_fds);
}

/* ---- all jobs of a session ----------------------------------------------- */

void job_abandon_all(struct session *s)
{
	list_each(link, next, &s->jobs)
		engine_abandon(container_of(link, struct job, link)->process);
}

void job_end_all(struct session *s)
{
	list_each(link, next, &s->jobs)
		usp_process_kill(container_of(link, struct job, link)->process);
}

void job_cut_all(struct session *s)
{
	list_each(link, next, &s->jobs)
		engine_cut(container_of(link, struct job, link)->process);
}

void job_pause_all(struct session *s, bool pause)
{
	list_each(link, next, &s->jobs)
		engine_pause(container_of(link, struct job, link)->process, pause);
}
