/*
 * Pools through a daemon: opened, shared, used, released, and gone with whom they belong
 * to.  By frames, so that what is not the protocol can be said as well.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include <uringspawn/wire.h>

#include "base/annotate.h"
#include "support/alive.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "wire/pool_frame.h"

TestSuite(daemon_pools, .fini = tmpdir_done, .timeout = 240);

static struct running_daemon daemon_run;

#define expect_soon(condition)                                                           \
	cr_assert(ne(int, wait_until(condition, WAIT_MS), 0), "never: " #condition)

/* ---- what is said ---------------------------------------------------------------- */

#define ECHO "sh\0-c\0while read l <&3; do echo $l >&3; done"

/* Members that say what they hear. */
static const struct request standby = { .argv = { "cat", 4 },
					.options.stdio = { { USP_STDIO_PIPE } } };
static const struct request worker = { .argv = { ECHO, sizeof(ECHO) },
				       .pool.kind = USP_POOL_WORKER };

static struct request named(const struct request *request, const char *name)
{
	struct request copy = *request;

	copy.pool_name = (struct text){ name, strlen(name) };
	return copy;
}

static void say_open(struct peer *peer, uint32_t id, const struct request *request)
{
	struct frame frame = { .type = USP_WIRE_POOL_OPEN, .job = id };
	const char *field = "";
	struct buf payload;

	buf_init(&payload, 1 << 20);
	cr_assert(eq(int, request_encode(request, &payload, &field), 0), "%s", field);
	frame.payload_bytes = (uint32_t)buf_size(&payload);
	peer_send_frame(peer, &frame, buf_bytes(&payload));
	buf_done(&payload);
}

/* The next answer about a pool says this. */
static void expect_done(struct peer *peer, uint32_t id, uint8_t answers, int error,
			const char *field)
{
	struct pool_done done;
	struct frame frame;

	do {
		cr_assert(peer_next(peer, &frame), "the daemon closed");
		cr_assert(ne(int, frame.type, USP_WIRE_ERROR), "%.*s",
			  (int)frame.payload_bytes, (const char *)frame.payload);
	} while (frame.type != USP_WIRE_POOL_DONE);
	cr_assert(eq(int, pool_done_decode(&frame, &done), 0));
	cr_assert(eq(u32, frame.job, id));
	cr_assert(eq(u8, done.answers, answers));
	cr_assert(eq(int, done.error, error), "%s", done.field);
	cr_assert(eq(str, done.field, (char *)field));
}

static void open_pool(struct peer *peer, uint32_t id, const struct request *request)
{
	say_open(peer, id, request);
	expect_done(peer, id, USP_WIRE_POOL_OPEN, 0, "");
}

static void expect_refused(struct peer *peer, const struct request *request, int error,
			   const char *field)
{
	say_open(peer, 99, request);
	expect_done(peer, 99, USP_WIRE_POOL_OPEN, error, field);
}

static void say_close(struct peer *peer, uint32_t id, enum usp_wire_pool_close how)
{
	uint8_t place[POOL_CLOSE_BYTES];
	struct frame frame =
		pool_close_frame(id, &(struct pool_closing){ .how = how }, place);

	peer_send_frame(peer, &frame, place);
}

static void say_use(struct peer *peer, uint32_t job, uint32_t pool)
{
	peer_spawn(peer, job, &(struct request){ .pool_id = pool }, false);
}

static void write_to(struct peer *peer, uint32_t job, int stream, const char *text)
{
	const struct frame frame = { .type = USP_WIRE_STDIN,
				     .job = job,
				     .flags = (uint16_t)stream,
				     .payload_bytes = (uint32_t)strlen(text) };

	peer_send_frame(peer, &frame, text);
}

/* The job says @text, a line, next. */
static void expect_said(struct peer *peer, uint32_t job, int stream, const char *text)
{
	struct usp_event event = peer_skip_to(peer, job, USP_EVENT_OUTPUT);

	cr_assert(eq(int, event.output.stream, stream));
	cr_assert(eq(sz, event.output.size, strlen(text)));
	cr_assert(memcmp(event.output.data, text, event.output.size) == 0, "%.*s",
		  (int)event.output.size, (const char *)event.output.data);
}

static void release(struct peer *peer, uint32_t job, uint16_t how)
{
	const struct frame frame = { .type = USP_WIRE_RELEASE, .job = job, .flags = how };

	peer_send_frame(peer, &frame, "");
}

static void expect_end(struct peer *peer, uint32_t job, enum usp_reason reason)
{
	cr_assert(
		eq(int, peer_skip_to(peer, job, USP_EVENT_END).end.reason, (int)reason));
}

static pid_t expect_started(struct peer *peer, uint32_t job)
{
	return peer_skip_to(peer, job, USP_EVENT_STARTED).started.pid;
}

/* ---- what is told ---------------------------------------------------------------- */

