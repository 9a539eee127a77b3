/*
 * From a request to a process of the engine, and from its events to frames.
 *
 * A job lives from its SPAWN to its END; when its client is gone it lives on
 * unheard, until the engine says the end.
 */
#include "daemon/job.h"

#include <errno.h>
#include <unistd.h>
#include <uringspawn/spawn.h>
#include <uringspawn/wire.h>
#include "base/alloc.h"
#include "daemon/daemon.h"
#include "daemon/input.h"
#include "daemon/listing.h"
#include "daemon/pools.h"
#include "daemon/session.h"
#include "daemon/templates.h"
#include "engine/engine.h"
#include "pool/pool.h"
#include "sys/fd.h"
#include "wire/request.h"

/* What a client may ask for as the credit of a stream. */
#define CREDIT_MAX (16u << 20)

/* Descriptors that a client is to be given, and has not taken. */
#define GIVEN_MAX 512

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
	held_init(&job->stdin_held);
	list_init(&job->link);
	list_init(&job->listed);
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
	listing_remove(job);
	s->daemon->jobs--;
	s->daemon->released -= job->left;
	s->daemon->request_bytes -= job->request_bytes;
	s->daemon->stdin_bytes -= job->stdin_held.bytes;
	s->bytes -= job->request_bytes + job->stdin_held.bytes;
	s->given -= job->given;
	held_done(&job->stdin_held);
	mem_free(job);
	session_job_ended(s);
}

struct job *job_find(const struct session *s, uint32_t id)
{
	return table_get(&s->jobs_by_id, id);
}

/* ---- events to frames ---------------------------------------------------- */

/*
 * A RUN job's frames wait for its last one, for a moment.
 *
 * And in a crowd for those of the next jobs: while many of a client's jobs wait for a
 * launcher, nothing begins sooner because it hears of an end at once, and each time that it
 * is woken for one costs it, and the jobs that run, more than what it then does.
 */
static enum outbox_when when(const struct job *job, const struct usp_event *event)
{
	const struct session *s = job->session;

	if (!job->run)
		return OUTBOX_SOON;
	if (s->unstarted >= s->daemon->crowd_jobs)
		return OUTBOX_MUCH_LATER;
	return event->kind == USP_EVENT_END ? OUTBOX_SOON : OUTBOX_LATER;
}

static void close_given(const struct usp_started *started)
{
	sys_close(started->pidfd);
	for (size_t i = 0; i < started->n_fds; i++)
		sys_close(started->fds[i].fd);
}

/* The descriptors of a started event are in the outbox then, or closed. */
static void tell(struct job *job, const struct usp_event *event) REACTOR_ONLY
{
	struct session *s = job->session;

	if (event->kind == USP_EVENT_STARTED) {
		s->given -= job->given;
		job->given = 0;
	}
	if (!session_listens(s)) {
		if (event->kind == USP_EVENT_STARTED)
			close_given(&event->started);
		return;
	}
	if (outbox_event(&s->out, event, job->id, when(job, event)) < 0)
		session_close(s); /* a frame is missing or cut: nothing sent after it is
				     sound */
	else
		session_queued(s);
}

/* ---- what it is fed with ----------------------------------------------------- */

static void count_held(struct job *job, size_t bytes)
{
	job->session->daemon->stdin_bytes += bytes;
	job->session->bytes += bytes;
}

int job_write(struct job *job, int stream, const void *data, size_t size)
{
	int ret = held_add(&job->stdin_held, stream, size);

	if (ret < 0)
		return ret;
	count_held(job, size);
	ret = usp_process_write_stream(job->process, stream, data, size);
	if (ret < 0)
		count_held(job, -held_undo(&job->stdin_held, stream, size));
	return ret;
}

void job_drop(struct job *job, int stream)
{
	if (usp_process_drop_stream(job->process, stream) == 0)
		count_held(job, -held_take(&job->stdin_held, stream, 0));
}

/* One that was accepted is started, though its client is gone. */
static void count_left(struct job *job)
{
	if (!job->released || !job->started || job->left)
		return;
	job->left = true;
	job->session->daemon->released++;
}

