/*
 * client/: against a daemon spoken by hand.  What it says is told in order and
 * once; what it must not say ends the connection, and every process with it.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/fake_daemon.h"

/* What was told of a process, as words: "started output:1:hi eof:1 exit:0 end:exited". */
struct told {
	struct fake *fake;
	struct usp_process *process;
	char words[1024];
	bool ended;
	size_t bytes;
	void (*then)(struct told *told, const struct usp_event *event);
};

static void note(struct told *told, const char *format, ...)
{
	size_t at = strlen(told->words);
	va_list args;

	va_start(args, format);
	vsnprintf(told->words + at, sizeof(told->words) - at, format, args);
	va_end(args);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct told *told = user;

	cr_assert(not(told->ended), "an event after the end");
	cr_assert(process == told->process);
	if (told->words[0] && event->kind != USP_EVENT_OUTPUT)
		note(told, " ");
	switch (event->kind) {
	case USP_EVENT_STARTED:
		note(told, "started:%d", (int)event->started.pid);
		break;
	case USP_EVENT_FAILED:
		note(told, "failed:%s:%d:%s", usp_stage_name(event->failed.stage),
		     event->failed.error, event->failed.path);
		break;
	case USP_EVENT_OUTPUT:
		told->bytes += event->output.size;
		if (event->output.size < 20)
			note(told, " output:%d:%.*s", event->output.stream,
			     (int)event->output.size, (const char *)event->output.data);
		break;
	case USP_EVENT_EOF:
		note(told, "eof:%d", event->eof.stream);
		break;
	case USP_EVENT_WINDOW:
		note(told, "window:%u", event->window.bytes);
		break;
	case USP_EVENT_EXIT:
		note(told, "exit:%d", event->exit.code);
		break;
	case USP_EVENT_END:
		note(told, "end:%s", usp_reason_name(event->end.reason));
		told->ended = true;
		break;
	}
	if (told->then)
		told->then(told, event);
}

static const char *const argv_true[] = { "true", NULL };

static int ask_with(struct fake *fake, struct told *told, struct usp_options options)
{
	told->fake = fake;
	options.size = sizeof(options);
	if (!options.argv)
		options.argv = argv_true;
	options.on_event = on_event;
	options.user = told;
	return usp_client_spawn(fake->client, &options, &told->process);
}

/* Ask, send, and give the job's number. */
static uint32_t ask(struct fake *fake, struct told *told, struct usp_options options)
{
	struct frame frame;

	cr_assert(eq(int, ask_with(fake, told, options), 0));
	cr_assert(eq(int, usp_client_turn(fake->client), 0));
	frame = fake_hear(fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_SPAWN));
	return frame.job;
}

static int turn(struct fake *fake)
{
	return usp_client_turn(fake->client);
}

static void expect(const struct told *told, const char *words)
{
	cr_assert(eq(str, (char *)told->words, (char *)words));
}

/* ---- opening --------------------------------------------------------------- */

static int open_against(uint8_t type, uint32_t arg, const void *payload, size_t size)
{
	struct frame frame = { .payload_bytes = (uint32_t)size,
			       .type = type,
			       .arg = arg };
	uint8_t bytes[256] = { 0 };

	frame_encode_header(&frame, bytes);
	memcpy(bytes + USP_WIRE_HEADER_BYTES, payload, size);
	return fake_open_raw(bytes, USP_WIRE_HEADER_BYTES + size);
}

CLEAN_TEST(client, opening_says_why_it_does_not)
{
	uint8_t other_version[USP_WIRE_HELLO_BYTES] = {
		0x55, 0x53, 0x50, 0x4e, 9, 0, 9, 0
	};
	struct usp_client *client;

	cr_assert(eq(int, usp_client_open("/nonexistent/s", &client), -ENOENT));
	cr_assert(eq(int, usp_client_open("@uringspawn-test-nobody", &client),
		     -ECONNREFUSED));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, EBUSY, "full", 4), -EBUSY));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, EACCES, "no", 2), -EACCES));
	cr_assert(eq(int, open_against(USP_WIRE_ERROR, 0, "?", 1), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_HELLO, 0, other_version, 32), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_HELLO, 0, "short", 5), -EPROTO));
	cr_assert(eq(int, open_against(USP_WIRE_STARTED, 1, "", 0), -EPROTO));
	cr_assert(eq(int, fake_open_raw("", 0), -EPROTO));
	cr_assert(eq(int, fake_open_raw("half a hel", 10), -EPROTO));
	cr_assert(
		eq(int, fake_open_raw("HTTP/1.1 400 Bad Request\r\n\r\n", 28), -EPROTO));
}