static json_t *ask(struct peer *peer, uint16_t format)
{
	const struct frame frame = { .type = USP_WIRE_STAT, .flags = format };
	struct frame answer;
	json_t *json;

	peer_send_frame(peer, &frame, "");
	do
		cr_assert(peer_next(peer, &answer), "the daemon closed");
	while (answer.type != USP_WIRE_STATS);
	cr_assert(eq(u16, answer.flags, format));
	json = json_loadb((const char *)answer.payload, answer.payload_bytes, 0, NULL);
	cr_assert(json != NULL, "no JSON: %.*s", (int)answer.payload_bytes,
		  (const char *)answer.payload);
	return json;
}

/* A number of the only pool that is listed; -1: there is none, or several. */
static long number(struct peer *peer, const char *name)
{
	json_t *all = ask(peer, USP_WIRE_STAT_POOLS);
	json_t *pools = json_object_get(all, "pools");
	json_t *value = json_object_get(json_array_get(pools, 0), name);
	long n = json_array_size(pools) == 1 ? (long)json_integer_value(value) : -1;

	json_decref(all);
	return n;
}

static size_t n_pools(struct peer *peer)
{
	json_t *all = ask(peer, USP_WIRE_STAT_POOLS);
	size_t n = json_array_size(json_object_get(all, "pools"));

	json_decref(all);
	return n;
}

/* The pid of a member of the first pool, once one is idle. */
static pid_t idle_member(struct peer *peer)
{
	pid_t pid = 0;

	expect_soon(number(peer, "idle") > 0);

	json_t *all = ask(peer, USP_WIRE_STAT_POOLS), *member;
	json_t *pool = json_array_get(json_object_get(all, "pools"), 0);
	size_t i;

	json_array_foreach(
		json_object_get(pool, "processes"), i,
		member) if (strcmp(json_string_value(json_object_get(member, "state")),
				   "idle") == 0) pid =
		(pid_t)json_integer_value(json_object_get(member, "pid"));
	json_decref(all);
	cr_assert(pid > 0 && is_alive(pid));
	return pid;
}

static void start(const char *const *args, struct peer *peer)
{
	daemon_start(&daemon_run, args);
	peer_open(peer, daemon_run.socket);
}

static void stop(struct peer *peer)
{
	peer_close(peer);
	daemon_stop(&daemon_run);
}

/* ---- use ------------------------------------------------------------------------- */

Test(daemon_pools, a_standbys_use_is_a_job)
{
	struct peer peer;
	pid_t pid;

	start(NULL, &peer);
	open_pool(&peer, 1, &standby);
	pid = idle_member(&peer);
	say_use(&peer, 1, 1);
	cr_assert(eq(int, expect_started(&peer, 1), pid), "the one that was there");
	write_to(&peer, 1, 0, "hello\n");
	expect_said(&peer, 1, 1, "hello\n");
	peer_send_frame(&peer, &(struct frame){ .type = USP_WIRE_STDIN_EOF, .job = 1 },
			"");
	cr_assert(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.code, 0));
	expect_end(&peer, 1, USP_REASON_EXITED);
	say_use(&peer, 1, 1);
	cr_assert(ne(int, expect_started(&peer, 1), pid), "a fresh one for each");
	stop(&peer);
}

Test(daemon_pools, a_worker_serves_one_use_after_the_other)
{
	struct peer peer;
	pid_t pid;

	start(NULL, &peer);
	open_pool(&peer, 7, &worker);
	pid = idle_member(&peer);
	for (uint32_t job = 1; job <= 3; job++) {
		say_use(&peer, job, 7);
		cr_assert(eq(int, expect_started(&peer, job), pid));
		write_to(&peer, job, 3, "hello\n");
		expect_said(&peer, job, 3, "hello\n");
		release(&peer, job, 0);
		expect_end(&peer, job, USP_REASON_RELEASED);
		expect_soon(number(&peer, "busy") == 0);
	}
	say_use(&peer, 4, 7);
	expect_started(&peer, 4);
	release(&peer, 4, 1);
	expect_end(&peer, 4, USP_REASON_RELEASED);
	expect_soon(is_gone(pid));
	cr_assert(ne(int, idle_member(&peer), pid), "another takes its place");
	stop(&peer);
}

Test(daemon_pools, uses_may_follow_the_opening_at_once)
{
	struct peer peer;

	start(NULL, &peer);
	say_open(&peer, 1, &standby);
	say_use(&peer, 1, 1);
	say_open(&peer, 2, &(struct request){ .argv = { "cat", 4 }, .pool.max_uses = 3 });
	say_use(&peer, 2, 2);
	expect_done(&peer, 1, USP_WIRE_POOL_OPEN, 0, "");
	expect_done(&peer, 2, USP_WIRE_POOL_OPEN, EINVAL, "max_uses");
	peer_expect_failed(&peer, 2, USP_STAGE_VALIDATE, ENOENT, "pool");
	expect_started(&peer, 1);
	stop(&peer);
}

