/*
 * Requests that cannot be carried out, and what a child of the daemon is given.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "base/err.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(daemon_spawn, .fini = tmpdir_done, .timeout = 120);

#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

static struct running_daemon daemon_run;
static struct peer peer;

static void begin(const char *const *args)
{
	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
}

static void finish(void)
{
	peer_expect_service(&peer, 1000);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

static struct text as_text(const char *string)
{
	return (struct text){ string, strlen(string) };
}

Test(daemon_spawn, a_missing_program_is_named)
{
	begin(NULL);
	peer_spawn(&peer, 1, &PEER_ARGV("/no/such/program"), false);

	peer_expect_failed(&peer, 1, USP_STAGE_EXEC, ENOENT, "/no/such/program");
	finish();
}

Test(daemon_spawn, a_directory_is_not_a_program)
{
	begin(NULL);
	peer_spawn(&peer, 1, &PEER_ARGV("/tmp"), true);

	peer_expect_failed(&peer, 1, USP_STAGE_EXEC, EACCES, "/tmp");
	finish();
}

Test(daemon_spawn, a_file_without_permission_is_refused)
{
	const char *path = tmpdir_path("plain");
	struct request request = { .argv = { path, strlen(path) + 1 } };

	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	peer_expect_failed(&peer, 1, USP_STAGE_EXEC, EACCES, path);
	finish();
}

Test(daemon_spawn, a_bad_working_directory_is_not_a_missing_program)
{
	struct request request = PEER_ARGV("/bin/true");

	request.cwd = as_text("/no/such/directory");
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	peer_expect_failed(&peer, 1, USP_STAGE_CHDIR, ENOENT, "/no/such/directory");
	finish();
}

Test(daemon_spawn, three_megabytes_of_arguments_are_too_many)
{
	const size_t one = 100000, size = 30 * one;
	char *argv = malloc(size);
	struct request request = { .argv = { argv, size } };
	struct usp_event event;

	memset(argv, 'x', size);
	for (size_t end = one; end <= size; end += one)
		argv[end - 1] = 0;
	memcpy(argv, "/bin/true", 10);
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	event = peer_skip_to(&peer, 1, USP_EVENT_FAILED);
	cr_expect(eq(int, event.failed.error, E2BIG), "%s", err_name(event.failed.error));
	peer_skip_to(&peer, 1, USP_EVENT_END);
	free(argv);
	finish();
}

Test(daemon_spawn, an_argument_longer_than_the_kernel_takes_is_refused)
{
	const size_t size = 10 + (128 << 10) + 1;
	char *argv = malloc(size);
	struct request request = { .argv = { argv, size } };
	struct usp_event event;

	memset(argv, 'x', size);
	memcpy(argv, "/bin/true", 10);
	argv[size - 1] = 0;
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	event = peer_skip_to(&peer, 1, USP_EVENT_FAILED);
	cr_expect(eq(int, event.failed.error, E2BIG), "%s", err_name(event.failed.error));
	peer_skip_to(&peer, 1, USP_EVENT_END);
	free(argv);
	finish();
}

Test(daemon_spawn, a_request_without_arguments_names_argv)
{
	const struct request empty = { .search = { "true", 4 } };
	const struct frame nothing = { .type = USP_WIRE_RUN, .job = 2 };

	begin(NULL);
	peer_spawn(&peer, 1, &empty, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "argv");

	peer_send_frame(&peer, &nothing, "");
	peer_expect_failed(&peer, 2, USP_STAGE_VALIDATE, EINVAL, "argv");
	finish();
}

Test(daemon_spawn, bytes_without_their_nul_are_refused)
{
	struct request request = { .argv = { "/bin/true", 9 } };

	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "argv");
	finish();
}

Test(daemon_spawn, a_nul_inside_a_string_is_refused)
{
	struct request request = PEER_ARGV("true");

	begin(NULL);
	request.path = (struct text){ "/bin\0/true", 10 };
	peer_spawn(&peer, 1, &request, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "path");

	request = PEER_ARGV("/bin/true");
	request.cwd = (struct text){ "/\0tmp", 5 };
	peer_spawn(&peer, 2, &request, false);
	peer_expect_failed(&peer, 2, USP_STAGE_VALIDATE, EINVAL, "cwd");
	finish();
}

Test(daemon_spawn, more_credit_than_allowed_is_refused)
{
	struct request request = PEER_ARGV("/bin/true");

	request.options.window_bytes = (16u << 20) + 1;
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);

	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "credit");
	finish();
}

Test(daemon_spawn, a_client_at_its_limit_is_told_which)
{
	const char *const args[] = { "--client-jobs-max", "2", NULL };
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	const struct frame kill = {
		.type = USP_WIRE_SIGNAL,
		.job = 1,
		.flags = USP_WIRE_SIGNAL_PLAN,
	};

	begin(args);
	for (uint32_t job = 1; job <= 2; job++) {
		peer_spawn(&peer, job, &sleeper, false);
		peer_skip_to(&peer, job, USP_EVENT_STARTED);
	}
	peer_spawn(&peer, 3, &sleeper, false);
	peer_expect_failed(&peer, 3, USP_STAGE_ADMISSION, EAGAIN, "--client-jobs-max");

	daemon_expect_service(daemon_run.socket);
	peer_send_frame(&peer, &kill, "");
	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     (int)USP_REASON_KILLED));
	finish();
}

Test(daemon_spawn, a_full_queue_is_told)
{
	const char *const args[] = { "--jobs-max", "1", "--queue-max", "1", NULL };
	const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));
	struct frame kill = { .type = USP_WIRE_SIGNAL, .flags = USP_WIRE_SIGNAL_PLAN };
	struct usp_event event;

	begin(args);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_spawn(&peer, 2, &sleeper, false);
	peer_spawn(&peer, 3, &sleeper, false);
	event = peer_skip_to(&peer, 3, USP_EVENT_FAILED);
	cr_expect(eq(int, event.failed.stage, (int)USP_STAGE_ADMISSION));
	cr_expect(eq(int, event.failed.error, EAGAIN));

	/* The one in the queue has not started; the kill plan of both ends them. */
	for (kill.job = 2; kill.job >= 1; kill.job--) {
		peer_send_frame(&peer, &kill, "");
		cr_expect(eq(int, peer_skip_to(&peer, kill.job, USP_EVENT_END).end.reason,
			     (int)USP_REASON_KILLED));
	}
	finish();
}

