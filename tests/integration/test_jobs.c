/*
 * The jobs of a daemon, listed and ended by anybody who may: by frames, and by
 * `uringspawn ps` and `uringspawn kill`.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "base/annotate.h"
#include "support/both_ways.h"
#include "support/command.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(jobs, .fini = tmpdir_done, .timeout = 120);

static const struct request sleeper = PEER_ARGV(PROGRAM("sleep_forever"));

/* ---- by frames ----------------------------------------------------------- */

/* What is listed behind @after; skips what is told of jobs meanwhile. */
static json_t *list(struct peer *peer, uint32_t after)
{
	const struct frame ask = { .type = USP_WIRE_STAT,
				   .flags = USP_WIRE_STAT_JOBS,
				   .arg = after };
	struct frame frame;
	json_t *answer;

	peer_send_frame(peer, &ask, "");
	do
		cr_assert(peer_next(peer, &frame), "the daemon closed");
	while (frame.type != USP_WIRE_STATS);
	cr_assert(eq(u16, frame.flags, USP_WIRE_STAT_JOBS));
	answer = json_loadb((const char *)frame.payload, frame.payload_bytes, 0, NULL);
	cr_assert(ne(ptr, answer, NULL), "no JSON: %.*s", (int)frame.payload_bytes,
		  (const char *)frame.payload);
	return answer;
}

static size_t listed(struct peer *peer)
{
	json_t *answer = list(peer, 0);
	size_t n = json_array_size(json_object_get(answer, "jobs"));

	json_decref(answer);
	return n;
}

static json_int_t number(const json_t *job, const char *name)
{
	const json_t *value = json_object_get(job, name);

	cr_assert(ne(int, json_is_integer(value), 0), "no number %s", name);
	return json_integer_value(value);
}

/* The errno that KILL_JOB is answered with. */
static uint32_t kill_job(struct peer *peer, uint32_t job, uint16_t target,
			 uint32_t signal)
{
	const struct frame ask = {
		.type = USP_WIRE_KILL_JOB, .job = job, .flags = target, .arg = signal
	};
	struct frame frame;

	peer_send_frame(peer, &ask, "");
	do
		cr_assert(peer_next(peer, &frame), "the daemon closed");
	while (frame.type != USP_WIRE_JOB_KILLED);
	cr_expect(eq(u32, frame.job, job));
	return frame.arg;
}

/* The first @n, in whichever order they start. */
static void expect_started(struct peer *peer, unsigned n)
{
	struct frame frame;

	for (unsigned started = 0; started < n;) {
		cr_assert(peer_next(peer, &frame), "the daemon closed");
		started += frame.type == USP_WIRE_STARTED;
	}
}

