/*
 * client/pool: pools are asked for, used and left through a daemon, and asked for anew
 * when it is another one.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/client.h"
#include "wire/pool_frame.h"

/* What a program hears of its pools, as words: "opened:0: output:7:2:oops closed". */
static char heard[256];
static struct usp_pool *leave_when_told;

static void note(const char *words)
{
	size_t at = strlen(heard);

	snprintf(heard + at, sizeof(heard) - at, "%s%s", at ? " " : "", words);
}

static void on_opened(struct usp_pool *pool, int error, const char *field, void *user)
{
	char words[64];

	(void)user;
	snprintf(words, sizeof(words), "opened:%d:%s", error, field);
	note(words);
	if (leave_when_told == pool)
		leave_when_told = usp_client_pool_leave(pool);
}

static void on_output(struct usp_pool *pool, pid_t pid, int stream, const void *data,
		      size_t size, void *user)
{
	char words[64];

	(void)pool;
	(void)user;
	snprintf(words, sizeof(words), "output:%d:%d:%.*s", (int)pid, stream, (int)size,
		 (const char *)data);
	note(words);
}

static void on_closed(void *user)
{
	note(user);
}

static const struct usp_options member = { .size = sizeof(member), .argv = argv_true };

static int open_with(struct fake *fake, struct usp_pool_options options,
		     struct usp_pool **ret_pool)
{
	const char *field = "";
	int ret;

	options.size = sizeof(options);
	options.on_opened = on_opened;
	ret = usp_client_pool_open(fake->client, &options, ret_pool, &field);
	if (ret == -EINVAL)
		note(field);
	return ret;
}

/* Open, send, and give the frame that was sent. */
static struct frame open_pool(struct fake *fake, struct usp_pool_options options,
			      struct usp_pool **ret_pool)
{
	struct frame frame;

	if (!options.name)
		options.member = &member;
	cr_assert(eq(int, open_with(fake, options, ret_pool), 0));
	cr_assert(eq(int, turn(fake), 0));
	frame = fake_hear(fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_POOL_OPEN));
	return frame;
}

static void say_done(struct fake *fake, uint32_t pool, uint8_t answers, int error,
		     const char *field)
{
	fake_say_bytes(fake, USP_WIRE_POOL_DONE, pool, answers, (uint32_t)error, field,
		       strlen(field));
	cr_assert(eq(int, turn(fake), 0));
}

static uint32_t use(struct fake *fake, struct told *told, struct usp_pool *pool)
{
	struct usp_options options = {
		.size = sizeof(options), .pool = pool, .on_event = on_event, .user = told
	};
	struct frame frame;

	told->fake = fake;
	cr_assert(eq(int, usp_client_spawn(fake->client, &options, &told->process), 0));
	cr_assert(eq(int, turn(fake), 0));
	frame = fake_hear(fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_SPAWN));
	return frame.job;
}

/* ---- opening -------------------------------------------------------------------- */

CLEAN_TEST(client_pool, an_opening_says_all_that_the_options_say)
{
	const char *const argv[] = { "node", "w.js", NULL };
	const struct usp_options program = { .size = sizeof(program),
					     .argv = argv,
					     .cwd = "/srv" };
	static struct request request;
	struct usp_pool *pool;
	const char *field;
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	frame = open_pool(&fake,
			  (struct usp_pool_options){ .name = "img",
						     .member = &program,
						     .kind = USP_POOL_WORKER,
						     .max = 4,
						     .keep = true,
						     .reset = { "r", 1, "k", 1, 5 } },
			  &pool);
	cr_assert(eq(int,
		     request_decode(frame.payload, frame.payload_bytes, &request, &field),
		     0));
	cr_assert(eq(u32, frame.job, 1));
	cr_assert(eq(sz, request.argv.size, 10));
	cr_assert(eq(sz, request.cwd.size, 4));
	cr_assert(memcmp(request.pool_name.bytes, "img", 3) == 0);
	cr_assert(request.pool.kind == USP_POOL_WORKER && request.pool.max == 4);
	cr_assert(request.pool.keep && !request.pool_outputs);
	cr_assert(memcmp(request.pool.reset.answer, "k", 1) == 0);

	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	cr_assert(eq(str, heard, "opened:0:"));
	usp_client_pool_leave(pool);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_POOL_CLOSE));
	cr_assert(eq(u16, frame.flags, USP_WIRE_POOL_LEAVE));
	say_done(&fake, 1, USP_WIRE_POOL_CLOSE, 0, "");
	fake_close(&fake);
}