/* The output of a job as one string. */
static void output_of(uint32_t job, char *ret_text, size_t size)
{
	struct usp_event event;
	uint32_t told;
	size_t n = 0;

	do {
		event = peer_event(&peer, &told);
		if (told != job || event.kind != USP_EVENT_OUTPUT)
			continue;
		cr_assert(lt(sz, n + event.output.size, size));
		memcpy(ret_text + n, event.output.data, event.output.size);
		n += event.output.size;
	} while (told != job || event.kind != USP_EVENT_END);
	ret_text[n] = 0;
}

Test(daemon_spawn, a_child_has_the_environment_of_its_request_alone)
{
	struct request request = PEER_ARGV("/usr/bin/env");
	char text[4096];

	setenv("DAEMON_SECRET", "1", 1);
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);
	output_of(1, text, sizeof(text));
	cr_expect(eq(str, text, ""));

	request.env = (struct packed){ "A=1\0B=2", 8 };
	peer_spawn(&peer, 2, &request, false);
	output_of(2, text, sizeof(text));
	cr_expect(eq(str, text, "A=1\nB=2\n"));
	finish();
}

Test(daemon_spawn, a_child_has_three_descriptors)
{
	const struct request request = PEER_ARGV(PROGRAM("print_fds"));
	char text[4096];

	begin(NULL);
	peer_spawn(&peer, 1, &request, false);
	output_of(1, text, sizeof(text));

	cr_expect(eq(str, text, "0\n1\n2\n"));
	finish();
}

Test(daemon_spawn, a_child_has_a_mask_a_umask_and_limits_of_its_own)
{
	static const char argv[] = "/bin/sh\0-c\0umask; ulimit -Sn; grep -E "
				   "'Sig(Blk|Ign)' /proc/self/status";
	const struct request request = { .argv = { argv, sizeof(argv) },
					 .env = { "PATH=/usr/bin:/bin", 19 } };
	struct rlimit own;
	char text[4096], want[256];

	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &own), 0));
	own.rlim_cur = 1000;
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &own), 0));
	umask(0);
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);
	output_of(1, text, sizeof(text));

	snprintf(want, sizeof(want), "0022\n1000\nSigBlk:\t%016x\nSigIgn:\t%016x\n", 0,
		 0);
	cr_expect(eq(str, text, want));
	finish();
}

