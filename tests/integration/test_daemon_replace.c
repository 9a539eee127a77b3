/*
 * One daemon in the place of another: nothing that was begun is lost, and nobody is
 * turned away.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_replace, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

static struct running_daemon old, new;

static const char *const replace[] = { "--replace", NULL };

/* The new one serves in the place of the old one. */
static void replace_old(void)
{
	char text[512];

	daemon_start_on(&new, old.socket, replace);
	daemon_expect_said(&old, "replaced by process", text, sizeof(text));
}

/* The old one is gone, and said no word of trouble. */
static void expect_old_gone(void)
{
	char text[4096];

	cr_expect(eq(int, daemon_ended(&old, text, sizeof(text)), 0), "%s", text);
}

/* A job that lasts until it is told. */
static void start_waiting(struct peer *peer, uint32_t job)
{
	static const char argv[] = "/bin/sh\0-c\0read x; echo $x";
	const struct request waits = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { .kind = USP_STDIO_PIPE } },
	};

	peer_spawn(peer, job, &waits, false);
	peer_skip_to(peer, job, USP_EVENT_STARTED);
}

static void end_waiting(struct peer *peer, uint32_t job)
{
	const struct frame line = { .type = USP_WIRE_STDIN,
				    .job = job,
				    .payload_bytes = 3 };

	peer_send_frame(peer, &line, "ok\n");
	cr_expect(eq(sz, peer_skip_to(peer, job, USP_EVENT_OUTPUT).output.size, 3));
	cr_expect(eq(int, peer_skip_to(peer, job, USP_EVENT_END).end.reason,
		     (int)USP_REASON_EXITED));
}

Test(daemon_replace, what_the_old_one_runs_ends_by_itself)
{
	struct peer before;

	daemon_start(&old, NULL);
	peer_open(&before, old.socket);
	start_waiting(&before, 1);
	replace_old();

	daemon_expect_service(new.socket);
	peer_expect_service(&before, 2); /* it gets what it came for, for a moment */
	end_waiting(&before, 1);
	peer_close(&before);
	expect_old_gone();
	daemon_expect_service(new.socket);
	daemon_stop(&new);
}

Test(daemon_replace, who_is_idle_is_told_to_reconnect)
{
	struct peer idle, silent;

	daemon_start(&old, NULL);
	peer_open(&idle, old.socket);
	peer_connect(&silent, old.socket);
	peer_expect_service(&idle, 1); /* so the silent one was accepted, too */
	replace_old();

	peer_expect_error(&idle, ESHUTDOWN, "another daemon serves this socket now");
	peer_expect_error(&silent, ESHUTDOWN, "reconnect");
	expect_old_gone();
	peer_close(&idle);
	peer_close(&silent);
	daemon_expect_service(new.socket);
	daemon_stop(&new);
}

Test(daemon_replace, who_has_jobs_may_begin_no_more_and_sees_their_end)
{
	struct peer idle, busy;

	daemon_start(&old, NULL);
	peer_open(&idle, old.socket);
	peer_open(&busy, old.socket);
	start_waiting(&busy, 1);
	replace_old();
	peer_expect_error(&idle, ESHUTDOWN, "reconnect"); /* the moment is over */

	peer_spawn(&busy, 2, &PEER_ARGV("/bin/true"), false);
	peer_expect_failed(&busy, 2, USP_STAGE_ADMISSION, ESHUTDOWN,
			   "another daemon serves this socket now: reconnect");
	end_waiting(&busy, 1);
	peer_expect_error(&busy, ESHUTDOWN, "reconnect");
	expect_old_gone();
	peer_close(&idle);
	peer_close(&busy);
	daemon_stop(&new);
}

/* ---- all through it ------------------------------------------------------ */

static atomic_uint n_rounds;
static atomic_bool enough;

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	int *code = user;

	(void)process;
	if (event->kind == USP_EVENT_END)
		*code = event->end.reason == USP_REASON_EXITED ? 0
							       : (int)event->end.reason;
}

