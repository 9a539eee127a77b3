/*
 * The real programs where a sandbox refuses io_uring, clone3(), or, as Docker's default
 * profile does, both: they run jobs as ever, and say what they use.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/annotate.h"
#include "support/backend.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/deny.h"
#include "support/peer.h"
#include "support/tmpdir.h"

TestSuite(backend, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;
static struct command_result result;

/* ---- in a sandbox -------------------------------------------------------- */

static const struct sandbox {
	int io_uring, clone3; /* what they are refused with; 0: they are not */
} sandboxes[] = {
	{ EPERM, 0 }, { ENOSYS, 0 }, { 0, ENOSYS }, { EPERM, ENOSYS }, { ENOSYS, ENOSYS },
};

static const char *enter(const struct sandbox *sandbox)
{
	unsetenv(USP_BACKEND_VARIABLE);
	if (sandbox->io_uring)
		deny(SYS_io_uring_setup, sandbox->io_uring);
	if (sandbox->clone3)
		deny(SYS_clone3, sandbox->clone3);
	return sandbox->io_uring ? "epoll" : "io_uring";
}

/* Output, exit code and a failure, by the daemon at @socket or, NULL, without one. */
static void expect_jobs(const char *socket)
{
	static const char script[] = "cat; echo out; echo err >&2; exit 3";
	const char *argv[12] = { BUILD_DIR "/uringspawn", "run" };
	struct command command = { .argv = argv, .input = "in\n", .input_size = 3 };
	int n = 2;

	if (socket) {
		argv[n++] = "--socket";
		argv[n++] = socket;
	}
	argv[n] = "sh";
	argv[n + 1] = "-c";
	argv[n + 2] = script;
	cr_assert(eq(int, command_run(&command, &result), 3), "%s", result.err);
	cr_assert(eq(str, result.out, (char *)"in\nout\n"));
	cr_assert(eq(str, result.err, (char *)"err\n"));
	argv[n] = "/no/such/program";
	argv[n + 1] = NULL;
	cr_assert(eq(int, command_run(&command, &result), 127), "%s", result.err);
}

/* By frames: here the daemon itself reads and writes the pipes. */
static void expect_relay(void)
{
	struct peer peer;

	peer_open(&peer, daemon_run.socket);
	for (uint32_t job = 1; job <= 20; job++)
		peer_expect_service(&peer, job);
	peer_close(&peer);
}

static void expect_doctor(const char *name)
{
	const char *const argv[] = { BUILD_DIR "/uringspawn", "doctor", NULL };
	char line[64];

	cr_assert(eq(int, command_run(&(struct command){ .argv = argv }, &result), 0));
	snprintf(line, sizeof(line), "back end: %s", name);
	cr_assert(ne(ptr, strstr(result.out, line), NULL), "%s", result.out);
}

ParameterizedTestParameters(backend, all_runs_in_a_sandbox)
{
	static size_t number[ARRAY_SIZE(sandboxes)];

	for (size_t i = 0; i < ARRAY_SIZE(number); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(number));
}

ParameterizedTest(size_t *number, backend, all_runs_in_a_sandbox, .fini = tmpdir_done)
{
	const char *name = enter(&sandboxes[*number]);

	daemon_start(&daemon_run, NULL);
	cr_assert(eq(str, daemon_run.backend, (char *)name));
	expect_jobs(daemon_run.socket);
	expect_relay();
	expect_jobs(NULL);
	expect_doctor(name);
	daemon_stop(&daemon_run);
}

/* ---- asked for ----------------------------------------------------------- */

Test(backend, a_daemon_says_which_one_it_uses)
{
	daemon_start(&daemon_run, NULL);
	cr_assert(eq(str, daemon_run.backend, (char *)backend_name()));
	daemon_stop(&daemon_run);
}

static void expect_no_daemon(const char *why)
{
	const char *const args[] = { "--socket", tmpdir_path("socket"), NULL };
	char text[512];

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, why), NULL), "%s", text);
}

Test(backend, one_that_is_refused_is_not_replaced_when_it_was_asked_for)
{
	setenv(USP_BACKEND_VARIABLE, "uring", true);
	deny(SYS_io_uring_setup, EPERM);
	expect_no_daemon("EPERM");
}

Test(backend, one_that_there_is_not_is_an_error)
{
	setenv(USP_BACKEND_VARIABLE, "select", true);
	expect_no_daemon("URINGSPAWN_BACKEND is neither uring nor epoll");
}
