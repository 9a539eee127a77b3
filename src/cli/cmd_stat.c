/*
 * `uringspawn stat`: what a daemon tells about itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>
#include "base/annotate.h"
#include "cli/cmd.h"
#include "cli/option.h"
#include "cli/stat_table.h"

static const char usage[] =
	"Usage: uringspawn stat [--socket PATH] [--prometheus|--json|--ready]\n"
	"Print the numbers of a daemon: what runs and waits, how jobs ended, and how\n"
	"long they waited, launched, ran and drained.\n"
	"\n"
	"  --socket PATH   of the daemon at PATH (or @NAME), not the default one\n"
	"  --prometheus    as Prometheus reads it\n"
	"  --json          as one JSON object, times in seconds\n"
	"  --ready         print nothing; exit with 1 when it has no room for a job\n"
	"\n"
	"Exit code: 0, or 125 when there is no daemon that answers, or on a wrong option.\n";

enum { HELP = 256, SOCKET, PROMETHEUS, JSON, READY };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "socket", required_argument, NULL, SOCKET },
	{ "prometheus", no_argument, NULL, PROMETHEUS },
	{ "json", no_argument, NULL, JSON },
	{ "ready", no_argument, NULL, READY },
	{ 0 },
};

/* What becomes of the daemon's text.  Returns the exit code. */
typedef int use_fn(const char *text, size_t size);

static use_fn print_table, print_text, judge;

struct stat_options {
	const char *socket; /* NULL: the default one */
	use_fn *use;
	enum usp_stats_format format;
};

/* Returns 0, 1 when help was asked for, or -EINVAL; says why. */
static int parse(int argc, char **argv, struct stat_options *ret_options)
{
	struct stat_options options = { .use = print_table, .format = USP_STATS_JSON };
	int option;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		switch (option) {
		case HELP:
			fputs(usage, stdout);
			return 1;
		case SOCKET:
			options.socket = optarg;
			break;
		case PROMETHEUS:
		case JSON:
			options.use = print_text;
			options.format =
				option == JSON ? USP_STATS_JSON : USP_STATS_PROMETHEUS;
			break;
		case READY:
			options.use = judge;
			options.format = USP_STATS_JSON;
			break;
		default:
			option_complain("stat", argv, known);
			return -EINVAL;
		}
	}
	if (argv[optind]) {
		fprintf(stderr,
			"uringspawn: stat takes no argument, but was given '%s'\n",
			argv[optind]);
		return -EINVAL;
	}
	*ret_options = options;
	return 0;
}

/* ---- the answer ---------------------------------------------------------- */

static int print_text(const char *text, size_t size)
{
	return fwrite(text, 1, size, stdout) == size ? 0 : 125;
}

static json_t *read_json(const char *text, size_t size)
{
	json_error_t error;
	json_t *stats = json_loadb(text, size, 0, &error);

	if (!stats)
		fprintf(stderr, "uringspawn: the daemon's answer is no JSON: %s\n",
			error.text);
	return stats;
}

static int print_table(const char *text, size_t size)
{
	json_t *stats = read_json(text, size);

	if (!stats)
		return 125;
	stat_table_print(stats, stdout);
	json_decref(stats);
	return 0;
}

/* For one more job there is a place to run, or to wait. */
static int judge(const char *text, size_t size)
{
	json_t *stats = read_json(text, size), *limit;
	json_int_t running, queued;
	bool ready;

	if (!stats)
		return 125;
	limit = json_object_get(stats, "limit");
	running = json_integer_value(json_object_get(stats, "running"));
	queued = json_integer_value(json_object_get(stats, "queued"));
	ready = running < json_integer_value(json_object_get(limit, "--jobs-max")) ||
		queued < json_integer_value(json_object_get(limit, "--queue-max"));
	if (!ready)
		fprintf(stderr,
			"uringspawn: no room for a job: %" JSON_INTEGER_FORMAT
			" run (--jobs-max), and %" JSON_INTEGER_FORMAT
			" wait (--queue-max)\n",
			running, queued);
	json_decref(stats);
	return ready ? 0 : 1;
}

struct answer {
	use_fn *use;
	int code;
};

static void on_stats(struct usp_client *client, const char *text, size_t size, void *user)
{
	struct answer *answer = user;

	(void)client;
	if (text)
		answer->code = answer->use(text, size);
	if (fflush(stdout))
		answer->code = 125;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "uringspawn: %s: %s\n", what, why);
	return 125;
}

static int ask(struct usp_client *client, const struct stat_options *options)
{
	struct answer answer = { options->use, 125 };
	int ret = usp_client_stats(client, options->format, on_stats, &answer);

	if (ret == 0)
		ret = usp_client_run(client);
	if (ret < 0)
		return complain("the daemon did not answer",
				*usp_client_error(client) ? usp_client_error(client)
							  : strerrordesc_np(-ret));
	return answer.code;
}

int cmd_stat(int argc, char **argv)
{
	struct stat_options options;
	struct usp_client *client;
	int ret = parse(argc, argv, &options);

	if (ret)
		return ret < 0 ? 125 : 0;
	ret = usp_client_open(options.socket, &client);
	if (ret < 0) {
		fprintf(stderr, "uringspawn: cannot connect to %s: %s\n",
			options.socket ? options.socket : "the default socket",
			strerrordesc_np(-ret));
		return 125;
	}
	ret = ask(client, &options);
	usp_client_free(client);
	return ret;
}
