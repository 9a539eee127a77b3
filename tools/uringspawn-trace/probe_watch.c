/*
 * Who is watched, and what is told of those who are still there at the end.
 */
#include "uringspawn-trace/probe_parts.h"

/* Their reading is what makes the program see each process once. */
static int read_all_processes(struct bpf_program *program)
{
	struct bpf_link *link = bpf_program__attach_iter(program, NULL);
	char nothing[64];
	int fd, ret = 0;

	if (!link)
		return -errno;
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		ret = -errno;
	while (fd >= 0 && read(fd, nothing, sizeof(nothing)) > 0)
		;
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return ret;
}

int probe_watch(struct probe *probe, const pid_t *pids, size_t n, struct failure *why)
{
	int fd = bpf_map__fd(probe->programs->maps.wanted), ret;

	for (size_t i = 0; i < n; i++) {
		__u32 key = (__u32)pids[i];
		__u8 one = 1;

		if (bpf_map_update_elem(fd, &key, &one, BPF_ANY))
			return failure_of_errno(why, -errno, "map of processes");
	}
	ret = read_all_processes(probe->programs->progs.find_targets);
	return ret ? failure_of_errno(why, ret, "iter/task") : 0;
}

bool probe_has_targets(const struct probe *probe)
{
	__u32 first;

	return bpf_map_get_next_key(bpf_map__fd(probe->programs->maps.targets), NULL,
				    &first) == 0;
}

/* The record is the first member of what is kept of a child. */
static void tell_rest(struct probe *probe)
{
	struct bpf_map *map = probe->programs->maps.children;
	size_t size = bpf_map__value_size(map);
	__u32 key, *before = NULL;
	char *value = malloc(size);

	while (value && bpf_map_get_next_key(bpf_map__fd(map), before, &key) == 0) {
		if (bpf_map_lookup_elem(bpf_map__fd(map), &key, value) == 0)
			probe->told(value, sizeof(struct trace_spawn), probe->user);
		before = &key;
	}
	free(value);
}

void probe_finish(struct probe *probe)
{
	spawn_trace__detach(probe->programs);
	probe_drain(probe);
	tell_rest(probe);
}