CLEAN_TEST(client, greets_with_its_version_and_its_limits)
{
	struct fake fake;
	struct hello hello = fake_hello;

	hello.name = (struct text){ 0 };
	fake_open(&fake, &hello);

	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN));
	cr_assert(eq(str, (char *)usp_client_error(fake.client), ""));
	fake_close(&fake);
}

/* ---- asking ---------------------------------------------------------------- */

CLEAN_TEST(client, requests_of_one_turn_leave_in_one_message)
{
	struct told told[3] = { 0 };
	static uint8_t bytes[4096];
	struct fake fake;
	struct frame frame;
	size_t at = 0;
	ssize_t n;

	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(
			int,
			ask_with(&fake, &told[i],
				 (struct usp_options){ .flags = i ? 0 : USP_FLAG_RUN }),
			0));
	cr_assert(fake_silence(&fake), "sent before the turn");
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));

	cr_assert(eq(int, turn(&fake), 0));
	n = recv(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	for (int i = 0; i < 3; i++) {
		at += (size_t)frame_decode(bytes + at, (size_t)n - at, 4096, &frame);
		cr_assert(eq(u8, frame.type, i ? USP_WIRE_SPAWN : USP_WIRE_RUN));
		cr_assert(eq(u32, frame.job, (uint32_t)i + 1));
	}
	cr_assert(eq(long, (long)at, n));
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN));
	fake_close(&fake);
}

CLEAN_TEST(client, a_request_says_all_that_the_options_say)
{
	const char *const argv[] = { "a", "", "b c", NULL }, *const env[] = { "A=1", "B=",
									      NULL };
	struct told told = { 0 };
	struct request request;
	struct frame frame;
	struct fake fake;
	const char *field;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int,
		     ask_with(&fake, &told,
			      (struct usp_options){
				      .argv = argv,
				      .envp = env,
				      .path = "/bin/x",
				      .search = "y",
				      .cwd = "/z",
				      .stdio = { { .kind = USP_STDIO_PIPE },
						 { .kind = USP_STDIO_NULL },
						 { .kind = USP_STDIO_DUP, .fd = 1 } },
				      .group = USP_GROUP_SESSION,
				      .timeout_ns = 5,
				      .kill = { .signal = SIGINT,
						.target = USP_TARGET_PROCESS,
						.grace_ns = 6 },
				      .ignored_signals = 7,
				      .window_bytes = 8 }),
		     0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);

	cr_assert(eq(int,
		     request_decode(frame.payload, frame.payload_bytes, &request, &field),
		     0));
	cr_assert(eq(sz, request.argv.size, 7));
	cr_assert(eq(int, memcmp(request.argv.bytes, "a\0\0b c", 7), 0));
	cr_assert(eq(sz, request.env.size, 7));
	cr_assert(eq(int, memcmp(request.env.bytes, "A=1\0B=", 7), 0));
	cr_assert(eq(int, memcmp(request.path.bytes, "/bin/x", 6), 0));
	cr_assert(eq(int, memcmp(request.search.bytes, "y", 1), 0));
	cr_assert(eq(int, memcmp(request.cwd.bytes, "/z", 2), 0));
	cr_assert(eq(u8, request.stdio[0].kind, USP_WIRE_STDIO_PIPE));
	cr_assert(eq(u8, request.stdio[1].kind, USP_WIRE_STDIO_NULL));
	cr_assert(eq(u8, request.stdio[2].kind, USP_WIRE_STDIO_DUP));
	cr_assert(eq(u8, request.stdio[2].arg, 1));
	cr_assert(eq(u32, request.group, 1));
	cr_assert(eq(u64, request.timeout_ns, 5));
	cr_assert(eq(u32, request.kill_signal, SIGINT));
	cr_assert(eq(u32, request.kill_target, USP_TARGET_PROCESS));
	cr_assert(eq(u64, request.kill_grace_ns, 6));
	cr_assert(eq(u64, request.ignored_signals, 7));
	cr_assert(request.has_window);
	cr_assert(eq(u32, request.window_bytes, 8));
	fake_close(&fake);
}

