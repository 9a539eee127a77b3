/*
 * CLOSE: a client gives a stream of its job up, whenever it likes to.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <uringspawn/client.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(daemon_drop, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name
#define WINDOW	      5000u

/* More than anybody waits for. */
#define FLOOD(fd)                                                                        \
	PROGRAM("flood")                                                                 \
	"\0"                                                                             \
	"1000000000000\0"                                                                \
	"7\0" fd

static struct running_daemon daemon_run;
static struct peer peer;

static void begin(void)
{
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
}

static void finish(void)
{
	peer_expect_service(&peer, 1000);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

static void send_close(uint32_t job, uint16_t stream)
{
	peer_send_frame(
		&peer,
		&(struct frame){ .type = USP_WIRE_CLOSE, .flags = stream, .job = job },
		NULL);
}

/* Nothing is credited: so much comes, and no more. */
static void expect_window_of(uint32_t job, int stream)
{
	size_t got = 0;

	while (got < WINDOW) {
		const struct usp_event event = peer_skip_to(&peer, job, USP_EVENT_OUTPUT);

		cr_assert(eq(int, event.output.stream, stream));
		got += event.output.size;
	}
	cr_assert(eq(sz, got, WINDOW));
}

/* Linux tells no signal to who is waiting for room in a socket: the flood exits with 124
 * then. */
static void expect_broken(uint32_t job, bool socket)
{
	const struct usp_event event = peer_skip_to(&peer, job, USP_EVENT_EXIT);

	if (socket && event.exit.signal == 0)
		cr_assert(eq(int, event.exit.code, 124));
	else
		cr_assert(eq(int, event.exit.signal, SIGPIPE));
}

Test(daemon_drop, who_waits_for_credit_finds_a_broken_pipe)
{
	struct request request = PEER_ARGV(FLOOD("1"));
	struct usp_event event;

	begin();
	request.options.window_bytes = WINDOW;
	peer_spawn(&peer, 1, &request, false);
	expect_window_of(1, 1);
	send_close(1, 1);
	send_close(1, 1);

	expect_broken(1, false);
	event = peer_skip_to(&peer, 1, USP_EVENT_END);
	cr_assert(eq(int, event.end.reason, USP_REASON_SIGNALLED));
	cr_assert(eq(u64, event.end.bytes[1], WINDOW));
	finish();
}

/* The frames of a life are in the order that they always have. */
Test(daemon_drop, one_that_has_not_started_finds_a_broken_pipe)
{
	struct request request = PEER_ARGV(FLOOD("1"));
	bool eof[3] = { false };
	struct usp_event event;
	uint32_t job;

	begin();
	peer_spawn(&peer, 1, &request, false);
	send_close(1, 1);

	cr_assert(eq(int, peer_event(&peer, &job).kind, USP_EVENT_STARTED));
	while ((event = peer_event(&peer, &job)).kind == USP_EVENT_EOF ||
	       event.kind == USP_EVENT_EXIT) {
		if (event.kind == USP_EVENT_EXIT)
			cr_assert(eq(int, event.exit.signal, SIGPIPE));
		else
			eof[event.eof.stream] = true;
	}
	cr_assert(eof[1] && eof[2]);
	cr_assert(eq(int, event.kind, USP_EVENT_END));
	cr_assert(eq(u64, event.end.bytes[1], 0));
	finish();
}

Test(daemon_drop, no_more_of_a_socket_pair_comes_than_was_credited)
{
	struct request request = PEER_ARGV(FLOOD("5"));
	struct usp_event event;

	begin();
	request.options.window_bytes = WINDOW;
	request.options.n_fds = 1;
	request.fds[0] = (struct usp_fd){ 5, { .kind = USP_STDIO_DUPLEX } };
	request.options.fds = request.fds;
	peer_spawn(&peer, 1, &request, false);
	expect_window_of(1, 5);
	send_close(1, 5);

	expect_broken(1, true);
	event = peer_skip_to(&peer, 1, USP_EVENT_END);
	cr_assert(eq(sz, event.end.n_streams, 1));
	cr_assert(eq(u64, event.end.streams[0].bytes, WINDOW));
	finish();
}

/* It writes nothing, and is not disturbed. */
Test(daemon_drop, one_that_writes_nothing_goes_on)
{
	struct request request = PEER_ARGV("/bin/sh\0-c\0read x; exit 3");
	struct frame feed = { .payload_bytes = 3, .type = USP_WIRE_STDIN, .job = 1 };
	struct usp_event event;

	begin();
	request.options.stdio[0].kind = USP_STDIO_PIPE;
	peer_spawn(&peer, 1, &request, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	send_close(1, 1);
	send_close(1, 2);
	cr_assert(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EOF).eof.stream, 1));
	cr_assert(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EOF).eof.stream, 2));
	peer_send_frame(&peer, &feed, "on\n");

	event = peer_skip_to(&peer, 1, USP_EVENT_EXIT);
	cr_assert(eq(int, event.exit.code, 3));
	event = peer_skip_to(&peer, 1, USP_EVENT_END);
	cr_assert(eq(int, event.end.reason, USP_REASON_EXITED));
	cr_assert(eq(u64, event.end.bytes[0], 3));
	finish();
}