Test(daemon_pools, what_a_use_may_not_say_is_named)
{
	const struct {
		const char *field;
		struct request request;
	} rows[] = {
		{ "argv", { .pool_id = 1, .argv = { "a", 2 } } },
		{ "env", { .pool_id = 1, .env = { "a=b", 4 } } },
		{ "cwd", { .pool_id = 1, .cwd = { "/", 1 } } },
		{ "use_template", { .pool_id = 1, .template_id = 3 } },
		{ "stdio",
		  { .pool_id = 1, .options.stdio = { { .kind = USP_STDIO_NULL } } } },
		{ "flags", { .pool_id = 1, .options.flags = USP_FLAG_NO_NEW_PRIVS } },
		{ "pool", { .pool_id = 8 } },
	};
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &standby);
	for (uint32_t i = 0; i < ARRAY_SIZE(rows); i++) {
		peer_spawn(&peer, i + 1, &rows[i].request, false);
		peer_expect_failed(&peer, i + 1, USP_STAGE_VALIDATE,
				   rows[i].request.pool_id == 8 ? ENOENT : EINVAL,
				   rows[i].field);
	}
	stop(&peer);
}

/* A name of a pool in a SPAWN, a use in a POOL_OPEN, a template that is not there. */
Test(daemon_pools, what_an_opening_may_not_say_is_named)
{
	struct request odd = standby;
	struct peer peer;

	start(NULL, &peer);
	odd.pool_name = (struct text){ "x", 1 };
	peer_spawn(&peer, 1, &odd, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "pool_name");
	odd = standby;
	odd.pool_id = 3;
	expect_refused(&peer, &odd, EINVAL, "use_pool");
	odd = (struct request){ .template_id = 5 };
	expect_refused(&peer, &odd, ENOENT, "use_template");
	odd = standby;
	odd.pool.keep = true;
	expect_refused(&peer, &odd, EINVAL, "name");
	odd = standby;
	odd.options.timeout_ns = 1;
	expect_refused(&peer, &odd, EINVAL, "timeout_ns");
	odd = standby;
	odd.options.group = USP_GROUP_JOIN;
	expect_refused(&peer, &odd, EINVAL, "group");
	expect_refused(&peer, &(struct request){ 0 }, EINVAL, "name");
	odd = named(&(struct request){ 0 }, "nobody's");
	expect_refused(&peer, &odd, ENOENT, "name");
	cr_assert(eq(sz, n_pools(&peer), 0));
	stop(&peer);
}

Test(daemon_pools, a_member_may_be_on_top_of_a_template)
{
	static const struct request kept = { .argv = { "cat", 4 },
					     .options.stdio = { { USP_STDIO_PIPE } } };
	const char *field = "";
	struct frame frame = { .type = USP_WIRE_TEMPLATE, .arg = 5 };
	struct buf payload;
	struct peer peer;

	start(NULL, &peer);
	buf_init(&payload, 4096);
	cr_assert(eq(int, request_encode(&kept, &payload, &field), 0));
	frame.payload_bytes = (uint32_t)buf_size(&payload);
	peer_send_frame(&peer, &frame, buf_bytes(&payload));
	buf_done(&payload);
	open_pool(&peer, 1, &(struct request){ .template_id = 5 });
	say_use(&peer, 1, 1);
	expect_started(&peer, 1);
	stop(&peer);
}

/* A program that does not start fails who waits for it, and the daemon goes on. */
Test(daemon_pools, a_pool_of_nothing_fails_its_uses)
{
	static const struct request nothing = { .argv = { "/does/not/exist", 16 } };
	struct usp_event event;
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &nothing);
	say_use(&peer, 1, 1);
	event = peer_skip_to(&peer, 1, USP_EVENT_FAILED);
	cr_assert(eq(int, event.failed.stage, (int)USP_STAGE_EXEC));
	cr_assert(eq(int, event.failed.error, ENOENT));
	expect_end(&peer, 1, USP_REASON_FAILED);
	peer_expect_service(&peer, 2);
	stop(&peer);
}

/* A standby may go on without its client; a worker would be nobody's to release. */
Test(daemon_pools, a_workers_use_does_not_outlive_its_client)
{
	const struct request use = { .pool_id = 1, .options.gone = USP_GONE_KEEP };
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &worker);
	peer_spawn(&peer, 1, &use, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "gone");
	stop(&peer);
}

Test(daemon_pools, release_of_what_is_no_use_means_nothing)
{
	struct peer peer;

	start(NULL, &peer);
	release(&peer, 5, 0);
	peer_spawn(&peer, 1, &standby, false);
	expect_started(&peer, 1);
	release(&peer, 1, 0);
	open_pool(&peer, 1, &standby);
	say_use(&peer, 2, 1);
	expect_started(&peer, 2);
	release(&peer, 2, 1);
	write_to(&peer, 2, 0, "still\n");
	expect_said(&peer, 2, 1, "still\n");
	write_to(&peer, 1, 0, "here\n");
	expect_said(&peer, 1, 1, "here\n");
	stop(&peer);
}

