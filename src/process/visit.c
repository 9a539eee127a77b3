/*
 * A visit: what is done to the file in a slot by a call that wants an ordinary
 * descriptor.
 */
#include "process/visit.h"

#include "base/clock.h"
#include "base/list.h"
#include "sys/fd.h"

static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY;
static void on_retry(struct timer *timer) REACTOR_ONLY;

/* Until a descriptor is tried to be had again. */
#define RETRY_NS (10 * NS_PER_MS)

void visit_init(struct visit *v, struct reactor *r, struct owner *owner, visit_fn *run)
{
	*v = (struct visit){ .reactor = r, .run = run, .slot = -1 };
	v->retry.on_fire = on_retry;
	op_init(&v->install, owner, on_installed);
}

static void step(struct visit *v) REACTOR_ONLY
{
	if (v->wanted && v->slot >= 0 && !op_armed(&v->install) && !v->retry.node.linked)
		reactor_install(v->reactor, &v->install, v->slot);
}

static void on_installed(struct op *op, const struct completion *done)
{
	struct visit *v = container_of(op, struct visit, install);

	if (done->res >= 0) {
		v->wanted = false;
		v->run(v, done->res);
		sys_close(done->res);
	} else if (v->slot >= 0) {
		timer_arm(v->reactor, &v->retry, reactor_now_ns(v->reactor) + RETRY_NS);
	}
}

static void on_retry(struct timer *timer)
{
	step(container_of(timer, struct visit, retry));
}

void visit_open(struct visit *v, int slot)
{
	v->slot = slot;
	step(v);
}

void visit_want(struct visit *v)
{
	v->wanted = true;
	step(v);
}

void visit_stop(struct visit *v)
{
	timer_cancel(v->reactor, &v->retry);
	v->slot = -1;
}
