/*
 * Options of the daemon.
 *
 * A number is checked against its range here, so that no other file meets a limit
 * that makes no sense.
 */
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/wire.h>
#include "base/annotate.h"

/* What a client may have the daemon hold, however little all of them may. */
#define CLIENT_BYTES_MIN ((size_t)1 << 20)

const char config_help[] =
	"usage: uringspawnd [options]\n"
	"Starts programs for the clients of a Unix socket.\n"
	"\n"
	"  --socket PATH|@NAME    where to listen; default: $URINGSPAWN_SOCKET, else\n"
	"                         $XDG_RUNTIME_DIR/uringspawn.sock, else\n"
	"                         /run/uringspawn/uringspawn.sock\n"
	"  --clients-max N        connections at one time (4096)\n"
	"  --jobs-max N           processes running at one time (4096)\n"
	"  --queue-max N          jobs waiting for a place (65536)\n"
	"  --client-jobs-max N    jobs of one client, running or waiting (16384)\n"
	"  --client-running-max N jobs of one client that run (3/4 of --jobs-max)\n"
	"  --client-queue-max N   jobs of one client that wait (16384)\n"
	"  --turn-launches N      of one client before the next one's turn (4)\n"
	"  --frame-max BYTES      payload of one frame (8M)\n"
	"  --backlog-max BYTES    replies queued for one client (1M)\n"
	"  --bytes-max BYTES      replies and requests held, in all (256M)\n"
	"  --client-bytes-max BYTES  requests and stdin held for one client (1/4 of\n"
	"                         --bytes-max, at least 1M)\n"
	"  --launchers N          threads that start processes (CPUs + 1, at most 8)\n"
	"  --metrics ADDR:PORT    GET /metrics for Prometheus, on a loopback address\n"
	"  --quiet                say nothing when ready\n"
	"  --help, --version\n"
	"\n"
	"BYTES may end in K, M or G.  SIGTERM stops the daemon and what it runs; a\n"
	"second one stops it at once.  Exit status: 0 stopped, 1 could not start, 2 bad\n"
	"options.\n";

static const struct config defaults = {
	.limits = {
		.clients_max = 4096,
		.jobs_max = 4096,
		.queue_max = 65536,
		.client_jobs_max = 16384,
		.client_queue_max = 16384,
		.turn_launches = 4,
		.frame_max = USP_WIRE_FRAME_BYTES_MAX,
		.backlog_max = 1u << 20,
		.bytes_max = 256u << 20,
	},
};

enum option_id {
	OPT_SOCKET = 256,
	OPT_CLIENTS_MAX,
	OPT_JOBS_MAX,
	OPT_QUEUE_MAX,
	OPT_CLIENT_JOBS_MAX,
	OPT_CLIENT_RUNNING_MAX,
	OPT_CLIENT_QUEUE_MAX,
	OPT_TURN_LAUNCHES,
	OPT_FRAME_MAX,
	OPT_BACKLOG_MAX,
	OPT_BYTES_MAX,
	OPT_CLIENT_BYTES_MAX,
	OPT_LAUNCHERS,
	OPT_METRICS,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "clients-max", required_argument, NULL, OPT_CLIENTS_MAX },
	{ "jobs-max", required_argument, NULL, OPT_JOBS_MAX },
	{ "queue-max", required_argument, NULL, OPT_QUEUE_MAX },
	{ "client-jobs-max", required_argument, NULL, OPT_CLIENT_JOBS_MAX },
	{ "client-running-max", required_argument, NULL, OPT_CLIENT_RUNNING_MAX },
	{ "client-queue-max", required_argument, NULL, OPT_CLIENT_QUEUE_MAX },
	{ "turn-launches", required_argument, NULL, OPT_TURN_LAUNCHES },
	{ "frame-max", required_argument, NULL, OPT_FRAME_MAX },
	{ "backlog-max", required_argument, NULL, OPT_BACKLOG_MAX },
	{ "bytes-max", required_argument, NULL, OPT_BYTES_MAX },
	{ "client-bytes-max", required_argument, NULL, OPT_CLIENT_BYTES_MAX },
	{ "launchers", required_argument, NULL, OPT_LAUNCHERS },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ 0 },
};

#define IN_CONFIG(field)                                                                 \
	offsetof(struct config, field), sizeof(((struct config *)0)->field)
#define IN_LIMITS(field) IN_CONFIG(limits.field)

