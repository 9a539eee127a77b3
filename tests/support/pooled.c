/*
 * An engine with a pool, for tests of pools.
 */
#include "support/pooled.h"

#include <stdio.h>

#define CHANNEL 3

void pooled_open(struct pooled *p, const struct usp_pool_options *options)
{
	const char *field = "";

	if (!p->engine)
		p->engine = record_engine(NULL);
	cr_assert(eq(int, usp_pool_open(p->engine, options, &p->pool, &field), 0),
		  "the field at fault: %s", field);
}

static void on_closed(void *user)
{
	((struct pooled *)user)->closed = true;
}

void pooled_done(struct pooled *p)
{
	usp_pool_close(p->pool, 0, on_closed, p);
	pooled_until(p, p->closed);
	cr_assert(no_children());
	usp_engine_free(p->engine);
}

void pooled_use(struct pooled *p, struct record *r, const struct usp_options *options)
{
	struct usp_options use = USP_OPTIONS(.pool = p->pool);

	if (options) {
		use = *options;
		use.pool = p->pool;
	}
	record_spawn(r, p->engine, &use);
}

void pooled_turn(struct pooled *p)
{
	cr_assert(eq(int, engine_wait(p->engine), 0));
}

struct usp_pool_stats pooled_stats(struct pooled *p)
{
	struct usp_pool_stats stats = { .size = sizeof(stats) };

	cr_assert(eq(int, usp_pool_stats(p->pool, &stats), 0));
	return stats;
}

void pooled_say(struct record *r, const char *line)
{
	char text[4096];
	int size = snprintf(text, sizeof(text), "%s\n", line);

	cr_assert(eq(int,
		     usp_process_write_stream(r->process, CHANNEL, text, (size_t)size),
		     0));
}

void pooled_ask(struct pooled *p, struct record *r, const char *line, const char *answer)
{
	struct buf *out = &r->out[CHANNEL];
	size_t before = buf_size(out);
	char expected[4096];

	snprintf(expected, sizeof(expected), "%s\n", answer);
	pooled_say(r, line);
	pooled_until(p, r->ended || buf_size(out) - before >= strlen(expected));
	cr_assert(eq(str, (char *)record_text(r, CHANNEL) + before, expected));
}

void pooled_release(struct pooled *p, struct record *r)
{
	cr_assert(eq(int, usp_process_release(r->process, 0), 0));
	pooled_until(p, r->ended);
	cr_assert(eq(int, r->end.reason, USP_REASON_RELEASED));
}
