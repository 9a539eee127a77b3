/*
 * The payload of END.
 *
 * A field that this version does not know is a newer daemon's and is left out:
 * an end is never refused for what more it says.
 */
#include "wire/end.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/annotate.h"
#include "base/buf.h"
#include "wire/bytes.h"
#include "wire/field.h"

#define OUTCOME_BYTES 16
#define STREAM_BYTES  24
#define HOLDER_BYTES  4 /* before the name */
#define RUSAGE_BYTES  72
#define CGROUP_BYTES  40
#define FIRST_STREAM  3 /* of those that have no place in the fixed part */

_Static_assert(USP_DRAIN_EOF == 0 && USP_DRAIN_DEADLINE == 1, "frozen by the protocol");
_Static_assert(USP_TREE_NOT_ASKED == 0 && USP_TREE_GONE == 1, "frozen by the protocol");
_Static_assert(USP_TREE_BEST_EFFORT == 2 && USP_TREE_PENDING == 3, "frozen");

/* ---- encoding ------------------------------------------------------------ */

static uint8_t *store_all(uint8_t *at, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		at = store_u64(at, values[i]);
	return at;
}

static int put_numbers(const struct usp_end *end, struct buf *out)
{
	const struct usp_timings *timings = &end->timings;
	uint8_t *at;
	int ret = buf_reserve(out, USP_WIRE_END_BYTES, &at);

	if (ret < 0)
		return ret;
	at = store_all(at, end->bytes, 3);
	at = store_u64(at, end->stdin_unread_bytes);
	at = store_u64(store_u64(at, timings->queued_ns), timings->launch_ns);
	store_u64(store_u64(at, timings->running_ns), timings->drain_ns);
	buf_grew(out, USP_WIRE_END_BYTES);
	return 0;
}

static int put_outcome(const struct usp_end *end, struct buf *out)
{
	uint8_t *at;
	int ret;

	if (!end->drain && !end->tree && !end->orphans)
		return 0;
	ret = field_put(out, USP_WIRE_END_OUTCOME, OUTCOME_BYTES, &at);
	if (ret < 0)
		return ret;
	at = store_u32(store_u32(at, (uint32_t)end->drain), (uint32_t)end->tree);
	store_u32(store_u32(at, end->orphans), 0);
	return 0;
}

static int put_stream(int stream, uint64_t bytes, uint64_t dropped, struct buf *out)
{
	uint8_t *at;
	int ret = field_put(out, USP_WIRE_END_STREAM, STREAM_BYTES, &at);

	if (ret < 0)
		return ret;
	at = store_u16(store_u16(at, (uint16_t)stream), 0);
	at = store_u32(at, 0);
	store_u64(store_u64(at, bytes), dropped);
	return 0;
}

static int put_streams(const struct usp_end *end, struct buf *out)
{
	int ret = 0;

	for (int i = 0; i < FIRST_STREAM && ret == 0; i++)
		if (end->dropped[i])
			ret = put_stream(i, end->bytes[i], end->dropped[i], out);
	for (size_t i = 0; i < end->n_streams && ret == 0; i++)
		ret = put_stream(end->streams[i].stream, end->streams[i].bytes,
				 end->streams[i].dropped, out);
	return ret;
}

static int put_holders(const struct usp_end *end, struct buf *out)
{
	int ret = 0;

	for (size_t i = 0; i < end->n_holders && i < REPLY_HOLDERS_MAX && ret == 0; i++) {
		const struct usp_holder *holder = &end->holders[i];
		size_t size = strnlen(holder->name, sizeof(holder->name));
		uint8_t *at;

		ret = field_put(out, USP_WIRE_END_HOLDER, HOLDER_BYTES + size, &at);
		if (ret == 0)
			memcpy(store_u32(at, (uint32_t)holder->pid), holder->name, size);
	}
	return ret;
}

static int put_rusage(const struct usp_rusage *used, struct buf *out)
{
	uint8_t *at;
	int ret;

	if (!used)
		return 0;
	ret = field_put(out, USP_WIRE_END_RUSAGE, RUSAGE_BYTES, &at);
	if (ret < 0)
		return ret;

	const uint64_t values[] = {
		used->user_ns,
		used->system_ns,
		used->max_rss_bytes,
		used->minor_faults,
		used->major_faults,
		used->blocks_read,
		used->blocks_written,
		used->voluntary_switches,
		used->involuntary_switches,
	};

	store_all(at, values, ARRAY_SIZE(values));
	return 0;
}

static int put_cgroup(const struct usp_cgroup_usage *used, struct buf *out)
{
	uint8_t *at;
	int ret;

	if (!used)
		return 0;
	ret = field_put(out, USP_WIRE_END_CGROUP, CGROUP_BYTES, &at);
	if (ret < 0)
		return ret;

	const uint64_t values[] = {
		used->user_ns,	 used->system_ns, used->memory_peak_bytes,
		used->pids_peak, used->oom_kills,
	};

	store_all(at, values, ARRAY_SIZE(values));
	return 0;
}

int end_encode(const struct usp_end *end, struct buf *out)
{
	int ret = put_numbers(end, out);

	if (ret == 0)
		ret = put_outcome(end, out);
	if (ret == 0)
		ret = put_streams(end, out);
	if (ret == 0)
		ret = put_holders(end, out);
	if (ret == 0)
		ret = put_rusage(end->rusage, out);
	if (ret == 0)
		ret = put_cgroup(end->cgroup, out);
	return ret;
}

/* ---- decoding ------------------------------------------------------------ */

