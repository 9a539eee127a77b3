/*
 * What a job may ask for, all the way through a daemon: by the client of the library
 * where that says it shorter, and by bytes where a client would not say it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "sys/pidfd.h"

TestSuite(daemon_contract, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name
#define SHELL(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })

static struct running_daemon daemon_run;
static struct usp_client *client;

/* What a job's client was told. */
struct job {
	struct usp_process *process;
	char text[8][512]; /* by stream */
	bool eof[8];
	int pidfd, given; /* -1 */
	bool started, exited, failed, ended;
	struct usp_failure failure;
	char path[64];
	struct usp_exit exit;
	struct usp_end end;
	int *running; /* counted down at its end */
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct job *job = user;

	(void)process;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		job->started = true;
		job->pidfd = event->started.pidfd;
		job->given = event->started.n_fds ? event->started.fds[0].fd : -1;
		break;
	case USP_EVENT_FAILED:
		job->failed = true;
		job->failure = event->failed;
		snprintf(job->path, sizeof(job->path), "%s", event->failed.path);
		break;
	case USP_EVENT_OUTPUT:
		strncat(job->text[event->output.stream], event->output.data,
			event->output.size);
		break;
	case USP_EVENT_EOF:
		job->eof[event->eof.stream] = true;
		break;
	case USP_EVENT_EXIT:
		job->exited = true;
		job->exit = event->exit;
		break;
	case USP_EVENT_END:
		job->ended = true;
		job->end = event->end;
		break;
	default:
		break;
	}
}

static void begin(void)
{
	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &client), 0));
}

static void finish(void)
{
	client = usp_client_free(client);
	daemon_stop(&daemon_run);
}

static void spawn(struct job *job, struct usp_options options)
{
	options.size = sizeof(options);
	options.on_event = on_event;
	options.user = job;
	*job = (struct job){ .pidfd = -1, .given = -1 };
	cr_assert(eq(int, usp_client_spawn(client, &options, &job->process), 0));
}

/* Turn until @condition holds. */
#define turn_until(condition)                                                            \
	while (!(condition)) {                                                           \
		cr_assert(wait_fd(usp_client_fd(client), usp_client_poll_events(client), \
				  WAIT_MS));                                             \
		cr_assert(eq(int, usp_client_turn(client), 0));                          \
	}

static void run(struct job *job, struct usp_options options)
{
	spawn(job, options);
	turn_until(job->ended);
}

static void expect_text(struct job *job, int stream, const char *text)
{
	cr_assert(not(job->failed), "%s: %s", usp_stage_name(job->failure.stage),
		  job->path);
	cr_assert(eq(str, job->text[stream], (char *)text));
}

/* ---- templates and batches ---------------------------------------------------- */

Test(daemon_contract, a_template_is_kept_and_extended)
{
	struct usp_template *kept = NULL;
	struct job job;

	begin();
	cr_assert(eq(
		int,
		usp_client_template_new(
			client,
			&USP_OPTIONS(.envp = (const char *const[]){ "A=1", "B=2", NULL },
				     .cwd = "/usr", .argv = SHELL("echo $A-$B-$C; pwd")),
			&kept),
		0));
	run(&job, (struct usp_options){ .base = kept });
	expect_text(&job, 1, "1-2-\n/usr\n");
	run(&job, (struct usp_options){
			  .base = kept,
			  .cwd = "/",
			  .env_extend = (const char *const[]){ "C=3", "A=4", NULL },
			  .env_unset = (const char *const[]){ "B", NULL } });
	expect_text(&job, 1, "4--3\n/\n");
	run(&job,
	    (struct usp_options){ .base = kept, .envp = (const char *const[]){ NULL } });
	expect_text(&job, 1, "--\n/usr\n");
	usp_template_free(kept);
	finish();
}