/* ---- the pool -------------------------------------------------------------------- */

Test(daemon_pools, an_id_is_free_when_its_pool_is_closed)
{
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &standby);
	say_close(&peer, 1, USP_WIRE_POOL_LEAVE);
	expect_done(&peer, 1, USP_WIRE_POOL_CLOSE, 0, "");
	open_pool(&peer, 1, &worker);
	say_close(&peer, 1, USP_WIRE_POOL_END);
	expect_done(&peer, 1, USP_WIRE_POOL_CLOSE, 0, "");
	expect_soon(n_pools(&peer) == 0);
	open_pool(&peer, 1, &standby);
	say_close(&peer, 2, USP_WIRE_POOL_LEAVE);
	expect_done(&peer, 2, USP_WIRE_POOL_CLOSE, ENOENT, "");
	say_open(&peer, 1, &standby);
	peer_expect_error(&peer, EEXIST, "pool 1 is open");
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(daemon_pools, a_close_waits_for_members_and_refuses_uses)
{
	struct request small = standby;
	struct peer peer;
	pid_t pid;

	small.pool.max = 1;
	start(NULL, &peer);
	open_pool(&peer, 1, &small);
	pid = idle_member(&peer);
	say_use(&peer, 1, 1);
	expect_started(&peer, 1);
	say_use(&peer, 2, 1);
	expect_soon(number(&peer, "waiting") == 1);
	say_close(&peer, 1, USP_WIRE_POOL_END);
	cr_assert(eq(int, peer_skip_to(&peer, 2, USP_EVENT_FAILED).failed.error,
		     ESHUTDOWN));
	expect_done(&peer, 1, USP_WIRE_POOL_CLOSE, 0, "");
	cr_assert(is_gone(pid), "it is told when none is left");
	stop(&peer);
}

Test(daemon_pools, the_size_is_changed)
{
	uint8_t place[POOL_RESIZE_BYTES];
	struct frame frame;
	struct peer peer;

	start((const char *const[]){ "--pool-members-max", "8", NULL }, &peer);
	open_pool(&peer, 1, &standby);
	frame = pool_resize_frame(1, &(struct pool_new_size){ 3, 5, 1 }, place);
	peer_send_frame(&peer, &frame, place);
	expect_done(&peer, 1, USP_WIRE_POOL_RESIZE, 0, "");
	expect_soon(number(&peer, "idle") == 3);
	frame = pool_resize_frame(1, &(struct pool_new_size){ 6, 5, 1 }, place);
	peer_send_frame(&peer, &frame, place);
	expect_done(&peer, 1, USP_WIRE_POOL_RESIZE, EINVAL, "min");
	frame = pool_resize_frame(1, &(struct pool_new_size){ 1, 5, 6 }, place);
	peer_send_frame(&peer, &frame, place);
	expect_done(&peer, 1, USP_WIRE_POOL_RESIZE, EINVAL, "spare");
	frame = pool_resize_frame(1, &(struct pool_new_size){ 9, 0, 1 }, place);
	peer_send_frame(&peer, &frame, place);
	expect_done(&peer, 1, USP_WIRE_POOL_RESIZE, EAGAIN, "--pool-members-max");
	frame = pool_resize_frame(4, &(struct pool_new_size){ 1, 5, 1 }, place);
	peer_send_frame(&peer, &frame, place);
	expect_done(&peer, 4, USP_WIRE_POOL_RESIZE, ENOENT, "");
	stop(&peer);
}

Test(daemon_pools, frames_that_are_none_end_the_connection)
{
	static const struct {
		struct frame frame;
		const char *sentence;
	} rows[] = {
		{ { .type = USP_WIRE_POOL_OPEN }, "a pool 0" },
		{ { .type = USP_WIRE_POOL_RESIZE, .job = 1, .payload_bytes = 11 },
		  "pool 1: a POOL_RESIZE that is none" },
		{ { .type = USP_WIRE_POOL_CLOSE, .job = 1, .payload_bytes = 4 },
		  "pool 1: a POOL_CLOSE that is none" },
		{ { .type = USP_WIRE_POOL_CLOSE,
		    .job = 1,
		    .flags = 2,
		    .payload_bytes = 8 },
		  "pool 1: a POOL_CLOSE that is none" },
		{ { .type = USP_WIRE_RELEASE, .job = 1, .flags = 2 },
		  "job 1: RELEASE in way 2, which does not exist" },
		{ { .type = USP_WIRE_STAT, .flags = 4 }, "STAT in format 4" },
	};
	static const char zeroes[16];
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		peer_open(&peer, daemon_run.socket);
		peer_send_frame(&peer, &rows[i].frame, zeroes);
		peer_expect_error(&peer, EPROTO, rows[i].sentence);
		peer_close(&peer);
	}
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* ---- whose it is -------------------------------------------------------------------- */

