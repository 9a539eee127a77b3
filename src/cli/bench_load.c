/*
 * A load that a benchmark is run under.
 */
#include "cli/bench_load.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

/* For a place: what the machine refuses is to be said, and not waited for for ever. */
#define PLACE_NS (30 * NS_PER_S)

struct live {
	struct bench_load *load;
	struct usp_process *process; /* NULL: it has ended */
};

struct bench_load {
	struct bench_usp *usp;
	unsigned started, failed, ended;
	unsigned n_fds, n_live;
	int *fds;
	struct live *live;
	char failure[200]; /* why the first of them does not run, or "" */
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct live *live = user;
	struct bench_load *load = live->load;

	(void)process;
	load->started += event->kind == USP_EVENT_STARTED;
	load->failed += event->kind == USP_EVENT_FAILED;
	load->ended += event->kind == USP_EVENT_END;
	if (event->kind == USP_EVENT_FAILED && !load->failure[0])
		usp_failure_text(&event->failed, load->failure, sizeof(load->failure));
	if (event->kind == USP_EVENT_END)
		live->process = NULL;
	if (load->started + load->failed == load->n_live)
		bench_usp_stop(load->usp);
}

static int open_descriptors(struct bench_load *load, unsigned count)
{
	while (load->n_fds < count) {
		int fd = fcntl(0, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		load->fds[load->n_fds++] = fd;
	}
	return 0;
}

static int start_programs(struct bench_load *load, const struct bench_options *options)
{
	const char *const argv[] = { options->live_program, "infinity", NULL };
	const struct usp_stdio null = { .kind = USP_STDIO_NULL };
	struct usp_options job =
		USP_OPTIONS(.argv = argv, .envp = (const char *const *)environ,
			    .kill = { .signal = SIGKILL }, .queue_timeout_ns = PLACE_NS,
			    .on_event = on_event);
	int ret = 0;

	if (!options->pipes)
		job.stdio[1] = job.stdio[2] = null;
	while (!ret && load->n_live < options->n_live) {
		struct live *live = &load->live[load->n_live];

		*live = (struct live){ .load = load };
		job.user = live;
		ret = bench_usp_spawn(load->usp, &job, &live->process);
		load->n_live += !ret;
	}
	while (!ret && !bench_stopped && load->started + load->failed < load->n_live)
		ret = bench_usp_turn(load->usp);
	return ret ? ret : load->failed ? -ECHILD : 0;
}

int bench_load_start(struct bench_usp *usp, const struct bench_options *options,
		     struct bench_load **ret_load, char *error, size_t error_size)
{
	struct bench_load *load = mem_zalloc(sizeof(*load));
	int ret = -ENOMEM;

	if (load) {
		load->usp = usp;
		load->fds = mem_alloc((options->n_descriptors + 1) * sizeof(*load->fds));
		load->live = mem_alloc((options->n_live + 1) * sizeof(*load->live));
		ret = load->fds && load->live ? start_programs(load, options) : -ENOMEM;
	}
	if (!ret)
		ret = open_descriptors(load, options->n_descriptors);
	if (ret < 0) {
		snprintf(error, error_size, "no load of %u '%s' and %u descriptors: %s",
			 options->n_live, options->live_program, options->n_descriptors,
			 load && load->failure[0] ? load->failure : strerror(-ret));
		bench_load_stop(load);
		return ret;
	}
	*ret_load = load;
	return 0;
}

int bench_load_stop(struct bench_load *load)
{
	int ret = 0;

	if (!load)
		return 0;
	while (load->n_fds > 0)
		close(load->fds[--load->n_fds]);
	for (unsigned i = 0; i < load->n_live; i++)
		if (load->live[i].process)
			usp_process_kill(load->live[i].process);
	while (!ret && load->ended < load->n_live)
		ret = bench_usp_turn(load->usp);
	mem_free(load->fds);
	mem_free(load->live);
	mem_free(load);
	return ret;
}
