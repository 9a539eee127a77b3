/*
 * The end of a use: of its member's process, given back, or without a member.
 */
#include "pool/pool_parts.h"

static void free_use(struct use *use) REACTOR_ONLY
{
	struct pool *pool = use->pool;

	for (unsigned i = 0; i < use->n_streams; i++)
		buf_done(&use->streams[i].data);
	mem_free(use->path);
	mem_free(use);
	engine_let_go(pool->engine);
	pool->n_uses--;
	pool_later(pool);
}

/* The last @drain_ns of it were its drain. */
static struct usp_timings timings(const struct use *use, uint64_t drain_ns)
{
	uint64_t end_ns = reactor_now_ns(use->pool->reactor);
	uint64_t begun_ns = use->begun_ns ? use->begun_ns : end_ns;
	uint64_t ran_ns = end_ns - begun_ns;

	if (drain_ns > ran_ns)
		drain_ns = ran_ns;
	return (struct usp_timings){ .queued_ns = begun_ns - use->asked_ns,
				     .running_ns = ran_ns - drain_ns,
				     .drain_ns = drain_ns };
}

/* Of a worker's streams the channel alone is a use's. */
static void keep_channel(struct usp_end *end, int channel)
{
	size_t n = 0;

	for (int i = 0; i < 3; i++)
		if (i != channel)
			end->bytes[i] = end->dropped[i] = 0;
	while (n < end->n_streams && end->streams[n].stream != channel)
		n++;
	end->streams += n;
	end->n_streams = n < end->n_streams;
}

static void tell_end(struct use *use, const struct usp_end *of_process) REACTOR_ONLY
{
	struct usp_event event = { .kind = USP_EVENT_END, .end = *of_process };

	event.end.timings = timings(use, of_process->timings.drain_ns);
	if (pool_is_worker(use->pool))
		keep_channel(&event.end, use->pool->channel);
	if (!(use->o.flags & USP_FLAG_RUSAGE))
		event.end.rusage = NULL;
	use->state = USE_OVER;
	use->member = NULL;
	handle_tell(&use->handle, &event);
	free_use(use);
}

void use_tell(struct use *use, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_END)
		tell_end(use, &event->end);
	else
		handle_tell(&use->handle, event);
}

static void note_totals(struct use *use)
{
	const struct process *p = member_process(use->member);
	const struct channel *c = channels_read(&p->channels, use->pool->channel);

	if (!c)
		return;
	use->total = (struct usp_stream_total){ .stream = c->stream.number,
						.bytes = c->stream.total_bytes,
						.dropped = c->stream.dropped_bytes };
	use->unread_bytes = c->input.unread_bytes;
}

void use_give_back(struct use *use, unsigned uses, bool reuse)
{
	struct member *m = use->member;

	note_totals(use);
	use_end(use, USP_REASON_RELEASED);
	member_released(m, uses, reuse);
}

static void tell_failed(struct use *use) REACTOR_ONLY
{
	const struct usp_event event = { .kind = USP_EVENT_FAILED,
					 .failed = use->failure };

	handle_tell(&use->handle, &event);
}

static void tell_over(struct use *use) REACTOR_ONLY
{
	struct usp_event event = { .kind = USP_EVENT_END };
	bool was_released = use->reason == USP_REASON_RELEASED;
	int stream = use->total.stream;

	if (use->failed)
		tell_failed(use);
	event.end.reason = use->reason;
	event.end.timings = timings(use, 0);
	event.end.stdin_unread_bytes = use->unread_bytes;
	if (was_released && stream > 2) {
		event.end.streams = &use->total;
		event.end.n_streams = 1;
	} else if (was_released) {
		event.end.bytes[stream] = use->total.bytes;
		event.end.dropped[stream] = use->total.dropped;
	}
	handle_tell(&use->handle, &event);
	free_use(use);
}

void use_tell_over(struct pool *pool)
{
	/* Who asks again at once, and is refused at once, is told so by the next turn. */
	struct list *last = pool->over.prev, *first;

	while ((first = list_take_first(&pool->over))) {
		bool was_last = first == last;

		tell_over(container_of(first, struct use, link));
		if (was_last)
			break;
	}
}
