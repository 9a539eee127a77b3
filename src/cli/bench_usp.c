/*
 * Jobs through the public interface, as an embedder or a client would start
 * them: each end asks for the next start, until all were asked for.
 */
#include "cli/bench_usp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench_streams.h"
#include "cli/bench_target.h"

/* One place in flight; it is used by one job after the other. */
struct slot {
	struct bench_usp *usp;
	struct usp_process *process; /* NULL: none */
	uint64_t begin_ns;
	bool faulty; /* counted as an error already */
	bool ended;
	unsigned n_open; /* streams that we read, and that did not end */
};

struct bench_usp {
	struct bench_target target;

	/* of the run that is on */
	struct usp_options options;
	struct bench_round round;
	unsigned n_unasked; /* jobs that were not yet asked for */
	unsigned n_running; /* asked for, and not over: others may run beside them */
	int error;	    /* what stopped it, 0 or -errno: nothing more is asked for */

	bool spawn;		   /* through a daemon: no RUN */
	bool cgroup;		   /* each job has one of its own */
	bool in_template;	   /* the environment is */
	struct usp_template *kept; /* with the environment; NULL until it is needed */
	unsigned window_bytes;
	enum bench_output output;
	struct bench_streams *streams; /* what we read ourselves; NULL: nothing */
	unsigned depth;
	struct slot slots[]; /* depth of them */
};

/* For the signal handler: what was asked for something last, or NULL. */
static struct bench_usp *volatile running;

void bench_usp_stop(struct bench_usp *usp)
{
	bench_target_stop(&usp->target);
}

void bench_usp_interrupt(void)
{
	struct bench_usp *usp = running;

	if (usp)
		bench_usp_stop(usp);
}

static void note_failure(struct slot *slot, const char *text)
{
	struct bench_round *round = &slot->usp->round;

	if (!slot->faulty)
		round->errors++;
	slot->faulty = true;
	if (!round->failure[0])
		snprintf(round->failure, sizeof(round->failure), "%s", text);
}

int bench_usp_spawn(struct bench_usp *usp, const struct usp_options *options,
		    struct usp_process **ret_process)
{
	/* From here on there is something to wait for, and a wait to be ended. */
	running = usp;
	return bench_target_spawn(&usp->target, options, ret_process);
}

/* The descriptors of ours that the next job writes to; close_outputs() in any case. */
static int open_outputs(struct slot *slot)
{
	struct bench_usp *usp = slot->usp;
	int ret = 0;

	if (usp->output != BENCH_OUTPUT_OURS)
		return 0;
	for (int i = 1; i <= 2 && ret == 0; i++) {
		ret = bench_streams_pipe(usp->streams, slot, &usp->options.stdio[i]);
		slot->n_open += ret == 0;
	}
	return ret;
}

/* What was asked for has duplicates of them. */
static void close_outputs(struct bench_usp *usp)
{
	for (int i = 1; i <= 2; i++) {
		struct usp_stdio *stdio = &usp->options.stdio[i];

		if (stdio->kind == USP_STDIO_FD)
			close(stdio->fd);
		if (stdio->kind == USP_STDIO_FD)
			stdio->kind = USP_STDIO_NULL;
	}
}

static void start_next(struct slot *slot)
{
	struct bench_usp *usp = slot->usp;
	int ret;

	if (bench_stopped)
		usp->n_unasked = 0;
	if (!usp->n_unasked || usp->error)
		return;
	usp->options.user = slot;
	slot->faulty = slot->ended = false;
	slot->begin_ns = clock_now_ns();
	ret = open_outputs(slot);
	if (ret == 0)
		ret = bench_usp_spawn(usp, &usp->options, &slot->process);
	close_outputs(usp);
	if (ret < 0) {
		usp->error = ret;
		return;
	}
	usp->n_unasked--;
	usp->n_running++;
}

