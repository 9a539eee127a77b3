/*
 * The size of the child's terminal.
 */
#include "process/terminal.h"

#include "base/clock.h"
#include "base/list.h"
#include "sys/fd.h"
#include "sys/pty.h"

static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY;
static void on_retry(struct timer *timer) REACTOR_ONLY;

/* Until a descriptor is tried to be had again. */
#define RETRY_NS (10 * NS_PER_MS)

void terminal_init(struct terminal *t, struct reactor *r, struct owner *owner)
{
	*t = (struct terminal){ .reactor = r, .slot = -1 };
	t->retry.on_fire = on_retry;
	op_init(&t->install, owner, on_installed);
}

static void step(struct terminal *t) REACTOR_ONLY
{
	if (t->changed && t->slot >= 0 && !op_armed(&t->install) && !t->retry.node.linked)
		reactor_install(t->reactor, &t->install, t->slot);
}

static void on_installed(struct op *op, const struct completion *done)
{
	struct terminal *t = container_of(op, struct terminal, install);

	if (done->res >= 0) {
		(void)sys_pty_resize(done->res, &t->size);
		sys_close(done->res);
		t->changed = false;
	} else if (t->slot >= 0) {
		timer_arm(t->reactor, &t->retry, reactor_now_ns(t->reactor) + RETRY_NS);
	}
}

static void on_retry(struct timer *timer)
{
	step(container_of(timer, struct terminal, retry));
}

void terminal_open(struct terminal *t, int slot)
{
	t->slot = slot;
	step(t);
}

void terminal_resize(struct terminal *t, const struct usp_winsize *size)
{
	t->size = *size;
	t->changed = true;
	step(t);
}

void terminal_stop(struct terminal *t)
{
	timer_cancel(t->reactor, &t->retry);
	t->slot = -1;
}
