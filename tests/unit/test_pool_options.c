/*
 * What a pool may be, and the words for it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

#include "base/annotate.h"
#include "pool/pool.h"
#include "support/clean.h"
#include "support/pooled.h"

TestSuite(pool_options, .timeout = 60);

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	(void)process, (void)event, (void)user;
}

static void on_output(struct usp_pool *pool, pid_t pid, int stream, const void *data,
		      size_t size, void *user)
{
	(void)pool, (void)pid, (void)stream, (void)data, (void)size, (void)user;
}

#define TRUE	ARGV("true")
#define OF(...) &USP_OPTIONS(.argv = TRUE, __VA_ARGS__)
#define WORKS	.kind = USP_POOL_WORKER, .member = &member
#define ASK                                                                              \
	{                                                                                \
		.ask = "?", .ask_bytes = 1, .answer = "!", .answer_bytes = 1             \
	}

static void expect_wrong(struct usp_engine *engine, const char *field,
			 const struct usp_pool_options *options)
{
	struct usp_pool *pool = NULL;
	const char *at_fault = NULL;

	cr_assert(eq(int, usp_pool_open(engine, options, &pool, &at_fault), -EINVAL),
		  "%s", field);
	cr_assert(eq(str, (char *)at_fault, (char *)field));
	cr_assert(pool == NULL);
}

CLEAN_TEST(pool_options, what_is_wrong_is_named)
{
	const struct usp_options member = USP_OPTIONS(.argv = TRUE);
	static char long_name[USP_POOL_NAME_MAX + 2];
	static const struct usp_fd pipe3 = { .target = 3, .stdio.kind = USP_STDIO_PIPE };
	const struct {
		const char *field;
		struct usp_pool_options options;
	} rows[] = {
		{ "member", USP_POOL_OPTIONS(.min = 1) },
		{ "kind", USP_POOL_OPTIONS(.member = &member, .kind = 7) },
		{ "order", USP_POOL_OPTIONS(.member = &member, .order = 7) },
		{ "name", USP_POOL_OPTIONS(.member = &member, .name = "") },
		{ "name", USP_POOL_OPTIONS(.member = &member, .name = long_name) },
		{ "min", USP_POOL_OPTIONS(.member = &member, .min = 3, .max = 2) },
		{ "spare", USP_POOL_OPTIONS(.member = &member, .spare = 3, .max = 2) },
		{ "max_uses", USP_POOL_OPTIONS(.member = &member, .max_uses = 1) },
		{ "channel", USP_POOL_OPTIONS(.member = &member, .channel = 3) },
		{ "channel", USP_POOL_OPTIONS(WORKS, .channel = 4) },
		{ "channel", USP_POOL_OPTIONS(WORKS, .channel = -1) },
		{ "reset", USP_POOL_OPTIONS(.member = &member, .reset = ASK) },
		{ "reset", USP_POOL_OPTIONS(WORKS, .reset = ASK, .replace = true) },
		{ "reset",
		  USP_POOL_OPTIONS(WORKS, .reset = { .ask = "?", .ask_bytes = 1 }) },
		{ "replace", USP_POOL_OPTIONS(.member = &member, .replace = true) },
		{ "ping", USP_POOL_OPTIONS(.member = &member, .ping = ASK) },
		{ "ping_on_use", USP_POOL_OPTIONS(WORKS, .ping_on_use = true) },
		{ "ping_interval_ns", USP_POOL_OPTIONS(WORKS, .ping_interval_ns = 1) },
		{ "on_output",
		  USP_POOL_OPTIONS(.member = &member, .on_output = on_output) },
		{ "ready_stream",
		  USP_POOL_OPTIONS(.member = &member, .ready_stream = 9) },
		{ "ready_stream",
		  USP_POOL_OPTIONS(.member = &member, .ready_stream = -1) },
		{ "channel", USP_POOL_OPTIONS(.kind = USP_POOL_WORKER,
					      .member = OF(.fds = &pipe3, .n_fds = 1)) },
		{ "on_event", USP_POOL_OPTIONS(.member = OF(.on_event = on_event)) },
		{ "group", USP_POOL_OPTIONS(.member = OF(.group = USP_GROUP_SAME)) },
		{ "group",
		  USP_POOL_OPTIONS(.member = OF(.group = USP_GROUP_FOREGROUND)) },
		{ "timeout_ns", USP_POOL_OPTIONS(.member = OF(.timeout_ns = 1)) },
		{ "queue_timeout_ns",
		  USP_POOL_OPTIONS(.member = OF(.queue_timeout_ns = 1)) },
		{ "launch_timeout_ns",
		  USP_POOL_OPTIONS(.member = OF(.launch_timeout_ns = 1)) },
		{ "idle_timeout_ns",
		  USP_POOL_OPTIONS(.member = OF(.idle_timeout_ns = 1)) },
		{ "output", USP_POOL_OPTIONS(.member = OF(.output_max_bytes = 1)) },
		{ "drain", USP_POOL_OPTIONS(.member = OF(.drain_ns = 1)) },
		{ "gone", USP_POOL_OPTIONS(.member = OF(.gone = USP_GONE_RELEASE)) },
		{ "flags", USP_POOL_OPTIONS(.member = OF(.flags = USP_FLAG_PIDFD)) },
		{ "pool", USP_POOL_OPTIONS(.member = OF(.priority = 1)) },
		{ "stdio",
		  USP_POOL_OPTIONS(.member = OF(.stdio = { { USP_STDIO_FD } })) },
		{ "stdio",
		  USP_POOL_OPTIONS(.member = OF(.stdio = { { USP_STDIO_HANDOVER } })) },
		{ "argv", USP_POOL_OPTIONS(.member = &USP_OPTIONS(.cwd = "/")) },
		{ "cwd", USP_POOL_OPTIONS(.member = OF(.cwd = "")) },
		{ "kill", USP_POOL_OPTIONS(.member = OF(.kill.signal = 1000)) },
	};
	struct usp_engine *engine = record_engine(NULL);

	memset(long_name, 'n', sizeof(long_name) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		expect_wrong(engine, rows[i].field, &rows[i].options);
	usp_engine_free(engine);
}

CLEAN_TEST(pool_options, another_header_is_read_as_far_as_it_is_known)
{
	const struct usp_options member = USP_OPTIONS(.argv = TRUE);
	struct {
		struct usp_pool_options options;
		uint64_t newer;
	} newer = { USP_POOL_OPTIONS(.member = &member), 1 };
	struct usp_engine *engine = record_engine(NULL);
	struct usp_pool *pool;

	newer.options.size = sizeof(newer);
	cr_assert(eq(int, usp_pool_open(engine, &newer.options, &pool, NULL), -E2BIG));
	newer.newer = 0;
	cr_assert(eq(int, usp_pool_open(engine, &newer.options, &pool, NULL), 0));
	newer.options.size = offsetof(struct usp_pool_options, kind);
	cr_assert(eq(int, usp_pool_open(engine, &newer.options, &pool, NULL), -EINVAL));
	cr_assert(eq(int, usp_pool_open(engine, NULL, &pool, NULL), -EINVAL));
	usp_engine_free(engine);
}

CLEAN_TEST(pool_options, its_program_may_be_a_templates)
{
	struct pooled p = { .engine = record_engine(NULL) };
	struct usp_template *kept;
	struct record r = { 0 };

	cr_assert(eq(int,
		     usp_template_new(p.engine, &USP_OPTIONS(.argv = WORKER()), &kept),
		     0));
	POOLED(&p, .kind = USP_POOL_WORKER, .member = &USP_OPTIONS(.base = kept));
	usp_template_free(kept);
	pooled_use(&p, &r, NULL);
	pooled_ask(&p, &r, "echo x", "x");
	pooled_release(&p, &r);
	record_done(&r);
	pooled_done(&p);
}

CLEAN_TEST(pool_options, statistics_have_a_size)
{
	struct pooled p = { 0 };
	struct usp_pool_stats stats = { 0 };
	struct {
		struct usp_pool_stats stats;
		uint64_t newer;
	} newer = { { .size = sizeof(newer) }, 1 };

	POOLED(&p, .member = OF(.stdio = { { USP_STDIO_PIPE } }));
	cr_assert(eq(int, usp_pool_stats(p.pool, &stats), -EINVAL));
	cr_assert(eq(int, usp_pool_stats(p.pool, &newer.stats), 0));
	cr_assert(eq(u64, newer.newer, 0));
	stats.size = offsetof(struct usp_pool_stats, starting);
	stats.starting = 99;
	cr_assert(eq(int, usp_pool_stats(p.pool, &stats), 0));
	cr_assert(eq(uint, stats.starting, 99), "beyond its size");
	cr_assert(eq(str, (char *)usp_pool_kind_name(pool_options(p.pool)->kind),
		     "standby"));
	pooled_done(&p);
}

CLEAN_TEST(pool_options, causes_and_kinds_have_names)
{
	for (int i = 0; i < USP_POOL_CAUSES; i++)
		cr_assert(ne(str, (char *)usp_pool_cause_name(i), "unknown"), "cause %d",
			  i);
	cr_assert(eq(str, (char *)usp_pool_cause_name(USP_POOL_MAX_USES), "max-uses"));
	cr_assert(eq(str, (char *)usp_pool_cause_name(USP_POOL_CAUSES), "unknown"));
	cr_assert(eq(str, (char *)usp_pool_cause_name(-1), "unknown"));
	cr_assert(eq(str, (char *)usp_pool_kind_name(USP_POOL_WORKER), "worker"));
	cr_assert(eq(str, (char *)usp_pool_kind_name(9), "unknown"));
}