static ino_t inode(int fd)
{
	struct stat st;

	cr_assert(eq(int, fstat(fd, &st), 0));
	return st.st_ino;
}

CLEAN_TEST(client, descriptors_travel_with_the_frame_that_counts_them)
{
	struct told told[4] = { 0 };
	int fds[16], pipes[4];
	struct fake fake;

	cr_assert(eq(int, pipe2(pipes, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(pipes + 2, O_CLOEXEC), 0));
	fake_open(&fake, &fake_hello);
	ask_with(&fake, &told[0], (struct usp_options){ 0 });
	ask_with(&fake, &told[1],
		 (struct usp_options){ .stdio = { { USP_STDIO_FD, pipes[0] },
						  { 0 },
						  { USP_STDIO_FD, pipes[1] } } });
	ask_with(&fake, &told[2],
		 (struct usp_options){ .stdio = { { 0 }, { USP_STDIO_FD, pipes[3] } } });
	ask_with(&fake, &told[3], (struct usp_options){ 0 });
	ino_t inodes[3] = { inode(pipes[0]), inode(pipes[1]), inode(pipes[3]) };

	/* The caller's may be closed at once: they were duplicated. */
	for (int i = 0; i < 4; i++)
		close(pipes[i]);
	cr_assert(eq(int, turn(&fake), 0));

	cr_assert(eq(u8, fake_hear(&fake, NULL).fds, 0));
	cr_assert(eq(u8, fake_hear(&fake, fds).fds, 2));
	cr_assert(eq(ulong, inode(fds[0]), inodes[0]));
	cr_assert(eq(ulong, inode(fds[1]), inodes[1]));
	cr_assert(eq(u8, fake_hear(&fake, fds + 2).fds, 1));
	cr_assert(eq(ulong, inode(fds[2]), inodes[2]));
	cr_assert(eq(u8, fake_hear(&fake, NULL).fds, 0));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	fake_close(&fake);
}

CLEAN_TEST(client, descriptors_that_never_left_are_closed)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask_with(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_FD, 2 } } });
	fake_close(&fake);
	expect(&told, "failed:admission:125: end:client-gone");
}

/* Each is told by the turn, and the daemon never hears of it. */
static const struct refusal {
	const char *name;
	struct usp_options options;
	const char *want;
} refusals[] = {
	{ "our own group",
	  { .group = USP_GROUP_SAME },
	  "failed:validate:22:group end:failed" },
	{ "no such group", { .group = 9 }, "failed:validate:22:group end:failed" },
	{ "closed descriptor",
	  { .stdio = { { 0 }, { USP_STDIO_FD, 999 } } },
	  "failed:validate:9:stdio end:failed" },
	{ "no such stdio",
	  { .stdio = { { .kind = 77 } } },
	  "failed:validate:22:stdio end:failed" },
	{ "a duplicate of stream 300",
	  { .stdio = { { USP_STDIO_DUP, 300 } } },
	  "failed:validate:22:stdio end:failed" },
	{ "no such signal",
	  { .kill = { .signal = 70 } },
	  "failed:validate:22:kill end:failed" },
	{ "no such target",
	  { .kill = { .target = 5 } },
	  "failed:validate:22:kill end:failed" },
};

CLEAN_TEST(client, what_the_wire_cannot_say_fails_by_event)
{
	struct fake fake;

	fake_open(&fake, &fake_hello);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct told told = { 0 };

		cr_assert(eq(int, ask_with(&fake, &told, refusals[i].options), 0), "%s",
			  refusals[i].name);
		expect(&told, "");
		cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));
		cr_assert(eq(int, usp_process_signal(told.process, SIGTERM, 0), -ESRCH));
		usp_process_kill(told.process);
		cr_assert(eq(int, turn(&fake), 0));
		expect(&told, refusals[i].want);
		cr_assert(fake_silence(&fake), "%s was sent", refusals[i].name);
	}
	fake_close(&fake);
}