/* What each number may be, and the field of struct config that it goes to. */
static const struct number {
	enum option_id id;
	const char *name;
	size_t offset, size;
	uint64_t min, max;
	bool bytes; /* K, M and G may follow */
} numbers[] = {
	{ OPT_CLIENTS_MAX, "--clients-max", IN_LIMITS(clients_max), 1, 1u << 20, false },
	{ OPT_JOBS_MAX, "--jobs-max", IN_LIMITS(jobs_max), 1, 1u << 20, false },
	{ OPT_QUEUE_MAX, "--queue-max", IN_LIMITS(queue_max), 1, 1u << 24, false },
	{ OPT_CLIENT_JOBS_MAX, "--client-jobs-max", IN_LIMITS(client_jobs_max), 1,
	  1u << 24, false },
	{ OPT_CLIENT_RUNNING_MAX, "--client-running-max", IN_LIMITS(client_running_max),
	  1, 1u << 20, false },
	{ OPT_CLIENT_QUEUE_MAX, "--client-queue-max", IN_LIMITS(client_queue_max), 1,
	  1u << 24, false },
	{ OPT_TURN_LAUNCHES, "--turn-launches", IN_LIMITS(turn_launches), 1, 1u << 20,
	  false },
	{ OPT_FRAME_MAX, "--frame-max", IN_LIMITS(frame_max), 65536,
	  USP_WIRE_FRAME_BYTES_MAX, true },
	{ OPT_BACKLOG_MAX, "--backlog-max", IN_LIMITS(backlog_max), 4096, 1u << 30,
	  true },
	{ OPT_BYTES_MAX, "--bytes-max", IN_LIMITS(bytes_max), 65536, UINT64_C(1) << 40,
	  true },
	{ OPT_CLIENT_BYTES_MAX, "--client-bytes-max", IN_LIMITS(client_bytes_max), 65536,
	  UINT64_C(1) << 40, true },
	{ OPT_LAUNCHERS, "--launchers", IN_CONFIG(launchers), 1, 256, false },
};

__attribute__((format(printf, 2, 3))) static int refuse(struct config_error *error,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

/* Decimal digits, then K, M or G where bytes are meant.  False when it is no number. */
static bool parse_number(const char *text, bool bytes, uint64_t *ret_number)
{
	static const char suffixes[] = "KMG";
	uint64_t number = 0;
	const char *suffix;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		unsigned digit = (unsigned)(*text - '0');

		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return false;
	}
	if (bytes && *text &&
	    (suffix = strchr(suffixes, toupper((unsigned char)*text)))) {
		uint64_t unit = UINT64_C(1) << (10 * (suffix - suffixes + 1));

		if (__builtin_mul_overflow(number, unit, &number))
			return false;
		text++;
	}
	if (*text)
		return false;
	*ret_number = number;
	return true;
}

static void store(struct config *config, const struct number *number, uint64_t n)
{
	char *field = (char *)config + number->offset;

	if (number->size == sizeof(uint64_t))
		memcpy(field, &n, sizeof(n));
	else
		memcpy(field, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
}

static int set_number(struct config *config, int id, const char *text,
		      struct config_error *error)
{
	const struct number *number = numbers;
	uint64_t n;

	while (number->id != (enum option_id)id)
		number++;
	if (!parse_number(text, number->bytes, &n))
		return refuse(error, "%s: '%.60s' is not a number%s", number->name, text,
			      number->bytes ? " of bytes" : "");
	if (n < number->min || n > number->max)
		return refuse(error, "%s: %.60s is not between %llu and %llu",
			      number->name, text, (unsigned long long)number->min,
			      (unsigned long long)number->max);
	store(config, number, n);
	return 0;
}

static int set_metrics(struct config *config, const char *text,
		       struct config_error *error)
{
	int ret = tcp_address(text, &config->metrics);

	if (ret == -EACCES)
		return refuse(error,
			      "--metrics: %.60s is not an address of loopback, and the "
			      "metrics are for this machine alone",
			      text);
	if (ret < 0)
		return refuse(
			error,
			"--metrics: '%.60s' is not like 127.0.0.1:9100 or [::1]:9100",
			text);
	return 0;
}

/* The limits of one client that nobody named follow from those of all. */
static void complete(struct config_limits *limits)
{
	size_t quarter = limits->bytes_max / 4;

	/* Whatever one client runs, others find a place. */
	if (!limits->client_running_max)
		limits->client_running_max = limits->jobs_max - limits->jobs_max / 4;
	if (!limits->client_bytes_max)
		limits->client_bytes_max =
			quarter > CLIENT_BYTES_MIN ? quarter : CLIENT_BYTES_MIN;
}

int config_parse(int argc, char **argv, struct config *ret_config,
		 struct config_error *ret_error)
{
	struct config config = defaults;
	int id, ret;

	opterr = 0;
	optind = 0; /* start afresh: a test parses more than once */
	while ((id = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		switch (id) {
		case OPT_SOCKET:
			if (!*optarg)
				return refuse(ret_error, "--socket: the name is empty");
			config.socket = optarg;
			break;
		case OPT_METRICS:
			ret = set_metrics(&config, optarg, ret_error);
			if (ret < 0)
				return ret;
			break;
		case OPT_QUIET:
			config.quiet = true;
			break;
		case OPT_HELP:
			config.action = CONFIG_HELP;
			break;
		case OPT_VERSION:
			config.action = CONFIG_VERSION;
			break;
		case ':':
			return refuse(ret_error, "%.60s needs a value", argv[optind - 1]);
		case '?':
			return refuse(ret_error, "unknown option '%.60s'",
				      argv[optind - 1]);
		default:
			ret = set_number(&config, id, optarg, ret_error);
			if (ret < 0)
				return ret;
		}
	}
	if (optind < argc)
		return refuse(ret_error, "unexpected argument '%.60s'", argv[optind]);
	complete(&config.limits);
	*ret_config = config;
	return 0;
}