/* Returns 0 when the job did what it should. */
static int run_true(struct usp_client *client)
{
	static const char *const argv[] = { PROGRAM("true"), NULL };
	int code = -1;
	struct usp_options options =
		USP_OPTIONS(.argv = argv, .on_event = on_event, .user = &code);
	struct usp_process *process;
	int ret = usp_client_spawn(client, &options, &process);

	while (ret == 0 && code < 0) {
		struct pollfd fd = { usp_client_fd(client),
				     usp_client_poll_events(client), 0 };

		poll(&fd, 1, WAIT_MS);
		ret = usp_client_turn(client);
	}
	return ret < 0 ? ret : -code;
}

/* Connects, runs a job, closes, again and again. */
static void *come_and_go(void *socket)
{
	while (!enough) {
		struct usp_client *client;
		int ret = usp_client_open(socket, &client);

		if (ret < 0)
			return "a connection failed";
		ret = run_true(client);
		usp_client_free(client);
		if (ret < 0)
			return "a job failed";
		n_rounds++;
	}
	return NULL;
}

static void let_pass(unsigned rounds)
{
	unsigned until = n_rounds + rounds;

	cr_assert(eq(int, wait_until(n_rounds >= until, WAIT_MS), true),
		  "nothing goes on");
}

Test(daemon_replace, neither_a_connection_nor_a_job_is_lost)
{
	enum { CLIENTS = 4, TIMES = 5 };
	pthread_t threads[CLIENTS];
	void *what;

	daemon_start(&old, NULL);
	for (int i = 0; i < CLIENTS; i++)
		cr_assert(
			not(pthread_create(&threads[i], NULL, come_and_go, old.socket)));
	for (int i = 0; i < TIMES; i++) {
		let_pass(20);
		replace_old();
		let_pass(20);
		expect_old_gone();
		old = new;
	}
	enough = true;
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], &what);
		cr_expect(eq(ptr, what, NULL), "%s", (const char *)what);
	}
	daemon_stop(&old);
}

/* ---- what may go wrong --------------------------------------------------- */

Test(daemon_replace, without_an_old_one_it_just_starts)
{
	daemon_start(&new, replace);
	cr_expect(ne(ptr, strstr(new.said, "no daemon to replace"), NULL), "%s",
		  new.said);
	daemon_expect_service(new.socket);
	daemon_stop(&new);
}

Test(daemon_replace, every_socket_goes_over_and_keeps_its_owner)
{
	char other[120], inherited[120];
	int fd;

	snprintf(other, sizeof(other), "%s/other", tmpdir());
	snprintf(inherited, sizeof(inherited), "%s/inherited", tmpdir());
	fd = sys_socket_listen(inherited, 16);
	const char *const args[] = { "--socket", other, "--listen-fd", "3", NULL };
	const struct daemon_options options = {
		.socket = tmpdir_path("socket"),
		.args = args,
		.fds = &fd,
		.n_fds = 1,
	};

	daemon_start_with(&old, &options);
	close(fd);
	replace_old();
	expect_old_gone();
	daemon_expect_service(old.socket);
	daemon_expect_service(other);
	daemon_expect_service(inherited);
	daemon_stop(&new);
	cr_expect(eq(int, access(other, F_OK), -1), "the file of a daemon is left");
	cr_expect(eq(int, access(inherited, F_OK), 0), "it was no daemon's to remove");
}

Test(daemon_replace, one_that_cannot_serve_changes_nothing)
{
	const char *const args[] = { "--replace", "--socket", "/no/such/place", NULL };
	const struct daemon_options options = {
		.socket = tmpdir_path("socket"),
		.args = args,
	};
	struct peer peer;
	char text[512];

	daemon_start(&old, NULL);
	peer_open(&peer, old.socket);
	start_waiting(&peer, 1);
	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "/no/such/place"), NULL), "%s", text);

	daemon_expect_service(old.socket);
	end_waiting(&peer, 1);
	peer_expect_service(&peer, 2);
	peer_close(&peer);
	replace_old(); /* the next one may try */
	expect_old_gone();
	daemon_expect_service(new.socket);
	daemon_stop(&new);
}

static void ask(struct peer *peer, uint32_t arg)
{
	const struct frame frame = { .type = USP_WIRE_REPLACE, .arg = arg };

	peer_send_frame(peer, &frame, "");
}