Test(daemon_contract, templates_are_there_again_after_a_reconnection)
{
	struct usp_template *kept = NULL;
	char socket[sizeof(daemon_run.socket)];
	struct job lost, job;

	begin();
	strcpy(socket, daemon_run.socket);
	cr_assert(eq(int,
		     usp_client_template_new(
			     client, &USP_OPTIONS(.argv = SHELL("echo here")), &kept),
		     0));
	spawn(&lost, (struct usp_options){ .argv = (const char *const[]){
						   PROGRAM("sleep_forever"), NULL } });
	turn_until(lost.started);
	daemon_stop(&daemon_run);
	while (usp_client_turn(client) == 0)
		cr_assert(wait_fd(usp_client_fd(client), POLLIN, WAIT_MS));
	cr_assert(lost.ended);
	cr_assert(ne(int, lost.end.reason, USP_REASON_EXITED));

	daemon_start_on(&daemon_run, socket, NULL);
	cr_assert(eq(int, usp_client_reopen(client, 0), 0));
	run(&job, (struct usp_options){ .base = kept });
	expect_text(&job, 1, "here\n");
	usp_template_free(kept);
	finish();
}

Test(daemon_contract, what_is_wrong_in_a_batch_fails_alone)
{
	static const char *const argv[] = { "/bin/sh", "-c", "echo $0", NULL };
	struct usp_process *processes[3];
	struct usp_options options[3];
	struct job jobs[3] = { 0 };

	begin();
	for (int i = 0; i < 3; i++)
		options[i] =
			USP_OPTIONS(.argv = argv, .on_event = on_event, .user = &jobs[i]);
	options[1].path = "/bin/sh";
	options[1].search = "sh"; /* these two exclude each other */
	options[2].flags = USP_FLAG_RUN;
	cr_assert(eq(int, usp_client_spawn_batch(client, options, 3, processes), 0));
	turn_until(jobs[0].ended && jobs[1].ended && jobs[2].ended);

	expect_text(&jobs[0], 1, "/bin/sh\n");
	cr_assert(jobs[1].failed);
	cr_assert(eq(int, jobs[1].failure.stage, USP_STAGE_VALIDATE));
	expect_text(&jobs[2], 1, "/bin/sh\n");
	finish();
}

/* ---- streams and descriptors ------------------------------------------------------ */

Test(daemon_contract, every_stream_is_carried)
{
	const struct usp_fd fds[] = {
		{ 3, { .kind = USP_STDIO_PIPE } },
		{ 4, { .kind = USP_STDIO_PIPE, .direction = USP_DIRECTION_READ } },
		{ 5, { .kind = USP_STDIO_DUPLEX } },
	};
	struct job job;

	begin();
	spawn(&job, (struct usp_options){
			    .argv = SHELL("cat <&4 >&3; read x <&5; echo got $x >&5"),
			    .fds = fds,
			    .n_fds = 3 });
	cr_assert(eq(int, usp_process_write_stream(job.process, 4, "four", 4), 0));
	cr_assert(eq(int, usp_process_close_stream(job.process, 4), 0));
	cr_assert(eq(int, usp_process_write_stream(job.process, 5, "five\n", 5), 0));
	turn_until(job.ended);

	expect_text(&job, 3, "four");
	expect_text(&job, 5, "got five\n");
	cr_assert(job.eof[3] && job.eof[5]);
	finish();
}

Test(daemon_contract, a_program_has_a_pidfd_without_the_daemon)
{
	struct job job;

	begin();
	spawn(&job,
	      (struct usp_options){
		      .argv = (const char *const[]){ PROGRAM("sleep_forever"), NULL },
		      .flags = USP_FLAG_PIDFD });
	turn_until(job.started);

	cr_assert(le(int, 0, job.pidfd));
	cr_assert(not(wait_fd(job.pidfd, POLLIN, 0)));
	cr_assert(eq(int, sys_pidfd_signal(job.pidfd, SIGKILL, false), 0));
	cr_assert(wait_fd(job.pidfd, POLLIN, WAIT_MS));
	close(job.pidfd);
	turn_until(job.ended);
	cr_assert(eq(int, job.end.reason, USP_REASON_SIGNALLED));
	cr_assert(eq(int, job.exit.signal, SIGKILL));
	finish();
}

