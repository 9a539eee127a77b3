/*
 * client/: what the daemon says is told in order and once; what it must not say ends
 * the connection, and every process with it.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/clean.h"
#include "support/client.h"

/* ---- being told ---------------------------------------------------------- */

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
		       "\0\0\0\0\0\0\0\0true", 12);
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

/* ---- what must not be said ----------------------------------------------- */

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
		__attribute__((fallthrough));
	case OUTPUT_BEFORE_START:
		fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "x", 1);
		break;
	case EOF_TWICE:
		fake_say(fake, USP_WIRE_EOF, job, 1, 0);
		__attribute__((fallthrough));
	case EOF_BEFORE_START:
		fake_say(fake, USP_WIRE_EOF, job, 1, 0);
		break;
	case EXIT_TWICE:
		fake_say(fake, USP_WIRE_EXIT, job, 0, 0);
		__attribute__((fallthrough));
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
		fake_say_bytes(fake, USP_WIRE_FAILED, job, 1, 2, "\0\0\0\0\0\0\0\0x", 9);
		fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "x", 1);
		break;
	case FAIL_AFTER_START:
		fake_say_bytes(fake, USP_WIRE_FAILED, job, 1, 2, "\0\0\0\0\0\0\0\0x", 9);
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
	job = ask(&fake, &told,
		  (struct usp_options){ .stdio = { { .kind = USP_STDIO_PIPE } } });
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
