/*
 * STDIN of a job that no process has taken yet, counted by stream: when nobody reads a
 * stream any more, all that was held of it is gone.
 */
#include "daemon/held.h"

#include <errno.h>
#include "base/alloc.h"

struct held_stream {
	struct list link;
	int number;
	size_t bytes;
};

void held_init(struct held *held)
{
	*held = (struct held){ 0 };
	list_init(&held->streams);
}

void held_done(struct held *held)
{
	struct list *link;

	while ((link = list_take_first(&held->streams)))
		mem_free(container_of(link, struct held_stream, link));
	held->bytes = 0;
}

/* There are one or two, as a rule. */
static struct held_stream *find(struct held *held, int number)
{
	list_each(link, next, &held->streams) {
		struct held_stream *stream = container_of(link, struct held_stream, link);

		if (stream->number == number)
			return stream;
	}
	return NULL;
}

int held_add(struct held *held, int number, size_t bytes)
{
	struct held_stream *stream = find(held, number);

	if (!stream) {
		stream = mem_zalloc(sizeof(*stream));
		if (!stream)
			return -ENOMEM;
		stream->number = number;
		list_append(&held->streams, &stream->link);
	}
	stream->bytes += bytes;
	held->bytes += bytes;
	return 0;
}

size_t held_take(struct held *held, int number, size_t bytes)
{
	struct held_stream *stream = find(held, number);

	if (!stream)
		return 0;
	if (bytes == 0 || bytes > stream->bytes)
		bytes = stream->bytes;
	stream->bytes -= bytes;
	held->bytes -= bytes;
	return bytes;
}

size_t held_undo(struct held *held, int number, size_t bytes)
{
	struct held_stream *stream;

	bytes = held_take(held, number, bytes);
	stream = find(held, number);
	if (stream && stream->bytes == 0) {
		list_remove(&stream->link);
		mem_free(stream);
	}
	return bytes;
}
