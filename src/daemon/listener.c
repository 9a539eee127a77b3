/*
 * Connections come in as ordinary descriptors, are asked who they are, and move
 * to a slot.  One that says nothing may not keep out one that has something to
 * say: when there are too many, the oldest that did not say HELLO has to go.
 */
#include "daemon/listener.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "daemon/daemon.h"
#include "daemon/session.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "wire/reply.h"

#define BACKLOG	 4096
#define RETRY_NS (100 * NS_PER_MS)

/* ---- who may come in ----------------------------------------------------- */

/* Answer a connection that gets no session.  What does not fit at once is not sent. */
static void turn_away(int fd, int error, const char *sentence)
{
	struct buf buf;

	buf_init(&buf, 1024);
	if (reply_encode_error(error, sentence, &buf) == 0) {
		struct iovec iov = { buf_bytes(&buf), buf_size(&buf) };

		sys_socket_send(fd, &iov, 1, NULL, 0, false);
	}
	buf_done(&buf);
	sys_close(fd);
}

static bool is_welcome(const struct daemon *d, int fd, char *sentence, size_t size)
{
	uid_t uid;
	int ret = sys_socket_peer(fd, &uid, NULL, NULL);

	if (ret < 0)
		snprintf(sentence, size, "the peer's user is not known: %s",
			 err_name(-ret));
	else if (uid != d->uid && uid != 0)
		snprintf(sentence, size,
			 "this daemon serves user %u and root, not user %u",
			 (unsigned)d->uid, (unsigned)uid);
	else
		return true;
	return false;
}

/* Make the connection that has been silent for longest give up its place. */
static bool make_room(struct daemon *d) REACTOR_ONLY
{
	struct list *oldest = list_first(&d->waiting);

	if (!oldest)
		return false;
	session_fail(container_of(oldest, struct session, waiting), EBUSY,
		     "no HELLO so far, and the place is needed");
	return true;
}

static void arm_greeting(struct listener *l) REACTOR_ONLY
{
	struct list *oldest = list_first(&l->daemon->waiting);

	if (oldest && !l->greeting.node.linked)
		timer_arm(l->daemon->reactor, &l->greeting,
			  container_of(oldest, struct session, waiting)->greet_by_ns);
}

static void admit(struct listener *l, int fd) REACTOR_ONLY
{
	struct daemon *d = l->daemon;
	char sentence[128];
	int slot;

	if (!is_welcome(d, fd, sentence, sizeof(sentence))) {
		turn_away(fd, EACCES, sentence);
		return;
	}
	if (d->clients >= daemon_clients_max(d) && !make_room(d)) {
		snprintf(sentence, sizeof(sentence),
			 "%u clients are connected, as many as may", d->clients);
		turn_away(fd, EBUSY, sentence);
		return;
	}
	slot = reactor_slot_take(d->reactor);
	if (slot < 0) {
		make_room(d); /* for the next */
		turn_away(fd, EBUSY, "no descriptor is free for one more client");
		return;
	}
	if (session_new(d, slot, fd) == 0)
		arm_greeting(l);
}

static void on_greeting_due(struct timer *timer) REACTOR_ONLY
{
	struct listener *l = container_of(timer, struct listener, greeting);
	struct list *oldest;

	while ((oldest = list_first(&l->daemon->waiting))) {
		struct session *s = container_of(oldest, struct session, waiting);

		if (s->greet_by_ns > reactor_now_ns(l->daemon->reactor))
			break;
		session_fail(s, ETIMEDOUT, "no HELLO within %u seconds",
			     (unsigned)(SESSION_GREET_NS / NS_PER_S));
	}
	if (!l->stopped)
		arm_greeting(l);
}

/* ---- accepting ----------------------------------------------------------- */

/* Something is scarce: trying again at once would only spin. */
static void back_off(struct listener *l, int error) REACTOR_ONLY
{
	if (!l->told)
		fprintf(stderr, "uringspawnd: cannot accept: %s\n", err_name(error));
	l->told = true;
	timer_arm(l->daemon->reactor, &l->retry,
		  reactor_now_ns(l->daemon->reactor) + RETRY_NS);
}

static void on_accept(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct listener *l = container_of(op, struct listener, accept);
	int error = done->res < 0 ? -done->res : 0;

	if (done->res >= 0) {
		l->told = false;
		if (l->stopped)
			turn_away(done->res, ESHUTDOWN, "the daemon stops");
		else
			admit(l, done->res);
	}
	if (l->stopped || op_armed(op))
		return;
	if (!error || error == EINTR || error == ECONNABORTED || error == EAGAIN)
		reactor_accept(l->daemon->reactor, op, l->slot);
	else
		back_off(l, error);
}

static void on_retry(struct timer *timer) REACTOR_ONLY
{
	struct listener *l = container_of(timer, struct listener, retry);

	reactor_accept(l->daemon->reactor, &l->accept, l->slot);
}

/* ---- life ---------------------------------------------------------------- */

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct listener *l = container_of(owner, struct listener, owner);

	reactor_slot_drop(l->daemon->reactor, l->slot);
	l->closed = true;
}

/* The file of a path; an abstract name has none. */
static bool socket_file(const char *name, struct stat *ret_stat)
{
	return name[0] != '@' && stat(name, ret_stat) == 0;
}

static int listen_in_slot(struct reactor *r, const char *name, int *ret_slot) REACTOR_ONLY
{
	int slot, fd;

	slot = reactor_slot_take(r);
	if (slot < 0)
		return slot;
	fd = sys_socket_listen(name, BACKLOG);
	if (fd < 0) {
		reactor_slot_drop(r, slot);
		return fd;
	}
	reactor_slot_fill(r, slot, fd);
	*ret_slot = slot;
	return 0;
}

int listener_open(struct listener *l, struct daemon *d, const char *name)
{
	struct stat st;
	int slot, ret;

	ret = listen_in_slot(d->reactor, name, &slot);
	if (ret < 0)
		return ret;
	*l = (struct listener){ .daemon = d, .name = name, .slot = slot };
	l->owner.on_drained = on_drained;
	l->retry.on_fire = on_retry;
	l->greeting.on_fire = on_greeting_due;
	if (socket_file(name, &st)) {
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	op_init(&l->accept, &l->owner, on_accept);
	reactor_accept(d->reactor, &l->accept, slot);
	return 0;
}

void listener_stop(struct listener *l)
{
	struct reactor *r = l->daemon->reactor;
	struct stat st;

	if (l->stopped)
		return;
	l->stopped = true;
	if (socket_file(l->name, &st) && st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->name);
	timer_cancel(r, &l->retry);
	timer_cancel(r, &l->greeting);
	reactor_cancel(r, &l->accept);
	owner_close(&l->owner);
}