/* Who ignores SIGCHLD never learns how its children ended, and an exec keeps that. */
Test(daemon_spawn, a_daemon_that_was_to_ignore_sigchld_learns_how_jobs_ended)
{
	static const char argv[] = "/bin/sh\0-c\0exit 3";
	const struct request request = { .argv = { argv, sizeof(argv) } };

	signal(SIGCHLD, SIG_IGN);
	begin(NULL);
	signal(SIGCHLD, SIG_DFL);
	peer_spawn(&peer, 1, &request, false);

	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_EXIT).exit.code, 3));
	cr_expect(eq(int, peer_skip_to(&peer, 1, USP_EVENT_END).end.reason,
		     USP_REASON_EXITED));
	finish();
}

Test(daemon_spawn, stdin_is_carried_and_its_window_given_back)
{
	static const char argv[] = "/bin/cat";
	const struct request request = {
		.argv = { argv, sizeof(argv) },
		.options.stdio = { { USP_STDIO_PIPE } },
	};
	struct frame frame = { .type = USP_WIRE_STDIN, .job = 1, .payload_bytes = 5 };
	char text[64];

	begin(NULL);
	peer_spawn(&peer, 1, &request, false);
	peer_send_frame(&peer, &frame, "hello"); /* without waiting for STARTED */
	cr_expect(eq(u32, peer_skip_to(&peer, 1, USP_EVENT_WINDOW).window.bytes, 5));
	frame = (struct frame){ .type = USP_WIRE_STDIN_EOF, .job = 1 };
	peer_send_frame(&peer, &frame, "");
	output_of(1, text, sizeof(text));

	cr_expect(eq(str, text, "hello"));
	finish();
}

/* Every byte of 163 KiB arrives, in jobs of both kinds, thirty at a time. */
Test(daemon_spawn, large_output_is_whole_and_in_order)
{
	static const char argv[] = "/bin/cat\0";
	static char want[163 << 10];
	char args[512];
	struct request request = { .argv = { args, 0 } };
	size_t got[30] = { 0 };
	unsigned ended = 0;
	int fd;

	for (size_t i = 0; i < sizeof(want); i++)
		want[i] = (char)(i * 7 + i / 251);
	fd = open(tmpdir_path("large"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	cr_assert(eq(int, (int)write(fd, want, sizeof(want)), (int)sizeof(want)));
	close(fd);
	memcpy(args, argv, 9);
	strcpy(args + 9, tmpdir_path("large"));
	request.argv.size = 9 + strlen(args + 9) + 1;

	begin(NULL);
	for (uint32_t job = 1; job <= 30; job++)
		peer_spawn(&peer, job, &request, job % 2);
	while (ended < 30) {
		uint32_t job;
		struct usp_event event = peer_event(&peer, &job);
		size_t *n = &got[job - 1];

		ended += event.kind == USP_EVENT_END;
		if (event.kind != USP_EVENT_OUTPUT)
			continue;
		cr_assert(le(sz, *n + event.output.size, sizeof(want)));
		cr_assert(eq(int, memcmp(event.output.data, want + *n, event.output.size),
			     0));
		*n += event.output.size;
	}
	for (int i = 0; i < 30; i++)
		cr_expect(eq(sz, got[i], sizeof(want)), "job %d", i + 1);
	finish();
}

Test(daemon_spawn, output_waits_for_credit)
{
	static const char argv[] = "/usr/bin/head\0-c\00020000\0/dev/zero";
	struct request request = { .argv = { argv, sizeof(argv) } };
	struct frame window = {
		.type = USP_WIRE_WINDOW, .job = 1, .flags = 1, .arg = 5000
	};
	size_t n = 0, credit = 5000;

	request.options.window_bytes = 5000;
	begin(NULL);
	peer_spawn(&peer, 1, &request, false);
	for (;;) {
		uint32_t job;
		struct usp_event event = peer_event(&peer, &job);

		if (event.kind == USP_EVENT_END)
			break;
		if (event.kind != USP_EVENT_OUTPUT)
			continue;
		n += event.output.size;
		cr_assert(le(sz, n, credit), "more than the credit");
		if (n == credit) {
			credit += window.arg;
			peer_send_frame(&peer, &window, "");
		}
	}

	cr_expect(eq(sz, n, 20000));
	finish();
}
