#include "cli/map.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "cli/map_command.h"
#include "cli/map_results.h"

enum {
	FEED_SIZE = 64 << 10,
	BUSY_MS = 100,	      /* when the daemon does not say for how long it is */
	UNPRINTED_MAX = 1024, /* jobs that have ended and wait for one before them */
	AHEAD_MAX = 100000,   /* jobs that are made early, to know how many there are */
};

/* ---- how it ended -------------------------------------------------------- */

/* The exit code by which xargs would have ended; some end it at once. */
static void xargs_status(struct map *map, const struct map_job *job, int code)
{
	int ours = 123;

	if (job->failed)
		ours = code;
	else if (job->exited && job->exit.signal)
		ours = 125;
	else if (code == 255)
		ours = 124;
	if (ours != 123) {
		map_progress_hide(&map->progress, STDERR_FILENO, "\n", 1);
		fprintf(stderr, "uringspawn: job %llu %s: no more are started\n",
			(unsigned long long)job->number,
			ours == 124   ? "exited with 255"
			: ours == 125 ? "was ended by a signal"
				      : "could not be run");
		map_stop(map, false);
	}
	/* The first one stays, as there. */
	if (map->xargs_code == 0)
		map->xargs_code = ours;
}

static void count(struct map *map, enum map_count what)
{
	const struct map_halt *halt = &map->options.halt;

	map->counts[what]++;
	if (halt->n > 0 && halt->what == what && map->counts[what] == halt->n)
		map_stop(map, halt->now);
}

static void enqueue(struct map_job *job)
{
	list_append(&job->map->queue, &job->link);
	job->map->n_queued++;
}

static void requeue(struct map_job *job)
{
	job->exited = job->failed = job->busy = false;
	job->fed = 0;
	job->mid_line[0] = job->mid_line[1] = false;
	/* Before all that has not been tried: the others' output may wait for it. */
	list_append(job->map->queue.next, &job->link);
	job->map->n_queued++;
}

/* What the log tells of it. */
static void note(struct map_job *job, const struct usp_end *end, int code)
{
	struct map_log_entry *entry = &job->entry;

	if (entry->started_ms == 0)
		entry->started_ms = map_log_now_ms();
	entry->number = job->number;
	entry->running_ns = end->timings.running_ns;
	entry->sent_bytes = end->bytes[0];
	entry->received_bytes = end->bytes[1] + end->bytes[2];
	entry->signal = job->exited ? job->exit.signal : 0;
	/* A signal is told by its own column; that a timeout sent it, by 124. */
	entry->code = entry->signal && code > 128 ? 0 : code;
}

/* Again, and what it said in this try is forgotten. */
static bool try_again(struct map_job *job)
{
	struct map *map = job->map;

	if (++job->tries >= map->options.tries || map->stopping)
		return false;
	for (int i = 0; i < 2; i++)
		map_store_clear(&job->said[i], &map->spill);
	job->entry.started_ms = 0;
	requeue(job);
	return true;
}

static void on_end(struct map_job *job, const struct usp_end *end)
{
	struct map *map = job->map;
	int code = usp_shell_code(end, job->exited ? &job->exit : NULL,
				  job->failed ? &job->failure : NULL);

	job->process = NULL;
	list_remove(&job->link);
	map->n_running--;
	if (job->busy && !map->stopping) {
		requeue(job);
		return;
	}
	job->cut = job->busy || (map->killing && end->reason == USP_REASON_KILLED) ||
		   end->reason == USP_REASON_STATUS_LOST ||
		   end->reason == USP_REASON_CLIENT_GONE;
	if (!job->cut && code && try_again(job))
		return;
	note(job, end, code);
	if (!job->cut) {
		count(map, MAP_DONE);
		count(map, code ? MAP_FAILS : MAP_SUCCESSES);
		if (code && map->options.xargs_status)
			xargs_status(map, job, code);
	}
	map_output_end(job);
}

