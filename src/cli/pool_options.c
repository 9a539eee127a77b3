#include "cli/pool_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "cli/limits.h"
#include "cli/option.h"
#include "cli/run_env.h"
#include "cli/run_spec.h"

/* Every option, on a screen of 24 lines and 80 columns. */
static const char usage[] =
	"Usage: uringspawn pool open NAME [OPTIONS] [--] PROGRAM [ARGUMENTS...]\n"
	"Keep processes of PROGRAM at hand in a daemon, until 'uringspawn pool close'.\n"
	"  --socket PATH       of the daemon at PATH (or @NAME), not the default one\n"
	"  --kind KIND         standby: each serves one use; worker: one after another\n"
	"  --min N  --max N    so many at least (0), at most; --spare N  idle ones (1)\n"
	"  --order ORDER       which idle one is next: fifo, lifo; --idle TIME  until\n"
	"  --max-age TIME      more than those are let go (30s); --max-rss BYTES  replace\n"
	"  --max-uses N        it then, a worker after N uses; --replace  after each use\n"
	"  --ready N           once it wrote a byte to its descriptor N it is ready: in\n"
	"  --ready-timeout TIME (30s); --acquire-timeout TIME  a use waits so long at\n"
	"  --waiting-max N     most, and so many uses do (1024)\n"
	"  --channel N         a worker's descriptor that uses talk to it by (3)\n"
	"  --reset-ask TEXT    told to a worker between two uses, \"reset\\n\", and its\n"
	"  --reset-answer TEXT by --reset-timeout TIME (5s); is it well:\n"
	"  --ping-ask TEXT     --ping-answer TEXT --ping-timeout TIME\n"
	"  --ping-on-use       before each use; --ping-interval TIME  while it is idle\n"
	"And as for 'uringspawn run':\n"
	"  --cwd DIR --arg0 NAME --env NAME=VALUE --unset NAME --clear-env --umask MODE\n"
	"  --stdout FILE --stderr FILE --append --user NAME --group NAME --groups LIST\n"
	"  --no-new-privs --nice N --ignore SIGNAL --oom-score-adj N --cpus LIST --cgroup\n"
	"  --rlimit NAME=N[:N] --cgroup-path PATH --cgroup-memory BYTES --cgroup-pids N\n"
	"  --cgroup-cpu CPUS -s, --signal NAME -k, --kill-after TIME\n"
	"\n"
	"Exit code: 0, or 125 when there is no such pool now: what was wrong is said.\n";

enum {
	HELP = RUN_OPTION_END,
	SOCKET,
	KIND,
	MIN,
	MAX,
	SPARE,
	ORDER,
	IDLE,
	MAX_AGE,
	MAX_RSS,
	READY,
	READY_TIMEOUT,
	ACQUIRE_TIMEOUT,
	WAITING_MAX,
	/* of a worker alone */
	MAX_USES,
	REPLACE,
	CHANNEL,
	RESET_ASK,
	RESET_ANSWER,
	RESET_TIMEOUT,
	PING_ASK,
	PING_ANSWER,
	PING_TIMEOUT,
	PING_ON_USE,
	PING_INTERVAL,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "kind", required_argument, NULL, KIND },
	{ "min", required_argument, NULL, MIN },
	{ "max", required_argument, NULL, MAX },
	{ "spare", required_argument, NULL, SPARE },
	{ "order", required_argument, NULL, ORDER },
	{ "idle", required_argument, NULL, IDLE },
	{ "max-age", required_argument, NULL, MAX_AGE },
	{ "max-rss", required_argument, NULL, MAX_RSS },
	{ "max-uses", required_argument, NULL, MAX_USES },
	{ "replace", no_argument, NULL, REPLACE },
	{ "ready", required_argument, NULL, READY },
	{ "ready-timeout", required_argument, NULL, READY_TIMEOUT },
	{ "acquire-timeout", required_argument, NULL, ACQUIRE_TIMEOUT },
	{ "waiting-max", required_argument, NULL, WAITING_MAX },
	{ "channel", required_argument, NULL, CHANNEL },
	{ "reset-ask", required_argument, NULL, RESET_ASK },
	{ "reset-answer", required_argument, NULL, RESET_ANSWER },
	{ "reset-timeout", required_argument, NULL, RESET_TIMEOUT },
	{ "ping-ask", required_argument, NULL, PING_ASK },
	{ "ping-answer", required_argument, NULL, PING_ANSWER },
	{ "ping-timeout", required_argument, NULL, PING_TIMEOUT },
	{ "ping-on-use", no_argument, NULL, PING_ON_USE },
	{ "ping-interval", required_argument, NULL, PING_INTERVAL },
	RUN_PROGRAM_OPTIONS,
	{ 0 },
};