CLEAN_TEST(client_pool, one_that_cannot_be_opened_is_no_more)
{
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ .max_uses = 1 }, &pool);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, EINVAL, "max_uses");
	cr_assert(eq(str, heard, "opened:-22:max_uses"));
	say_done(&fake, 1, USP_WIRE_POOL_RESIZE, ENOENT, "");
	fake_close(&fake);
}

CLEAN_TEST(client_pool, it_may_be_left_from_inside_its_first_event)
{
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &leave_when_told);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	cr_assert(leave_when_told == NULL);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_CLOSE));
	open_pool(&fake, (struct usp_pool_options){ 0 }, &leave_when_told);
	fake_close(&fake);
	cr_assert(eq(str, heard, "opened:0:"), "left by the client's end: not told");
	usp_client_pool_leave(leave_when_told);
}

CLEAN_TEST(client_pool, what_makes_no_sense_is_refused_at_once)
{
	const struct usp_options given = { .size = sizeof(given),
					   .argv = argv_true,
					   .stdio = { { USP_STDIO_FD, 2 } } };
	static const struct usp_options no_program = { .size = sizeof(no_program) };
	const struct {
		const char *field;
		struct usp_pool_options options;
	} rows[] = {
		{ "member", { .member = NULL } },
		{ "member", { .member = &no_program } },
		{ "name", { .member = &member, .keep = true } },
		{ "name", { .member = &member, .name = "" } },
		{ "on_output", { .name = "x", .on_output = on_output } },
		{ "kind", { .member = &member, .kind = 2 } },
		{ "channel", { .member = &member, .channel = 300 } },
		{ "ping", { .member = &member, .ping_interval_ns = 1 } },
		{ "stdio", { .member = &given } },
	};
	struct usp_pool *pool = NULL;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		heard[0] = 0;
		cr_assert(eq(int, open_with(&fake, rows[i].options, &pool), -EINVAL),
			  "row %zu", i);
		cr_assert(eq(str, heard, (char *)rows[i].field), "row %zu", i);
	}
	cr_assert(pool == NULL);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
}

/* ---- using ----------------------------------------------------------------------- */

