#include <errno.h>
#include <signal.h>
#include <unistd.h>
#include "cli/map.h"

/* Who reads it is gone, or a signal came: then nothing more is said. */
static void printed(struct map *map, int ret)
{
	map->silent |= ret != 0;
	if (ret == -EPIPE) {
		map->signal = SIGPIPE;
		map_stop(map, true);
	} else if (ret && ret != -EINTR) {
		map_fail(map, "cannot print what a job said", -ret);
	}
}

struct piece {
	struct map *map;
	int stream;
};

static int print_piece(void *user, const void *data, size_t size)
{
	const struct piece *piece = user;

	return map_print(&piece->map->print, piece->stream, data, size);
}

void map_output_take(struct map_job *job, int stream, const void *data, size_t size)
{
	struct map *map = job->map;
	int ret;

	if (map->silent)
		return;
	ret = map_store_add(&job->said[stream - 1], &map->spill, data, size);
	if (ret == 0)
		return;
	map->silent = true;
	map_fail(map, "cannot keep what a job said (TMPDIR names another place)", -ret);
}

static void print(struct map_job *job)
{
	struct map *map = job->map;

	for (int i = 0; i < 2 && !map->silent; i++) {
		struct piece piece = { .map = map, .stream = i + 1 };

		printed(map,
			map_store_each(&job->said[i], &map->spill, print_piece, &piece));
	}
	map_job_free(job);
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
			return;
		map->n_unprinted--;
		print(job);
	}
}

void map_output_done(struct map *map)
{
	struct list *link;

	while ((link = list_first(&map->queue)))
		map_job_free(container_of(link, struct map_job, link));
	/* Those behind a job that was never run. */
	while ((link = list_first(&map->order)))
		print(container_of(link, struct map_job, order));
}
