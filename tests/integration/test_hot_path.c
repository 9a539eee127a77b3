/*
 * On its hot path the reactor makes no system call but io_uring_enter, few of
 * those, and leaves no work to io_uring's own threads.  With epoll each step is a call,
 * but their number stays within a bound.  The kernel counts.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <liburing.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uringspawn/client.h>

#include "support/backend.h"
#include "support/daemon.h"
#include "support/syscalls.h"
#include "support/tmpdir.h"

TestSuite(hot_path, .fini = tmpdir_done, .timeout = 120);

/* Under a sanitizer the allocator asks the kernel for memory now and then, and it
 * alone: a call for each job would show all the same. */
#if defined(__SANITIZE_ADDRESS__)
enum { OTHERS_MAX = 1000 };
#else
enum { OTHERS_MAX = 0 };
#endif

enum {
	DEPTH = 8,
	WARM_UP = 400,
	COUNTED = 2000,
	JOBS = WARM_UP + COUNTED + DEPTH, /* the last ones keep it busy, uncounted */
};

static const char *const argv_true[] = { BUILD_DIR "/tests/programs/true", NULL };

/* ---- jobs, one after the other's end, and counts in between -------------- */

struct hot {
	struct usp_engine *engine; /* or ... */
	struct usp_client *client; /* ... one of the two */
	enum usp_stdio_kind out;
	unsigned calls_per_job; /* that this test adds */
	int counter;
	unsigned asked, ended;
	struct syscall_counts before, after;
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user);

static void spawn(struct hot *hot)
{
	const struct usp_options options =
		USP_OPTIONS(.argv = argv_true, .cwd = hot->client ? "/" : NULL,
			    .stdio = { [1] = { .kind = hot->out },
				       [2] = { .kind = hot->out } },
			    .on_event = on_event, .user = hot);
	struct usp_process *process;
	int ret = hot->engine ? usp_spawn(hot->engine, &options, &process)
			      : usp_client_spawn(hot->client, &options, &process);

	cr_assert(eq(int, ret, 0));
	hot->asked++;
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct hot *hot = user;

	(void)process;
	if (event->kind != USP_EVENT_END)
		return;
	if (event->end.reason != USP_REASON_EXITED)
		cr_fatal("a job ended as %s", usp_reason_name(event->end.reason));
	for (unsigned i = 0; i < hot->calls_per_job; i++)
		syscall(SYS_getppid);
	hot->ended++;
	if (hot->ended == WARM_UP)
		hot->before = syscalls_read(hot->counter);
	if (hot->ended == WARM_UP + COUNTED)
		hot->after = syscalls_read(hot->counter);
	if (hot->asked < JOBS)
		spawn(hot);
}

/* What is said of io_uring here is not said of epoll. */
static void only_with_io_uring(void)
{
	if (on_epoll())
		cr_skip("about io_uring");
}

/* Count for thread @tid, or skip the test. */
static void count(struct hot *hot, pid_t tid)
{
	hot->counter = syscalls_open(tid);
	if (hot->counter < 0)
		cr_skip("no tracepoints to be counted here: %s", strerror(-hot->counter));
}

static struct syscall_counts run(struct hot *hot)
{
	for (int i = 0; i < DEPTH; i++)
		spawn(hot);
	cr_assert(eq(int,
		     hot->engine ? usp_engine_run(hot->engine)
				 : usp_client_run(hot->client),
		     0));
	cr_assert(eq(uint, hot->ended, JOBS));
	close(hot->counter);
	return syscalls_between(&hot->before, &hot->after);
}

/* ---- an engine in this thread -------------------------------------------- */

static struct syscall_counts run_engine(enum usp_stdio_kind out, unsigned calls_per_job)
{
	struct hot hot = { .out = out, .calls_per_job = calls_per_job };
	struct syscall_counts counts;

	count(&hot, 0);
	cr_assert(eq(int, usp_engine_new(NULL, &hot.engine), 0));
	counts = run(&hot);
	usp_engine_free(hot.engine);
	counts.all--; /* the second reading itself */
	return counts;
}

static void expect_enters_only(const struct syscall_counts *counts)
{
	cr_expect(le(u64, counts->all - counts->enters, OTHERS_MAX),
		  "other calls in %d jobs", COUNTED);
	cr_expect(eq(u64, counts->async_works, 0), "io_uring needed a thread");
	cr_expect(ne(u64, counts->enters, 0), "nothing was counted");
}

Test(hot_path, two_enters_are_enough_for_a_job_without_pipes)
{
	only_with_io_uring();

	struct syscall_counts counts = run_engine(USP_STDIO_NULL, 0);

	expect_enters_only(&counts);
	cr_expect(le(u64, counts.enters, 2 * COUNTED));
}

Test(hot_path, three_enters_are_enough_for_a_job_with_two_pipes)
{
	only_with_io_uring();

	struct syscall_counts counts = run_engine(USP_STDIO_PIPE, 0);

	expect_enters_only(&counts);
	cr_expect(le(u64, counts.enters, 3 * COUNTED));
}

/* Waiting, adding to the set, reading, removing, closing, reaping: of each file once. */
Test(hot_path, with_epoll_the_calls_of_a_job_are_bounded)
{
	struct syscall_counts null, pipes;

	if (!on_epoll())
		cr_skip("about epoll");
	null = run_engine(USP_STDIO_NULL, 0);
	cr_expect(le(u64, null.all, 8 * COUNTED + OTHERS_MAX));
	pipes = run_engine(USP_STDIO_PIPE, 0);
	cr_expect(le(u64, pipes.all, 20 * COUNTED + OTHERS_MAX));
	cr_expect(eq(u64, null.enters + pipes.enters, 0), "it asked io_uring");
}

/* One call for each job, made by this test, has to be found by the same counters. */
Test(hot_path, a_call_that_is_added_is_counted)
{
	only_with_io_uring();

	struct syscall_counts counts = run_engine(USP_STDIO_PIPE, 1);

	cr_expect(ge(u64, counts.all - counts.enters, COUNTED));
	cr_expect(le(u64, counts.all - counts.enters, COUNTED + OTHERS_MAX));
}

Test(hot_path, an_operation_that_goes_to_a_thread_is_counted)
{
	struct syscall_counts before, after;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	struct hot hot;

	count(&hot, 0);
	before = syscalls_read(hot.counter);
	cr_assert(eq(int, io_uring_queue_init(8, &ring, 0), 0));
	sqe = io_uring_get_sqe(&ring);
	io_uring_prep_nop(sqe);
	sqe->flags |= IOSQE_ASYNC;
	cr_assert(eq(int, io_uring_submit_and_wait(&ring, 1), 1));
	after = syscalls_read(hot.counter);
	io_uring_queue_exit(&ring);
	close(hot.counter);

	cr_expect(eq(u64, syscalls_between(&before, &after).async_works, 1));
	cr_expect(eq(u64, syscalls_between(&before, &after).enters, 1));
}

/* ---- a daemon ------------------------------------------------------------ */

/* Its reactor is the thread that it begins with. */
Test(hot_path, the_daemon_makes_enters_only)
{
	struct hot hot = { .out = USP_STDIO_PIPE };
	struct running_daemon daemon_run;
	struct syscall_counts counts;

	only_with_io_uring();
	daemon_start(&daemon_run, NULL);
	count(&hot, daemon_run.pid);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &hot.client), 0));
	counts = run(&hot);

	expect_enters_only(&counts);
	usp_client_free(hot.client);
	daemon_stop(&daemon_run);
}