CLEAN_TEST(client, options_of_another_size_are_told_apart)
{
	struct {
		struct usp_options options;
		char more[8];
	} newer = { .options = USP_OPTIONS(.argv = argv_true, .on_event = on_event) };
	struct usp_process *process = NULL;
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	newer.options.size = sizeof(newer);
	newer.more[7] = 1;
	cr_assert(
		eq(int, usp_client_spawn(fake.client, &newer.options, &process), -E2BIG));
	newer.options.size = 0;
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	newer.options.size = offsetof(struct usp_options, envp);
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	newer.options = USP_OPTIONS(.on_event = on_event);
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	cr_assert(process == NULL, "an output was set on failure");

	newer.options =
		USP_OPTIONS(.argv = argv_true, .on_event = on_event, .user = &told);
	newer.options.size = sizeof(newer);
	newer.more[7] = 0;
	cr_assert(
		eq(int, usp_client_spawn(fake.client, &newer.options, &told.process), 0));
	fake_close(&fake);
	cr_assert(told.ended);
}

CLEAN_TEST(client, a_request_larger_than_the_daemons_frame_is_refused_at_once)
{
	static char big[70 << 10];
	const char *const argv[] = { "x", big, NULL };
	struct told told = { 0 };
	struct fake fake;

	memset(big, 'x', sizeof(big) - 1);
	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_with(&fake, &told, (struct usp_options){ .argv = argv }),
		     -EMSGSIZE));
	cr_assert(eq(int, ask_with(&fake, &told, (struct usp_options){ .envp = argv }),
		     -EMSGSIZE));
	cr_assert(eq(int,
		     ask_with(&fake, &told,
			      (struct usp_options){ .cwd = big,
						    .stdio = { { USP_STDIO_FD, 2 } } }),
		     -EMSGSIZE));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
	expect(&told, "");
}

/* ---- being told ------------------------------------------------------------ */

static void say_a_life(struct fake *fake, uint32_t job)
{
	fake_say(fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "one", 3);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 2, 0, "two", 3);
	fake_say(fake, USP_WIRE_EOF, job, 2, 0);
	fake_say(fake, USP_WIRE_EXIT, job, USP_WIRE_EXIT_CODE, 3);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "late", 4);
	fake_say(fake, USP_WIRE_EOF, job, 1, 0);
	fake_say_end(fake, job, USP_REASON_EXITED);
}

static const char a_life[] = "started:42 output:1:one output:2:two eof:2 exit:3 "
			     "output:1:late eof:1 end:exited";

CLEAN_TEST(client, events_are_told_in_the_order_they_came)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	say_a_life(&fake, job);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, a_life);
	fake_close(&fake);
}

CLEAN_TEST(client, any_split_of_the_bytes_tells_the_same)
{
	struct told told = { 0 };
	struct fake fake, pipe;
	static uint8_t bytes[4096];
	uint32_t job;
	ssize_t n;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });

	/* The bytes of a life, from another connection that nobody reads. */
	int pair[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	pipe.fd = pair[0];
	say_a_life(&pipe, job);
	n = recv(pair[1], bytes, sizeof(bytes), MSG_DONTWAIT);
	close(pair[0]);
	close(pair[1]);

	for (ssize_t i = 0; i < n; i++) {
		cr_assert(not(told.ended));
		fake_say_raw(&fake, bytes + i, 1);
		cr_assert(eq(int, turn(&fake), 0));
	}
	expect(&told, a_life);
	fake_close(&fake);
}

CLEAN_TEST(client, a_frame_larger_than_one_receive_arrives_whole)
{
	static uint8_t payload[900 << 10];
	struct frame frame = { .payload_bytes = sizeof(payload),
			       .type = USP_WIRE_OUTPUT,
			       .flags = 1 };
	uint8_t header[USP_WIRE_HEADER_BYTES];
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	frame.job = ask(&fake, &told, (struct usp_options){ .window_bytes = 1 << 20 });
	fake_say(&fake, USP_WIRE_STARTED, frame.job, 0, 42);
	frame_encode_header(&frame, header);
	fake_say_raw(&fake, header, sizeof(header));
	for (size_t at = 0; at < sizeof(payload); at += 100 << 10) {
		cr_assert(eq(sz, told.bytes, 0));
		fake_say_raw(&fake, payload + at, 100 << 10);
		cr_assert(eq(int, turn(&fake), 0));
	}
	cr_assert(eq(sz, told.bytes, sizeof(payload)));
	fake_close(&fake);
}

