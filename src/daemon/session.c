/*
 * A connection from its acceptance to its end, and what keeps it bounded.
 *
 * What it was asked for is job.c's, how bytes become frames intake.c's, how frames
 * leave outbox.c's.
 */
#include "daemon/session.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include "base/buf.h"
#include "daemon/daemon.h"
#include "daemon/job.h"
#include "daemon/dispatch.h"
#include "daemon/pools.h"
#include "daemon/templates.h"
#include "engine/engine.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "wire/reply.h"

#define BIT(n)		   (1u << (n))
#define GREETING_BYTES_MAX 4096 /* payload of the first frame */

/* The beginning of a frame up to this is kept, whatever the others have. */
#define PARTIAL_BYTES_SPARED (64u << 10)

static const uint8_t may_become[SESSION_STATES] = {
	[SESSION_GREETING] =
		BIT(SESSION_OPEN) | BIT(SESSION_PARTING) | BIT(SESSION_CLOSED),
	[SESSION_OPEN] = BIT(SESSION_PARTING) | BIT(SESSION_CLOSED),
	[SESSION_PARTING] = BIT(SESSION_CLOSED),
};

/* The only assignment to the state of a session that exists. */
static void session_move(struct session *s, enum session_state next) REACTOR_ONLY
{
	assert(may_become[s->state] & BIT(next));
	if (s->state == SESSION_GREETING)
		list_remove(&s->waiting);
	if (next == SESSION_PARTING ||
	    (next == SESSION_CLOSED && s->state != SESSION_PARTING))
		s->daemon->clients--;
	if (next >= SESSION_PARTING)
		takeover_forget(s);
	s->state = next;
}

void session_greeted(struct session *s)
{
	session_move(s, SESSION_OPEN);
	s->daemon->served = true;
	intake_limit(&s->in, s->daemon->limits.frame_max);
}

static bool takes_requests(const struct session *s)
{
	return s->state == SESSION_GREETING || s->state == SESSION_OPEN;
}

/* ---- the end ------------------------------------------------------------- */

static void reap(struct session *s)
{
	if (!s->drained || !list_empty(&s->jobs))
		return;
	list_remove(&s->link);
	list_append(&s->daemon->dead, &s->link);
}

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct session *s = container_of(owner, struct session, owner);

	reactor_slot_drop(s->daemon->reactor, s->slot);
	outbox_done(&s->out);
	s->daemon->connections--;
	log_say(LOG_LEVEL_DEBUG, "a client of user %u, process %d, left",
		(unsigned)s->peer.uid, (int)s->peer.pid);
	s->drained = true;
	reap(s);
}

void session_close(struct session *s)
{
	struct reactor *r = s->daemon->reactor;
	bool parting = s->state == SESSION_PARTING;

	if (s->state == SESSION_CLOSED)
		return;
	session_move(s, SESSION_CLOSED);
	timer_cancel(r, &s->parting);
	reactor_cancel(r, &s->recv);
	reactor_cancel(r, &s->hangup);
	outbox_close(&s->out);
	owner_close(&s->owner);
	if (parting)
		return;
	job_abandon_all(s);
	pools_leave_all(s);
}

/* A client that only ceased to send hears of its jobs until the last has ended; so does
 * one of a daemon that was replaced. */
static void close_when_served(struct session *s) REACTOR_ONLY
{
	bool served =
		s->state == SESSION_OPEN && list_empty(&s->jobs) && outbox_empty(&s->out);

	if (served && s->eof)
		session_close(s);
	else if (served && s->daemon->phase == DAEMON_RETIRING)
		session_fail(s, ESHUTDOWN, "%s", daemon_why_closed(s->daemon));
}

void session_retire(struct session *s)
{
	if (s->state == SESSION_GREETING)
		session_fail(s, ESHUTDOWN, "%s", daemon_why_closed(s->daemon));
	else
		close_when_served(s);
}

void session_job_ended(struct session *s)
{
	if (s->state == SESSION_CLOSED)
		reap(s);
	else
		close_when_served(s);
}