/* Its first event says that no launcher is waited for any more. */
static void count_begun(struct job *job)
{
	job->session->unstarted -= job->unstarted;
	job->unstarted = false;
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user) REACTOR_ONLY
{
	struct job *job = user;

	(void)process;
	if (event->kind == USP_EVENT_WINDOW)
		count_held(job, -held_take(&job->stdin_held, event->window.stream,
					   event->window.bytes));
	tell(job, event);
	if (event->kind != USP_EVENT_WINDOW)
		count_begun(job);
	if (event->kind == USP_EVENT_STARTED) {
		job->started = true;
		count_left(job);
	}
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
	if (s->given + s->out.n_fds > GIVEN_MAX)
		return LIMIT_DESCRIPTORS;
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

	if (!daemon_is_open(d)) {
		refuse_at(job, USP_STAGE_ADMISSION, ESHUTDOWN, daemon_why_closed(d));
		return false;
	}
	if (limit == LIMITS)
		return true;
	busy = engine_refusal(d->engine, limit);
	refuse(job, &busy);
	return false;
}

/*
 * Judge what spec_new() cannot see.  Returns 0, or -errno with the field's name.
 */
static int judge(const struct spec_input *input, const char **ret_field)
{
	*ret_field = "credit";
	if (input->options.window_bytes > CREDIT_MAX)
		return -EINVAL;
	*ret_field = "fds";
	return input_given(input) > USP_WIRE_FDS_MAX ? -EINVAL : 0;
}

/* What says how a program starts is not for a use to say; the rest, src/pool judges. */
static int judge_use(const struct request *request, const char **ret_field)
{
	const struct {
		const char *field;
		bool said;
	} texts[] = {
		{ "argv", request->argv.bytes },
		{ "path", request->path.bytes },
		{ "search", request->search.bytes },
		{ "env", request->env.bytes },
		{ "cwd", request->cwd.bytes },
		{ "env_extend", request->env_extend.bytes },
		{ "env_unset", request->env_unset.bytes },
		{ "use_template", request->template_id },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		*ret_field = texts[i].field;
		if (texts[i].said)
			return -EINVAL;
	}
	return 0;
}

/* What is asked for, borrowed from @request and its template. */
static int decode(struct job *job, const struct frame *frame, const int *fds,
		  struct request *request, struct spec_input *input,
		  const char **ret_field)
{
	int ret =
		request_decode(frame->payload, frame->payload_bytes, request, ret_field);

	if (ret == 0)
		ret = request_check_type(request, frame->type, ret_field);
	if (ret < 0)
		return ret;
	*ret_field = "stdio";
	if (request_fds(request) != frame->fds)
		return -EINVAL;
	input_place_fds(request, fds);
	*input = input_of(request);
	if (request->pool_id)
		ret = judge_use(request, ret_field);
	else if (request->template_id)
		ret = templates_apply(job->session, request->template_id, input,
				      ret_field);
	if (ret == 0)
		ret = judge(input, ret_field);
	/* What a template says is asked for as well. */
	if (ret == 0)
		ret = peer_may_spawn(&job->session->peer, input, ret_field);
	if (!input->options.window_bytes)
		input->options.window_bytes = USP_WIRE_WINDOW_BYTES;
	return ret;
}

/* A client in another pid namespace has no pid here. */
static void join_client(const struct peer *peer, struct usp_options *options)
{
	pid_t pgid = peer->pid > 0 ? getpgid(peer->pid) : 0;

	options->pgid = pgid > 0 ? pgid : 0;
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
	job->unstarted = true;
	job->session->unstarted++;
	listing_add(job);
	if (job->session->paused)
		engine_pause(job->process, true);
}

/*
 * The pool that a use names.  A worker that went on without its client would be nobody's
 * to release.
 */
static int find_pool(const struct session *s, const struct request *request,
		     struct usp_pool **ret_pool, const char **ret_field)
{
	int ret = pools_use(s, request->pool_id, ret_pool);

	*ret_field = "pool";
	if (ret < 0)
		return ret;
	*ret_field = "gone";
	return pool_options(*ret_pool)->kind == USP_POOL_WORKER &&
			       request->options.gone != USP_GONE_KILL
		       ? -EINVAL
		       : 0;
}