CLEAN_TEST(client, a_failure_is_told_with_its_stage_and_path)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say_bytes(&fake, USP_WIRE_FAILED, job, USP_STAGE_EXEC, ENOENT,
		       "\0\0\0\0true", 8);
	fake_say_end(&fake, job, USP_REASON_FAILED);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "failed:exec:2:true end:failed");
	fake_close(&fake);
}

CLEAN_TEST(client, a_frame_of_a_newer_daemon_is_ignored)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say_bytes(&fake, 0xee, job, 1, 2, "news", 4);
	fake_say_bytes(&fake, 0xef, 0, 1, 2, "news", 4);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "");
	fake_close(&fake);
}

/* ---- what must not be said ------------------------------------------------- */

enum impossible {
	OUTPUT_BEFORE_START,
	EOF_BEFORE_START,
	EXIT_BEFORE_START,
	END_BEFORE_START,
	START_TWICE,
	FAIL_AFTER_START,
	OUTPUT_AFTER_EOF,
	EOF_TWICE,
	EXIT_TWICE,
	OUTPUT_AFTER_FAILURE,
	UNKNOWN_JOB,
	STREAM_THREE,
	HELLO_TWICE,
	WINDOW_TOO_LARGE,
	TOO_LONG,
	START_WITHOUT_PID,
	N_IMPOSSIBLE,
};

static void say_impossible(struct fake *fake, uint32_t job, enum impossible what)
{
	bool start = what != OUTPUT_BEFORE_START && what != EOF_BEFORE_START &&
		     what != EXIT_BEFORE_START && what != END_BEFORE_START &&
		     what != OUTPUT_AFTER_FAILURE && what != START_WITHOUT_PID;
	uint8_t long_header[USP_WIRE_HEADER_BYTES] = { 0, 0, 0, 2, USP_WIRE_OUTPUT };

	if (start)
		fake_say(fake, USP_WIRE_STARTED, job, 0, 42);
	switch (what) {
	case OUTPUT_AFTER_EOF:
		fake_say(fake, USP_WIRE_EOF, job, 1, 0);
		/* fallthrough */
	case OUTPUT_BEFORE_START:
		fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "x", 1);
		break;
	case EOF_TWICE:
		fake_say(fake, USP_WIRE_EOF, job, 1, 0);
		/* fallthrough */
	case EOF_BEFORE_START:
		fake_say(fake, USP_WIRE_EOF, job, 1, 0);
		break;
	case EXIT_TWICE:
		fake_say(fake, USP_WIRE_EXIT, job, 0, 0);
		/* fallthrough */
	case EXIT_BEFORE_START:
		fake_say(fake, USP_WIRE_EXIT, job, 0, 0);
		break;
	case END_BEFORE_START:
		fake_say_end(fake, job, USP_REASON_EXITED);
		break;
	case START_TWICE:
		fake_say(fake, USP_WIRE_STARTED, job, 0, 42);
		break;
	case OUTPUT_AFTER_FAILURE:
		fake_say_bytes(fake, USP_WIRE_FAILED, job, 1, 2, "\0\0\0\0x", 5);
		fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "x", 1);
		break;
	case FAIL_AFTER_START:
		fake_say_bytes(fake, USP_WIRE_FAILED, job, 1, 2, "\0\0\0\0x", 5);
		break;
	case UNKNOWN_JOB:
		fake_say(fake, USP_WIRE_STARTED, job + 1, 0, 42);
		break;
	case STREAM_THREE:
		fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 3, 0, "x", 1);
		break;
	case HELLO_TWICE:
		fake_say(fake, USP_WIRE_HELLO, 0, 0, 0);
		break;
	case WINDOW_TOO_LARGE:
		fake_say(fake, USP_WIRE_STDIN_WINDOW, job, 0, 1);
		break;
	case TOO_LONG:
		fake_say_raw(fake, long_header, sizeof(long_header));
		break;
	case START_WITHOUT_PID:
		fake_say(fake, USP_WIRE_STARTED, job, 0, 0);
		break;
	case N_IMPOSSIBLE:
		break;
	}
}