void session_fail(struct session *s, int error, const char *format, ...)
{
	char sentence[256];
	struct buf *buf;
	va_list args;

	if (!takes_requests(s))
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (error != ESHUTDOWN)
		log_often(&s->daemon->failed, reactor_now_ns(s->daemon->reactor),
			  LOG_LEVEL_INFO,
			  "a client of user %u, process %d, is cut off: %s",
			  (unsigned)s->peer.uid, (int)s->peer.pid, sentence);
	buf = outbox_open(&s->out);
	if (!buf || reply_encode_error(error, sentence, buf) < 0) {
		session_close(s);
		return;
	}
	outbox_commit(&s->out, OUTBOX_SOON);
	session_move(s, SESSION_PARTING);
	reactor_cancel(s->daemon->reactor, &s->recv);
	timer_arm(s->daemon->reactor, &s->parting,
		  reactor_now_ns(s->daemon->reactor) + SESSION_PART_NS);
	job_abandon_all(s);
	pools_leave_all(s);
}

static void on_parting(struct timer *timer) REACTOR_ONLY
{
	session_close(container_of(timer, struct session, parting));
}

/* ---- frames in ----------------------------------------------------------- */

static void on_recv(struct op *op, const struct completion *done) REACTOR_ONLY;

static void receive(struct session *s) REACTOR_ONLY
{
	if (takes_requests(s) && !s->eof && !s->paused && !op_armed(&s->recv))
		reactor_recv(s->daemon->reactor, &s->recv, s->slot);
}

/*
 * The beginnings of frames are bounded for all clients together: nobody is asked
 * to wait for the end of somebody else's.  A small one is never too much.
 */
static void count_partial(struct session *s) REACTOR_ONLY
{
	struct daemon *d = s->daemon;
	size_t held = intake_held(&s->in);

	d->partial_bytes += held - s->partial_bytes;
	s->partial_bytes = held;
	if (d->partial_bytes > d->limits.bytes_max && held > PARTIAL_BYTES_SPARED)
		session_fail(s, ENOMEM,
			     "no memory for a large frame: the daemon holds %zu bytes of "
			     "frames that have not ended",
			     d->partial_bytes);
}

static void take_bytes(struct session *s, const uint8_t *bytes, size_t size) REACTOR_ONLY
{
	struct frame frame;

	while (takes_requests(s)) {
		int ret = intake_next(&s->in, &bytes, &size, &frame);

		if (ret == 1)
			dispatch_frame(s, &frame);
		else if (ret == -EMSGSIZE)
			dispatch_too_long(s, &frame);
		else if (ret < 0)
			session_fail(s, -ret, "no memory for a frame");
		else
			break;
	}
	count_partial(s);
}

/* The descriptors are taken from the buffer in any state, for nobody else closes them. */
static void take_fds(struct session *s, struct buffer *buffer) REACTOR_ONLY
{
	int fds[SOCKET_FDS_MAX];
	int n = buffer_fds(buffer, fds, SOCKET_FDS_MAX);

	if (n == 0)
		return;
	if (n < 0)
		session_fail(s, EPROTO, "descriptors were lost on their way");
	else if (intake_add_fds(&s->in, fds, (unsigned)n) < 0)
		session_fail(s, EPROTO, "more than %d descriptors wait for their frame",
			     INTAKE_FDS_MAX);
}

/*
 * A client that became somebody else since it connected has the rights of then, which
 * it may have given up on purpose.
 */
static void check_sender(struct session *s, const struct buffer *buffer) REACTOR_ONLY
{
	struct ucred sender;

	if (!buffer_sender(buffer, &sender))
		session_fail(s, EPERM, "it is not known who sent a message: reconnect");
	else if (!peer_sent(&s->peer, &sender))
		session_fail(s, EPERM,
			     "a message of user %u, group %u on a connection of user %u, "
			     "group %u: reconnect",
			     (unsigned)sender.uid, (unsigned)sender.gid,
			     (unsigned)s->peer.uid, (unsigned)s->peer.gid);
}

/* Changes, for that the client sends no more is reported as well, and stays true. */
static void watch_hangup(struct session *s) REACTOR_ONLY
{
	reactor_poll_changes(s->daemon->reactor, &s->hangup, s->slot, POLLHUP | POLLERR);
}

/* The client will send no more; whether it still listens, the hang-up tells. */
static void on_eof(struct session *s) REACTOR_ONLY
{
	s->eof = true;
	if (intake_partial(&s->in))
		session_fail(s, EPROTO, "the connection ended inside a frame");
	else if (s->state == SESSION_GREETING)
		session_close(s);
	else if (s->state == SESSION_OPEN)
		watch_hangup(s);
	close_when_served(s);
}