static void on_failed(struct map_job *job, const struct usp_failure *failure)
{
	struct map *map = job->map;
	char text[PATH_MAX + 200];

	job->failed = true;
	job->failure = *failure;
	job->failure.path = "";
	/* A daemon that has no place for it now has one later. */
	job->busy = map->client && failure->stage == USP_STAGE_ADMISSION &&
		    failure->error == EAGAIN;
	if (job->busy) {
		map->not_before_ns = clock_after(
			clock_now_ns(),
			(failure->retry_ms ? failure->retry_ms : BUSY_MS) * NS_PER_MS);
	} else if (!map->killing) {
		map_progress_hide(&map->progress, STDERR_FILENO, "\n", 1);
		fprintf(stderr, "uringspawn: job %llu: %s\n",
			(unsigned long long)job->number,
			usp_failure_text(failure, text, sizeof(text)));
	}
}

/* As much of its block as there is room for; who reads no more need not. */
static void feed(struct map_job *job)
{
	while (job->fed < job->items.size) {
		size_t left = job->items.size - job->fed;
		size_t part = left < FEED_SIZE ? left : FEED_SIZE;
		int ret = usp_process_write(job->process, job->items.bytes + job->fed,
					    part);

		if (ret == -EAGAIN)
			return;
		if (ret == -ENOMEM)
			map_fail(job->map, "cannot give a job its block", ENOMEM);
		if (ret)
			break;
		job->fed += part;
	}
	job->fed = job->items.size;
	(void)usp_process_close_stdin(job->process);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct map_job *job = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_FAILED:
		on_failed(job, &event->failed);
		break;
	case USP_EVENT_OUTPUT:
		map_output_take(job, event->output.stream, event->output.data,
				event->output.size);
		break;
	case USP_EVENT_EXIT:
		job->exited = true;
		job->exit = event->exit;
		break;
	case USP_EVENT_END:
		on_end(job, &event->end);
		break;
	case USP_EVENT_STARTED:
		job->entry.started_ms = map_log_now_ms();
		break;
	case USP_EVENT_WINDOW:
		if (job->map->options.pipe && job->fed < job->items.size)
			feed(job);
		break;
	case USP_EVENT_EOF:
		break;
	}
}

/* ---- starting ------------------------------------------------------------ */

int map_job_prepare(struct map *map)
{
	struct usp_options options =
		USP_OPTIONS(.envp = (const char *const *)environ,
			    .ignored_signals = map->signals.ignored,
			    .timeout_ns = map->options.timeout_ns,
			    .kill.grace_ns = map->options.grace_ns, .flags = USP_FLAG_RUN,
			    .on_event = on_event, );
	char here[PATH_MAX];
	int ret;

	/* The daemon's own directory is not what the caller means. */
	if (map->client && !(options.cwd = getcwd(here, sizeof(here)))) {
		map_fail(map, "cannot tell the working directory", errno);
		return map->error;
	}
	ret = map->client ? usp_client_template_new(map->client, &options, &map->template)
			  : usp_template_new(map->engine, &options, &map->template);
	if (ret)
		map_fail(map, "cannot prepare the jobs", -ret);
	return ret;
}

/* What it says goes to @fds. */
static void write_to(struct usp_options *options, const int fds[2])
{
	for (int i = 0; i < 2; i++)
		options->stdio[i + 1] =
			(struct usp_stdio){ .kind = USP_STDIO_FD, .fd = fds[i] };
}

static int spawn(struct map_job *job, char **argv)
{
	const int own[2] = { STDOUT_FILENO, STDERR_FILENO };
	struct map *map = job->map;
	struct usp_options options =
		USP_OPTIONS(.argv = (const char *const *)argv, .base = map->template,
			    .on_event = on_event, .user = job, );
	int files[2] = { -1, -1 }, ret = 0;

	if (map->options.results) {
		ret = map_results_open(map->options.results, job->number, files);
		write_to(&options, files);
	} else if (map->options.group == MAP_UNGROUP) {
		write_to(&options, own);
	}
	if (map->options.pipe)
		options.stdio[0].kind = USP_STDIO_PIPE;
	if (ret == 0)
		ret = map->client ? usp_client_spawn(map->client, &options, &job->process)
				  : usp_spawn(map->engine, &options, &job->process);
	for (int i = 0; i < 2; i++)
		if (files[i] >= 0)
			close(files[i]);
	if (ret == 0 && map->options.pipe)
		feed(job);
	return ret;
}