ParameterizedTestParameters(client, impossible_events_end_the_connection)
{
	static int number[N_IMPOSSIBLE];

	for (int i = 0; i < N_IMPOSSIBLE; i++)
		number[i] = i;
	return cr_make_param_array(int, number, N_IMPOSSIBLE);
}

ParameterizedTest(int *number, client, impossible_events_end_the_connection)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_PIPE } } });
	say_impossible(&fake, job, *number);

	cr_assert(eq(int, turn(&fake), -EPROTO), "case %d", *number);
	cr_assert(told.ended);
	cr_assert(ne(str, (char *)usp_client_error(fake.client), ""));
	cr_assert(eq(int, turn(&fake), -EPROTO), "the error does not stay");
	fake_close(&fake);
	cr_assert(eq(int, leaks(), 0));
}

/* Whatever comes, each process ends once, and nothing is left. */
CLEAN_TEST(client, random_bytes_end_every_process_once, .timeout = 60)
{
	for (unsigned seed = 0; seed < 200; seed++) {
		struct told told[4] = { 0 };
		struct fake fake;
		uint8_t bytes[300];
		uint32_t job;
		int ret = 0;

		srand(seed);
		fake_open(&fake, &fake_hello);
		for (int i = 0; i < 4; i++)
			job = ask(&fake, &told[i], (struct usp_options){ 0 });
		fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)rand();
		/* Half of them look like frames, so that more is reached. */
		for (size_t i = 0; i < sizeof(bytes) && seed % 2; i += 20)
			memcpy(bytes + i,
			       (uint8_t[]){ (uint8_t)(rand() % 5), 0, 0, 0,
					    (uint8_t)(0x80 + rand() % 10), 0,
					    (uint8_t)(rand() % 4), 0,
					    (uint8_t)(rand() % 5), 0, 0, 0 },
			       12);
		fake_say_raw(&fake, bytes, sizeof(bytes));
		fake_hangup(&fake);
		for (int i = 0; i < 3 && !ret; i++)
			ret = turn(&fake);
		cr_assert(ret == -EPROTO || ret == -EPIPE, "seed %u: %d", seed, ret);
		for (int i = 0; i < 4; i++)
			cr_assert(told[i].ended, "seed %u", seed);
		fake_close(&fake);
	}
}

/* ---- the daemon goes ------------------------------------------------------- */

CLEAN_TEST(client, a_lost_daemon_ends_every_process)
{
	struct told told[5] = { 0 };
	uint32_t jobs[5];
	struct fake fake;

	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 4; i++)
		jobs[i] = ask(&fake, &told[i], (struct usp_options){ 0 });
	for (int i = 1; i < 3; i++)
		fake_say(&fake, USP_WIRE_STARTED, jobs[i], 0, 42);
	fake_say(&fake, USP_WIRE_EXIT, jobs[2], 0, 0);
	fake_say_bytes(&fake, USP_WIRE_FAILED, jobs[3], USP_STAGE_EXEC, 2, "\0\0\0\0x",
		       5);
	fake_hangup(&fake);
	ask_with(&fake, &told[4], (struct usp_options){ 0 });

	cr_assert(eq(int, turn(&fake), -EPIPE));
	expect(&told[0], "failed:admission:32: end:status-lost");
	expect(&told[1], "started:42 end:status-lost");
	expect(&told[2], "started:42 exit:0 end:status-lost");
	expect(&told[3], "failed:exec:2:x end:failed");
	expect(&told[4], "failed:admission:32: end:status-lost");
	cr_assert(eq(int, turn(&fake), -EPIPE));
	cr_assert(eq(int, usp_client_run(fake.client), -EPIPE));
	cr_assert(eq(int, ask_with(&fake, &told[0], (struct usp_options){ 0 }), -EPIPE));
	cr_assert(ne(str, (char *)usp_client_error(fake.client), ""));
	fake_close(&fake);
}

CLEAN_TEST(client, the_daemons_last_words_are_kept)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_ERROR, 0, 0, EPROTO, "you said nonsense", 17);
	fake_hangup(&fake);
	/* What waits to leave meets a closed socket before the words are read. */
	cr_assert(eq(int, usp_process_signal(told.process, SIGINT, 0), 0));

	cr_assert(eq(int, turn(&fake), -EPIPE));
	expect(&told, "started:42 end:status-lost");
	cr_assert(eq(str, (char *)usp_client_error(fake.client),
		     "the daemon says: you said nonsense"));
	fake_close(&fake);
}

