/*
 * Signals to one process, its group or its tree, and the kill plan.
 */
#include "process/kill.h"

#include <errno.h>
#include <signal.h>
#include "base/clock.h"
#include "base/list.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

static void on_installed(struct op *op, const struct completion *done) REACTOR_ONLY;
static void on_grace_over(struct timer *timer) REACTOR_ONLY;
static void on_retry(struct timer *timer) REACTOR_ONLY;

/* Until a descriptor is tried to be had again. */
#define RETRY_NS (10 * NS_PER_MS)

#define BIT_OF(signal) (UINT64_C(1) << ((signal)-1))

void kill_init(struct kill *k, struct tree *tree, struct owner *owner,
	       const struct kill_verbs *verbs, int *reserve_fd)
{
	*k = (struct kill){
		.reactor = tree->reactor,
		.tree = tree,
		.verbs = verbs,
		.reserve_fd = reserve_fd,
		.slot = -1,
	};
	k->grace.on_fire = on_grace_over;
	k->retry.on_fire = on_retry;
	op_init(&k->install, owner, on_installed);
}

/*
 * Before Linux 6.9 a group is reached by its number, while that is surely its.
 * A process may have left the group that it led: it is not spared by that.
 */
static void send_to_group(struct kill *k, int pidfd, int signal)
{
	int ret = sys_pidfd_signal(pidfd, signal, true);

	if (k->reaped)
		return;
	if (ret == -EINVAL)
		ret = sys_kill_group(k->pid, signal);
	if (ret == -ESRCH || signal == SIGKILL)
		(void)sys_pidfd_signal(pidfd, signal, false);
}

static void send_all(struct kill *k, int pidfd) REACTOR_ONLY
{
	const uint64_t last = BIT_OF(SIGKILL);
	bool is_last = (k->to_group | k->to_process) & last;
	bool group_is_last = k->to_group & last;

	for (int signal = 1; signal < NSIG; signal++) {
		const uint64_t bit = BIT_OF(signal);

		if (k->to_group & bit)
			send_to_group(k, pidfd, signal);
		if (k->to_process & bit)
			(void)sys_pidfd_signal(pidfd, signal, false);
	}
	k->to_group = k->to_process = 0;
	k->settled |= group_is_last;
	if (is_last)
		k->verbs->on_last(k);
}

/* What was sent has gone out, and a plan for a group is through with it. */
static bool is_settled(const struct kill *k)
{
	bool pending = k->to_group || k->to_process;
	bool has_group = k->planned && k->plan.target == USP_TARGET_GROUP;

	return !pending && (k->settled || !has_group);
}

/* Signal 0 is sent to nobody, and says whether there is somebody. */
static void look_at_group(struct kill *k, int pidfd) REACTOR_ONLY
{
	if (sys_pidfd_signal(pidfd, 0, true) == 0)
		timer_arm(k->reactor, &k->retry, reactor_now_ns(k->reactor) + RETRY_NS);
	else
		k->settled = true;
}

static void step(struct kill *k) REACTOR_ONLY
{
	bool wanted = k->to_group || k->to_process || (k->settling && !is_settled(k));

	if (wanted && k->slot >= 0 && !op_armed(&k->install) && !k->retry.node.linked)
		reactor_install(k->reactor, &k->install, k->slot);
}

static void on_retry(struct timer *timer)
{
	step(container_of(timer, struct kill, retry));
}

/* There was no descriptor to be had: the reserve is given for it, or else time. */
static void try_again(struct kill *k) REACTOR_ONLY
{
	if (*k->reserve_fd >= 0) {
		sys_close(*k->reserve_fd);
		*k->reserve_fd = -1;
		step(k);
		return;
	}
	timer_arm(k->reactor, &k->retry, reactor_now_ns(k->reactor) + RETRY_NS);
}

static void close_installed(struct kill *k, int fd)
{
	sys_close(fd);
	if (*k->reserve_fd < 0)
		*k->reserve_fd = sys_open_null();
}

static void on_installed(struct op *op, const struct completion *done)
{
	struct kill *k = container_of(op, struct kill, install);

	if (k->slot < 0) {
		sys_close(done->res); /* stopped meanwhile */
		return;
	}
	if (done->res == -EMFILE || done->res == -ENFILE || done->res == -ENOMEM) {
		try_again(k);
		return;
	}
	if (done->res >= 0) {
		send_all(k, done->res);
		if (k->settling && !is_settled(k))
			look_at_group(k, done->res);
		close_installed(k, done->res);
	} else {
		k->to_group = k->to_process = 0;
		k->settled = true;
	}
	step(k);
	if (k->settling && is_settled(k))
		k->verbs->on_settled(k);
}

void kill_open(struct kill *k, int slot, pid_t pid)
{
	k->slot = slot;
	k->pid = pid;
	step(k);
}

/* Who sends SIGKILL to all of it wants all of it to be gone. */
static void send_to_tree(struct kill *k, int signal) REACTOR_ONLY
{
	if (signal == SIGKILL)
		tree_doom(k->tree);
	tree_signal(k->tree, signal);
}

/* As the kernel does with those that are pending: of stop and go on, the last word counts. */
static void add(uint64_t *waiting, int signal)
{
	const uint64_t stops =
		BIT_OF(SIGSTOP) | BIT_OF(SIGTSTP) | BIT_OF(SIGTTIN) | BIT_OF(SIGTTOU);

	if (signal == SIGCONT)
		*waiting &= ~stops;
	else if (BIT_OF(signal) & stops)
		*waiting &= ~BIT_OF(SIGCONT);
	*waiting |= BIT_OF(signal);
}

void kill_send(struct kill *k, int signal, enum usp_target target)
{
	if (target == USP_TARGET_TREE)
		send_to_tree(k, signal);
	else
		add(target == USP_TARGET_GROUP ? &k->to_group : &k->to_process, signal);
	step(k);
}

static void on_grace_over(struct timer *timer)
{
	struct kill *k = container_of(timer, struct kill, grace);

	kill_send(k, SIGKILL, k->plan.target);
}

/* A plan that is being carried out may be cut short, and no more than that. */
static void hasten(struct kill *k, uint64_t grace_ns) REACTOR_ONLY
{
	uint64_t due_ns = clock_after(reactor_now_ns(k->reactor), grace_ns);

	if (k->grace.node.linked && due_ns < k->grace.node.key)
		timer_arm(k->reactor, &k->grace, due_ns);
}

void kill_start(struct kill *k, const struct usp_kill *plan)
{
	if (k->planned) {
		hasten(k, plan->grace_ns);
		return;
	}
	k->planned = true;
	k->plan = *plan;
	if (plan->target == USP_TARGET_TREE)
		tree_doom(k->tree);
	kill_send(k, plan->signal, plan->target);
	if (plan->signal != SIGKILL)
		timer_arm(k->reactor, &k->grace,
			  clock_after(reactor_now_ns(k->reactor), plan->grace_ns));
}

bool kill_settle(struct kill *k)
{
	k->settling = true;
	step(k);
	return is_settled(k);
}

void kill_stop(struct kill *k)
{
	timer_cancel(k->reactor, &k->grace);
	timer_cancel(k->reactor, &k->retry);
	k->to_group = k->to_process = 0;
	k->settling = false;
	k->slot = -1;
}
