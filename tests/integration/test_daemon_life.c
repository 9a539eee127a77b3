/*
 * The later part of a job's life, told by a daemon to its client: as an engine tells it.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uringspawn/client.h>

#include "base/clock.h"
#include "support/daemon.h"
#include "support/tmpdir.h"

TestSuite(daemon_life, .fini = tmpdir_done, .timeout = 120);

#define ARGV(...)     ((const char *const[]){ __VA_ARGS__, NULL })
#define SHELL(script) ARGV("/bin/sh", "-c", script)
#define PROGRAM(name) BUILD_DIR "/tests/programs/" name

/* One job, asked for and waited for. */
struct life {
	struct usp_client *client;
	char text[4096];
	size_t size;
	bool failed, exited, ended;
	struct usp_failure failure;
	struct usp_exit exit;
	struct usp_end end;
	struct usp_rusage usage;
	struct usp_holder holder; /* the first */
};

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct life *life = user;

	switch (event->kind) {
	case USP_EVENT_OUTPUT:
		cr_assert(lt(sz, life->size + event->output.size, sizeof(life->text)));
		memcpy(life->text + life->size, event->output.data, event->output.size);
		life->size += event->output.size;
		usp_process_credit(process, event->output.stream,
				   (uint32_t)event->output.size);
		break;
	case USP_EVENT_FAILED:
		life->failed = true;
		life->failure = event->failed;
		cr_assert(eq(str, (char *)event->failed.path, "queue-timeout"));
		break;
	case USP_EVENT_EXIT:
		life->exited = true;
		life->exit = event->exit;
		break;
	case USP_EVENT_END:
		life->ended = true;
		life->end = event->end;
		if (event->end.rusage)
			life->usage = *event->end.rusage;
		if (event->end.n_holders)
			life->holder = event->end.holders[0];
		break;
	default:
		break;
	}
}

static struct running_daemon daemon_run;

static void ask(struct life *life, struct usp_options options)
{
	struct usp_process *process;

	options.size = sizeof(options);
	options.cwd = "/";
	options.on_event = on_event;
	options.user = life;
	cr_assert(eq(int, usp_client_spawn(life->client, &options, &process), 0));
}

/* What becomes of @options in a daemon of its own. */
static void live(struct life *life, struct usp_options options)
{
	*life = (struct life){ 0 };
	daemon_start(&daemon_run, NULL);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &life->client), 0));
	ask(life, options);
	cr_assert(eq(int, usp_client_run(life->client), 0));
	cr_assert(life->ended);
	usp_client_free(life->client);
	daemon_stop(&daemon_run);
}

Test(daemon_life, the_middle_of_too_much_output_is_dropped)
{
	struct life life;

	live(&life, (struct usp_options){ .argv = SHELL("printf 0123456789abcdef"),
					  .output_max_bytes = 10,
					  .output_tail_bytes = 4,
					  .output_action = USP_OUTPUT_DROP });
	cr_assert(eq(int, life.end.reason, USP_REASON_EXITED));
	cr_assert(eq(int, memcmp(life.text, "012345cdef", 10), 0));
	cr_assert(eq(u64, life.end.bytes[1], 10));
	cr_assert(eq(u64, life.end.dropped[1], 6));
}

Test(daemon_life, endless_output_is_cut_at_its_limit)
{
	struct life life;

	live(&life, (struct usp_options){
			    .argv = ARGV(PROGRAM("flood"), "100000000000", "1", "1"),
			    .output_max_bytes = 1000 });
	cr_assert(eq(int, life.end.reason, USP_REASON_OUTPUT_LIMIT));
	cr_assert(eq(u64, life.end.bytes[1], 1000));
	cr_assert(eq(sz, life.size, 1000));
	cr_assert(eq(u64, life.end.dropped[1], 1));
	cr_assert(eq(int, life.end.drain, USP_DRAIN_DEADLINE));
}

Test(daemon_life, who_holds_the_pipe_is_named)
{
	struct life life;

	live(&life,
	     (struct usp_options){ .argv = SHELL(PROGRAM("sleep_forever") " & echo $!"),
				   .drain_ns = 20 * NS_PER_MS,
				   .drain_action = USP_DRAIN_KILL });
	cr_assert(eq(int, life.end.reason, USP_REASON_EXITED));
	cr_assert(eq(int, life.exit.code, 0));
	cr_assert(eq(int, life.end.drain, USP_DRAIN_DEADLINE));
	cr_assert(eq(uint, life.end.orphans, 1));
	cr_assert(eq(int, life.holder.pid, atoi(life.text)));
	cr_assert(ne(str, life.holder.name, ""));
}

Test(daemon_life, who_says_nothing_is_ended)
{
	struct life life;

	live(&life, (struct usp_options){ .argv = ARGV(PROGRAM("sleep_forever")),
					  .idle_timeout_ns = 20 * NS_PER_MS });
	cr_assert(eq(int, life.end.reason, USP_REASON_IDLE_TIMEOUT));
	cr_assert(eq(int, life.exit.signal, SIGTERM));
}

Test(daemon_life, what_it_used_is_told)
{
	struct life life;

	live(&life,
	     (struct usp_options){ .argv = SHELL("exit 3"), .flags = USP_FLAG_RUSAGE });
	cr_assert(eq(int, life.exit.code, 3));
	cr_assert(life.end.rusage != NULL);
	cr_assert(lt(u64, 0, life.usage.max_rss_bytes));
}

Test(daemon_life, what_gets_no_place_in_time_fails)
{
	const char *const one[] = { "--jobs-max", "1", NULL };
	struct life first = { 0 }, life = { 0 };

	daemon_start(&daemon_run, one);
	cr_assert(eq(int, usp_client_open(daemon_run.socket, &first.client), 0));
	life.client = first.client;
	ask(&first, (struct usp_options){ .argv = ARGV("/bin/sleep", "60"),
					  .timeout_ns = 300 * NS_PER_MS });
	ask(&life, (struct usp_options){ .argv = ARGV("/bin/true"),
					 .queue_timeout_ns = 20 * NS_PER_MS });
	cr_assert(eq(int, usp_client_run(first.client), 0));
	cr_assert(life.failed && !life.exited);
	cr_assert(eq(int, life.failure.stage, USP_STAGE_ADMISSION));
	cr_assert(eq(int, life.failure.error, ETIMEDOUT));
	cr_assert(eq(int, life.end.reason, USP_REASON_QUEUE_TIMEOUT));
	cr_assert(eq(int, first.end.reason, USP_REASON_TIMEOUT));
	usp_client_free(first.client);
	daemon_stop(&daemon_run);
}
