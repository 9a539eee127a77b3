/*
 * One launch.  Dialect: launcher.
 */
#include "launch/launch.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include "base/clock.h"
#include "launch/child.h"
#include "sys/clone3.h"
#include "sys/fd.h"
#include "sys/limits.h"
#include "sys/pidfd.h"

/*
 * A program that somebody has open for writing cannot be executed.  Who wrote it just
 * now is through with it soon, and so is a child of another thread that holds its
 * descriptor until its own exec.  All tries together take 6 ms.
 */
#define BUSY_TRIES	  9
#define BUSY_PAUSE_NS	  (100 * NS_PER_US)
#define BUSY_PAUSE_NS_MAX NS_PER_MS

/* The child is gone without having run its program: tell how, and reap it. */
static void take_failure(struct plan *plan) LAUNCHER_ONLY
{
	siginfo_t info = { 0 };

	atomic_store(&plan->child, 0);
	if (sys_pidfd_reap(plan->pidfd, &info) < 0 || plan->error)
		return;
	if (info.si_code == CLD_EXITED)
		plan->error = EPROTO; /* it exits only by fail(), which sets the error */
	else
		plan->signal = info.si_status;
}

/*
 * A child at stage EXEC without an error runs its program, or was killed while
 * the kernel was at it.  Only the reactor kills children at that time, and leaves
 * word; then /proc knows.
 */
static bool died_in_exec(const struct plan *plan) LAUNCHER_ONLY
{
	return plan_started(plan) && plan->cancelled && !sys_has_execed(plan->pid);
}

/* No child: what stands against it. */
static void note_refusal(struct plan *plan, int error)
{
	plan->path = error == -EAGAIN ? sys_process_limit() : plan_limit_name(error);
	if (plan_cgroup_refused(plan, error)) {
		plan->stage = USP_STAGE_CGROUP;
		plan->path = "cgroup";
	}
}

static int make_child(struct plan *plan, const struct launch_place *place) LAUNCHER_ONLY
{
	int pidfd = -1; /* set by the kernel also by a clone that then fails */
	struct clone_request request = {
		.stack = place->stack,
		.stack_bytes = place->stack_bytes,
		.fn = child_run,
		.arg = plan,
		.ret_pidfd = &pidfd,
		.in_cgroup = plan->cgroup_fd >= 0,
		.cgroup_fd = plan->cgroup_fd,
	};
	int ret;

	plan->stage = USP_STAGE_CLONE;
	ret = sys_clone_vfork(&request, plan->setup->use_clone3);
	if (ret < 0) {
		note_refusal(plan, ret);
		return ret;
	}
	plan->pid = ret;
	plan->pidfd = pidfd;
	plan->execed_ns = clock_now_ns();
	if (!plan->prepared)
		plan_give_pidfd(plan);
	if (plan_started(plan) && !died_in_exec(plan))
		return 0;
	take_failure(plan);
	return plan->error ? -plan->error : -EINTR;
}

static bool is_busy(const struct plan *plan, int ret)
{
	return ret == -ETXTBSY && plan->stage == USP_STAGE_EXEC && !plan->cancelled;
}

static void pause_before(int try)
{
	uint64_t pause_ns = BUSY_PAUSE_NS << (try - 1);
	const struct timespec pause = {
		.tv_nsec = (long)(pause_ns < BUSY_PAUSE_NS_MAX ? pause_ns
							       : BUSY_PAUSE_NS_MAX),
	};

	nanosleep(&pause, NULL);
}

/* What the last try left: nothing. */
static void forget_try(struct plan *plan)
{
	sys_close(plan->pidfd);
	plan->pidfd = -1;
	plan->error = 0;
	plan->path = "";
}

int launch(struct plan *plan, const struct launch_place *place)
{
	int ret;

	plan->stage = USP_STAGE_ADMISSION;
	if (plan->cancelled)
		return -ECANCELED;
	plan->stage = USP_STAGE_FDS;
	ret = plan_open(plan, place->host);
	if (ret < 0) {
		plan_fail(plan, ret);
		return ret;
	}
	plan->stage = USP_STAGE_CGROUP;
	ret = plan_open_cgroup(plan);
	if (ret < 0)
		return ret;
	plan->path = "";
	ret = make_child(plan, place);
	for (int try = 1; is_busy(plan, ret) && try <= BUSY_TRIES; try++) {
		forget_try(plan);
		pause_before(try);
		ret = make_child(plan, place);
	}
	return ret;
}