/* The answer, whose descriptors are closed. */
static void expect_handed_over(struct peer *peer)
{
	uint8_t header[USP_WIRE_HEADER_BYTES];
	int fds[16];
	unsigned n;

	cr_assert(wait_fd(peer->fd, POLLIN, WAIT_MS));
	cr_assert(
		eq(long,
		   sys_socket_recv(peer->fd, header, sizeof(header), fds, 16, &n, false),
		   (long)sizeof(header)));
	cr_expect(eq(int, header[4], USP_WIRE_REPLACED));
	cr_expect(eq(uint, n, 1));
	cr_expect(eq(int, header[5], 1));
	cr_expect(sys_socket_listens(fds[0]));
	close(fds[0]);
}

Test(daemon_replace, frames_out_of_place_are_refused)
{
	struct peer one, two, three;

	daemon_start(&old, NULL);
	peer_open(&one, old.socket);
	peer_open(&two, old.socket);
	peer_open(&three, old.socket);
	ask(&three, USP_WIRE_REPLACE_READY);
	peer_expect_error(&three, EPROTO, "nothing was handed over");

	ask(&one, USP_WIRE_REPLACE_ASK);
	expect_handed_over(&one);
	ask(&two, USP_WIRE_REPLACE_ASK);
	peer_expect_error(&two, EBUSY, "taking over already");
	ask(&one, USP_WIRE_REPLACE_ASK);
	peer_expect_error(&one, EBUSY, "taking over already");
	peer_close(&one);
	peer_close(&two);
	peer_close(&three);

	daemon_expect_service(old.socket);
	daemon_stop(&old);
}

/* One that vanished in the middle of it leaves no descriptor. */
Test(daemon_replace, one_that_vanishes_leaves_nothing)
{
	struct peer peer;
	int before;

	daemon_start(&old, NULL);
	daemon_expect_service(old.socket);
	before = daemon_open_fds(&old);
	for (int i = 0; i < 50; i++) {
		peer_open(&peer, old.socket);
		ask(&peer, USP_WIRE_REPLACE_ASK);
		if (i % 2)
			expect_handed_over(&peer);
		peer_close(&peer);
		daemon_expect_service(old.socket);
	}
	cr_expect(eq(int, wait_until(daemon_open_fds(&old) <= before, WAIT_MS), true),
		  "descriptors are left");
	daemon_stop(&old);
}

/* The errno that the daemon refuses another user's REPLACE with. */
static int ask_as(uid_t uid, const char *socket)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct peer peer;
		struct frame frame;

		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(100);
		peer_open(&peer, socket);
		ask(&peer, USP_WIRE_REPLACE_ASK);
		_exit(peer_next(&peer, &frame) ? (int)frame.arg : 101);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* An abstract name, so that the daemon itself has to refuse. */
Test(daemon_replace, another_user_may_not)
{
	char name[64], text[512];

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	snprintf(name, sizeof(name), "@uringspawn-test-%d", (int)getpid());
	const char *const args[] = { "--allow-uid", "65534", NULL };
	const struct daemon_options options = {
		.socket = name,
		.args = replace,
		.uid = 65534,
	};

	daemon_start_on(&old, name, args);
	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "only user 0 and root may"), NULL), "%s", text);
	cr_expect(eq(int, ask_as(65534, name), EPERM));
	daemon_expect_service(name);
	daemon_stop(&old);
}

/* What another user would hand over is not to be trusted. */
Test(daemon_replace, another_user_s_is_left_alone)
{
	char name[64], text[512];

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	snprintf(name, sizeof(name), "@uringspawn-test-%d", (int)getpid());
	const struct daemon_options theirs = { .socket = name, .uid = 65534 };
	const struct daemon_options ours = { .socket = name, .args = replace };

	daemon_start_with(&old, &theirs);
	cr_expect(eq(int, daemon_try_with(&ours, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "it is another user's"), NULL), "%s", text);
	daemon_expect_service(name);
	daemon_stop(&old);
}

/* SIGTERM to the old one ends what it still runs, and not the socket of the new one. */
Test(daemon_replace, the_old_one_can_be_stopped)
{
	struct peer peer;
	char text[512];

	daemon_start(&old, NULL);
	peer_open(&peer, old.socket);
	start_waiting(&peer, 1);
	replace_old();
	daemon_signal(&old, SIGTERM);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     (int)USP_REASON_KILLED));
	cr_expect(eq(int, daemon_ended(&old, text, sizeof(text)), 3), "%s", text);
	daemon_expect_service(new.socket);
	peer_close(&peer);
	daemon_stop(&new);
}