CLEAN_TEST(client_pool, a_standbys_use_is_a_process)
{
	struct told told = { 0 };
	static struct request request;
	struct usp_pool *pool;
	struct usp_options options = { .size = sizeof(options),
				       .priority = -3,
				       .on_event = on_event,
				       .user = &told };
	const char *field;
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	options.pool = pool;
	cr_assert(eq(int, usp_client_spawn(fake.client, &options, &told.process), 0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(int,
		     request_decode(frame.payload, frame.payload_bytes, &request, &field),
		     0));
	cr_assert(eq(u32, request.pool_id, 1));
	cr_assert(eq(int, request.options.priority, -3));
	cr_assert(request.argv.bytes == NULL);

	cr_assert(eq(int, usp_process_release(told.process, 0), -ENOTSUP));
	say_a_life(&fake, frame.job);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, a_life);
	usp_client_pool_leave(pool);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_workers_use_has_its_channel_and_is_released)
{
	struct told told = { 0 };
	struct usp_pool *pool;
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ .kind = USP_POOL_WORKER }, &pool);
	job = use(&fake, &told, pool);
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 3, 0, "yes", 3);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_process_write(told.process, "x", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_write_stream(told.process, 3, "ask", 3), 0));
	cr_assert(eq(int, usp_process_release(told.process, 7), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 3, "x", 1), -EPIPE));
	cr_assert(eq(int, usp_process_release(told.process, 7), 0), "once is enough");
	usp_process_kill(told.process);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_STDIN));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_RELEASE));
	cr_assert(frame.job == job && frame.flags == 0 && frame.arg == 7);
	cr_assert(fake_silence(&fake));

	/* What was on its way is nobody's. */
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 3, 0, "late", 4);
	fake_say_end(&fake, job, USP_REASON_RELEASED);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "started:42 output:3:yes end:released");
	usp_client_pool_leave(pool);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_use_is_discarded_before_it_has_its_member)
{
	struct told told = { 0 };
	struct usp_pool *pool;
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ .kind = USP_POOL_WORKER }, &pool);
	job = use(&fake, &told, pool);
	cr_assert(eq(int, usp_process_discard(told.process), 0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(frame.type == USP_WIRE_RELEASE && frame.job == job && frame.flags == 1);
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_end(&fake, job, USP_REASON_RELEASED);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "started:42 end:released");
	usp_client_pool_leave(pool);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_use_of_a_shared_one_has_the_streams_that_come)
{
	struct told told = { 0 };
	struct usp_pool *pool;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ .name = "img" }, &pool);
	job = use(&fake, &told, pool);
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 9, 0, "a", 1);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 7, "ask", 3), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 256, "x", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_release(told.process, 0), 0));
	fake_say_end(&fake, job, USP_REASON_RELEASED);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "started:42 output:9:a end:released");
	usp_client_pool_leave(pool);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_process_is_no_use)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ 0 });
	cr_assert(eq(int, usp_process_release(told.process, 0), -ENOTSUP));
	cr_assert(eq(int, usp_process_discard(told.process), -ENOTSUP));
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_use_of_another_clients_pool_is_refused)
{
	struct usp_options options = { .size = sizeof(options), .on_event = on_event };
	struct usp_process *process;
	struct usp_pool *pool;
	struct fake fake, other;

	fake_open(&fake, &fake_hello);
	fake_open(&other, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	options.pool = pool;
	cr_assert(eq(int, usp_client_spawn(other.client, &options, &process), -EINVAL));
	usp_client_pool_leave(pool);
	fake_close(&other);
	fake_close(&fake);
}

/* ---- what becomes of it ----------------------------------------------------------- */

CLEAN_TEST(client_pool, output_that_is_nobodys_is_told)
{
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake,
		  (struct usp_pool_options){ .kind = USP_POOL_WORKER,
					     .on_output = on_output },
		  &pool);
	fake_say_bytes(&fake, USP_WIRE_POOL_OUTPUT, 1, 2, 7, "oops", 4);
	fake_say_bytes(&fake, USP_WIRE_POOL_OUTPUT, 5, 2, 7, "not ours", 8);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(str, heard, "output:7:2:oops"));
	usp_client_pool_leave(pool);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, a_close_is_told_when_the_daemon_says_so)
{
	struct usp_pool *pool;
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	usp_pool_close(pool, 5, on_closed, "closed");
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(frame.type == USP_WIRE_POOL_CLOSE && frame.flags == USP_WIRE_POOL_END);
	cr_assert(eq(str, heard, "opened:0:"));
	fake_say(&fake, USP_WIRE_POOL_DONE, 1, USP_WIRE_POOL_CLOSE, 0);
	cr_assert(eq(int, usp_client_run(fake.client), 0), "it waits for the answer");
	cr_assert(eq(str, heard, "opened:0: closed"));
	fake_close(&fake);
}

CLEAN_TEST(client_pool, the_end_of_the_client_is_the_end_of_a_close)
{
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	usp_pool_close(pool, 0, on_closed, "closed");
	fake_close(&fake);
	cr_assert(eq(str, heard, "closed"));
}