static int print_command(struct map *map, char **argv)
{
	struct buf line;
	int ret;

	buf_init(&line, SIZE_MAX / 2);
	ret = map_command_quote(argv, &line);
	if (ret == 0)
		ret = buf_append(&line, "\n", 1);
	if (ret == 0)
		ret = map_say(map, STDOUT_FILENO, buf_bytes(&line), buf_size(&line));
	buf_done(&line);
	return ret;
}

static void start(struct map_job *job)
{
	struct map *map = job->map;
	char **argv;
	int ret = map_command_make(map->options.command, map->options.replace,
				   &job->items, &argv);

	if (ret == 0) {
		ret = map->options.dry_run ? print_command(map, argv) : spawn(job, argv);
		mem_free(argv);
	}
	if (ret == 0 && !map->options.dry_run) {
		list_append(&map->running, &job->link);
		map->n_running++;
		return;
	}
	if (ret)
		map_fail(map, "cannot run a job", -ret);
	job->cut = true;
	map_output_end(job);
}

/* ---- what to start ------------------------------------------------------- */

void map_job_free(struct map_job *job)
{
	list_remove(&job->link);
	list_remove(&job->order);
	for (int i = 0; i < 2; i++)
		map_store_clear(&job->said[i], &job->map->spill);
	mem_free(job->items.bytes);
	mem_free(job);
}

/* Returns 0, or as map_input_next(). */
static int make(struct map *map, struct map_job **ret_job)
{
	struct map_items items;
	struct map_job *job;
	int ret;

	while ((ret = map_input_next(&map->input, &items)) == 0 &&
	       map_log_has(&map->log, map->n_made + 1)) {
		mem_free(items.bytes);
		map->n_made++;
		map->n_skipped++;
	}
	if (ret)
		return ret;
	job = mem_zalloc(sizeof(*job));
	if (!job) {
		mem_free(items.bytes);
		map_fail(map, "cannot make a job", ENOMEM);
		return -ENOMEM;
	}
	job->map = map;
	job->items = items;
	job->number = ++map->n_made;
	list_init(&job->link);
	list_init(&job->order);
	for (int i = 0; i < 2; i++)
		map_store_init(&job->said[i]);
	if (map->options.keep_order)
		list_append(&map->order, &job->order);
	*ret_job = job;
	return 0;
}

/* NULL: there is none, or not yet. */
static struct map_job *next_made(struct map *map, bool *ret_reads)
{
	struct map_job *job = NULL;
	int ret;

	if (map->input_ended)
		return NULL;
	ret = make(map, &job);
	*ret_reads = ret == -EAGAIN;
	if (ret == 0 || ret == -EAGAIN)
		return job;
	map->input_ended = true;
	/* What is before the fault is run to its end. */
	if (ret != -ENODATA) {
		map->error = ret;
		map_stop(map, false);
	}
	return NULL;
}

static struct map_job *next(struct map *map, bool *ret_reads)
{
	struct list *link = list_take_first(&map->queue);

	if (!link)
		return next_made(map, ret_reads);
	map->n_queued--;
	return container_of(link, struct map_job, link);
}

/* Only who looks at a bar wants to know how many there are. */
static void look_ahead(struct map *map, bool *ret_reads)
{
	struct map_job *job;

	while (map->progress.on && !map->stopping && map->n_queued < AHEAD_MAX) {
		job = next_made(map, ret_reads);
		if (!job)
			return;
		enqueue(job);
	}
}

bool map_job_startable(const struct map *map)
{
	return !map->stopping && map->n_running < map->options.jobs &&
	       (map->n_unprinted < UNPRINTED_MAX || map->n_running == 0) &&
	       (!map->not_before_ns || map->not_before_ns <= clock_now_ns()) &&
	       (!map->input_ended || !list_empty(&map->queue));
}

bool map_job_fill(struct map *map)
{
	bool reads = false;

	while (map_job_startable(map)) {
		struct map_job *job = next(map, &reads);

		map->not_before_ns = 0;
		if (!job)
			break;
		start(job);
	}
	look_ahead(map, &reads);
	return !reads;
}