static void ask_again(struct told *told, const struct usp_event *event)
{
	static struct told more;

	if (event->kind == USP_EVENT_END)
		cr_assert(eq(int, ask_with(told->fake, &more, (struct usp_options){ 0 }),
			     -EPIPE));
}

CLEAN_TEST(client, freeing_ends_every_process)
{
	struct told told[3] = { { .then = ask_again }, { 0 }, { 0 } };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told[0], (struct usp_options){ 0 });
	ask(&fake, &told[1], (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	cr_assert(eq(int, turn(&fake), 0));
	ask_with(&fake, &told[2], (struct usp_options){ .group = USP_GROUP_SAME });

	cr_assert(usp_client_free(fake.client) == NULL);
	fake.client = NULL;
	expect(&told[0], "started:42 end:client-gone");
	expect(&told[1], "failed:admission:125: end:client-gone");
	expect(&told[2], "failed:validate:22:group end:failed");
	fake_close(&fake);
	cr_assert(usp_client_free(NULL) == NULL);
}

/* ---- windows --------------------------------------------------------------- */

CLEAN_TEST(client, credit_goes_back_when_half_a_window_was_consumed)
{
	struct told told = { 0 };
	char payload[300] = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello); /* a window of 1000 */
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 1, 0, payload, 300);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 2, 0, payload, 300);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake), "a credit for each read");

	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 1, 0, payload, 250);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_WINDOW));
	cr_assert(eq(u32, frame.job, job));
	cr_assert(eq(u16, frame.flags, 1));
	cr_assert(eq(u32, frame.arg, 550));
	usp_process_credit(told.process, 1, 5000);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake), "credit without meaning was sent");
	fake_close(&fake);
}

CLEAN_TEST(client, a_program_that_gives_credit_itself_is_obeyed)
{
	struct told told = { 0 };
	char payload[300] = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .window_bytes = 300 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 2, 0, payload, 300);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));

	usp_process_credit(told.process, 2, 77);
	usp_process_credit(told.process, 2, 0);
	usp_process_credit(told.process, 0, 9);
	usp_process_credit(told.process, 3, 9);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_WINDOW));
	cr_assert(eq(u16, frame.flags, 2));
	cr_assert(eq(u32, frame.arg, 77));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
}

CLEAN_TEST(client, stdin_is_written_within_its_window)
{
	static char data[100 << 10];
	struct told told = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello); /* a window of 100 KiB, frames of 64 */
	job = ask(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_PIPE } } });
	cr_assert(eq(int, usp_process_write(told.process, NULL, 1), -EINVAL));
	cr_assert(eq(int, usp_process_write(told.process, data, sizeof(data) + 1),
		     -EAGAIN));
	cr_assert(eq(int, usp_process_write(told.process, data, sizeof(data)), 0));
	cr_assert(eq(int, usp_process_write(told.process, data, 1), -EAGAIN));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_STDIN));
	cr_assert(eq(u32, frame.payload_bytes, 64 << 10));
	cr_assert(eq(u32, fake_hear(&fake, NULL).payload_bytes, 36 << 10));

	fake_say(&fake, USP_WIRE_STDIN_WINDOW, job, 0, 10);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "window:10");
	cr_assert(eq(int, usp_process_write(told.process, data, 10), 0));
	cr_assert(eq(int, usp_process_close_stdin(told.process), 0));
	cr_assert(eq(int, usp_process_close_stdin(told.process), 0));
	cr_assert(eq(int, usp_process_write(told.process, data, 0), -EPIPE));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_STDIN));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_STDIN_EOF));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
}

CLEAN_TEST(client, a_stdin_that_nobody_reads_is_told)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_PIPE } } });
	fake_say(&fake, USP_WIRE_STDIN_WINDOW, job, 1, 0);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "window:0");
	cr_assert(eq(int, usp_process_write(told.process, "x", 1), -EPIPE));
	fake_close(&fake);
}

CLEAN_TEST(client, a_stdin_that_is_no_pipe_takes_nothing)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ 0 });
	cr_assert(eq(int, usp_process_write(told.process, "x", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_close_stdin(told.process), -ENOTSUP));
	fake_close(&fake);
}

