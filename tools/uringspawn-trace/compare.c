#include "uringspawn-trace/compare.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uringspawn/client.h>
#include <uringspawn/spawn.h>
#include "base/clock.h"

/* So often at most, and no further one is begun after so long. */
enum { TIMES = 50, ARGS_MAX = 64 };
#define LONGEST_NS (5 * NS_PER_S)

struct compare {
	const char *through, *cwd;
	struct usp_engine *engine; /* one of the two */
	struct usp_client *client;
	uint64_t asked_ns; /* of the one that is on */
	unsigned n;
	struct histogram call, started; /* in the caller's thread; until it runs */
	char problem[256];		/* the first */
};

int compare_open(const char *through, const char *cwd, struct compare **ret_compare,
		 struct failure *why)
{
	struct compare *compare = calloc(1, sizeof(*compare));
	int ret;

	if (!compare)
		return failure_set(why, CODE_KERNEL, "no memory");
	compare->through = through;
	compare->cwd = cwd;
	if (strcmp(through, "self") == 0)
		ret = usp_engine_new(NULL, &compare->engine);
	else
		ret = usp_client_open(through, &compare->client);
	if (ret < 0) {
		free(compare);
		return failure_set(why, CODE_USAGE, "--compare %s: %s", through,
				   strerrordesc_np(-ret));
	}
	*ret_compare = compare;
	return 0;
}

void compare_close(struct compare *compare)
{
	if (!compare)
		return;
	if (compare->engine)
		usp_engine_free(compare->engine);
	if (compare->client)
		usp_client_free(compare->client);
	free(compare);
}

/* ---- the runs ------------------------------------------------------------ */

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct compare *compare = user;

	(void)process;
	if (event->kind == USP_EVENT_STARTED)
		histogram_add(&compare->started, clock_now_ns() - compare->asked_ns);
	if (event->kind == USP_EVENT_FAILED && !compare->problem[0])
		usp_failure_text(&event->failed, compare->problem,
				 sizeof(compare->problem));
}

/* What a program's thread does for it: the call, and handing it over. */
static int ask(struct compare *compare, const struct usp_options *options)
{
	struct usp_process *process;
	int ret;

	compare->asked_ns = clock_now_ns();
	if (compare->engine)
		ret = usp_spawn(compare->engine, options, &process);
	else
		ret = usp_client_spawn(compare->client, options, &process);
	if (ret >= 0)
		ret = compare->engine ? usp_engine_turn(compare->engine)
				      : usp_client_turn(compare->client);
	if (ret >= 0)
		histogram_add(&compare->call, clock_now_ns() - compare->asked_ns);
	return ret;
}

/* False: it did not work, and would not the next time. */
static bool run_once(struct compare *compare, const struct usp_options *options)
{
	int ret = ask(compare, options);

	if (ret >= 0)
		ret = compare->engine ? usp_engine_run(compare->engine)
				      : usp_client_run(compare->client);
	if (ret < 0 && !compare->problem[0])
		snprintf(compare->problem, sizeof(compare->problem), "%s",
			 strerrordesc_np(-ret));
	compare->n++;
	return !compare->problem[0];
}

/* Each argument ends with a NUL.  Returns how many there are, 0: not all are known. */
static size_t split(const struct trace_command *command, const char **argv)
{
	size_t n = 0;

	if (command->size == 0 || command->size > TRACE_ARGS_MAX ||
	    command->args[command->size - 1])
		return 0;
	for (size_t at = 0; at < command->size && n < ARGS_MAX; n++) {
		argv[n] = command->args + at;
		at += strlen(argv[n]) + 1;
	}
	return n < ARGS_MAX ? n : 0;
}

/* ---- what came of it ----------------------------------------------------- */

static void print_people(const struct compare *compare, const char *const *argv,
			 const struct tally *before, FILE *to)
{
	const struct histogram *blocked = &before->ns[PHASE_BLOCKED];
	const char *through = compare->engine ? "an engine" : compare->through;

	fputs("\nbefore and after, of", to);
	for (size_t i = 0; argv[i]; i++)
		fprintf(to, " %s", argv[i]);
	fprintf(to,
		" (p50, us)\n"
		"  before %10.1f  its thread is blocked, %" PRIu64 " spawns\n"
		"  after  %10.1f  a thread is in the call of uringspawn (%s), %u spawns\n"
		"         %10.1f  from the call until it runs; that thread is free then\n",
		(double)histogram_percentile(blocked, 0.5) / 1e3, blocked->n,
		(double)histogram_percentile(&compare->call, 0.5) / 1e3, through,
		compare->n, (double)histogram_percentile(&compare->started, 0.5) / 1e3);
}

static void print_json(const struct compare *compare, const char *const *argv,
		       const struct tally *before, FILE *to)
{
	json_t *command = json_array(), *o;

	for (size_t i = 0; argv[i]; i++) {
		json_t *word = json_string(argv[i]);

		json_array_append_new(command, word ? word : json_null());
	}
	o = json_pack("{s:s, s:s, s:o, s:i, s:I, s:I, s:I}", "type", "compare", "through",
		      compare->through, "command", command, "spawns", (int)compare->n,
		      "before_p50_ns", (json_int_t)tally_p50(before, PHASE_BLOCKED),
		      "call_p50_ns",
		      (json_int_t)histogram_percentile(&compare->call, 0.5),
		      "started_p50_ns",
		      (json_int_t)histogram_percentile(&compare->started, 0.5));
	json_dumpf(o, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(o);
}

void compare_run(struct compare *compare, const struct trace_command *command,
		 const struct tally *before, bool json, FILE *to)
{
	static const struct usp_stdio null = { .kind = USP_STDIO_NULL };
	const char *argv[ARGS_MAX + 1] = { NULL };
	struct usp_options options =
		USP_OPTIONS(.argv = argv, .envp = (const char *const *)environ,
			    .cwd = compare->cwd, .stdio = { null, null, null },
			    .on_event = on_event, .user = compare);
	uint64_t start = clock_now_ns();

	if (!command || !split(command, argv)) {
		fprintf(stderr, "uringspawn-trace: --compare: %s\n",
			command ? "the command has too many arguments"
				: "nothing was executed");
		return;
	}
	if (command->file[0] == '/')
		options.path = command->file;
	while (compare->n < TIMES && clock_now_ns() - start < LONGEST_NS)
		if (!run_once(compare, &options))
			break;
	if (compare->problem[0])
		fprintf(stderr, "uringspawn-trace: --compare: %s: %s\n", argv[0],
			compare->problem);
	else if (json)
		print_json(compare, argv, before, to);
	else
		print_people(compare, argv, before, to);
}