Test(daemon_drop, a_reader_finds_its_end)
{
	struct request request = PEER_ARGV("/bin/cat");
	struct usp_event event;

	begin();
	request.options.stdio[0].kind = USP_STDIO_PIPE;
	peer_spawn(&peer, 1, &request, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	send_close(1, 0);

	event = peer_skip_to(&peer, 1, USP_EVENT_END);
	cr_assert(eq(int, event.end.reason, USP_REASON_EXITED));
	finish();
}

/* Of a job that there is not, that has ended, of a terminal, and of what it has not. */
Test(daemon_drop, what_cannot_be_given_up_is_left_alone)
{
	struct request quiet = PEER_ARGV("/bin/true");
	struct request terminal = PEER_ARGV("/bin/echo\0hung up");
	struct usp_event event;

	begin();
	send_close(77, 1);
	peer_spawn(&peer, 1, &quiet, false);
	send_close(1, 0);
	send_close(1, USP_FD_TARGET_MAX);
	event = peer_skip_to(&peer, 1, USP_EVENT_END);
	cr_assert(eq(int, event.end.reason, USP_REASON_EXITED));
	send_close(1, 1);

	for (int i = 0; i < 3; i++)
		terminal.options.stdio[i].kind = USP_STDIO_PTY;
	peer_spawn(&peer, 2, &terminal, false);
	send_close(2, 0);
	send_close(2, 1);
	event = peer_skip_to(&peer, 2, USP_EVENT_END);
	cr_assert(eq(int, event.end.reason, USP_REASON_EXITED));
	cr_assert(eq(u64, event.end.bytes[1], strlen("hung up\r\n")));
	finish();
}

Test(daemon_drop, a_stream_that_no_child_can_have_ends_the_connection)
{
	begin();
	send_close(1, USP_FD_TARGET_MAX + 1);
	peer_expect_error(&peer, EPROTO, "CLOSE of stream 256");
	peer_close(&peer);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* ---- by the client of the library ------------------------------------------ */

struct told {
	struct usp_process *process;
	size_t bytes;
	int signal;
	bool eof, ended;
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct told *told = user;

	(void)process;
	if (event->kind == USP_EVENT_OUTPUT)
		told->bytes += event->output.size;
	else if (event->kind == USP_EVENT_EOF && event->eof.stream == 1)
		told->eof = true;
	else if (event->kind == USP_EVENT_EXIT)
		told->signal = event->exit.signal;
	else if (event->kind == USP_EVENT_END)
		told->ended = true;
}

/* Until it was told so much, or its end. */
static void turn_for(struct usp_client *client, const struct told *told, size_t bytes)
{
	while (!told->ended && told->bytes < bytes) {
		cr_assert(wait_fd(usp_client_fd(client), usp_client_poll_events(client),
				  WAIT_MS));
		cr_assert(eq(int, usp_client_turn(client), 0));
	}
}

/* At once, and when it waits for credit. */
Test(daemon_drop, a_client_gives_a_stream_up)
{
	static const char *const argv[] = { PROGRAM("flood"), "1000000000000", "7", "1",
					    NULL };
	struct usp_client *client;

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &client), 0));
	for (size_t before = 0; before <= WINDOW; before += WINDOW) {
		struct told told = { 0 };

		cr_assert(eq(int,
			     usp_client_spawn(
				     client,
				     &USP_OPTIONS(.argv = argv, .window_bytes = WINDOW,
						  .on_event = on_event, .user = &told),
				     &told.process),
			     0));
		turn_for(client, &told, before);
		cr_assert(eq(int, usp_process_drop_stream(told.process, 1), 0));
		turn_for(client, &told, SIZE_MAX);
		cr_assert(eq(int, told.signal, SIGPIPE));
		cr_assert(told.eof);
		cr_assert(eq(sz, told.bytes, before));
	}
	usp_client_free(client);
	daemon_stop(&daemon_run);
}