static const char *name_of(int option)
{
	static char text[32];

	for (size_t i = 0; known[i].name; i++)
		if (known[i].val == option)
			snprintf(text, sizeof(text), "--%s", known[i].name);
	return text;
}

/* ---- values ---------------------------------------------------------------------- */

int pool_options_size(const char *option, long min, unsigned *ret_size)
{
	char hint[64];
	long number;

	if (limits_number(optarg, 10, min, INT32_MAX, &number) == 0) {
		*ret_size = (unsigned)number;
		return 0;
	}
	snprintf(hint, sizeof(hint), "a number from %ld on", min);
	return run_spec_bad(option, hint);
}

int pool_options_spare(unsigned *ret_spare)
{
	int ret = pool_options_size("--spare", 0, ret_spare);

	if (ret == 0 && *ret_spare == 0)
		*ret_spare = USP_POOL_NO_SPARE;
	return ret;
}

static int take_stream(const char *option, int *ret_stream)
{
	long stream;

	if (limits_number(optarg, 10, 1, USP_FD_TARGET_MAX, &stream) < 0)
		return run_spec_bad(option, "a descriptor from 1 to 255");
	*ret_stream = (int)stream;
	return 0;
}

/* One of two. */
static int take_word(const char *option, const char *const words[2], int *ret_word)
{
	char hint[64];

	for (size_t i = 0; i < 2; i++)
		if (strcmp(optarg, words[i]) == 0) {
			*ret_word = (int)i;
			return 0;
		}
	snprintf(hint, sizeof(hint), "%s or %s", words[0], words[1]);
	return run_spec_bad(option, hint);
}

static int take_kind(struct pool_options *options)
{
	static const char *const words[] = { "standby", "worker" };
	int kind = 0, ret = take_word("--kind", words, &kind);

	if (!ret)
		options->asked.kind = (enum usp_pool_kind)kind;
	return ret;
}

static int take_order(struct pool_options *options)
{
	static const char *const words[] = { "fifo", "lifo" };
	int order = 0, ret = take_word("--order", words, &order);

	if (!ret)
		options->asked.order = order ? USP_POOL_LIFO : USP_POOL_FIFO;
	return ret;
}

/* A later one takes its place; the texts are freed together. */
static int take_text(int option, struct pool_options *options, const void **ret_text,
		     size_t *ret_bytes)
{
	char *text = mem_alloc(strlen(optarg) + 1);

	if (!text)
		return -ENOMEM;
	if (options->n_texts == ARRAY_SIZE(options->texts)) {
		mem_free(text);
		fprintf(stderr, "uringspawn: %s was given before\n", name_of(option));
		return -EINVAL;
	}
	options->texts[options->n_texts++] = text;
	if (option_text(optarg, text, ret_bytes) || *ret_bytes == 0 ||
	    *ret_bytes > USP_POOL_MESSAGE_MAX)
		return run_spec_bad(name_of(option),
				    "a text, with \\n, \\t, \\r, \\0, \\\\ or \\xHH");
	*ret_text = text;
	return 0;
}

/* ---- options --------------------------------------------------------------------- */

