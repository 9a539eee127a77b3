/*
 * The frames of a client, one function each.
 *
 * A frame for a job that is not there any more is dropped: the client could not
 * know.  A frame that means nothing ends the connection with a sentence.
 */
#include "daemon/dispatch.h"

#include <errno.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include <uringspawn/wire.h>
#include "base/buf.h"
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/listing.h"
#include "daemon/pool_stat.h"
#include "daemon/pools.h"
#include "daemon/session.h"
#include "daemon/stat.h"
#include "daemon/templates.h"
#include "sys/fd.h"
#include "wire/frame.h"
#include "wire/request.h"

/* Answers to STAT on their way to one client. */
#define STATS_MAX 8

static const char name[] = "uringspawnd " USP_VERSION;

/* ---- HELLO --------------------------------------------------------------- */

static int encode_greeting(const struct session *s, struct buf *buf)
{
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = s->daemon->limits.frame_max,
		.jobs = s->daemon->limits.client_jobs_max,
		.window_bytes = USP_WIRE_WINDOW_BYTES,
		.stdin_window_bytes = USP_WIRE_STDIN_WINDOW_BYTES,
		.name = { name, sizeof(name) - 1 },
	};
	struct frame frame = { .type = USP_WIRE_HELLO };
	size_t start = buf->end;
	uint8_t *header;
	int ret = buf_reserve(buf, USP_WIRE_HEADER_BYTES, &header);

	if (ret < 0)
		return ret;
	buf_grew(buf, USP_WIRE_HEADER_BYTES);
	ret = hello_encode(&hello, buf);
	if (ret < 0)
		return ret;
	frame.payload_bytes = (uint32_t)(buf->end - start - USP_WIRE_HEADER_BYTES);
	frame_encode_header(&frame, header); /* the outbox's buffers do not move */
	return 0;
}

static void handle_hello(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	struct hello theirs;
	struct buf *buf;
	int ret = hello_decode(frame->payload, frame->payload_bytes, &theirs);

	if (s->state != SESSION_GREETING) {
		session_fail(s, EPROTO, "a second HELLO");
	} else if (ret == -EPROTO) {
		session_fail(s, EPROTO, "the magic of HELLO is wrong");
	} else if (ret < 0) {
		session_fail(s, EPROTO, "HELLO is too short: %u bytes, not %u",
			     frame->payload_bytes, USP_WIRE_HELLO_BYTES);
	} else if (hello_version(&theirs) < 0) {
		session_fail(s, EPROTO,
			     "no common version: the client speaks %u to %u, the daemon "
			     "%u to %u",
			     theirs.version_min, theirs.version_max, USP_WIRE_VERSION_MIN,
			     USP_WIRE_VERSION_MAX);
	} else {
		buf = outbox_open(&s->out);
		if (!buf || encode_greeting(s, buf) < 0) {
			session_close(s);
			return;
		}
		outbox_commit(&s->out, OUTBOX_SOON);
		session_greeted(s);
	}
}

/* ---- jobs ---------------------------------------------------------------- */

/* Returns whether @bytes more of stdin may be held; else the session is over. */
static bool has_room(struct session *s, uint32_t job, size_t bytes) REACTOR_ONLY
{
	const struct daemon *d = s->daemon;

	if (d->stdin_bytes + bytes > d->limits.bytes_max)
		session_fail(
			s, ENOMEM,
			"job %u: no memory for its STDIN: the daemon holds %zu bytes "
			"that no process has taken",
			job, d->stdin_bytes);
	else if (s->bytes + bytes > d->limits.client_bytes_max)
		session_fail(s, ENOMEM,
			     "job %u: no memory for its STDIN: %zu bytes of requests and "
			     "stdin are held for this client, of %zu that may be",
			     job, s->bytes, d->limits.client_bytes_max);
	else
		return true;
	return false;
}

/* Returns whether the child can have that stream; else the session is over. */
static bool is_stream(struct session *s, const struct frame *frame,
		      const char *what) REACTOR_ONLY
{
	if (frame->flags <= USP_FD_TARGET_MAX)
		return true;
	session_fail(s, EPROTO, "job %u: %s of stream %u, which does not exist",
		     frame->job, what, frame->flags);
	return false;
}