Test(daemon_pools, two_clients_share_one_by_its_name)
{
	const struct request shared = named(&worker, "img");
	const struct request only = named(&(struct request){ 0 }, "img");
	struct peer one, other;
	pid_t pid;

	start(NULL, &one);
	peer_open(&other, daemon_run.socket);
	open_pool(&one, 1, &shared);
	cr_assert(eq(long, number(&other, "pool"), 0), "not open here");
	open_pool(&other, 9, &only);
	cr_assert(eq(sz, n_pools(&one), 1));
	cr_assert(eq(long, number(&other, "pool"), 9));
	pid = idle_member(&one);
	say_use(&one, 1, 1);
	cr_assert(eq(int, expect_started(&one, 1), pid));
	release(&one, 1, 0);
	expect_end(&one, 1, USP_REASON_RELEASED);
	expect_soon(number(&one, "busy") == 0);

	/* Who made it goes away, and it is still there for the other. */
	peer_close(&one);
	expect_soon(number(&other, "clients") == 1);
	say_use(&other, 1, 9);
	cr_assert(eq(int, expect_started(&other, 1), pid));
	release(&other, 1, 0);
	expect_end(&other, 1, USP_REASON_RELEASED);
	say_close(&other, 9, USP_WIRE_POOL_LEAVE);
	expect_done(&other, 9, USP_WIRE_POOL_CLOSE, 0, "");
	expect_soon(n_pools(&other) == 0);
	cr_assert(is_gone(pid));
	stop(&other);
}

Test(daemon_pools, one_that_is_to_stay_stays_until_it_is_closed)
{
	struct request shared = named(&standby, "stay");
	const struct request only = named(&(struct request){ 0 }, "stay");
	struct peer peer;
	pid_t pid;

	shared.pool.keep = true;
	start(NULL, &peer);
	open_pool(&peer, 1, &shared);
	pid = idle_member(&peer);
	peer_close(&peer);
	peer_open(&peer, daemon_run.socket);
	expect_soon(number(&peer, "clients") == 0);
	cr_assert(is_alive(pid));
	open_pool(&peer, 1, &only);
	say_close(&peer, 1, USP_WIRE_POOL_END);
	expect_done(&peer, 1, USP_WIRE_POOL_CLOSE, 0, "");
	cr_assert(is_gone(pid));
	expect_refused(&peer, &only, ENOENT, "name");
	stop(&peer);
}

Test(daemon_pools, one_that_another_ended_is_gone_for_all)
{
	const struct request shared = named(&standby, "img");
	struct peer one, other;

	start(NULL, &one);
	peer_open(&other, daemon_run.socket);
	open_pool(&one, 1, &shared);
	open_pool(&other, 9, &shared);
	say_close(&one, 1, USP_WIRE_POOL_END);
	expect_done(&one, 1, USP_WIRE_POOL_CLOSE, 0, "");
	say_use(&other, 1, 9);
	peer_expect_failed(&other, 1, USP_STAGE_VALIDATE, ENOENT, "pool");
	say_close(&other, 9, USP_WIRE_POOL_END);
	expect_done(&other, 9, USP_WIRE_POOL_CLOSE, ENOENT, "");
	open_pool(&other, 9, &shared);
	peer_close(&other);
	stop(&one);
}

Test(daemon_pools, what_stands_by_is_not_shared_as_a_worker)
{
	const struct request shared = named(&standby, "img");
	const struct request wrong = named(&worker, "img");
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &shared);
	expect_refused(&peer, &wrong, EINVAL, "kind");
	stop(&peer);
}

/* As a user that root is not, and as one of another group: both of a root daemon. */
static void become(uid_t uid, gid_t gid)
{
	cr_assert(eq(int, setgroups(0, NULL), 0));
	cr_assert(eq(int, setresgid(gid, gid, gid), 0));
	cr_assert(eq(int, setresuid(uid, uid, 0), 0));
}

static void open_as(struct peer *peer, uid_t uid, gid_t gid)
{
	become(uid, gid);
	peer_open(peer, daemon_run.socket);
}

static void be_root(void)
{
	cr_assert(eq(int, setresuid(0, 0, 0), 0));
	cr_assert(eq(int, setresgid(0, 0, 0), 0));
}