Test(daemon_contract, a_pipe_is_handed_over)
{
	const struct usp_fd fds[] = { { 6, { .kind = USP_STDIO_HANDOVER } } };
	char text[16] = "";
	struct job job;

	begin();
	spawn(&job, (struct usp_options){
			    .argv = SHELL("echo direct >&6"), .fds = fds, .n_fds = 1 });
	turn_until(job.started);
	cr_assert(le(int, 0, job.given));
	cr_assert(wait_fd(job.given, POLLIN, WAIT_MS));
	cr_assert(eq(int, (int)read(job.given, text, sizeof(text) - 1), 7));
	cr_assert(eq(str, text, "direct\n"));
	turn_until(job.ended);
	cr_assert(eq(int, (int)read(job.given, text, sizeof(text)), 0),
		  "an end was left open");
	close(job.given);
	finish();
}

/* Each frame with descriptors is a message of its own; the daemon keeps none of them. */
Test(daemon_contract, many_descriptors_are_handed_over_in_order)
{
	enum { JOBS = 20 };
	const struct usp_fd fds[] = { { 3, { .kind = USP_STDIO_HANDOVER } } };
	static struct job jobs[JOBS];
	int idle, ended = 0;

	begin();
	cr_assert(eq(int, usp_client_turn(client), 0));
	idle = daemon_open_fds(&daemon_run);
	for (int i = 0; i < JOBS; i++) {
		char script[64];

		snprintf(script, sizeof(script), "echo %d >&3", i);
		spawn(&jobs[i],
		      (struct usp_options){ .argv = SHELL(script),
					    .fds = fds,
					    .n_fds = 1,
					    .flags = USP_FLAG_PIDFD |
						     (i % 2 ? USP_FLAG_RUN : 0) });
	}
	for (int i = 0; i < JOBS; ended = ++i)
		turn_until(jobs[i].ended);
	for (int i = 0; i < ended; i++) {
		char text[16] = "";

		cr_assert(lt(int, 0, (int)read(jobs[i].given, text, sizeof(text) - 1)));
		cr_assert(eq(int, atoi(text), i));
		cr_assert(wait_fd(jobs[i].pidfd, POLLIN, 0));
		close(jobs[i].given);
		close(jobs[i].pidfd);
	}
	bool closed = wait_until(daemon_open_fds(&daemon_run) <= idle, WAIT_MS);

	cr_assert(closed, "the daemon kept what it gave");
	finish();
}

Test(daemon_contract, a_terminal_has_the_size_that_it_is_told)
{
	struct job job;

	begin();
	spawn(&job, (struct usp_options){
			    .argv = SHELL("stty -echo; stty size; read x; stty size"),
			    .envp = (const char *const[]){ "PATH=/usr/bin:/bin", NULL },
			    .stdio = { { USP_STDIO_PTY },
				       { USP_STDIO_PTY },
				       { USP_STDIO_PTY } },
			    .pty = { .rows = 11, .columns = 22 } });
	turn_until(strstr(job.text[1], "11 22"));
	cr_assert(
		eq(int,
		   usp_process_resize(job.process,
				      &(struct usp_winsize){ .rows = 33, .columns = 44 }),
		   0));
	cr_assert(eq(int, usp_process_write(job.process, "\n", 1), 0));
	turn_until(job.ended);

	cr_assert(ne(ptr, strstr(job.text[1], "33 44"), NULL), "%s", job.text[1]);
	finish();
}

/* ---- by bytes ---------------------------------------------------------------------- */

static struct peer peer;

static void begin_bytes(void)
{
	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
}

