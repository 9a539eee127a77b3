/*
 * Connections are asked who they are, and move to a slot.  One that says nothing may
 * not keep out one that has something to say: when there are too many, the oldest that
 * did not say HELLO has to go.
 */
#include "daemon/admit.h"

#include <errno.h>
#include <stdio.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "daemon/daemon.h"
#include "daemon/session.h"
#include "sys/fd.h"
#include "wire/reply.h"

/* As much as several programs write at one time: a send that stops half-way is two, and the
 * client is woken for each. */
#define SEND_BYTES (512 << 10)

/* Answer a connection that gets no session.  What does not fit at once is not sent. */
static void turn_away(struct daemon *d, int fd, int error,
		      const char *sentence) REACTOR_ONLY
{
	struct buf buf;

	log_often(&d->refused, reactor_now_ns(d->reactor), LOG_LEVEL_INFO,
		  "a client was refused: %s", sentence);
	buf_init(&buf, 1024);
	if (reply_encode_error(error, sentence, &buf) == 0) {
		struct iovec iov = { buf_bytes(&buf), buf_size(&buf) };

		sys_socket_send(fd, &iov, 1, NULL, 0, false);
	}
	buf_done(&buf);
	sys_close(fd);
}

/* Says whom it serves. */
static void say_unwelcome(const struct daemon *d, const struct peer *peer, char *sentence,
			  size_t size)
{
	bool shared = config_is_shared(d->config);
	const char *others = d->config->is_private ? " alone"
			     : shared		   ? ", and root, and who was allowed"
						   : " and root";

	snprintf(sentence, size, "this daemon serves user %u%s, not user %u",
		 (unsigned)d->self.uid, others, (unsigned)peer->uid);
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

static void arm_greeting(struct daemon *d) REACTOR_ONLY
{
	struct list *oldest = list_first(&d->waiting);

	if (oldest && !d->greeting.node.linked)
		timer_arm(d->reactor, &d->greeting,
			  container_of(oldest, struct session, waiting)->greet_by_ns);
}

static void on_greeting_due(struct timer *timer) REACTOR_ONLY
{
	struct daemon *d = container_of(timer, struct daemon, greeting);
	struct list *oldest;

	while ((oldest = list_first(&d->waiting))) {
		struct session *s = container_of(oldest, struct session, waiting);

		if (s->greet_by_ns > reactor_now_ns(d->reactor))
			break;
		session_fail(s, ETIMEDOUT, "no HELLO within %u seconds",
			     (unsigned)(SESSION_GREET_NS / NS_PER_S));
	}
	arm_greeting(d);
}

/* Is there a place for one more?  Returns a slot, or -1 with a sentence. */
static int find_place(struct daemon *d, char *sentence, size_t size) REACTOR_ONLY
{
	int slot;

	if (d->clients >= daemon_clients_max(d) && !make_room(d)) {
		snprintf(sentence, size, "%u clients are connected, as many as may",
			 d->clients);
		return -1;
	}
	slot = reactor_slot_take(d->reactor);
	if (slot >= 0)
		return slot;
	make_room(d); /* for the next */
	snprintf(sentence, size, "no descriptor is free for one more client");
	return -1;
}

void admit_connection(struct daemon *d, int fd)
{
	struct peer peer = { 0 };
	char sentence[128];
	int slot, ret;

	if (!daemon_is_open(d)) {
		turn_away(d, fd, ESHUTDOWN, daemon_why_closed(d));
		return;
	}
	ret = peer_read(&peer, fd);
	if (ret < 0) {
		snprintf(sentence, sizeof(sentence), "the peer's user is not known: %s",
			 err_name(-ret));
		turn_away(d, fd, EACCES, sentence);
		return;
	}
	if (!peer_may_connect(&peer, &d->self, d->config)) {
		say_unwelcome(d, &peer, sentence, sizeof(sentence));
		turn_away(d, fd, EACCES, sentence);
	} else if ((slot = find_place(d, sentence, sizeof(sentence))) < 0) {
		turn_away(d, fd, EBUSY, sentence);
	} else {
		sys_socket_send_space(fd, SEND_BYTES);
		if (session_new(d, slot, fd, &peer) == 0)
			arm_greeting(d);
		return; /* it took the peer */
	}
	peer_done(&peer);
}

/* A client may not take the slots that jobs need: three out of four are theirs. */
void admit_init(struct daemon *d)
{
	d->clients_room = reactor_slots_free(d->reactor) / 4;
	list_init(&d->sessions);
	list_init(&d->pools);
	list_init(&d->listed);
	table_init(&d->jobs_by_number);
	list_init(&d->waiting);
	list_init(&d->dead);
	d->greeting.on_fire = on_greeting_due;
}

void admit_stop(struct daemon *d)
{
	timer_cancel(d->reactor, &d->greeting);
}