static void handle_stdin(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	struct job *job = job_find(s, frame->job);
	int ret;

	if (!is_stream(s, frame, "STDIN") || !job || frame->payload_bytes == 0 ||
	    !has_room(s, frame->job, frame->payload_bytes))
		return;
	ret = job_write(job, frame->flags, frame->payload, frame->payload_bytes);
	if (ret == -EAGAIN)
		session_fail(s, EPROTO, "job %u: %u bytes of STDIN are beyond its window",
			     frame->job, frame->payload_bytes);
	else if (ret == -ENOMEM)
		session_fail(s, ENOMEM, "job %u: no memory for its STDIN", frame->job);
}

static void handle_stdin_eof(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = job_find(s, frame->job);

	if (is_stream(s, frame, "STDIN_EOF") && job)
		(void)usp_process_close_stream(job->process, frame->flags);
}

static void handle_close(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	struct job *job = job_find(s, frame->job);

	if (is_stream(s, frame, "CLOSE") && job)
		job_drop(job, frame->flags);
}

static void handle_window(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = job_find(s, frame->job);

	if (is_stream(s, frame, "WINDOW") && job)
		usp_process_credit(job->process, frame->flags, frame->arg);
}

static void handle_resize(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = job_find(s, frame->job);
	const struct usp_winsize size = {
		.rows = (uint16_t)(frame->arg >> 16),
		.columns = (uint16_t)frame->arg,
	};

	if (job)
		(void)usp_process_resize(job->process, &size);
}

static const enum usp_target targets[] = {
	[USP_WIRE_SIGNAL_GROUP] = USP_TARGET_GROUP,
	[USP_WIRE_SIGNAL_PROCESS] = USP_TARGET_PROCESS,
	[USP_WIRE_SIGNAL_TREE] = USP_TARGET_TREE,
};

static void handle_signal(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = job_find(s, frame->job);

	if (frame->flags >= ARRAY_SIZE(targets)) {
		session_fail(s, EPROTO,
			     "job %u: SIGNAL to target %u, which does not exist",
			     frame->job, frame->flags);
		return;
	}
	if (!job)
		return;
	if (frame->flags == USP_WIRE_SIGNAL_PLAN) {
		usp_process_kill(job->process);
		return;
	}
	if (frame->arg == 0 || frame->arg > 64 ||
	    usp_process_signal(job->process, (int)frame->arg, targets[frame->flags]) ==
		    -EINVAL)
		session_fail(s, EPROTO, "job %u: there is no signal %u", frame->job,
			     frame->arg);
}

/* Of a job that is no use of a worker it means nothing. */
static void handle_release(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = job_find(s, frame->job);

	if (frame->flags > 1)
		session_fail(s, EPROTO, "job %u: RELEASE in way %u, which does not exist",
			     frame->job, frame->flags);
	else if (job && frame->flags == 1)
		(void)usp_process_discard(job->process);
	else if (job)
		(void)usp_process_release(job->process, frame->arg);
}

/* Returns what becomes of it: 0, or -EINVAL, -ESRCH. */
static int kill_listed(const struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct job *job = listing_find(s, frame->job);

	if (frame->flags >= ARRAY_SIZE(targets))
		return -EINVAL;
	if (frame->flags != USP_WIRE_SIGNAL_PLAN && (frame->arg == 0 || frame->arg > 64))
		return -EINVAL;
	if (!job)
		return -ESRCH;
	if (frame->flags != USP_WIRE_SIGNAL_PLAN)
		return usp_process_signal(job->process, (int)frame->arg,
					  targets[frame->flags]);
	usp_process_kill(job->process);
	return 0;
}

/* Of any client's: who asks hears what became of it. */
static void handle_kill(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	const struct frame answer = {
		.type = USP_WIRE_JOB_KILLED,
		.job = frame->job,
		.arg = (uint32_t)-kill_listed(s, frame),
	};

	if (s->state != SESSION_OPEN)
		return;
	if (outbox_frame(&s->out, &answer, OUTBOX_SOON) < 0)
		session_close(s);
	else
		session_queued(s);
}

/* ---- the daemon itself --------------------------------------------------- */