static void finish_bytes(void)
{
	peer_close(&peer);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

static void send_template(uint32_t id, const void *payload, size_t size)
{
	const struct frame frame = { .payload_bytes = (uint32_t)size,
				     .type = USP_WIRE_TEMPLATE,
				     .arg = id };

	peer_send_frame(&peer, &frame, payload);
}

static void spawn_from(uint32_t job, uint32_t id)
{
	struct request request = PEER_ARGV("/bin/true");

	request.template_id = id;
	peer_spawn(&peer, job, &request, false);
}

Test(daemon_contract, what_is_wrong_with_a_template_is_told_to_its_jobs)
{
	begin_bytes();
	spawn_from(1, 7);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, ENOENT, "use_template");
	send_template(7, "\7\0\0\0\4\0\0\0\7\0\0\0", 12);
	spawn_from(2, 7);
	peer_expect_failed(&peer, 2, USP_STAGE_VALIDATE, EINVAL, "group");
	send_template(7, "\20\0\0\0\4\0\0\0\1\0\0\0", 12);
	spawn_from(3, 7);
	peer_expect_failed(&peer, 3, USP_STAGE_VALIDATE, EINVAL, "use_template");
	send_template(7, "\6\0\0\0\6\0\0\0\3\0\0\0\0\0", 14);
	spawn_from(4, 7);
	peer_expect_failed(&peer, 4, USP_STAGE_VALIDATE, EINVAL, "stdio");
	/* The next one takes its place, and then there is none. */
	send_template(7, "\5\0\0\0\1\0\0\0/", 9);
	spawn_from(5, 7);
	cr_assert(eq(int, peer_skip_to(&peer, 5, USP_EVENT_END).end.reason,
		     USP_REASON_EXITED));
	send_template(7, "", 0);
	spawn_from(6, 7);
	peer_expect_failed(&peer, 6, USP_STAGE_VALIDATE, ENOENT, "use_template");
	finish_bytes();
}

Test(daemon_contract, a_connection_has_so_many_templates)
{
	begin_bytes();
	for (uint32_t i = 1; i <= USP_WIRE_TEMPLATES_MAX; i++)
		send_template(i, "\5\0\0\0\1\0\0\0/", 9);
	peer_expect_service(&peer, 1);
	send_template(USP_WIRE_TEMPLATES_MAX + 1, "\5\0\0\0\1\0\0\0/", 9);
	peer_expect_error(&peer, EDQUOT, "templates");
	finish_bytes();
}

Test(daemon_contract, template_zero_is_none)
{
	begin_bytes();
	send_template(0, "\5\0\0\0\1\0\0\0/", 9);
	peer_expect_error(&peer, EPROTO, "template 0");
	finish_bytes();
}

static const struct bad_batch {
	const char *name;
	const char *bytes;
	size_t size;
	uint8_t fds;
} bad_batches[] = {
	{ "half an entry", "\1\0\0\0\3\0\0\0\377\0\0\0", 12, 0 },
	{ "half a header", "\1\0\0\0\3\0", 6, 0 },
	{ "descriptors that nobody sent", "\1\0\0\0\3\1\0\0\0\0\0\0", 12, 0 },
	{ "another type", "\1\0\0\0\4\0\0\0\0\0\0\0", 12, 0 },
	{ "a good one first",
	  "\1\0\0\0\3\0\0\0\12\0\0\0\1\0\0\0\2\0\0\0a\0"
	  "\0\0\0\0\3\0\0\0\0\0\0\0",
	  34, 0 },
};

Test(daemon_contract, a_malformed_batch_ends_the_connection_and_starts_nothing)
{
	daemon_start(&daemon_run, NULL);
	for (size_t i = 0; i < sizeof(bad_batches) / sizeof(bad_batches[0]); i++) {
		const struct frame frame = {
			.payload_bytes = (uint32_t)bad_batches[i].size,
			.type = USP_WIRE_BATCH,
		};

		peer_open(&peer, daemon_run.socket);
		peer_send_frame(&peer, &frame, bad_batches[i].bytes);
		peer_expect_error(&peer, EPROTO, "BATCH");
		peer_close(&peer);
	}
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

Test(daemon_contract, an_id_that_is_in_use_ends_a_batch)
{
	static const char bytes[] =
		"\1\0\0\0\3\0\0\0\22\0\0\0\1\0\0\0\12\0\0\0/bin/true\0"
		"\1\0\0\0\3\0\0\0\0\0\0\0"
		"\2\0\0\0\3\0\0\0\0\0\0";
	const struct frame frame = { .payload_bytes = sizeof(bytes),
				     .type = USP_WIRE_BATCH };

	begin_bytes();
	peer_send_frame(&peer, &frame, bytes);
	peer_expect_error(&peer, EEXIST, "job 1");
	finish_bytes();
}