static void on_exit_event(struct slot *slot, const struct usp_exit *exit)
{
	char text[80];

	/* What is cut off by Ctrl-C is no error. */
	if (exit->code == 0 || bench_stopped)
		return;
	if (exit->signal)
		snprintf(text, sizeof(text), "ended by signal %d", exit->signal);
	else
		snprintf(text, sizeof(text), "exited with code %d", exit->code);
	note_failure(slot, text);
}

/* Over is what has ended, and whose streams have, if it is we who read them. */
static void finish(struct slot *slot)
{
	struct bench_usp *usp = slot->usp;
	struct bench_round *round = &usp->round;

	if (!slot->ended || slot->n_open > 0)
		return;
	round->latency_ns[round->done++] = clock_now_ns() - slot->begin_ns;
	usp->n_running--;
	start_next(slot);
	if (usp->n_running == 0 && !usp->streams)
		bench_usp_stop(usp);
}

static void on_bytes(void *owner, size_t size)
{
	struct slot *slot = owner;

	slot->usp->round.bytes += size;
	if (size > 0)
		return;
	slot->n_open--;
	finish(slot);
}

static void take_outputs(struct slot *slot, const struct usp_started *started)
{
	struct bench_usp *usp = slot->usp;

	for (size_t i = 0; i < started->n_fds; i++) {
		int ret = bench_streams_add(usp->streams, started->fds[i].fd, slot);

		slot->n_open += ret == 0;
		if (ret < 0)
			note_failure(slot, strerror(-ret));
	}
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct slot *slot = user;
	struct bench_round *round = &slot->usp->round;
	char text[sizeof(round->failure)];

	switch (event->kind) {
	case USP_EVENT_STARTED:
		take_outputs(slot, &event->started);
		break;
	case USP_EVENT_OUTPUT:
		round->bytes += event->output.size;
		if (slot->usp->window_bytes)
			usp_process_credit(process, event->output.stream,
					   (uint32_t)event->output.size);
		break;
	case USP_EVENT_FAILED:
		usp_failure_text(&event->failed, text, sizeof(text));
		note_failure(slot, text);
		break;
	case USP_EVENT_EXIT:
		on_exit_event(slot, &event->exit);
		break;
	case USP_EVENT_END:
		slot->process = NULL;
		slot->ended = true;
		if (event->end.reason != USP_REASON_EXITED && !bench_stopped)
			note_failure(slot, usp_reason_name(event->end.reason));
		finish(slot);
		break;
	default:
		break;
	}
}

static uint64_t thread_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

const char *bench_usp_backend(const struct bench_usp *usp)
{
	return bench_target_backend(&usp->target);
}

const char *bench_usp_error(const struct bench_usp *usp)
{
	return bench_target_error(&usp->target);
}

static int turn_with_streams(struct bench_usp *usp)
{
	int fd, ret = bench_target_turn(&usp->target);
	short events;

	if (ret < 0 || usp->n_running == 0)
		return ret;
	fd = bench_target_fd(&usp->target, &events);
	if (fd < 0)
		return fd;
	ret = bench_streams_watch(usp->streams, fd, events);
	return ret < 0 ? ret : bench_streams_turn(usp->streams);
}

int bench_usp_turn(struct bench_usp *usp)
{
	return usp->streams ? turn_with_streams(usp) : bench_target_run(&usp->target);
}

static int turn_until_done(struct bench_usp *usp)
{
	int ret = 0;

	while (ret == 0 && usp->n_running > 0 && !bench_stopped)
		ret = bench_usp_turn(usp);
	return ret;
}

/* End what Ctrl-C left running; the daemon or the engine then reports each end. */
static int kill_rest(struct bench_usp *usp)
{
	int ret = 0;

	for (unsigned i = 0; i < usp->depth; i++)
		if (usp->slots[i].process)
			usp_process_kill(usp->slots[i].process);
	while (ret == 0 && usp->n_running > 0)
		ret = bench_usp_turn(usp);
	return ret;
}