static int take_message(int option, struct pool_options *options)
{
	struct usp_pool_options *asked = &options->asked;

	switch (option) {
	case RESET_ASK:
		return take_text(option, options, &asked->reset.ask,
				 &asked->reset.ask_bytes);
	case RESET_ANSWER:
		return take_text(option, options, &asked->reset.answer,
				 &asked->reset.answer_bytes);
	case PING_ASK:
		return take_text(option, options, &asked->ping.ask,
				 &asked->ping.ask_bytes);
	case PING_ANSWER:
		return take_text(option, options, &asked->ping.answer,
				 &asked->ping.answer_bytes);
	case RESET_TIMEOUT:
		return run_spec_duration("--reset-timeout", &asked->reset.timeout_ns);
	case PING_TIMEOUT:
		return run_spec_duration("--ping-timeout", &asked->ping.timeout_ns);
	case PING_INTERVAL:
		return run_spec_duration("--ping-interval", &asked->ping_interval_ns);
	case PING_ON_USE:
		asked->ping_on_use = true;
		return 0;
	}
	return -EINVAL;
}

static int take_of_worker(int option, struct pool_options *options)
{
	options->of_worker = known[0].name;
	for (size_t i = 0; known[i].name; i++)
		if (known[i].val == option)
			options->of_worker = known[i].name;
	switch (option) {
	case MAX_USES:
		return pool_options_size("--max-uses", 1, &options->asked.max_uses);
	case REPLACE:
		options->asked.replace = true;
		return 0;
	case CHANNEL:
		return take_stream("--channel", &options->asked.channel);
	}
	return take_message(option, options);
}

static int take_limit(int option, struct usp_pool_options *asked)
{
	switch (option) {
	case MIN:
		return pool_options_size("--min", 0, &asked->min);
	case MAX:
		return pool_options_size("--max", 1, &asked->max);
	case SPARE:
		return pool_options_spare(&asked->spare);
	case WAITING_MAX:
		return pool_options_size("--waiting-max", 1, &asked->waiting_max);
	case IDLE:
		return run_spec_duration("--idle", &asked->idle_ns);
	case MAX_AGE:
		return run_spec_duration("--max-age", &asked->max_age_ns);
	case MAX_RSS:
		return run_spec_bytes("--max-rss", &asked->max_rss_bytes);
	case READY:
		return take_stream("--ready", &asked->ready_stream);
	case READY_TIMEOUT:
		return run_spec_duration("--ready-timeout", &asked->ready_timeout_ns);
	case ACQUIRE_TIMEOUT:
		return run_spec_duration("--acquire-timeout", &asked->acquire_timeout_ns);
	}
	return -EINVAL;
}

static int take(int option, struct pool_options *options, struct run_env *env)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case SOCKET:
		options->socket = optarg;
		return *optarg ? 0 : run_spec_bad("--socket", "a path or @NAME");
	case KIND:
		return take_kind(options);
	case ORDER:
		return take_order(options);
	case RUN_ENV:
	case RUN_UNSET:
	case RUN_CLEAR_ENV:
		return run_env_take(option, env);
	}
	if (option < RUN_OPTION_END)
		return run_spec_take(option, &options->program);
	return option >= MAX_USES ? take_of_worker(option, options)
				  : take_limit(option, &options->asked);
}

/* ---- all together ------------------------------------------------------------------ */

static int complain(const char *one, const char *says, const char *other)
{
	fprintf(stderr, "uringspawn: %s %s %s\n", one, says, other);
	return -EINVAL;
}

static int check_message(const struct usp_pool_message *message, const char *ask,
			 const char *answer, const char *timeout)
{
	if (!message->ask_bytes && message->answer_bytes)
		return complain(answer, "means nothing without", ask);
	if (message->ask_bytes && !message->answer_bytes)
		return complain(ask, "means nothing without", answer);
	if (!message->ask_bytes && message->timeout_ns)
		return complain(timeout, "means nothing without", ask);
	return 0;
}

static int check_size(const struct usp_pool_options *asked)
{
	if (asked->max && asked->min > asked->max)
		return complain("--min", "is more than", "--max");
	if (asked->max && asked->spare > asked->max && asked->spare != USP_POOL_NO_SPARE)
		return complain("--spare", "is more than", "--max");
	return 0;
}