CLEAN_TEST(client_pool, a_daemon_that_comes_after_has_the_pools_anew)
{
	struct usp_pool_stats stats = { .size = sizeof(stats) };
	struct usp_pool *open, *opening, *closing;
	uint8_t before[256];
	struct frame frame;
	struct fake fake;
	uint32_t size;

	fake_open(&fake, &fake_hello);
	frame = open_pool(&fake, (struct usp_pool_options){ .max = 9 }, &open);
	size = frame.payload_bytes;
	memcpy(before, frame.payload, size);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	cr_assert(eq(int, usp_pool_resize(open, 1, 5, 2), 0));
	cr_assert(eq(int, usp_pool_resize(open, 6, 5, 2), -EINVAL));
	cr_assert(eq(int, usp_pool_stats(open, &stats), -ENOTSUP));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_RESIZE));
	open_pool(&fake, (struct usp_pool_options){ 0 }, &closing);
	say_done(&fake, 2, USP_WIRE_POOL_OPEN, 0, "");
	usp_pool_close(closing, 0, on_closed, "closed");
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_CLOSE));
	open_pool(&fake, (struct usp_pool_options){ 0 }, &opening);
	fake_hangup(&fake);
	cr_assert(eq(int, usp_client_run(fake.client), -EPIPE));
	cr_assert(eq(str, heard, "opened:0: opened:0: opened:-32: closed"));

	cr_assert(eq(int, usp_pool_resize(open, 2, 5, 2), 0), "for the next daemon");
	cr_assert(eq(int, fake_reopen(&fake, &fake_hello), 0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(frame.type == USP_WIRE_POOL_OPEN && frame.job == 1);
	cr_assert(eq(u32, frame.payload_bytes, size));
	cr_assert(memcmp(frame.payload, before, size) == 0);
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_POOL_RESIZE));
	cr_assert(eq(u8, frame.payload[0], 2));
	cr_assert(fake_silence(&fake));
	usp_client_pool_leave(open);
	fake_close(&fake);
}

CLEAN_TEST(client_pool, one_may_be_closed_without_a_connection)
{
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	fake_hangup(&fake);
	cr_assert(eq(int, turn(&fake), -EPIPE));
	usp_pool_close(pool, 0, on_closed, "closed");
	cr_assert(eq(str, heard, "opened:0:"), "not from inside the call");
	cr_assert(eq(int, turn(&fake), -EPIPE));
	cr_assert(eq(str, heard, "opened:0: closed"));
	cr_assert(eq(
		int,
		open_with(&fake, (struct usp_pool_options){ .member = &member }, &pool),
		-EPIPE));
	usp_client_free(fake.client);
}

CLEAN_TEST(client_pool, a_template_stays_for_the_pool_that_is_on_top_of_it)
{
	const char *const env[] = { "A=1", NULL };
	const struct usp_options base = { .size = sizeof(base),
					  .argv = argv_true,
					  .envp = env };
	struct usp_options program = { .size = sizeof(program) };
	struct usp_template *kept;
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_template_new(fake.client, &base, &kept), 0));
	program.base = kept;
	cr_assert(eq(
		int,
		open_with(&fake, (struct usp_pool_options){ .member = &program }, &pool),
		0));
	usp_template_free(kept);
	say_done(&fake, 1, USP_WIRE_POOL_OPEN, 0, "");
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_TEMPLATE));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_OPEN));
	cr_assert(fake_silence(&fake));
	usp_client_pool_leave(pool);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_POOL_CLOSE));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_TEMPLATE), "forgotten");
	fake_close(&fake);
}

CLEAN_TEST(client_pool, what_is_not_the_protocol_ends_the_connection)
{
	struct usp_pool *pool;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	open_pool(&fake, (struct usp_pool_options){ 0 }, &pool);
	fake_say(&fake, USP_WIRE_POOL_DONE, 1, USP_WIRE_POOL_CLOSE, 0);
	cr_assert(eq(int, turn(&fake), -EPROTO), "nobody closed it");
	cr_assert(eq(str, heard, "opened:-32:"));
	usp_client_free(fake.client);
	close(fake.fd);
	fake_open(&fake, &fake_hello);
	fake_say(&fake, USP_WIRE_POOL_OUTPUT, 1, 2, 7);
	cr_assert(eq(int, turn(&fake), -EPROTO), "no bytes");
	fake_close(&fake);
}

static void on_pools(struct usp_client *client, const char *text, size_t size, void *user)
{
	(void)client;
	(void)user;
	cr_assert(eq(sz, size, 2));
	note(text ? "pools" : "lost");
}

CLEAN_TEST(client_pool, pools_are_asked_for)
{
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_pools(fake.client, on_pools, NULL), 0));
	cr_assert(eq(int, usp_client_pools(fake.client, on_pools, NULL), -EBUSY));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(frame.type == USP_WIRE_STAT && frame.flags == USP_WIRE_STAT_POOLS);
	fake_say_bytes(&fake, USP_WIRE_STATS, 0, USP_WIRE_STAT_POOLS, 0, "{}", 2);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(str, heard, "pools"));
	fake_close(&fake);
}