static struct usp_options job_options(const struct bench_usp *usp,
				      const struct bench_job *job)
{
	enum usp_stdio_kind pipe = usp->output == BENCH_OUTPUT_HANDED_OVER
					   ? USP_STDIO_HANDOVER
					   : USP_STDIO_PIPE;
	enum usp_stdio_kind output = job->pipes ? pipe : USP_STDIO_NULL;

	return USP_OPTIONS(.argv = (const char *const *)job->argv, .path = job->path,
			   .envp = usp->kept ? NULL : (const char *const *)job->envp,
			   .base = usp->kept,
			   /* A daemon has a directory of its own; the engine has ours. */
			   .cwd = usp->target.client ? job->cwd : NULL,
			   .stdio = { { .kind = USP_STDIO_NULL },
				      { .kind = output },
				      { .kind = output } },
			   .flags = (usp->target.client && !usp->spawn ? USP_FLAG_RUN
								       : 0) |
				    (usp->cgroup ? USP_FLAG_CGROUP : 0),
			   .window_bytes = usp->window_bytes, .on_event = on_event);
}

/* Keep the environment, for this run and those that follow. */
static int keep_environment(struct bench_usp *usp, const struct bench_job *job)
{
	const struct usp_options common =
		USP_OPTIONS(.envp = (const char *const *)job->envp);

	if (!usp->in_template || usp->kept)
		return 0;
	return bench_target_keep(&usp->target, &common, &usp->kept);
}

int bench_usp_run(struct bench_usp *usp, const struct bench_job *job, unsigned n_jobs,
		  struct bench_round *ret_round)
{
	int ret = keep_environment(usp, job);
	uint64_t begin_ns = clock_now_ns(), begin_cpu_ns = thread_cpu_ns();

	if (ret < 0)
		return ret;
	usp->options = job_options(usp, job);
	usp->round = (struct bench_round){ .latency_ns = ret_round->latency_ns };
	usp->n_unasked = n_jobs;
	usp->error = 0;
	for (unsigned i = 0; i < usp->depth; i++) {
		usp->slots[i] = (struct slot){ .usp = usp };
		start_next(&usp->slots[i]);
	}
	ret = turn_until_done(usp);
	if (!ret && bench_stopped)
		ret = kill_rest(usp);
	usp->round.wall_ns = clock_now_ns() - begin_ns;
	usp->round.cpu_ns = thread_cpu_ns() - begin_cpu_ns;
	if (!usp->error)
		usp->error = ret;
	if (!usp->error)
		*ret_round = usp->round;
	return usp->error;
}

int bench_usp_open(const struct bench_options *options, struct bench_usp **ret_usp,
		   char *error, size_t error_size)
{
	struct bench_usp *usp =
		mem_zalloc(sizeof(*usp) + options->depth * sizeof(usp->slots[0]));
	int ret = 0;

	if (!usp) {
		snprintf(error, error_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	usp->depth = options->depth;
	usp->spawn = options->spawn;
	usp->cgroup = options->cgroup;
	usp->in_template = options->in_template;
	usp->window_bytes = options->window_bytes;
	usp->output = options->output;
	if (usp->output != BENCH_OUTPUT_RELAYED)
		ret = bench_streams_new(on_bytes, &usp->streams);
	if (ret < 0)
		snprintf(error, error_size, "no epoll: %s", strerror(-ret));
	else
		ret = bench_target_open(&usp->target, options, error, error_size);
	if (ret < 0) {
		bench_streams_free(usp->streams);
		mem_free(usp);
		return ret;
	}
	*ret_usp = usp;
	return 0;
}

void bench_usp_close(struct bench_usp *usp)
{
	if (!usp)
		return;
	if (running == usp)
		running = NULL;
	usp_template_free(usp->kept);
	bench_target_close(&usp->target);
	bench_streams_free(usp->streams);
	mem_free(usp);
}