/* ---- verbs ----------------------------------------------------------------- */

CLEAN_TEST(client, signals_and_kill_plans_are_sent_while_they_can_arrive)
{
	struct told told = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	cr_assert(eq(int, usp_process_pid(told.process), 0));
	cr_assert(eq(int, usp_process_signal(told.process, 0, 0), -EINVAL));
	cr_assert(eq(int, usp_process_signal(told.process, 65, 0), -EINVAL));
	cr_assert(eq(int, usp_process_signal(told.process, SIGINT, 2), -EINVAL));
	cr_assert(
		eq(int, usp_process_signal(told.process, SIGINT, USP_TARGET_PROCESS), 0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_SIGNAL));
	cr_assert(eq(u32, frame.arg, SIGINT));
	cr_assert(eq(u16, frame.flags, USP_WIRE_SIGNAL_PROCESS));

	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say(&fake, USP_WIRE_EXIT, job, 0, 0);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_process_pid(told.process), 42));
	cr_assert(eq(int, usp_process_signal(told.process, SIGINT, 0), -ESRCH));
	usp_process_kill(told.process);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u16, frame.flags, USP_WIRE_SIGNAL_PLAN));
	fake_close(&fake);
}

static struct told second;

/* Everything that a callback may do, at every event, the last one included. */
static void do_everything(struct told *told, const struct usp_event *event)
{
	(void)usp_process_write(told->process, "in", 2);
	(void)usp_process_signal(told->process, SIGINT, 0);
	usp_process_credit(told->process, 1, 10);
	usp_process_kill(told->process);
	(void)usp_process_close_stdin(told->process);
	if (event->kind == USP_EVENT_END)
		cr_assert(eq(int,
			     ask_with(told->fake, &second, (struct usp_options){ 0 }),
			     0));
}

CLEAN_TEST(client, an_event_may_call_anything)
{
	struct told told = { .then = do_everything };
	struct frame frame = { 0 };
	struct fake fake;
	uint32_t job;

	memset(&second, 0, sizeof(second));
	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_PIPE } } });
	say_a_life(&fake, job);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, a_life);
	while (frame.type != USP_WIRE_SPAWN)
		frame = fake_hear(&fake, NULL);
	cr_assert(ne(u32, frame.job, job));
	fake_close(&fake);
	cr_assert(second.ended);
}

static void stop_at_start(struct told *told, const struct usp_event *event)
{
	if (event->kind == USP_EVENT_STARTED)
		usp_client_stop(told->fake->client);
}

CLEAN_TEST(client, run_returns_after_the_event_that_stops_it_and_goes_on)
{
	struct told told = { .then = stop_at_start };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_run(fake.client), 0), "nothing to wait for");
	job = ask(&fake, &told, (struct usp_options){ 0 });
	say_a_life(&fake, job);

	cr_assert(eq(int, usp_client_run(fake.client), 0));
	expect(&told, "started:42");
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));
	cr_assert(eq(int, usp_client_run(fake.client), 0));
	expect(&told, a_life);
	fake_close(&fake);
}

/* What does not fit into the socket waits, and leaves in order. */
CLEAN_TEST(client, a_daemon_that_does_not_read_delays_and_loses_nothing)
{
	static struct told told[400];
	static char big[8 << 10];
	const char *const argv[] = { "x", big, NULL };
	struct fake fake;

	memset(told, 0, sizeof(told));
	memset(big, 'x', sizeof(big) - 1);
	fake_open(&fake, &fake_hello);
	for (unsigned i = 0; i < ARRAY_SIZE(told); i++)
		cr_assert(eq(
			int,
			ask_with(&fake, &told[i],
				 (struct usp_options){
					 .argv = argv,
					 .stdio = { { i % 3 ? 0 : USP_STDIO_FD, 2 } } }),
			0));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));

	for (unsigned i = 0; i < ARRAY_SIZE(told); i++) {
		int fd;

		cr_assert(eq(int, turn(&fake), 0));
		cr_assert(eq(u32, fake_hear(&fake, &fd).job, i + 1));
		if (i % 3 == 0)
			close(fd);
	}
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN));
	fake_close(&fake);
}