static void on_recv(struct op *op, const struct completion *done)
{
	struct session *s = container_of(op, struct session, recv);

	if (done->res > 0)
		check_sender(s, done->buffer);
	if (done->buffer)
		take_fds(s, done->buffer);
	if (done->res > 0)
		take_bytes(s, buffer_bytes(done->buffer), (size_t)done->res);
	else if (done->res == 0 && takes_requests(s))
		on_eof(s);
	else if (done->res < 0 && done->res != -ECANCELED && done->res != -ENOBUFS &&
		 done->res != -EINTR && done->res != -EAGAIN)
		session_close(s);
	receive(s);
}

static void on_hangup(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct session *s = container_of(op, struct session, hangup);

	if (done->res > 0 && !(done->res & (POLLHUP | POLLERR))) {
		if (!done->more && s->state == SESSION_OPEN)
			watch_hangup(s);
	} else if (done->res != -ECANCELED) {
		session_close(s);
	}
}

/* ---- frames out ---------------------------------------------------------- */

/*
 * A client may have backlog_max queued; and when all of them together have more
 * than bytes_max, nobody more than its share of that.
 */
static size_t backlog_limit(const struct session *s)
{
	const struct daemon *d = s->daemon;
	size_t limit = d->limits.backlog_max;

	if (d->outboxes.queued_bytes > d->limits.bytes_max && d->outboxes.busy > 0) {
		size_t share = d->limits.bytes_max / d->outboxes.busy;

		if (share < limit)
			limit = share;
	}
	return limit;
}

static void pause_session(struct session *s, bool pause) REACTOR_ONLY
{
	s->paused = pause;
	job_pause_all(s, pause);
	if (pause)
		reactor_cancel(s->daemon->reactor, &s->recv);
	else
		receive(s);
}

void session_queued(struct session *s)
{
	if (!s->paused && s->out.queued_bytes > backlog_limit(s) && takes_requests(s))
		pause_session(s, true);
}

static void on_progress(struct outbox *outbox, int error) REACTOR_ONLY
{
	struct session *s = container_of(outbox, struct session, out);

	if (error < 0 || (s->state == SESSION_PARTING && outbox_empty(outbox))) {
		session_close(s);
		return;
	}
	if (s->paused && outbox->queued_bytes <= backlog_limit(s) / 2)
		pause_session(s, false);
	takeover_sent(s);
	close_when_served(s);
}

/* ---- life ---------------------------------------------------------------- */

int session_new(struct daemon *d, int slot, int fd, struct peer *peer)
{
	struct session *s = mem_zalloc(sizeof(*s));

	if (!s) {
		peer_done(peer);
		sys_close(fd);
		reactor_slot_drop(d->reactor, slot);
		return -ENOMEM;
	}
	reactor_slot_fill(d->reactor, slot, fd);
	s->daemon = d;
	s->slot = slot;
	s->peer = *peer;
	s->owner.on_drained = on_drained;
	s->parting.on_fire = on_parting;
	s->greet_by_ns = reactor_now_ns(d->reactor) + SESSION_GREET_NS;
	op_init(&s->recv, &s->owner, on_recv);
	op_init(&s->hangup, &s->owner, on_hangup);
	intake_init(&s->in, GREETING_BYTES_MAX);
	outbox_init(&s->out, &d->outboxes, &s->owner, slot, on_progress);
	table_init(&s->jobs_by_id);
	list_init(&s->jobs);
	list_init(&s->templates);
	table_init(&s->pools_by_id);
	list_init(&s->pools);
	admission_owner_init(&s->turns);
	list_append(&d->sessions, &s->link);
	list_append(&d->waiting, &s->waiting);
	d->clients++;
	d->connections++;
	log_say(LOG_LEVEL_DEBUG, "a client of user %u, process %d, connected",
		(unsigned)s->peer.uid, (int)s->peer.pid);
	receive(s);
	return 0;
}

void session_sweep(struct daemon *d)
{
	struct list *link;

	while ((link = list_take_first(&d->dead))) {
		struct session *s = container_of(link, struct session, link);

		d->partial_bytes -= s->partial_bytes;
		intake_done(&s->in);
		templates_done(s);
		table_done(&s->jobs_by_id);
		table_done(&s->pools_by_id);
		peer_done(&s->peer);
		mem_free(s);
	}
}
