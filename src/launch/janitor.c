/*
 * The janitor: one thread for what may take long and is not in a hurry.
 *
 * Dialect: launcher.  An errand touches its own object and nothing of the reactor's;
 * it is told back by the mailbox.
 *
 * Errands go out on a stack that the reactor alone pushes to and that the janitor
 * takes as a whole, so that a single word is all the two threads share.
 */
#include "launch/janitor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include "base/alloc.h"
#include "sys/futex.h"

/* Errands keep their paths and what they read on the stack; sanitizers want more. */
#define JANITOR_STACK_BYTES (256u << 10)

struct janitor {
	struct reactor *reactor;
	struct mailbox *mailbox; /* NULL: there is no thread yet */
	pthread_t thread;
	struct errand *_Atomic posted; /* the latest first */
	_Atomic uint32_t asleep;       /* futex: 1 while it sleeps or is about to */
	_Atomic bool closing;
};

/* ---- the thread ---------------------------------------------------------- */

/* All that were posted, the earliest first. */
static struct errand *take_all(struct janitor *j) JANITOR_ONLY
{
	struct errand *latest = atomic_exchange(&j->posted, NULL);
	struct errand *first = NULL;

	while (latest) {
		struct errand *errand = latest;

		latest = errand->next;
		errand->next = first;
		first = errand;
	}
	return first;
}

/*
 * What there is to do, or NULL when the janitor is closing.
 *
 * "Asleep" is said before the stack is looked at for the last time, and the reactor
 * pushes before it looks who is asleep: one of the two sees the other.
 */
static struct errand *next_errands(struct janitor *j) JANITOR_ONLY
{
	struct errand *errands;

	while (!(errands = take_all(j)) && !j->closing) {
		atomic_store(&j->asleep, 1);
		errands = take_all(j);
		if (errands || j->closing)
			break;
		while (atomic_load(&j->asleep) == 1)
			sys_futex_wait((uint32_t *)&j->asleep, 1);
	}
	atomic_store(&j->asleep, 0);
	return errands;
}

/* The errand is the reactor's again before it is told, so nothing of it is read after. */
static void *janitor_main(void *arg)
{
	struct janitor *j = arg;
	struct errand *errand, *next;

	enter_janitor();
	while ((errand = next_errands(j))) {
		for (; errand; errand = next) {
			int res = errand->run(errand);

			next = errand->next;
			atomic_store_explicit(&errand->out, false, memory_order_release);
			mailbox_post(j->mailbox, &errand->op, res);
		}
	}
	return NULL;
}

/* ---- the reactor's side -------------------------------------------------- */

static void on_back(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct errand *errand = container_of(op, struct errand, op);

	assert(!atomic_load_explicit(&errand->out, memory_order_acquire));
	errand->on_done(errand, done->res);
}

void errand_init(struct errand *errand, struct owner *owner, errand_fn *run,
		 errand_done_fn *on_done)
{
	*errand = (struct errand){ .run = run, .on_done = on_done };
	op_init(&errand->op, owner, on_back);
}

/* A thread inherits the mask that its maker has at that moment. */
static int start_thread(struct janitor *j)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, JANITOR_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&j->thread, &attr, janitor_main, j);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -ret;
}

static int start(struct janitor *j) REACTOR_ONLY
{
	int ret = mailbox_open(j->reactor, &j->mailbox);

	if (ret < 0)
		return ret;
	ret = start_thread(j);
	if (ret < 0) {
		mailbox_close(j->mailbox);
		j->mailbox = NULL;
	}
	return ret;
}

static void push(struct janitor *j, struct errand *errand) REACTOR_ONLY
{
	errand->next = atomic_load_explicit(&j->posted, memory_order_relaxed);
	while (!atomic_compare_exchange_weak(&j->posted, &errand->next, errand))
		continue;
}

int janitor_post(struct janitor *j, struct errand *errand)
{
	int ret = j->mailbox ? 0 : start(j);

	if (ret < 0)
		return ret;
	reactor_expect(j->reactor, &errand->op);
	atomic_store_explicit(&errand->out, true, memory_order_relaxed);
	push(j, errand);
	if (atomic_exchange(&j->asleep, 0))
		reactor_wake(j->reactor, (uint32_t *)&j->asleep);
	return 0;
}

/* ---- start and end ------------------------------------------------------- */

int janitor_open(struct reactor *r, struct janitor **ret_janitor)
{
	struct janitor *j = mem_zalloc(sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->reactor = r;
	*ret_janitor = j;
	return 0;
}

void janitor_close(struct janitor *j)
{
	if (!j)
		return;
	if (j->mailbox) {
		j->closing = true;
		atomic_store(&j->asleep, 0);
		sys_futex_wake((uint32_t *)&j->asleep, 1);
		pthread_join(j->thread, NULL);
		mailbox_close(j->mailbox);
	}
	assert(!j->posted);
	mem_free(j);
}
