/*
 * What a daemon tells about itself: by frames, and by `uringspawn stat`.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <string.h>

#include "support/command.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(stat, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;
static struct command_result result;

/* ---- by frames ----------------------------------------------------------- */

static void send_stat(struct peer *peer, uint16_t format)
{
	const struct frame frame = { .type = USP_WIRE_STAT, .flags = format };

	peer_send_frame(peer, &frame, "");
}

/* Ask, and skip what is told of jobs meanwhile. */
static json_t *numbers(struct peer *peer)
{
	struct frame frame;
	json_t *stats;

	send_stat(peer, USP_WIRE_STAT_JSON);
	do
		cr_assert(peer_next(peer, &frame), "the daemon closed");
	while (frame.type != USP_WIRE_STATS);
	cr_assert(eq(u32, frame.job, 0));
	cr_assert(eq(u16, frame.flags, USP_WIRE_STAT_JSON));
	stats = json_loadb((const char *)frame.payload, frame.payload_bytes, 0, NULL);
	cr_assert(ne(ptr, stats, NULL), "no JSON: %.*s", (int)frame.payload_bytes,
		  (const char *)frame.payload);
	return stats;
}

/* The number at a path of one or two names. */
static json_int_t number(const json_t *stats, const char *name, const char *label)
{
	const json_t *value = json_object_get(stats, name);

	if (label)
		value = json_object_get(value, label);
	cr_assert(ne(int, json_is_integer(value), 0), "no number %s %s", name,
		  label ? label : "");
	return json_integer_value(value);
}

#define EXPECT_NUMBER(stats, name, label, want)                                          \
	cr_expect(eq(long, (long)number(stats, name, label), want), "%s", name)