Test(daemon_pools, one_of_another_user_is_not_to_be_had)
{
	const char *const args[] = { "--allow-uid", "1234", "--allow-uid", "1235", NULL };
	const struct request shared = named(&standby, "img");
	const struct request only = named(&(struct request){ 0 }, "img");
	struct peer one, other, group, root;

	if (getuid() != 0)
		cr_skip_test("not root");
	chmod(tmpdir(), 0711);
	daemon_start(&daemon_run, args);
	open_as(&one, 1234, 1234);
	open_pool(&one, 1, &shared);
	be_root();
	open_as(&other, 1235, 1234);
	expect_refused(&other, &only, ENOENT, "name");
	cr_assert(eq(sz, n_pools(&other), 0), "it is not listed either");
	be_root();
	open_as(&group, 1234, 1235);
	expect_refused(&group, &only, EACCES, "name");
	be_root();
	/* Root looks after it, and gives it nothing; what it has a program for is its own. */
	peer_open(&root, daemon_run.socket);
	open_pool(&root, 1, &only);
	say_use(&root, 1, 1);
	peer_expect_failed(&root, 1, USP_STAGE_VALIDATE, EACCES, "pool");
	cr_assert(eq(sz, n_pools(&root), 1));
	open_pool(&root, 2, &shared);
	cr_assert(eq(sz, n_pools(&root), 2));
	say_use(&root, 2, 2);
	expect_started(&root, 2);
	peer_close(&one);
	peer_close(&other);
	peer_close(&group);
	stop(&root);
}

/* ---- ends ------------------------------------------------------------------------------ */

Test(daemon_pools, the_pools_of_a_client_that_dies_leave_no_process)
{
	struct peer peer, witness;
	pid_t used, idle;

	start(NULL, &peer);
	peer_open(&witness, daemon_run.socket);
	open_pool(&peer, 1, &worker);
	say_use(&peer, 1, 1);
	used = expect_started(&peer, 1);
	expect_soon(number(&witness, "idle") == 1);
	idle = idle_member(&witness);
	peer_close(&peer);
	expect_soon(is_gone(used) && is_gone(idle));
	expect_soon(n_pools(&witness) == 0);
	stop(&witness);
}

Test(daemon_pools, a_daemon_that_is_killed_leaves_no_member)
{
	struct peer peer;
	pid_t used, idle;

	start(NULL, &peer);
	open_pool(&peer, 1, &standby);
	say_use(&peer, 1, 1);
	used = expect_started(&peer, 1);
	expect_soon(number(&peer, "idle") == 1);
	idle = idle_member(&peer);
	daemon_signal(&daemon_run, SIGKILL);
	expect_soon(is_gone(used) && is_gone(idle));
	peer_close(&peer);
}

Test(daemon_pools, a_daemon_that_stops_ends_its_pools)
{
	struct request kept = named(&worker, "stay");
	struct request small = standby;
	struct peer peer;
	pid_t pid;

	kept.pool.keep = true;
	small.pool.max = 1;
	start((const char *const[]){ "--stop-after", "0s", NULL }, &peer);
	open_pool(&peer, 1, &kept);
	pid = idle_member(&peer);
	open_pool(&peer, 2, &small);
	say_use(&peer, 1, 2);
	expect_started(&peer, 1);
	say_use(&peer, 2, 2);
	peer_expect_service(&peer, 3);
	daemon_signal(&daemon_run, SIGTERM);
	cr_assert(eq(int, peer_skip_to(&peer, 2, USP_EVENT_FAILED).failed.error,
		     ESHUTDOWN));
	daemon_stopped(&daemon_run);
	cr_assert(is_gone(pid));
	peer_close(&peer);
}

Test(daemon_pools, one_that_waits_for_its_end_opens_nothing)
{
	struct peer peer;

	start((const char *const[]){ "--stop-after", "60s", NULL }, &peer);
	open_pool(&peer, 1, &standby);
	say_use(&peer, 1, 1);
	expect_started(&peer, 1);
	daemon_signal(&daemon_run, SIGTERM);
	expect_soon(number(&peer, "idle") == 0);
	expect_refused(&peer, &standby, ESHUTDOWN, "");
	peer_send_frame(&peer, &(struct frame){ .type = USP_WIRE_STDIN_EOF, .job = 1 },
			"");
	expect_end(&peer, 1, USP_REASON_EXITED);
	peer_close(&peer);
	daemon_stopped(&daemon_run);
}

Test(daemon_pools, a_daemon_that_was_replaced_lets_its_pools_go)
{
	const char *const args[] = { "--replace", NULL };
	struct request kept = named(&standby, "stay");
	struct running_daemon next;
	struct peer peer;
	char text[512];
	pid_t pid;

	kept.pool.keep = true;
	start(NULL, &peer);
	open_pool(&peer, 1, &kept);
	pid = idle_member(&peer);
	peer_close(&peer);
	daemon_start_on(&next, daemon_run.socket, args);
	cr_assert(eq(int, daemon_ended(&daemon_run, text, sizeof(text)), 0), "%s", text);
	cr_assert(is_gone(pid));
	peer_open(&peer, next.socket);
	cr_assert(eq(sz, n_pools(&peer), 0));
	open_pool(&peer, 1, &kept);
	peer_close(&peer);
	daemon_stop(&next);
}

/* ---- limits --------------------------------------------------------------------------- */

