#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "cli/map.h"
#include "cli/map_command.h"

enum {
	LINE_EXTENTS_MAX = 16, /* a line of 1 MiB is printed before its end has come */
	TAGGED_MAX = 64 << 10,
};

/* Who reads it is gone, or a signal came: then nothing more is said. */
static int printed(struct map *map, int ret)
{
	map->silent |= ret != 0;
	if (ret == -EPIPE) {
		map->signal = SIGPIPE;
		map_stop(map, true);
	} else if (ret && ret != -EINTR) {
		map_fail(map, "cannot print what a job said", -ret);
	}
	return ret;
}

int map_say(struct map *map, int stream, const void *data, size_t size)
{
	map_progress_hide(&map->progress, stream, data, size);
	return map_print(&map->print, stream, data, size);
}

/* ---- lines with a tag ---------------------------------------------------- */

/* The items, in one line whatever is in them, and a tab. */
static int append_tag(const struct map_job *job, struct buf *text)
{
	size_t size = job->items.n ? job->items.size : 0;
	int ret = 0;

	/* The block of a job is told by its number. */
	if (size == 0) {
		char number[32];
		int n = snprintf(number, sizeof(number), "%llu",
				 (unsigned long long)job->number);

		ret = buf_append(text, number, (size_t)n);
	}
	for (size_t i = 0; i + 1 < size && ret == 0; i++) {
		char c = job->items.bytes[i];

		ret = buf_append(text,
				 c == 0			  ? " "
				 : (unsigned char)c < ' ' ? "?"
							  : &c,
				 1);
	}
	return ret ? ret : buf_append(text, "\t", 1);
}

static int flush_tagged(struct map *map, int stream)
{
	int ret = map_say(map, stream, buf_bytes(&map->tagged), buf_size(&map->tagged));

	buf_consume(&map->tagged, buf_size(&map->tagged));
	return ret;
}

static int print_tagged(struct map_job *job, int stream, const char *data, size_t size)
{
	struct map *map = job->map;
	int ret = 0;

	while (size > 0 && ret == 0) {
		const char *end = memchr(data, '\n', size);
		size_t part = end ? (size_t)(end - data) + 1 : size;

		if (!job->mid_line[stream - 1])
			ret = append_tag(job, &map->tagged);
		if (ret == 0)
			ret = buf_append(&map->tagged, data, part);
		job->mid_line[stream - 1] = !end;
		if (ret == 0 && buf_size(&map->tagged) > TAGGED_MAX)
			ret = flush_tagged(map, stream);
		data += part;
		size -= part;
	}
	return ret ? ret : flush_tagged(map, stream);
}

/* ---- printing ------------------------------------------------------------ */

struct piece {
	struct map_job *job;
	int stream;
};

static int print_piece(void *user, const void *data, size_t size)
{
	const struct piece *piece = user;

	if (piece->job->map->options.tag)
		return print_tagged(piece->job, piece->stream, data, size);
	return map_say(piece->job->map, piece->stream, data, size);
}

/* What it said so far on @stream, and then @data. */
static void print_said(struct map_job *job, int stream, const void *data, size_t size)
{
	struct map *map = job->map;
	struct map_store *said = &job->said[stream - 1];
	struct piece piece = { .job = job, .stream = stream };
	int ret;

	if (map->silent)
		return;
	ret = map_store_each(said, &map->spill, print_piece, &piece);
	if (ret == 0 && size > 0)
		ret = print_piece(&piece, data, size);
	map_store_clear(said, &map->spill);
	(void)printed(map, ret);
}

/* Once what it said is printed, so that --resume loses nothing of it. */
static void log_job(struct map_job *job)
{
	struct map *map = job->map;
	struct buf command;
	char **argv = NULL;
	int ret;

	buf_init(&command, SIZE_MAX / 2);
	ret = map_command_make(map->options.command, map->options.replace, &job->items,
			       &argv);
	if (ret == 0)
		ret = map_command_quote(argv, &command);
	if (ret == 0)
		ret = map_log_write(&map->log, &job->entry, (char *)buf_bytes(&command),
				    buf_size(&command));
	mem_free(argv);
	buf_done(&command);
	if (ret)
		map_fail(map, "cannot write the job log", -ret);
}

/* Whole: a last line without its end gets one where tags show which is whose. */
static void print(struct map_job *job)
{
	for (int stream = 1; stream <= 2; stream++) {
		print_said(job, stream, NULL, 0);
		if (job->mid_line[stream - 1] && !job->map->silent)
			(void)printed(job->map, map_say(job->map, stream, "\n", 1));
	}
	if (!job->cut && !job->map->silent && job->map->log.fd >= 0)
		log_job(job);
	map_job_free(job);
}

/* ---- what jobs say ------------------------------------------------------- */

static void keep(struct map_job *job, int stream, const void *data, size_t size)
{
	struct map *map = job->map;
	int ret = map_store_add(&job->said[stream - 1], &map->spill, data, size);

	if (ret == 0)
		return;
	map->silent = true;
	map_fail(map, "cannot keep what a job said (TMPDIR names another place)", -ret);
}

static bool is_first(const struct map_job *job)
{
	return list_first(&job->map->order) == &job->order;
}

/* Others may come between two calls, but not between the parts of a line. */
static void print_lines(struct map_job *job, int stream, const char *data, size_t size)
{
	const char *end = memrchr(data, '\n', size);
	size_t whole = end ? (size_t)(end - data) + 1 : 0;

	if (whole > 0)
		print_said(job, stream, data, whole);
	if (whole < size)
		keep(job, stream, data + whole, size - whole);
	if (job->said[stream - 1].n > LINE_EXTENTS_MAX)
		print_said(job, stream, NULL, 0);
}

void map_output_take(struct map_job *job, int stream, const void *data, size_t size)
{
	const struct map_options *options = &job->map->options;

	if (job->map->silent)
		return;
	if (options->group == MAP_LINE_BUFFER && !options->keep_order)
		print_lines(job, stream, data, size);
	else if (options->group == MAP_LINE_BUFFER && is_first(job))
		print_said(job, stream, data, size);
	else
		keep(job, stream, data, size);
}

void map_output_end(struct map_job *job)
{
	struct map *map = job->map;
	struct list *first;

	job->ended = true;
	if (!map->options.keep_order) {
		print(job);
		return;
	}
	map->n_unprinted++;
	while ((first = list_first(&map->order))) {
		job = container_of(first, struct map_job, order);
		if (!job->ended)
			break;
		map->n_unprinted--;
		print(job);
	}
	/* The one whose turn it is now speaks for itself from here on. */
	if (first && map->options.group == MAP_LINE_BUFFER)
		for (int stream = 1; stream <= 2; stream++)
			print_said(job, stream, NULL, 0);
}

void map_output_done(struct map *map)
{
	struct list *link;

	while ((link = list_first(&map->queue)))
		map_job_free(container_of(link, struct map_job, link));
	/* Those behind a job that was never run. */
	while ((link = list_first(&map->order)))
		print(container_of(link, struct map_job, order));
	buf_done(&map->tagged);
}