Test(stat, what_became_of_jobs_is_counted)
{
	struct peer peer;
	json_t *stats;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	peer_expect_service(&peer, 1);
	peer_spawn(&peer, 2, &PEER_ARGV("/does/not/exist"), false);
	peer_expect_failed(&peer, 2, USP_STAGE_EXEC, ENOENT, "/does/not/exist");
	peer_spawn(&peer, 3, &PEER_ARGV("sh\0-c\0echo hello; exit 3"), false);
	peer_skip_to(&peer, 3, USP_EVENT_END);
	stats = numbers(&peer);

	EXPECT_NUMBER(stats, "ended_total", "exited", 2);
	EXPECT_NUMBER(stats, "ended_total", "failed", 1);
	EXPECT_NUMBER(stats, "failed_total", "exec", 1);
	EXPECT_NUMBER(stats, "failed_total", "validate", 0);
	EXPECT_NUMBER(stats, "carried_bytes_total", "stdout", 6);
	EXPECT_NUMBER(stats, "run_seconds", "count", 2);
	EXPECT_NUMBER(stats, "launch_seconds", "count", 3);
	EXPECT_NUMBER(stats, "queue_seconds", "count", 3);
	EXPECT_NUMBER(stats, "running", NULL, 0);
	EXPECT_NUMBER(stats, "queued", NULL, 0);
	EXPECT_NUMBER(stats, "clients", NULL, 1);
	EXPECT_NUMBER(stats, "held_bytes", "requests", 0);
	json_decref(stats);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(stat, gauges_show_what_runs_and_what_waits)
{
	static const char sleeper[] = PROGRAM("sleep_forever");
	const struct request request = { .argv = { sleeper, sizeof(sleeper) } };
	const char *const args[] = {
		"--jobs-max", "4", "--client-running-max", "2", "--client-queue-max",
		"1",	      NULL
	};
	struct peer peer;
	json_t *stats;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	for (uint32_t job = 1; job <= 4; job++)
		peer_spawn(&peer, job, &request, false);
	peer_skip_to(&peer, 4, USP_EVENT_END);
	stats = numbers(&peer);

	EXPECT_NUMBER(stats, "running", NULL, 2);
	EXPECT_NUMBER(stats, "queued", NULL, 1);
	EXPECT_NUMBER(stats, "refused_total", "--client-queue-max", 1);
	EXPECT_NUMBER(stats, "failed_total", "admission", 1);
	EXPECT_NUMBER(stats, "limit", "--client-running-max", 2);
	cr_expect(lt(long, 0, (long)number(stats, "held_bytes", "requests")));
	json_decref(stats);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* What the daemon refuses without asking its engine counts all the same. */
Test(stat, what_is_refused_by_the_daemon_is_counted)
{
	struct request wrong = PEER_ARGV("true");
	const char *const args[] = { "--client-jobs-max", "1", NULL };
	struct peer peer;
	json_t *stats;

	daemon_start(&daemon_run, args);
	peer_open(&peer, daemon_run.socket);
	wrong.options.window_bytes = UINT32_MAX;
	peer_spawn(&peer, 1, &wrong, false);
	peer_expect_failed(&peer, 1, USP_STAGE_VALIDATE, EINVAL, "credit");
	peer_spawn(&peer, 2, &PEER_ARGV(PROGRAM("sleep_forever")), false);
	peer_spawn(&peer, 3, &PEER_ARGV("true"), false);
	peer_skip_to(&peer, 3, USP_EVENT_END);
	stats = numbers(&peer);

	EXPECT_NUMBER(stats, "failed_total", "validate", 1);
	EXPECT_NUMBER(stats, "failed_total", "admission", 1);
	EXPECT_NUMBER(stats, "refused_total", "--client-jobs-max", 1);
	EXPECT_NUMBER(stats, "ended_total", "failed", 2);
	json_decref(stats);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(stat, a_format_that_does_not_exist_ends_the_connection)
{
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	send_stat(&peer, 4);
	peer_expect_error(&peer, EPROTO, "format 4");
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* Answers are larger than questions: who only asks is not answered for ever. */
Test(stat, one_who_asks_and_does_not_read_is_not_served)
{
	enum { ASKED = 10000 };
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	for (int i = 0; i < ASKED; i++)
		send_stat(&peer, USP_WIRE_STAT_PROMETHEUS);
	peer_expect_error(&peer, EPROTO, "answers are not read yet");
	daemon_expect_service(daemon_run.socket);
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(stat, one_who_reads_may_ask_for_ever)
{
	struct peer peer;

	daemon_start(&daemon_run, NULL);
	peer_open(&peer, daemon_run.socket);
	for (int i = 0; i < 100; i++)
		json_decref(numbers(&peer));
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

/* ---- by the command ------------------------------------------------------ */

static int stat_with(const char *option)
{
	const char *const argv[] = { BUILD_DIR "/uringspawn", "stat", "--socket",
				     daemon_run.socket,	      option, NULL };
	const struct command command = { .argv = argv };

	return command_run(&command, &result);
}

static void start_with_a_job(void)
{
	daemon_start(&daemon_run, NULL);
	daemon_expect_service(daemon_run.socket);
}

Test(stat, the_table_has_a_line_for_everything)
{
	static const char *const parts[] = {
		"uringspawnd ",
		"up 0 min",
		"running    0 of 4096",
		"queued     0 ",
		"clients    1 of",
		"launchers ",
		"ended      exited 1\n",
		"refused    -\n",
		"queue ",
		"launch ",
		"run ",
		"drain ",
	};

	start_with_a_job();
	cr_assert(eq(int, stat_with(NULL), 0), "%s", result.err);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		cr_expect(ne(ptr, strstr(result.out, parts[i]), NULL), "no '%s' in %s",
			  parts[i], result.out);
	daemon_stop(&daemon_run);
}

Test(stat, json_is_what_the_daemon_says)
{
	json_t *stats;

	start_with_a_job();
	cr_assert(eq(int, stat_with("--json"), 0));
	stats = json_loadb(result.out, result.out_size, 0, NULL);
	cr_assert(ne(ptr, stats, NULL), "no JSON: %s", result.out);
	EXPECT_NUMBER(stats, "ended_total", "exited", 1);
	json_decref(stats);
	daemon_stop(&daemon_run);
}

/* Every line is a comment or a sample of the metric that was announced last. */
static void expect_exposition(char *text)
{
	static const char sample[] =
		"^(uringspawn_[a-z_]+)(\\{[a-z]+=\"[^\"\\]*\"(,[a-z]+=\"[^\"\\]*\")*\\})? "
		"[0-9.]+$";
	regex_t regex;
	char family[128] = "", *line, *rest = text;

	cr_assert(eq(int, regcomp(&regex, sample, REG_EXTENDED), 0));
	while ((line = strsep(&rest, "\n")) && rest) {
		if (sscanf(line, "# TYPE %127s", family) == 1 ||
		    strncmp(line, "# HELP ", 7) == 0)
			continue;
		cr_assert(eq(int, regexec(&regex, line, 0, NULL, 0), 0), "%s", line);
		cr_assert(eq(int, strncmp(line, family, strlen(family)), 0),
			  "%s is not of %s", line, family);
	}
	cr_assert(eq(str, line, ""), "the last line has no end");
	regfree(&regex);
}

Test(stat, prometheus_can_be_read)
{
	start_with_a_job();
	cr_assert(eq(int, stat_with("--prometheus"), 0));
	cr_expect(ne(ptr,
		     strstr(result.out, "uringspawn_ended_total{reason=\"exited\"} 1\n"),
		     NULL));
	expect_exposition(result.out);
	daemon_stop(&daemon_run);
}

/* One may run, one may wait: ready with one of them, not with both, and again after. */
Test(stat, it_is_ready_while_there_is_room_for_a_job)
{
	struct peer peer;

	daemon_start(&daemon_run, ARGS("--jobs-max", "1", "--queue-max", "1"));
	peer_open(&peer, daemon_run.socket);
	cr_expect(eq(int, stat_with("--ready"), 0), "%s", result.err);
	peer_spawn(&peer, 1,
		   &PEER_ARGV("sleep\0"
			      "100"),
		   false);
	peer_skip_to(&peer, 1, USP_EVENT_STARTED);
	cr_expect(eq(int, stat_with("--ready"), 0), "%s", result.err);
	peer_spawn(&peer, 2,
		   &PEER_ARGV("sleep\0"
			      "100"),
		   false);
	/* Frames are taken in order: it waits when this is answered. */
	json_decref(numbers(&peer));
	cr_expect(eq(int, stat_with("--ready"), 1));
	cr_expect(eq(str, result.err,
		     (char *)"uringspawn: no room for a job: 1 run (--jobs-max), and 1 "
			     "wait (--queue-max)\n"));
	cr_expect(eq(sz, result.out_size, 0));
	peer_close(&peer);
	daemon_stop(&daemon_run);
}

Test(stat, without_a_daemon_it_says_so)
{
	strcpy(daemon_run.socket, "/nowhere/at/all");
	cr_assert(eq(int, stat_with(NULL), 125));
	cr_expect(ne(ptr, strstr(result.err, "cannot connect to /nowhere/at/all"), NULL));
	cr_assert(eq(int, stat_with("--ready"), 125));
}

Test(stat, a_wrong_option_is_named)
{
	cr_assert(eq(int,
		     command_run(&(struct command){ .argv = ARGS(BUILD_DIR "/uringspawn",
								 "stat", "--jsonn") },
				 &result),
		     125));
	cr_expect(ne(ptr, strstr(result.err, "--json"), NULL), "%s", result.err);
}
