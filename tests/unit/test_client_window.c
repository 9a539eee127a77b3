/*
 * client/: windows and credit, and what may be done to a process: from outside, from
 * inside an event, and when the daemon does not read.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/client.h"

/* ---- windows ------------------------------------------------------------- */

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
	job = ask(&fake, &told,
		  (struct usp_options){ .stdio = { { .kind = USP_STDIO_PIPE } } });
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
	job = ask(&fake, &told,
		  (struct usp_options){ .stdio = { { .kind = USP_STDIO_PIPE } } });
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

/* ---- verbs --------------------------------------------------------------- */

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
	cr_assert(eq(int, usp_process_signal(told.process, SIGINT, 3), -EINVAL));
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
	job = ask(&fake, &told,
		  (struct usp_options){ .stdio = { { .kind = USP_STDIO_PIPE } } });
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
