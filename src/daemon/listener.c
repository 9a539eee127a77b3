/*
 * Connections come in as ordinary descriptors; what becomes of them is admit.c's.
 */
#include "daemon/listener.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/err.h"
#include "daemon/admit.h"
#include "daemon/daemon.h"
#include "sys/fd.h"
#include "sys/nowait.h"

#define RETRY_NS (100 * NS_PER_MS)

/* ---- accepting ----------------------------------------------------------- */

/* Something is scarce: trying again at once would only spin. */
static void back_off(struct listener *l, int error) REACTOR_ONLY
{
	struct reactor *r = l->daemon->reactor;

	log_often(&l->failed, reactor_now_ns(r), LOG_LEVEL_WARNING,
		  "cannot accept on %s: %s", l->name, err_name(error));
	timer_arm(r, &l->retry, reactor_now_ns(r) + RETRY_NS);
}

static void on_accept(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct listener *l = container_of(op, struct listener, accept);
	int error = done->res < 0 ? -done->res : 0;

	if (done->res >= 0)
		admit_connection(l->daemon, done->res);
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

static void accept_the_rest(struct listener *l) REACTOR_ONLY
{
	int fd;

	while (l->last_fd >= 0 && (fd = sys_accept_now(l->last_fd)) >= 0)
		admit_connection(l->daemon, fd);
	sys_close(l->last_fd);
	l->last_fd = -1;
}

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct listener *l = container_of(owner, struct listener, owner);

	accept_the_rest(l);
	reactor_slot_drop(l->daemon->reactor, l->slot);
	l->closed = true;
}

/* The file of a path; an abstract name has none. */
static bool socket_file(const char *name, struct stat *ret_stat)
{
	return name[0] != '@' && lstat(name, ret_stat) == 0;
}

static int prepare(struct listener *l, int fd, bool owns_file)
{
	struct stat st;
	int ret = sys_socket_name(fd, l->name);

	if (ret == 0)
		ret = sys_socket_share(fd);
	if (ret == 0)
		ret = sys_socket_pass_credentials(fd);
	if (ret == 0 && owns_file && socket_file(l->name, &st)) {
		l->owns_file = true;
		l->device = st.st_dev;
		l->inode = st.st_ino;
	}
	return ret;
}

int listener_open(struct listener *l, struct daemon *d, int fd, bool owns_file)
{
	int ret;

	*l = (struct listener){ .daemon = d, .slot = -1, .last_fd = -1 };
	ret = prepare(l, fd, owns_file);
	if (ret == 0)
		ret = l->slot = reactor_slot_take(d->reactor);
	if (ret < 0) {
		sys_close(fd);
		return ret;
	}
	reactor_slot_fill(d->reactor, l->slot, fd);
	l->owner.on_drained = on_drained;
	l->retry.on_fire = on_retry;
	op_init(&l->accept, &l->owner, on_accept);
	return 0;
}

void listener_accept(struct listener *l)
{
	reactor_accept(l->daemon->reactor, &l->accept, l->slot);
}

void listener_hand_over(struct listener *l, int fd)
{
	l->last_fd = fd;
	listener_stop(l, true);
}

void listener_stop(struct listener *l, bool keep_file)
{
	struct reactor *r = l->daemon->reactor;
	struct stat st;

	if (l->stopped)
		return;
	l->stopped = true;
	if (!keep_file && l->owns_file && socket_file(l->name, &st) &&
	    st.st_dev == l->device && st.st_ino == l->inode)
		unlink(l->name);
	timer_cancel(r, &l->retry);
	reactor_cancel(r, &l->accept);
	owner_close(&l->owner);
}
