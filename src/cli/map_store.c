#include "cli/map_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/alloc.h"

enum { TAIL_MAX = 64 << 10 };

struct map_extent {
	uint64_t offset;
	size_t size;
};

void map_spill_init(struct map_spill *spill)
{
	*spill = (struct map_spill){ .fd = -1 };
}

void map_spill_done(struct map_spill *spill)
{
	if (spill->fd >= 0)
		close(spill->fd);
	spill->fd = -1;
}

static int spill_open(struct map_spill *spill)
{
	const char *dir = getenv("TMPDIR");
	char path[4096];

	if (spill->fd >= 0)
		return 0;
	snprintf(path, sizeof(path), "%s", dir && *dir ? dir : "/tmp");
	spill->fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spill->fd >= 0)
		return 0;
	/* Not every file system has files without a name. */
	snprintf(path, sizeof(path), "%s/uringspawn-XXXXXX", dir && *dir ? dir : "/tmp");
	spill->fd = mkostemp(path, O_CLOEXEC);
	if (spill->fd < 0)
		return -errno;
	(void)unlink(path);
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size > 0) {
		ssize_t n = pwrite(fd, data, size, (off_t)offset);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
			offset += (uint64_t)n;
		}
	}
	return 0;
}

static int room_for_extent(struct map_store *store)
{
	size_t capacity = store->capacity ? 2 * store->capacity : 8;
	struct map_extent *extents;

	if (store->n < store->capacity)
		return 0;
	extents = mem_resize(store->extents, capacity * sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	store->extents = extents;
	store->capacity = capacity;
	return 0;
}

/* Move the tail to the file. */
static int spill_tail(struct map_store *store, struct map_spill *spill)
{
	size_t size = buf_size(&store->tail);
	int ret = room_for_extent(store);

	if (ret == 0)
		ret = spill_open(spill);
	if (ret)
		return ret;
	if (spill->used == 0) {
		(void)ftruncate(spill->fd, 0);
		spill->end = 0;
	}
	ret = write_all(spill->fd, buf_bytes(&store->tail), size, spill->end);
	if (ret)
		return ret;
	store->extents[store->n++] =
		(struct map_extent){ .offset = spill->end, .size = size };
	spill->end += size;
	spill->used += size;
	buf_consume(&store->tail, size);
	return 0;
}

void map_store_init(struct map_store *store)
{
	*store = (struct map_store){ 0 };
	buf_init(&store->tail, SIZE_MAX / 2);
}

int map_store_add(struct map_store *store, struct map_spill *spill, const void *data,
		  size_t size)
{
	int ret = buf_append(&store->tail, data, size);

	if (ret == 0 && buf_size(&store->tail) > TAIL_MAX)
		ret = spill_tail(store, spill);
	return ret;
}

static int read_extent(const struct map_extent *extent, int fd, map_store_fn *fn,
		       void *user)
{
	char bytes[16 << 10];

	for (size_t at = 0; at < extent->size;) {
		size_t left = extent->size - at;
		ssize_t n = pread(fd, bytes, left < sizeof(bytes) ? left : sizeof(bytes),
				  (off_t)(extent->offset + at));
		int ret = n < 0 ? -errno : n == 0 ? -EIO : fn(user, bytes, (size_t)n);

		if (ret)
			return ret;
		at += (size_t)n;
	}
	return 0;
}

int map_store_each(const struct map_store *store, const struct map_spill *spill,
		   map_store_fn *fn, void *user)
{
	for (size_t i = 0; i < store->n; i++) {
		int ret = read_extent(&store->extents[i], spill->fd, fn, user);

		if (ret)
			return ret;
	}
	return buf_size(&store->tail) > 0
		       ? fn(user, buf_bytes(&store->tail), buf_size(&store->tail))
		       : 0;
}

void map_store_clear(struct map_store *store, struct map_spill *spill)
{
	for (size_t i = 0; i < store->n; i++)
		spill->used -= store->extents[i].size;
	mem_free(store->extents);
	buf_done(&store->tail);
	map_store_init(store);
}
