/*
 * The old daemon's side: its sockets are in slots, so each is made an ordinary
 * descriptor first, one after the other, and the asking session's own as well: they
 * leave in one message beside the queue of frames.
 */
#include "daemon/replace.h"

#include <errno.h>
#include <uringspawn/wire.h>
#include "daemon/daemon.h"
#include "daemon/life.h"
#include "daemon/session.h"
#include "sys/fd.h"
#include "wire/frame.h"

static void close_all(struct takeover *t)
{
	while (t->n_fds > 0)
		sys_close(t->fds[--t->n_fds]);
}

/* takeover_forget() does the rest. */
static void fail(struct daemon *d, int error, const char *sentence) REACTOR_ONLY
{
	session_fail(d->takeover.session, error, "%s", sentence);
}

/* Which of the files are a daemon's to remove. */
static uint32_t owned(const struct front *front)
{
	uint32_t mask = 0;

	for (unsigned i = 0; i < front->n; i++)
		if (front->listeners[i].owns_file)
			mask |= 1u << i;
	return mask;
}

/* The listeners' go with it, and stay for what is left to be accepted from them. */
static ssize_t send_answer(struct daemon *d)
{
	struct takeover *t = &d->takeover;
	const struct frame frame = {
		.type = USP_WIRE_REPLACED,
		.fds = (uint8_t)d->front.n,
		.arg = owned(&d->front),
	};
	uint8_t header[USP_WIRE_HEADER_BYTES];
	struct iovec iov = { header, sizeof(header) };
	int session_fd = t->fds[--t->n_fds];
	ssize_t n;

	frame_encode_header(&frame, header);
	n = sys_socket_send(session_fd, &iov, 1, t->fds, t->n_fds, false);
	sys_close(session_fd);
	return n == (ssize_t)sizeof(header) ? 0 : -EPIPE;
}

/* All of them are there; the frames that were queued before leave first. */
static void give(struct daemon *d) REACTOR_ONLY
{
	struct takeover *t = &d->takeover;

	if (!outbox_empty(&t->session->out))
		return;
	t->complete = false;
	t->given = true;
	if (send_answer(d) < 0)
		session_close(t->session);
}

void takeover_sent(struct session *s)
{
	const struct takeover *t = &s->daemon->takeover;

	if (t->session != s || !t->complete)
		return;
	if (s->daemon->phase == DAEMON_SERVING)
		give(s->daemon);
	else
		fail(s->daemon, ESHUTDOWN, "the daemon stops");
}

static void install_next(struct daemon *d) REACTOR_ONLY
{
	struct takeover *t = &d->takeover;
	int slot = t->n_fds < d->front.n ? d->front.listeners[t->n_fds].slot
					 : t->session->slot;

	reactor_install(d->reactor, &t->install, slot);
}

static void complete(struct daemon *d) REACTOR_ONLY
{
	d->takeover.complete = true;
	give(d);
}

static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct takeover *t = container_of(op, struct takeover, install);
	struct daemon *d = container_of(t, struct daemon, takeover);

	if (done->res >= 0)
		t->fds[t->n_fds++] = done->res;
	if (!t->session)
		close_all(t); /* who asked is gone */
	else if (d->phase != DAEMON_SERVING)
		fail(d, ESHUTDOWN, "the daemon stops");
	else if (done->res < 0)
		fail(d, ENOMEM, "no descriptors for the sockets");
	else if (t->n_fds <= d->front.n)
		install_next(d);
	else
		complete(d);
}

static void asked(struct session *s) REACTOR_ONLY
{
	struct daemon *d = s->daemon;
	struct takeover *t = &d->takeover;

	if (t->session || op_armed(&t->install)) {
		session_fail(s, EBUSY, "another daemon is taking over already");
		return;
	}
	*t = (struct takeover){ .session = s };
	op_init(&t->install, &s->owner, on_installed);
	install_next(d);
}

void takeover_frame(struct session *s, const struct frame *frame)
{
	struct daemon *d = s->daemon;

	if (d->config->is_private)
		session_fail(s, EPERM, "a private daemon is not replaced");
	else if (!peer_may_replace(&s->peer, &d->self))
		session_fail(s, EPERM, "only user %u and root may replace this daemon",
			     (unsigned)d->self.uid);
	else if (d->phase != DAEMON_SERVING)
		session_fail(s, ESHUTDOWN, "%s",
			     d->phase < DAEMON_DRAINING
				     ? "another daemon took over already"
				     : "the daemon stops");
	else if (frame->arg == USP_WIRE_REPLACE_ASK)
		asked(s);
	else if (d->takeover.session != s || !d->takeover.given)
		session_fail(s, EPROTO, "REPLACE: nothing was handed over");
	else
		life_replaced(d, s->peer.pid);
}

void takeover_forget(struct session *s)
{
	struct takeover *t = &s->daemon->takeover;

	if (t->session != s)
		return;
	t->session = NULL;
	t->complete = t->given = false;
	if (!op_armed(&t->install))
		close_all(t);
}

bool takeover_is_given(const struct daemon *d)
{
	return d->takeover.given;
}