Test(daemon_pools, no_more_pools_than_the_limit)
{
	const struct request shared = named(&standby, "img");
	struct peer peer, other;

	start((const char *const[]){ "--pools-max", "1", NULL }, &peer);
	open_pool(&peer, 1, &shared);
	expect_refused(&peer, &standby, EAGAIN, "--pools-max");
	peer_open(&other, daemon_run.socket);
	expect_refused(&other, &standby, EAGAIN, "--pools-max");
	open_pool(&other, 1, &shared);
	peer_close(&other);
	stop(&peer);
}

Test(daemon_pools, no_more_members_than_the_limit)
{
	struct request two = standby;
	struct peer peer;

	two.pool.min = 2;
	start((const char *const[]){ "--pool-members-max", "1", NULL }, &peer);
	expect_refused(&peer, &two, EAGAIN, "--pool-members-max");
	open_pool(&peer, 1, &standby);
	say_use(&peer, 1, 1);
	expect_started(&peer, 1);
	say_use(&peer, 2, 1);
	expect_soon(number(&peer, "waiting") == 1);
	cr_assert(eq(long, number(&peer, "members"), 1));
	peer_send_frame(&peer, &(struct frame){ .type = USP_WIRE_STDIN_EOF, .job = 1 },
			"");
	expect_end(&peer, 1, USP_REASON_EXITED);
	expect_started(&peer, 2);
	stop(&peer);
}

Test(daemon_pools, what_an_opening_holds_is_counted)
{
	static char big[60 << 10];
	struct request large = worker;
	struct peer peer;

	memset(big, 'x', sizeof(big));
	large.pool.reset = (struct usp_pool_message){ big, sizeof(big), "x", 1, 0 };
	start((const char *const[]){ "--client-bytes-max", "64K", NULL }, &peer);
	open_pool(&peer, 1, &large);
	expect_refused(&peer, &large, EAGAIN, "--client-bytes-max");
	say_close(&peer, 1, USP_WIRE_POOL_END);
	expect_done(&peer, 1, USP_WIRE_POOL_CLOSE, 0, "");
	open_pool(&peer, 1, &large);
	stop(&peer);
}

/* ---- numbers ----------------------------------------------------------------------------- */

static long metric(struct peer *peer, const char *family, const char *pool,
		   const char *label)
{
	json_t *all = ask(peer, USP_WIRE_STAT_JSON);
	json_t *value = json_object_get(json_object_get(all, family), pool);
	long n;

	if (label)
		value = json_object_get(value, label);
	n = json_is_integer(value) ? (long)json_integer_value(value) : -1;
	json_decref(all);
	return n;
}

Test(daemon_pools, what_becomes_of_members_and_uses_is_counted)
{
	const struct request shared = named(&worker, "img");
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &shared);
	open_pool(&peer, 2, &standby);
	expect_soon(metric(&peer, "pool_members", "img", "idle") == 1);
	say_use(&peer, 1, 1);
	expect_started(&peer, 1);
	cr_assert(eq(long, metric(&peer, "pool_members", "img", "busy"), 1));
	release(&peer, 1, 1);
	expect_end(&peer, 1, USP_REASON_RELEASED);
	cr_assert(eq(long, metric(&peer, "pool_uses_total", "img", NULL), 1));
	cr_assert(eq(long, metric(&peer, "pool_wait_seconds", "img", "count"), 1));
	expect_soon(metric(&peer, "pool_exits_total", "img", "discarded") == 1);
	cr_assert(metric(&peer, "pool_waiting", "img", NULL) == 0);

	/* A counter of those without a name does not fall when they end. */
	expect_soon(metric(&peer, "pool_members", "", "idle") == 1);
	say_close(&peer, 2, USP_WIRE_POOL_END);
	expect_done(&peer, 2, USP_WIRE_POOL_CLOSE, 0, "");
	cr_assert(eq(long, metric(&peer, "pool_starts_total", "", NULL), 1));
	cr_assert(eq(long, metric(&peer, "pool_exits_total", "", "closed"), 1));
	cr_assert(eq(long, metric(&peer, "pool_members", "", "idle"), 0));
	stop(&peer);
}

Test(daemon_pools, the_text_form_has_both_labels)
{
	const struct request shared = named(&worker, "a\"b%\xc3\xa4");
	const struct frame question = { .type = USP_WIRE_STAT };
	struct frame answer;
	static char text[256 << 10];
	struct peer peer;

	start(NULL, &peer);
	open_pool(&peer, 1, &shared);
	peer_send_frame(&peer, &question, "");
	do
		cr_assert(peer_next(&peer, &answer));
	while (answer.type != USP_WIRE_STATS);
	memcpy(text, answer.payload, answer.payload_bytes);
	cr_assert(strstr(text, "uringspawn_pool_members{pool=\"a\\\"b%25%c3%a4\","
			       "state=\"busy\"} 0\n") != NULL,
		  "%s", text);
	cr_assert(strstr(text, "uringspawn_pool_exits_total{pool=\"\",cause=\"idle\"} "
			       "0\n") != NULL);
	cr_assert(strstr(text, "uringspawn_pool_wait_seconds_bucket{pool=\"\","
			       "le=\"0.0001\"} 0\n") != NULL);
	cr_assert(strstr(text, "uringspawn_pool_wait_seconds_count{pool=\"\"} 0\n") !=
		  NULL);
	stop(&peer);
}