static int check_worker(const struct pool_options *options)
{
	const struct usp_pool_options *asked = &options->asked;
	int ret;

	if (asked->kind != USP_POOL_WORKER && options->of_worker) {
		fprintf(stderr,
			"uringspawn: --%s is of workers: it means nothing without --kind "
			"worker\n",
			options->of_worker);
		return -EINVAL;
	}
	if (asked->replace && asked->reset.ask_bytes)
		return complain("--replace", "and --reset-ask", "exclude each other");
	ret = check_message(&asked->reset, "--reset-ask", "--reset-answer",
			    "--reset-timeout");
	if (!ret)
		ret = check_message(&asked->ping, "--ping-ask", "--ping-answer",
				    "--ping-timeout");
	if (ret)
		return ret;
	if (!asked->ping.ask_bytes && asked->ping_on_use)
		return complain("--ping-on-use", "means nothing without", "--ping-ask");
	if (!asked->ping.ask_bytes && asked->ping_interval_ns)
		return complain("--ping-interval", "means nothing without", "--ping-ask");
	return 0;
}

/* What is talked by cannot be a file. */
static int check_stream(const struct pool_options *options, const char *option,
			int stream)
{
	if (stream < 1 || stream > 2 || !options->program.files[stream])
		return 0;
	return complain(option, "is of a stream that", "--stdout or --stderr takes away");
}

static int check(struct pool_options *options)
{
	const struct usp_pool_options *asked = &options->asked;
	int ret = check_size(asked);

	if (!ret)
		ret = check_worker(options);
	if (!ret && asked->ready_timeout_ns && !asked->ready_stream)
		ret = complain("--ready-timeout", "means nothing without", "--ready");
	if (!ret)
		ret = check_stream(options, "--ready", asked->ready_stream);
	if (!ret)
		ret = check_stream(options, "--channel", asked->channel);
	return ret ? ret : run_spec_complete(&options->program);
}

/* NAME, and then a program. */
static int take_command(char **argv, struct pool_options *options)
{
	if (!argv[optind]) {
		fputs("uringspawn: no program to keep in the pool; see 'uringspawn pool "
		      "open --help'\n",
		      stderr);
		return -EINVAL;
	}
	options->program.argv = argv + optind;
	return 0;
}

/* It stands before the options. */
static int take_name(char **argv, struct pool_options *options)
{
	if (!argv[1] || (*argv[1] == '-' && strcmp(argv[1], "--help"))) {
		fputs("uringspawn: no name for the pool; see 'uringspawn pool open "
		      "--help'\n",
		      stderr);
		return -EINVAL;
	}
	if (!*argv[1] || strlen(argv[1]) > USP_POOL_NAME_MAX) {
		fprintf(stderr, "uringspawn: '%s' is not a name of 1 to %d bytes\n",
			argv[1], USP_POOL_NAME_MAX);
		return -EINVAL;
	}
	options->asked.name = argv[1];
	return 0;
}

static int parse(int argc, char **argv, struct pool_options *options, struct run_env *env)
{
	int option, ret = take_name(argv, options);

	if (ret)
		return ret;
	optind = strcmp(argv[1], "--help") ? 2 : 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:k:s:", known, NULL)) != -1) {
		ret = -EINVAL;
		if (option == '?' || option == ':')
			option_complain("pool open", argv, known);
		else
			ret = take(option, options, env);
		if (ret)
			return ret;
	}
	ret = take_command(argv, options);
	if (!ret)
		ret = check(options);
	return ret ? ret : run_env_make(env, &options->program.envp);
}

int pool_options_parse(int argc, char **argv, struct pool_options *options)
{
	struct run_env env;
	int ret = run_env_open(&env, argc);

	if (ret)
		return ret;
	*options = (struct pool_options){ .asked = { .size = sizeof(options->asked) } };
	ret = parse(argc, argv, options, &env);
	run_env_done(&env);
	return ret;
}

void pool_options_done(struct pool_options *options)
{
	for (unsigned i = 0; i < options->n_texts; i++)
		mem_free(options->texts[i]);
	run_options_done(&options->program);
}