/* Of three pages; two run, and those behind them wait. */
Test(jobs, all_are_listed_page_by_page_in_their_order)
{
	enum { JOBS = 150 };
	const char *const args[] = {
		"--jobs-max", "2", "--client-running-max", "2", "--client-jobs-max",
		"1000",	      NULL
	};
	struct peer peer;
	uint32_t after = 0;
	json_int_t last = 0;
	size_t n = 0;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	for (uint32_t job = 1; job <= JOBS; job++)
		peer_spawn(&peer, job, &sleeper, false);
	expect_started(&peer, 2);
	do {
		json_t *answer = list(&peer, after), *job;
		size_t i;

		json_array_foreach(json_object_get(answer, "jobs"), i, job)
		{
			cr_expect(lt(long, (long)last, (long)number(job, "job")));
			last = number(job, "job");
			cr_expect(eq(long, (long)number(job, "client"), getpid()));
			cr_expect(eq(long, (long)number(job, "uid"), (long)geteuid()));
			cr_expect(eq(
				str,
				(char *)json_string_value(json_object_get(job, "state")),
				n < 2 ? "running" : "queued"));
			cr_expect(eq(int, number(job, "pid") > 0, n < 2));
			n++;
		}
		after = (uint32_t)number(answer, "next");
		json_decref(answer);
	} while (after);
	cr_expect(eq(sz, n, JOBS));
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(jobs, a_job_is_told_with_what_it_uses)
{
	const struct request talker =
		PEER_ARGV("sh\0-c\0printf 12345; while :; do sleep 1; done");
	struct peer peer;
	json_t *answer, *job;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 7, &talker, false);
	peer_skip_to(&peer, 7, USP_EVENT_OUTPUT);
	answer = list(&peer, 0);
	job = json_array_get(json_object_get(answer, "jobs"), 0);
	cr_expect(eq(long, (long)number(job, "output_bytes"), 5));
	cr_expect(lt(long, 0, (long)number(job, "memory_bytes")));
	cr_expect(ne(int, json_is_real(json_object_get(job, "cpu_seconds")), 0));
	cr_expect(ne(int, json_is_real(json_object_get(job, "age_seconds")), 0));
	cr_expect(ne(int, json_is_false(json_object_get(job, "client_gone")), 0));
	cr_expect(eq(str, (char *)json_string_value(json_object_get(job, "program")),
		     "sh"));
	json_decref(answer);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* Of any bytes: what is told is JSON all the same. */
Test(jobs, a_strange_name_is_told_as_text)
{
	const struct request strange = PEER_ARGV("/tmp/\"\\\n\xff\xc3 no such program");
	const char *const args[] = { "--jobs-max", "1", "--client-running-max", "1",
				     NULL };
	struct peer peer;
	json_t *answer;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	peer_spawn(&peer, 2, &strange, false);
	answer = list(&peer, 0);
	cr_expect(eq(sz, json_array_size(json_object_get(answer, "jobs")), 2));
	json_decref(answer);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* Another connection of the same user. */
Test(jobs, the_job_of_another_client_is_ended)
{
	struct peer asks, other;
	struct usp_event end;
	json_t *answer;
	uint32_t job;

	daemon_start(&daemon_run, NULL);
	peer_open(&other, daemon_run.socket);
	peer_spawn(&other, 1, &sleeper, false);
	peer_skip_to(&other, 1, USP_EVENT_STARTED);
	peer_open(&asks, daemon_run.socket);
	answer = list(&asks, 0);
	job = (uint32_t)number(json_array_get(json_object_get(answer, "jobs"), 0), "job");
	json_decref(answer);

	cr_expect(eq(u32, kill_job(&asks, job + 1, USP_WIRE_SIGNAL_PLAN, 0), ESRCH));
	cr_expect(eq(u32, kill_job(&asks, job, 9, SIGTERM), EINVAL));
	cr_expect(eq(u32, kill_job(&asks, job, USP_WIRE_SIGNAL_GROUP, 0), EINVAL));
	cr_expect(eq(u32, kill_job(&asks, job, USP_WIRE_SIGNAL_GROUP, 65), EINVAL));
	cr_expect(eq(u32, kill_job(&asks, job, USP_WIRE_SIGNAL_PLAN, 0), 0));
	end = peer_skip_to(&other, 1, USP_EVENT_END);
	cr_expect(eq(int, end.end.reason, USP_REASON_KILLED));
	cr_expect(eq(sz, listed(&asks), 0));
	cr_expect(eq(u32, kill_job(&asks, job, USP_WIRE_SIGNAL_PLAN, 0), ESRCH));
	peer_close(&asks);
	peer_close(&other);
	daemon_stop(&daemon_run);
}

enum { NOBODY = 65534 };

/* As another user: the bits say what it may that it may not. */
static int pry(const char *name)
{
	struct peer peer;
	int bits = 0;

	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return 100;
	peer_open(&peer, name);
	bits |= listed(&peer) != 0;
	bits |= (kill_job(&peer, 1, USP_WIRE_SIGNAL_PLAN, 0) != ESRCH) << 1;
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	bits |= (listed(&peer) != 1) << 2;
	return bits;
}

Test(jobs, nobody_sees_or_ends_those_of_another_user)
{
	const char *const args[] = { "--allow-uid", "65534", NULL };
	char name[64];
	struct peer peer;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	snprintf(name, sizeof(name), "@uringspawn-test-%d", (int)getpid());
	daemon_start_on(&daemon_run, name, args);
	peer_open(&peer, name);
	peer_spawn(&peer, 1, &sleeper, false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	pid = fork();
	cr_assert(ge(int, pid, 0));
	if (pid == 0)
		_exit(pry(name));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_expect(eq(int, status, 0));
	cr_expect(ge(sz, listed(&peer), 1), "its own is still there");
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* ---- by commands ----------------------------------------------------------- */

static int uringspawn(const char *name, const char *const *args)
{
	const char *line[8] = { BUILD_DIR "/uringspawn", name, "--socket",
				daemon_run.socket };

	for (int i = 0; args[i]; i++)
		line[i + 4] = args[i];
	return command_run(&(struct command){ .argv = line }, &result);
}

Test(jobs, ps_lists_them_and_kill_ends_one)
{
	struct running_command running;
	char line[64];
	json_t *jobs;

	daemon_start(&daemon_run, NULL);
	cr_expect(eq(int, uringspawn("ps", ARGS("--json")), 0), "%s", result.err);
	cr_expect(eq(str, result.out, (char *)"[]\n"));
	start(&running, SOCKET, ARGS("sh", "-c", "exec " PROGRAM("tell_signals")), 0);
	command_read_line(&running, "pid ", line, sizeof(line));

	cr_expect(eq(int, uringspawn("ps", ARGS(NULL)), 0), "%s", result.err);
	cr_expect(says(result.out, "PROGRAM\n"), "%s", result.out);
	cr_expect(says(result.out, " running "), "%s", result.out);
	cr_expect(says(result.out, " sh\n"), "%s", result.out);
	cr_expect(eq(int, uringspawn("ps", ARGS("--json")), 0), "%s", result.err);
	jobs = json_loads(result.out, 0, NULL);
	cr_expect(eq(sz, json_array_size(jobs), 1), "%s", result.out);
	snprintf(line, sizeof(line), "%d", (int)number(json_array_get(jobs, 0), "job"));
	json_decref(jobs);

	cr_expect(eq(int, uringspawn("kill", ARGS("-s", "USR1", line)), 0), "%s",
		  result.err);
	cr_expect(eq(int, uringspawn("kill", ARGS(line, "4000000000")), 1));
	cr_expect(says(result.err, "no job 4000000000 of yours"), "%s", result.err);
	command_end(&running, &result);
	cr_expect(eq(str, result.out, (char *)"signal 10\nsignal 15\n"));
	daemon_stop(&daemon_run);
}

static const struct wrong {
	const char *command;
	const char *args[4];
	const char *says;
} wrongs[] = {
	{ "ps", { "--jsn" }, "did you mean '--json'?" },
	{ "ps", { "all" }, "takes no argument, but was given 'all'" },
	{ "kill", { NULL }, "no job to end" },
	{ "kill", { "one" }, "job 'one' is not a number" },
	{ "kill", { "0" }, "job '0' is not a number" },
	{ "kill", { "--signal", "LOUD", "1" }, "--signal 'LOUD' is not a signal" },
	{ "kill", { "--target", "all", "1" }, "--target 'all' is not group" },
	{ "kill", { "--target", "tree", "1" }, "--target means nothing without" },
	{ "kill", { "--singal", "TERM", "1" }, "did you mean '--signal'?" },
	{ "ps", { NULL }, "cannot connect to" },
	{ "kill", { "1" }, "cannot connect to" },
};

Test(jobs, what_is_wrong_is_named)
{
	strcpy(daemon_run.socket, tmpdir_path("nobody"));
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		cr_expect(eq(int, uringspawn(wrongs[i].command, wrongs[i].args), 125));
		cr_expect(says(result.err, wrongs[i].says), "%s", result.err);
	}
}