static void take_numbers(const uint8_t *at, struct usp_end *end)
{
	for (int i = 0; i < 3; i++)
		end->bytes[i] = load_u64(at + 8 * i);
	end->stdin_unread_bytes = load_u64(at + 24);
	end->timings = (struct usp_timings){
		.queued_ns = load_u64(at + 32),
		.launch_ns = load_u64(at + 40),
		.running_ns = load_u64(at + 48),
		.drain_ns = load_u64(at + 56),
	};
}

static int take_outcome(const struct field *field, struct usp_end *end)
{
	uint32_t drain, tree;

	if (field->size != OUTCOME_BYTES)
		return -EINVAL;
	drain = load_u32(field->bytes);
	tree = load_u32(field->bytes + 4);
	if (drain > USP_DRAIN_DEADLINE || tree > USP_TREE_PENDING)
		return -EINVAL;
	end->drain = (enum usp_drain)drain;
	end->tree = (enum usp_tree)tree;
	end->orphans = load_u32(field->bytes + 8);
	return 0;
}

static bool has_stream(const struct usp_end *end, int stream)
{
	for (size_t i = 0; i < end->n_streams; i++)
		if (end->streams[i].stream == stream)
			return true;
	return false;
}

/* The bytes of the first three are in the fixed part as well: they are the same. */
static int take_first_stream(const struct usp_stream_total *total, struct usp_end *end)
{
	if (total->dropped == 0 || end->dropped[total->stream] ||
	    total->bytes != end->bytes[total->stream])
		return -EINVAL;
	end->dropped[total->stream] = total->dropped;
	return 0;
}

static int take_stream(const struct field *field, struct reply_room *room,
		       struct usp_end *end)
{
	struct usp_stream_total total;

	if (field->size != STREAM_BYTES)
		return -EINVAL;
	total = (struct usp_stream_total){
		.stream = load_u16(field->bytes),
		.bytes = load_u64(field->bytes + 8),
		.dropped = load_u64(field->bytes + 16),
	};
	if (total.stream > USP_FD_TARGET_MAX)
		return -EINVAL;
	if (total.stream < FIRST_STREAM)
		return take_first_stream(&total, end);
	if (end->n_streams == USP_FDS_MAX || has_stream(end, total.stream))
		return -EINVAL;
	room->streams[end->n_streams++] = total;
	end->streams = room->streams;
	return 0;
}

static int take_holder(const struct field *field, struct reply_room *room,
		       struct usp_end *end)
{
	struct usp_holder *holder;
	size_t size;
	uint32_t pid;

	if (field->size < HOLDER_BYTES)
		return -EINVAL;
	pid = load_u32(field->bytes);
	size = field->size - HOLDER_BYTES;
	if (pid == 0 || pid > INT_MAX || memchr(field->bytes + HOLDER_BYTES, 0, size))
		return -EINVAL;
	if (end->n_holders == REPLY_HOLDERS_MAX)
		return 0;
	holder = &room->holders[end->n_holders++];
	*holder = (struct usp_holder){ .pid = (pid_t)pid };
	if (size > sizeof(holder->name) - 1)
		size = sizeof(holder->name) - 1;
	memcpy(holder->name, field->bytes + HOLDER_BYTES, size);
	end->holders = room->holders;
	return 0;
}

static int take_rusage(const struct field *field, struct reply_room *room,
		       struct usp_end *end)
{
	const uint8_t *at = field->bytes;

	if (field->size != RUSAGE_BYTES)
		return -EINVAL;
	room->rusage = (struct usp_rusage){
		.user_ns = load_u64(at),
		.system_ns = load_u64(at + 8),
		.max_rss_bytes = load_u64(at + 16),
		.minor_faults = load_u64(at + 24),
		.major_faults = load_u64(at + 32),
		.blocks_read = load_u64(at + 40),
		.blocks_written = load_u64(at + 48),
		.voluntary_switches = load_u64(at + 56),
		.involuntary_switches = load_u64(at + 64),
	};
	end->rusage = &room->rusage;
	return 0;
}

static int take_cgroup(const struct field *field, struct reply_room *room,
		       struct usp_end *end)
{
	const uint8_t *at = field->bytes;

	if (field->size != CGROUP_BYTES)
		return -EINVAL;
	room->cgroup = (struct usp_cgroup_usage){
		.user_ns = load_u64(at),
		.system_ns = load_u64(at + 8),
		.memory_peak_bytes = load_u64(at + 16),
		.pids_peak = load_u64(at + 24),
		.oom_kills = load_u64(at + 32),
	};
	end->cgroup = &room->cgroup;
	return 0;
}

static int take_field(const struct field *field, struct reply_room *room,
		      struct usp_end *end)
{
	switch (field->tag) {
	case USP_WIRE_END_OUTCOME:
		return take_outcome(field, end);
	case USP_WIRE_END_STREAM:
		return take_stream(field, room, end);
	case USP_WIRE_END_HOLDER:
		return take_holder(field, room, end);
	case USP_WIRE_END_RUSAGE:
		return take_rusage(field, room, end);
	case USP_WIRE_END_CGROUP:
		return take_cgroup(field, room, end);
	}
	return 0;
}

int end_decode(const uint8_t *payload, size_t size, struct reply_room *room,
	       struct usp_end *end)
{
	if (size < USP_WIRE_END_BYTES)
		return -EINVAL;
	take_numbers(payload, end);
	payload += USP_WIRE_END_BYTES;
	size -= USP_WIRE_END_BYTES;
	while (size > 0) {
		struct field field;
		int64_t used = field_next(payload, size, &field);
		int ret = used < 0 ? (int)used : take_field(&field, room, end);

		if (ret < 0)
			return ret;
		payload += used;
		size -= (size_t)used;
	}
	return 0;
}