/* Uses are jobs; members that nobody uses are none. */
Test(daemon_pools, uses_are_listed_as_jobs)
{
	struct peer peer;
	json_t *all, *jobs;
	pid_t pid;

	start(NULL, &peer);
	open_pool(&peer, 1, &standby);
	idle_member(&peer);
	all = ask(&peer, USP_WIRE_STAT_JOBS);
	cr_assert(eq(sz, json_array_size(json_object_get(all, "jobs")), 0));
	json_decref(all);
	say_use(&peer, 1, 1);
	pid = expect_started(&peer, 1);
	all = ask(&peer, USP_WIRE_STAT_JOBS);
	jobs = json_object_get(all, "jobs");
	cr_assert(eq(sz, json_array_size(jobs), 1));
	cr_assert(eq(
		long,
		(long)json_integer_value(json_object_get(json_array_get(jobs, 0), "pid")),
		pid));
	cr_assert(eq(str,
		     (char *)json_string_value(
			     json_object_get(json_array_get(jobs, 0), "program")),
		     "cat"));
	json_decref(all);
	stop(&peer);
}

/* What a worker writes elsewhere is told to who asked for it, and to nobody's use. */
Test(daemon_pools, output_that_is_nobodys_is_told_where_it_was_asked_for)
{
#define LOUD "sh\0-c\0echo oops >&2; while read l <&3; do echo $l >&3; done"
	struct request loud = { .argv = { LOUD, sizeof(LOUD) },
				.pool.kind = USP_POOL_WORKER,
				.pool_outputs = true };
	struct pool_said said;
	struct frame frame;
	struct peer peer;

	start(NULL, &peer);
	say_open(&peer, 1, &loud);
	do
		cr_assert(peer_next(&peer, &frame));
	while (frame.type != USP_WIRE_POOL_OUTPUT);
	cr_assert(eq(int, pool_output_decode(&frame, &said), 0));
	cr_assert(eq(int, said.stream, 2));
	cr_assert(eq(sz, said.size, 5));
	cr_assert(memcmp(said.data, "oops\n", 5) == 0);
	cr_assert(eq(u32, frame.job, 1));
	stop(&peer);
}

/* ---- the C client ------------------------------------------------------------------- */

struct heard {
	struct usp_client *client;
	struct usp_process *use;
	char words[256];
};

static void hear(struct heard *heard, const char *words)
{
	size_t at = strlen(heard->words);

	snprintf(heard->words + at, sizeof(heard->words) - at, "%s%s", at ? " " : "",
		 words);
}

static void on_opened(struct usp_pool *pool, int error, const char *field, void *user)
{
	(void)pool;
	hear(user, error ? field : "opened");
}

static void on_closed(void *user)
{
	hear(user, "closed");
}

/* Says something to its worker, and releases it when that has answered. */
static void on_use(struct usp_process *process, const struct usp_event *event, void *user)
{
	struct heard *heard = user;

	if (event->kind == USP_EVENT_STARTED) {
		hear(heard, "started");
		cr_expect(eq(int, usp_process_write_stream(process, 3, "hi\n", 3), 0));
	} else if (event->kind == USP_EVENT_OUTPUT) {
		hear(heard, event->output.stream == 3 ? "answered" : "wrong stream");
		cr_expect(eq(int, usp_process_release(process, 0), 0));
	} else if (event->kind == USP_EVENT_END) {
		hear(heard, usp_reason_name(event->end.reason));
	}
}

Test(daemon_pools, the_c_client_opens_uses_and_closes_one)
{
	const char *const argv[] = { "sh", "-c", "while read l <&3; do echo $l >&3; done",
				     NULL };
	const struct usp_options member = USP_OPTIONS(.argv = argv);
	struct heard heard = { .words = "" };
	const struct usp_pool_options options =
		USP_POOL_OPTIONS(.kind = USP_POOL_WORKER, .member = &member,
				 .on_opened = on_opened, .user = &heard);
	struct usp_options use = USP_OPTIONS(.on_event = on_use, .user = &heard);
	const char *field;

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &heard.client), 0));
	cr_assert(eq(int, usp_client_pool_open(heard.client, &options, &use.pool, &field),
		     0));
	cr_assert(eq(int, usp_client_spawn(heard.client, &use, &heard.use), 0));
	cr_assert(eq(int, usp_client_run(heard.client), 0));
	cr_expect(eq(str, heard.words, "opened started answered released"));
	usp_pool_close(use.pool, 0, on_closed, &heard);
	cr_assert(eq(int, usp_client_run(heard.client), 0));
	cr_expect(eq(str, heard.words, "opened started answered released closed"));
	usp_client_free(heard.client);
	daemon_stop(&daemon_run);
}