/* Make the answer to @frame.  Returns 0, or -ENOMEM, and the session is of no use. */
static int answer_stat(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	struct frame answer = { .type = USP_WIRE_STATS, .flags = frame->flags };
	struct buf text;
	int ret;

	buf_init(&text, STAT_BYTES_MAX);
	if (frame->flags == USP_WIRE_STAT_JOBS)
		ret = listing_write(s, frame->arg, &text);
	else if (frame->flags == USP_WIRE_STAT_POOLS)
		ret = pool_stat_list(s, &text);
	else
		ret = stat_write(s->daemon, frame->flags == USP_WIRE_STAT_JSON, &text);
	if (ret == 0) {
		answer.payload = buf_bytes(&text);
		answer.payload_bytes = (uint32_t)buf_size(&text);
		ret = outbox_frame(&s->out, &answer, OUTBOX_SOON);
	}
	buf_done(&text);
	return ret;
}

/* An answer is much larger than its question: who asks has to read. */
static void handle_stat(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	if (s->out.sent_bytes >= s->stats_end)
		s->stats = 0;
	if (frame->flags > USP_WIRE_STAT_POOLS) {
		session_fail(s, EPROTO, "STAT in format %u, which does not exist",
			     frame->flags);
	} else if (s->stats == STATS_MAX) {
		session_fail(s, EPROTO, "one more STAT, and %u answers are not read yet",
			     s->stats);
	} else if (answer_stat(s, frame) < 0) {
		session_close(s);
	} else {
		s->stats++;
		s->stats_end = outbox_position(&s->out);
		session_queued(s);
	}
}

/* ---- all ----------------------------------------------------------------- */

static void handle(struct session *s, const struct frame *frame, int *fds) REACTOR_ONLY
{
	switch (frame->type) {
	case USP_WIRE_SPAWN:
	case USP_WIRE_RUN:
		job_start(s, frame, fds);
		return; /* it took the descriptors */
	case USP_WIRE_BATCH:
		job_start_batch(s, frame, fds);
		return;
	case USP_WIRE_HELLO:
		handle_hello(s, frame);
		break;
	case USP_WIRE_STDIN:
		handle_stdin(s, frame);
		break;
	case USP_WIRE_STDIN_EOF:
		handle_stdin_eof(s, frame);
		break;
	case USP_WIRE_CLOSE:
		handle_close(s, frame);
		break;
	case USP_WIRE_WINDOW:
		handle_window(s, frame);
		break;
	case USP_WIRE_SIGNAL:
		handle_signal(s, frame);
		break;
	case USP_WIRE_TEMPLATE:
		templates_take(s, frame);
		break;
	case USP_WIRE_RESIZE:
		handle_resize(s, frame);
		break;
	case USP_WIRE_STAT:
		handle_stat(s, frame);
		break;
	case USP_WIRE_KILL_JOB:
		handle_kill(s, frame);
		break;
	case USP_WIRE_POOL_OPEN:
		pools_open(s, frame);
		break;
	case USP_WIRE_POOL_RESIZE:
		pools_resize(s, frame);
		break;
	case USP_WIRE_POOL_CLOSE:
		pools_close(s, frame);
		break;
	case USP_WIRE_RELEASE:
		handle_release(s, frame);
		break;
	case USP_WIRE_REPLACE:
		takeover_frame(s, frame);
		break;
	default:
		session_fail(s, ENOTSUP, "a frame of type 0x%02x, which is not known",
			     frame->type);
		break;
	}
	for (unsigned i = 0; i < frame->fds; i++)
		sys_close(fds[i]);
}

void dispatch_frame(struct session *s, const struct frame *frame)
{
	int fds[USP_WIRE_FDS_MAX];

	if (s->state == SESSION_GREETING && frame->type != USP_WIRE_HELLO)
		session_fail(s, EPROTO, "the first frame is not a HELLO");
	else if (frame->fds > USP_WIRE_FDS_MAX)
		session_fail(s, EMSGSIZE,
			     "a frame with %u descriptors, of which %u are allowed",
			     frame->fds, USP_WIRE_FDS_MAX);
	else if (intake_take_fds(&s->in, frame->fds, fds) < 0)
		session_fail(s, EPROTO, "a frame counts %u descriptors that did not come",
			     frame->fds);
	else
		handle(s, frame, fds);
}

void dispatch_too_long(struct session *s, const struct frame *frame)
{
	if (s->state == SESSION_GREETING && frame->type != USP_WIRE_HELLO)
		session_fail(s, EPROTO, "the first frame is not a HELLO");
	else
		session_fail(s, EMSGSIZE, "a frame of %u bytes, of which %u are allowed",
			     frame->payload_bytes, s->in.frame_max);
}
