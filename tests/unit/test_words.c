/*
 * api/words.c: every failure is a sentence that says what, why and which path;
 * every end has the exit code that a shell would give.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <uringspawn/spawn.h>

#include "base/annotate.h"
#include "support/clean.h"

static const struct sentence {
	enum usp_stage stage;
	int error, signal;
	const char *path;
	const char *want;
} sentences[] = {
	{ USP_STAGE_EXEC, ENOENT, 0, "foo", "cannot run 'foo': no such program" },
	{ USP_STAGE_EXEC, EACCES, 0, "/tmp",
	  "cannot run '/tmp': it is a directory or may not be executed: Permission "
	  "denied" },
	{ USP_STAGE_EXEC, ENOEXEC, 0, "x",
	  "cannot run 'x': it is no program of this machine and has no #! line" },
	{ USP_STAGE_EXEC, E2BIG, 0, "x",
	  "cannot run 'x': its arguments and environment are too long" },
	{ USP_STAGE_EXEC, ETXTBSY, 0, "x", "cannot run 'x': Text file busy" },
	{ USP_STAGE_INTERPRETER, ENOENT, 0, "/x/script",
	  "'/x/script' is there, but the interpreter or loader that it names is not" },
	{ USP_STAGE_INTERPRETER, EACCES, 0, "s",
	  "'s' is there, but the interpreter or loader that it names does not run: "
	  "Permission denied" },
	{ USP_STAGE_READY, ETIMEDOUT, 0, "w",
	  "'w' runs, and did not become ready in time" },
	{ USP_STAGE_READY, ECHILD, 0, "w", "'w' ended before it was ready" },
	{ USP_STAGE_READY, EIO, 0, "w", "'w' did not become ready: Input/output error" },
	{ USP_STAGE_CHDIR, ENOENT, 0, "/x",
	  "cannot enter directory '/x': No such file or directory" },
	{ USP_STAGE_VALIDATE, EINVAL, 0, "argv",
	  "the request was refused: argv is not valid: Invalid argument" },
	{ USP_STAGE_VALIDATE, E2BIG, 0, "env",
	  "the request was refused: env is longer than the kernel takes" },
	{ USP_STAGE_ADMISSION, EAGAIN, 0, "queued jobs",
	  "cannot start: limit of queued jobs reached, try again later" },
	{ USP_STAGE_ADMISSION, EMFILE, 0, "descriptors",
	  "cannot start: it needs more than there are of descriptors" },
	{ USP_STAGE_ADMISSION, ECANCELED, 0, "",
	  "not started: it was ended while it waited for a place" },
	{ USP_STAGE_ADMISSION, EPIPE, 0, "",
	  "cannot start: the connection to the daemon was lost" },
	{ USP_STAGE_ADMISSION, EIO, 0, "what",
	  "cannot start (what): Input/output error" },
	{ USP_STAGE_CLONE, EAGAIN, 0, "",
	  "cannot make a process: Resource temporarily unavailable (a limit on "
	  "processes: "
	  "RLIMIT_NPROC or the cgroup's pids.max)" },
	{ USP_STAGE_CLONE, ENOMEM, 0, "",
	  "cannot make a process: Cannot allocate memory" },
	{ USP_STAGE_FDS, EMFILE, 0, "", "cannot get descriptors: Too many open files" },
	{ USP_STAGE_STDIO, EBADF, 0, "stdout",
	  "cannot open 'stdout': Bad file descriptor" },
	{ USP_STAGE_EXEC, 0, SIGKILL, "foo",
	  "signal SIGKILL ended the child before it ran 'foo' (stage exec)" },
	{ USP_STAGE_SESSION, 0, 63, "",
	  "signal 63 ended the child before it ran (stage session)" },
	{ (enum usp_stage)99, 12345, 0, "", "cannot start: Unknown error" },
	{ USP_STAGE_EXEC, ENOENT, 0, NULL, "cannot run '': no such program" },
};

ParameterizedTestParameters(words, failure_is_a_sentence)
{
	static size_t number[ARRAY_SIZE(sentences)];

	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(sentences));
}

ParameterizedTest(size_t *number, words, failure_is_a_sentence)
{
	const struct sentence *s = &sentences[*number];
	struct usp_failure failure = {
		.stage = s->stage, .error = s->error, .signal = s->signal, .path = s->path
	};
	char text[300];

	cr_assert(usp_failure_text(&failure, text, sizeof(text)) == text);
	cr_assert(eq(str, text, (char *)s->want));
}

Test(words, a_limit_says_when_to_come_again)
{
	struct usp_failure failure = { .stage = USP_STAGE_ADMISSION,
				       .error = EAGAIN,
				       .path = "--queue-max",
				       .retry_ms = 25 };
	char text[300];

	cr_assert(eq(str, (char *)usp_failure_text(&failure, text, sizeof(text)),
		     "cannot start: limit of --queue-max reached, try again in 25 ms"));
}

Test(words, a_sentence_is_cut_at_its_size)
{
	struct usp_failure failure = { .stage = USP_STAGE_EXEC,
				       .error = ENOENT,
				       .path = "foo" };
	char text[16];

	memset(text, 'x', sizeof(text));
	usp_failure_text(&failure, text, 11);

	cr_assert(eq(str, text, "cannot run"));
	cr_assert(eq(chr, text[11], 'x'));
}

Test(words, every_stage_and_reason_has_a_name)
{
	for (int i = 0; i <= USP_STAGE_READY; i++)
		cr_assert(ne(str, (char *)usp_stage_name(i), "unknown"), "stage %d", i);
	for (int i = 1; i <= USP_REASON_RELEASED; i++)
		cr_assert(ne(str, (char *)usp_reason_name(i), "unknown"), "reason %d", i);

	cr_assert(eq(str, (char *)usp_stage_name(USP_STAGE_EXEC), "exec"));
	cr_assert(
		eq(str, (char *)usp_reason_name(USP_REASON_CLIENT_GONE), "client-gone"));
	cr_assert(eq(str, (char *)usp_stage_name(-1), "unknown"));
	cr_assert(eq(str, (char *)usp_stage_name(1000), "unknown"));
	cr_assert(eq(str, (char *)usp_reason_name(0), "unknown"));
	cr_assert(eq(str, (char *)usp_policy_name(USP_POLICY_RANDOM), "random"));
	cr_assert(usp_policy_name((enum usp_policy)4) == NULL);
	cr_assert(usp_policy_name((enum usp_policy) - 1) == NULL);
	cr_assert(eq(str, (char *)usp_reason_name(1000), "unknown"));
}

enum { NONE = -2 };

/* code NONE: no exit event; stage 0: no failed event. */
static const struct ending {
	const char *name;
	enum usp_reason reason;
	int code, signal;
	enum usp_stage stage;
	int error, failed_signal;
	int want;
} endings[] = {
	{ "success", USP_REASON_EXITED, 0, 0, 0, 0, 0, 0 },
	{ "exit code", USP_REASON_EXITED, 3, 0, 0, 0, 0, 3 },
	{ "signal", USP_REASON_SIGNALLED, -1, SIGSEGV, 0, 0, 0, 139 },
	{ "killed by a signal", USP_REASON_KILLED, -1, SIGKILL, 0, 0, 0, 137 },
	{ "killed, and it returned its own code", USP_REASON_KILLED, 7, 0, 0, 0, 0, 7 },
	{ "killed, and it returned 0: cut off all the same", USP_REASON_KILLED, 0, 0, 0,
	  0, 0, 143 },
	{ "killed before its exec", USP_REASON_KILLED, NONE, 0, USP_STAGE_CHDIR, 0,
	  SIGTERM, 143 },
	{ "killed in the queue", USP_REASON_KILLED, NONE, 0, USP_STAGE_ADMISSION,
	  ECANCELED, 0, 125 },
	{ "timeout", USP_REASON_TIMEOUT, -1, SIGTERM, 0, 0, 0, 124 },
	{ "timeout, and it returned 0", USP_REASON_TIMEOUT, 0, 0, 0, 0, 0, 124 },
	{ "launch timeout", USP_REASON_LAUNCH_TIMEOUT, NONE, 0, USP_STAGE_EXEC, 0,
	  SIGKILL, 124 },
	{ "status lost", USP_REASON_STATUS_LOST, -1, 0, 0, 0, 0, 125 },
	{ "client gone", USP_REASON_CLIENT_GONE, 0, 0, 0, 0, 0, 125 },
	{ "released", USP_REASON_RELEASED, NONE, 0, 0, 0, 0, 0 },
	{ "never ready", USP_REASON_FAILED, NONE, 0, USP_STAGE_READY, ETIMEDOUT, 0, 125 },
	{ "no such program", USP_REASON_FAILED, NONE, 0, USP_STAGE_EXEC, ENOENT, 0, 127 },
	{ "no interpreter", USP_REASON_FAILED, NONE, 0, USP_STAGE_INTERPRETER, ENOENT, 0,
	  127 },
	{ "not executable", USP_REASON_FAILED, NONE, 0, USP_STAGE_EXEC, EACCES, 0, 126 },
	{ "not a program", USP_REASON_FAILED, NONE, 0, USP_STAGE_EXEC, ENOEXEC, 0, 126 },
	{ "bad directory", USP_REASON_FAILED, NONE, 0, USP_STAGE_CHDIR, ENOENT, 0, 125 },
	{ "no process", USP_REASON_FAILED, NONE, 0, USP_STAGE_CLONE, EAGAIN, 0, 125 },
	{ "a signal before exec", USP_REASON_FAILED, NONE, 0, USP_STAGE_EXEC, 0, SIGKILL,
	  125 },
	{ "an end without any other event", USP_REASON_EXITED, NONE, 0, 0, 0, 0, 125 },
	{ "a failure that was not told", USP_REASON_FAILED, NONE, 0, 0, 0, 0, 125 },
};

ParameterizedTestParameters(words, end_has_a_shell_code)
{
	static size_t number[ARRAY_SIZE(endings)];

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, ARRAY_SIZE(endings));
}

ParameterizedTest(size_t *number, words, end_has_a_shell_code)
{
	const struct ending *e = &endings[*number];
	struct usp_end end = { .reason = e->reason };
	struct usp_exit gone = { .code = e->code, .signal = e->signal };
	struct usp_failure failed = { .stage = e->stage,
				      .error = e->error,
				      .signal = e->failed_signal,
				      .path = "" };
	int code = usp_shell_code(&end, e->code == NONE ? NULL : &gone,
				  e->stage ? &failed : NULL);

	cr_assert(eq(int, code, e->want), "%s", e->name);
}
