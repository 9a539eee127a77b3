/*
 * The loops: threads that start a program, read what it writes, wait for it,
 * and begin again.  Blocking calls throughout, as somebody would write them who
 * has nothing else to do.
 */
#include "cli/bench_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define STACK_BYTES (64u << 10)
#define READ_BYTES  (64u << 10)

typedef int start_fn(struct bench_starter *starter, struct bench_child *ret_child);

/* What the threads of one round share. */
struct loop {
	const struct bench_job *job;
	start_fn *start;
	unsigned n_jobs;
	atomic_uint n_taken; /* jobs that a thread has taken */
	atomic_uint n_done;  /* places used in latency_ns */
	uint64_t *latency_ns;
	pthread_mutex_t gate; /* open when every thread is there */
};

struct worker {
	pthread_t thread;
	struct loop *loop;
	struct bench_starter starter;
	char *buffer; /* what is read goes here and nowhere else */
	uint64_t begin_ns, end_ns;
	uint64_t bytes;
	unsigned errors;
	char failure[sizeof(((struct bench_round *)NULL)->failure)];
};

static void note_failure(struct worker *worker, const char *what, int error)
{
	worker->errors++;
	if (!worker->failure[0])
		snprintf(worker->failure, sizeof(worker->failure), "%s: %s", what,
			 strerror(error));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Read one of the pipes once; at its end it is closed. */
static int read_some(struct worker *worker, int *fd)
{
	ssize_t n = read(*fd, worker->buffer, READ_BYTES);

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	worker->bytes += (uint64_t)n;
	if (n == 0)
		close_fd(fd);
	return 0;
}

/* Read both pipes to their end; a program may fill either while we look at the other. */
static int drain(struct worker *worker, int *out_fd, int *err_fd)
{
	while (*out_fd >= 0 || *err_fd >= 0) {
		/* poll() passes over what is closed: negative descriptors. */
		struct pollfd fds[] = { { *out_fd, POLLIN, 0 }, { *err_fd, POLLIN, 0 } };
		int ret = 0;

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (fds[0].revents)
			ret = read_some(worker, out_fd);
		if (!ret && fds[1].revents)
			ret = read_some(worker, err_fd);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static void wait_for(struct worker *worker, struct bench_child *child)
{
	bool by_fd = child->pidfd >= 0;
	siginfo_t info = { 0 };

	while (waitid(by_fd ? P_PIDFD : P_PID,
		      by_fd ? (id_t)child->pidfd : (id_t)child->pid, &info, WEXITED) < 0)
		if (errno != EINTR) {
			note_failure(worker, "waitid", errno);
			break;
		}
	close_fd(&child->pidfd);
	if (worker->starter.exec_error) {
		note_failure(worker, worker->loop->job->path, worker->starter.exec_error);
	} else if (info.si_code == CLD_EXITED && info.si_status != 0) {
		worker->errors++;
		if (!worker->failure[0])
			snprintf(worker->failure, sizeof(worker->failure),
				 "exited with code %d", info.si_status);
	} else if (info.si_code != CLD_EXITED && !bench_stopped) {
		/* Ctrl-C reaches the children of this loop as it reaches us. */
		worker->errors++;
		if (!worker->failure[0])
			snprintf(worker->failure, sizeof(worker->failure),
				 "ended by signal %d", info.si_status);
	}
}

static int run_on_null(struct worker *worker)
{
	struct bench_child child;

	worker->starter.out_fd = worker->starter.err_fd = worker->loop->job->null_fd;
	int ret = worker->loop->start(&worker->starter, &child);

	if (ret < 0)
		return ret;
	wait_for(worker, &child);
	return 0;
}

static int run_on_pipes(struct worker *worker)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 };
	struct bench_child child;
	int ret = 0;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		ret = -errno;
	if (!ret) {
		worker->starter.out_fd = out[1];
		worker->starter.err_fd = err[1];
		ret = worker->loop->start(&worker->starter, &child);
	}
	close_fd(&out[1]);
	close_fd(&err[1]);
	if (!ret) {
		int drained = drain(worker, &out[0], &err[0]);

		if (drained < 0)
			note_failure(worker, "reading the output", -drained);
		wait_for(worker, &child);
	}
	close_fd(&out[0]);
	close_fd(&err[0]);
	return ret;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct loop *loop = worker->loop;

	pthread_mutex_lock(&loop->gate);
	pthread_mutex_unlock(&loop->gate);
	worker->begin_ns = clock_now_ns();
	uint64_t job_begin_ns = worker->begin_ns;

	while (!bench_stopped && atomic_fetch_add(&loop->n_taken, 1) < loop->n_jobs) {
		int ret = loop->job->pipes ? run_on_pipes(worker) : run_on_null(worker);

		if (ret < 0)
			note_failure(worker, loop->job->path, -ret);
		uint64_t now_ns = clock_now_ns();

		loop->latency_ns[atomic_fetch_add(&loop->n_done, 1)] =
			now_ns - job_begin_ns;
		job_begin_ns = now_ns;
	}
	worker->end_ns = job_begin_ns;
	return NULL;
}

static void worker_done(struct worker *worker)
{
	if (worker->starter.stack)
		munmap(worker->starter.stack, worker->starter.stack_size);
	mem_free(worker->buffer);
}

static int worker_init(struct worker *worker, struct loop *loop)
{
	*worker = (struct worker){ .loop = loop };
	worker->starter.job = loop->job;
	worker->buffer = mem_alloc(READ_BYTES);
	if (!worker->buffer)
		return -ENOMEM;
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (stack == MAP_FAILED)
		return -errno;
	worker->starter.stack = stack;
	worker->starter.stack_size = STACK_BYTES;
	return 0;
}

/*
 * Start the threads with every signal blocked, so that Ctrl-C is the main
 * thread's, and open the gate when all of them are there: making threads is not
 * what is measured.
 */
static int run_workers(struct worker *workers, unsigned n_workers, struct loop *loop)
{
	unsigned n_started = 0;
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_mutex_lock(&loop->gate);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (n_started < n_workers && !ret) {
		ret = -pthread_create(&workers[n_started].thread, NULL, work,
				      &workers[n_started]);
		if (!ret)
			n_started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret)
		atomic_store(&loop->n_taken, loop->n_jobs);
	pthread_mutex_unlock(&loop->gate);
	for (unsigned i = 0; i < n_started; i++)
		pthread_join(workers[i].thread, NULL);
	return ret;
}

static void add_up(const struct worker *workers, unsigned n_workers,
		   struct bench_round *round)
{
	uint64_t begin_ns = UINT64_MAX, end_ns = 0;

	for (unsigned i = 0; i < n_workers; i++) {
		round->bytes += workers[i].bytes;
		round->errors += workers[i].errors;
		if (workers[i].begin_ns < begin_ns)
			begin_ns = workers[i].begin_ns;
		if (workers[i].end_ns > end_ns)
			end_ns = workers[i].end_ns;
		if (workers[i].failure[0] && !round->failure[0])
			memcpy(round->failure, workers[i].failure,
			       sizeof(round->failure));
	}
	round->wall_ns = end_ns - begin_ns;
}

unsigned bench_peer_threads(void)
{
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		return (unsigned)CPU_COUNT(&cpus);
	/* More CPUs than a cpu_set_t has bits. */
	long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return n_cpus > 0 ? (unsigned)n_cpus : 1;
}

static start_fn *const starts[] = {
	[BENCH_PEER_BARE] = bench_clone_start,
	[BENCH_PEER_POSIX_SPAWN] = bench_posix_start,
	[BENCH_PEER_FORK] = bench_fork_start,
};

int bench_peer_run(enum bench_peer peer, const struct bench_job *job, unsigned n_jobs,
		   struct bench_round *ret_round)
{
	struct loop loop = {
		.job = job,
		.start = starts[peer],
		.n_jobs = n_jobs,
		.latency_ns = ret_round->latency_ns,
		.gate = PTHREAD_MUTEX_INITIALIZER,
	};
	struct bench_round round = { .latency_ns = ret_round->latency_ns };
	unsigned n_workers = bench_peer_threads();
	struct worker *workers = mem_zalloc(n_workers * sizeof(*workers));
	int ret = workers ? 0 : -ENOMEM;

	for (unsigned i = 0; i < n_workers && !ret; i++)
		ret = worker_init(&workers[i], &loop);
	if (!ret)
		ret = run_workers(workers, n_workers, &loop);
	if (!ret) {
		add_up(workers, n_workers, &round);
		round.done = atomic_load(&loop.n_done);
		*ret_round = round;
	}
	for (unsigned i = 0; i < n_workers && workers; i++)
		worker_done(&workers[i]);
	mem_free(workers);
	return ret;
}