static int spawn(struct job *job, struct spec_input *input) REACTOR_ONLY
{
	struct session *s = job->session;

	peer_become(&s->peer, &s->daemon->self, input);
	if (input->options.group == USP_GROUP_JOIN)
		join_client(&s->peer, &input->options);
	return engine_spawn(s->daemon->engine, &s->turns, input, on_event, job,
			    &job->process);
}

/* Hand the job to the engine; takes the descriptors. */
static void launch(struct job *job, const struct frame *frame,
		   const int *fds) REACTOR_ONLY
{
	struct session *s = job->session;
	struct usp_pool *pool = NULL;
	struct spec_input input;
	struct request request;
	const char *what;
	int ret;

	ret = decode(job, frame, fds, &request, &input, &what);
	if (ret == 0 && request.pool_id)
		ret = find_pool(s, &request, &pool, &what);
	if (ret < 0) {
		close_all(fds, frame->fds);
		refuse_at(job, USP_STAGE_VALIDATE, -ret, what);
		return;
	}
	job->given = input_given(&input);
	s->given += job->given;
	if (!admit(job)) {
		close_all(fds, frame->fds);
		return;
	}
	job->gone = input.options.gone;
	ret = pool ? pool_use(pool, &input.options, on_event, job, &job->process)
		   : spawn(job, &input);
	if (ret < 0)
		refuse_at(job, USP_STAGE_ADMISSION, -ret, "");
	else
		admitted(job);
}

void job_start(struct session *s, const struct frame *frame, const int *fds)
{
	struct job *job;
	int error;

	if (frame->job == 0) {
		close_all(fds, frame->fds);
		session_fail(s, EPROTO, "a request for job 0");
		return;
	}
	job = job_new(s, frame, &error);
	if (!job) {
		close_all(fds, frame->fds);
		session_fail(s, error,
			     error == EEXIST ? "job %u has not ended"
					     : "no memory for job %u",
			     frame->job);
		return;
	}
	launch(job, frame, fds);
}

/* The payload of a BATCH is sound, and counts the descriptors that came with it. */
static bool is_batch(const struct frame *frame)
{
	const uint8_t *at = frame->payload;
	size_t size = frame->payload_bytes;
	unsigned n_fds = 0;

	while (size > 0) {
		struct frame entry;
		int64_t used = batch_next(at, size, &entry);

		if (used < 0)
			return false;
		n_fds += entry.fds;
		at += used;
		size -= (size_t)used;
	}
	return n_fds == frame->fds;
}

void job_start_batch(struct session *s, const struct frame *frame, const int *fds)
{
	const uint8_t *at = frame->payload, *end = at + frame->payload_bytes;

	if (!is_batch(frame)) {
		close_all(fds, frame->fds);
		session_fail(s, EPROTO, "a BATCH that is no list of requests");
		return;
	}
	while (at < end) {
		struct frame entry;

		at += batch_next(at, (size_t)(end - at), &entry);
		if (session_listens(s))
			job_start(s, &entry, fds);
		else
			close_all(fds, entry.fds);
		fds += entry.fds;
	}
}

/* ---- all jobs of a session ----------------------------------------------- */

void job_abandon_all(struct session *s)
{
	list_each(link, next, &s->jobs) {
		struct job *job = container_of(link, struct job, link);

		if (job->gone == USP_GONE_KILL) {
			job->given_up = true;
			engine_abandon(job->process);
		} else if (job->gone == USP_GONE_KEEP) {
			engine_detach(job->process);
		} else if (!job->released) {
			job->released = true;
			engine_release(job->process);
			count_left(job);
		}
	}
}

/* Once for each job that somebody still wanted. */
static void count_cut(struct job *job)
{
	if (!job->given_up)
		job->session->daemon->jobs_cut++;
	job->given_up = true;
}

void job_end_all(struct session *s)
{
	list_each(link, next, &s->jobs) {
		struct job *job = container_of(link, struct job, link);

		if (job->left)
			continue;
		count_cut(job);
		usp_process_kill(job->process);
	}
}

void job_cut_all(struct session *s)
{
	list_each(link, next, &s->jobs) {
		struct job *job = container_of(link, struct job, link);

		if (job->left)
			continue;
		count_cut(job);
		engine_cut(job->process);
	}
}

void job_pause_all(struct session *s, bool pause)
{
	list_each(link, next, &s->jobs)
		engine_pause(container_of(link, struct job, link)->process, pause);
}
