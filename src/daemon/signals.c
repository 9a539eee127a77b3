/*
 * A signalfd in a slot.
 */
#include "daemon/signals.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "sys/fd.h"

int signals_block(sigset_t *ret_set)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	*ret_set = set;
	return 0;
}

static void on_readable(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct signals *s = container_of(op, struct signals, readable);
	struct signalfd_siginfo info;

	(void)done;
	while (read(s->fd, &info, sizeof(info)) == sizeof(info))
		s->on_signal(s, (int)info.ssi_signo);
	if (!s->stopped)
		reactor_poll(s->reactor, op, s->slot, POLLIN);
}

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct signals *s = container_of(owner, struct signals, owner);

	reactor_slot_drop(s->reactor, s->slot);
	sys_close(s->fd);
	s->closed = true;
}

int signals_open(struct signals *s, struct reactor *r, const sigset_t *set,
		 void (*on_signal)(struct signals *signals, int signal))
{
	int fd, copy, slot;

	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	copy = sys_dup(fd);
	slot = copy < 0 ? copy : reactor_slot_take(r);
	if (slot < 0) {
		sys_close(copy);
		sys_close(fd);
		return slot;
	}
	*s = (struct signals){
		.reactor = r,
		.fd = fd,
		.slot = slot,
		.owner.on_drained = on_drained,
		.on_signal = on_signal,
	};
	reactor_slot_fill(r, slot, copy);
	op_init(&s->readable, &s->owner, on_readable);
	reactor_poll(r, &s->readable, slot, POLLIN);
	return 0;
}

void signals_stop(struct signals *s)
{
	if (s->stopped)
		return;
	s->stopped = true;
	reactor_cancel(s->reactor, &s->readable);
	owner_close(&s->owner);
}
