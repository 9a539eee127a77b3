/*
 * Options of the daemon.
 *
 * A number is checked against its range here, so that no other file meets a limit
 * that makes no sense.
 */
#include "daemon/config.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/wire.h>
#include "base/annotate.h"
#include "base/clock.h"
#include "daemon/config_file.h"
#include "daemon/config_number.h"

/* What a client may have the daemon hold, however little all of them may. */
#define CLIENT_BYTES_MIN ((size_t)1 << 20)

static const struct config defaults = {
	.stop_after_ns = 5 * NS_PER_S,
	.log_level = LOG_LEVEL_NOTICE,
	.limits = {
		.clients_max = 4096,
		.jobs_max = 4096,
		.queue_max = 65536,
		.client_jobs_max = 16384,
		.client_queue_max = 16384,
		.pools_max = 64,
		.pool_members_max = 256,
		.turn_launches = 4,
		.frame_max = USP_WIRE_FRAME_BYTES_MAX,
		.backlog_max = 1u << 20,
		.bytes_max = 256u << 20,
	},
};

enum option_id {
	OPT_SOCKET = 256,
	OPT_LISTEN_FD,
	OPT_REPLACE,
	OPT_PRIVATE,
	OPT_BACKGROUND,
	OPT_ALLOW_UID,
	OPT_ALLOW_GID,
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
	OPT_POOLS_MAX,
	OPT_POOL_MEMBERS_MAX,
	OPT_LAUNCHERS,
	OPT_POLICY,
	OPT_METRICS,
	OPT_STOP_AFTER,
	OPT_CONFIG,
	OPT_LOG_LEVEL,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "listen-fd", required_argument, NULL, OPT_LISTEN_FD },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "private", no_argument, NULL, OPT_PRIVATE },
	{ "background", no_argument, NULL, OPT_BACKGROUND },
	{ "allow-uid", required_argument, NULL, OPT_ALLOW_UID },
	{ "allow-gid", required_argument, NULL, OPT_ALLOW_GID },
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
	{ "pools-max", required_argument, NULL, OPT_POOLS_MAX },
	{ "pool-members-max", required_argument, NULL, OPT_POOL_MEMBERS_MAX },
	{ "launchers", required_argument, NULL, OPT_LAUNCHERS },
	{ "policy", required_argument, NULL, OPT_POLICY },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "stop-after", required_argument, NULL, OPT_STOP_AFTER },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
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
	{ OPT_POOLS_MAX, "--pools-max", IN_LIMITS(pools_max), 1, 1u << 16, false },
	{ OPT_POOL_MEMBERS_MAX, "--pool-members-max", IN_LIMITS(pool_members_max), 1,
	  1u << 20, false },
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

/* ---- numbers ------------------------------------------------------------- */

/* NULL: that option is none. */
static const struct number *number_of(int id)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].id == (enum option_id)id)
			return &numbers[i];
	return NULL;
}

static void store(struct config *config, const struct number *number, uint64_t n)
{
	char *field = (char *)config + number->offset;

	if (number->size == sizeof(uint64_t))
		memcpy(field, &n, sizeof(n));
	else
		memcpy(field, &(uint32_t){ (uint32_t)n }, sizeof(uint32_t));
}

static int set_number(struct config *config, const struct number *number,
		      const char *text, struct config_error *error)
{
	uint64_t n;

	if (!config_number(text, number->bytes, &n))
		return refuse(error, "%s: '%.60s' is not a number%s", number->name, text,
			      number->bytes ? " of bytes" : "");
	if (n < number->min || n > number->max)
		return refuse(error, "%s: %.60s is not between %llu and %llu",
			      number->name, text, (unsigned long long)number->min,
			      (unsigned long long)number->max);
	store(config, number, n);
	return 0;
}

static int set_policy(struct config *config, const char *text, struct config_error *error)
{
	const char *name;

	for (unsigned i = 0; (name = usp_policy_name((enum usp_policy)i)); i++) {
		if (strcmp(text, name))
			continue;
		config->policy = (enum usp_policy)i;
		return 0;
	}
	return refuse(error, "--policy: there is no '%.60s'", text);
}

/* ---- names, users, descriptors ------------------------------------------- */

static int add_socket(struct config *config, const char *name, struct config_error *error)
{
	struct sockaddr_un addr;
	socklen_t size;
	int ret = socket_address(name, &addr, &size);

	if (ret < 0)
		return refuse(error, "--socket: %s",
			      ret == -EINVAL ? "the name is empty"
					     : "the name is too long");
	if (config->n_sockets == CONFIG_SOCKETS_MAX)
		return refuse(error, "--socket: more than %d", CONFIG_SOCKETS_MAX);
	strcpy(config->sockets[config->n_sockets++], name);
	return 0;
}

/* 0 to 2 are the daemon's own. */
static int add_listen_fd(struct config *config, const char *text,
			 struct config_error *error)
{
	uint64_t fd;

	if (!config_number(text, false, &fd) || fd < 3 || fd > INT32_MAX)
		return refuse(error, "--listen-fd: '%.60s' is not a descriptor from 3 on",
			      text);
	if (config->n_listen_fds == CONFIG_SOCKETS_MAX)
		return refuse(error, "--listen-fd: more than %d", CONFIG_SOCKETS_MAX);
	config->listen_fds[config->n_listen_fds++] = (int)fd;
	return 0;
}

static int allow_uid(struct config *config, const char *text, struct config_error *error)
{
	const struct passwd *user = getpwnam(text);
	uint64_t uid;

	if (user)
		uid = user->pw_uid;
	else if (!config_number(text, false, &uid) || uid >= UINT32_MAX)
		return refuse(error, "--allow-uid: there is no user '%.60s'", text);
	if (config->n_allow_uids == CONFIG_ALLOWED_MAX)
		return refuse(error, "--allow-uid: more than %d", CONFIG_ALLOWED_MAX);
	config->allow_uids[config->n_allow_uids++] = (uid_t)uid;
	return 0;
}

static int allow_gid(struct config *config, const char *text, struct config_error *error)
{
	const struct group *group = getgrnam(text);
	uint64_t gid;

	if (group)
		gid = group->gr_gid;
	else if (!config_number(text, false, &gid) || gid >= UINT32_MAX)
		return refuse(error, "--allow-gid: there is no group '%.60s'", text);
	if (config->n_allow_gids == CONFIG_ALLOWED_MAX)
		return refuse(error, "--allow-gid: more than %d", CONFIG_ALLOWED_MAX);
	config->allow_gids[config->n_allow_gids++] = (gid_t)gid;
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

/* ---- one option ---------------------------------------------------------- */

static int apply(struct config *config, int id, const char *value,
		 struct config_error *error)
{
	const struct number *number = number_of(id);

	if (number)
		return set_number(config, number, value, error);
	switch (id) {
	case OPT_SOCKET:
		return add_socket(config, value, error);
	case OPT_LISTEN_FD:
		return add_listen_fd(config, value, error);
	case OPT_ALLOW_UID:
		return allow_uid(config, value, error);
	case OPT_ALLOW_GID:
		return allow_gid(config, value, error);
	case OPT_POLICY:
		return set_policy(config, value, error);
	case OPT_METRICS:
		return set_metrics(config, value, error);
	case OPT_STOP_AFTER:
		if (!config_time(value, &config->stop_after_ns))
			return refuse(error, "--stop-after: '%.60s' is not a time",
				      value);
		break;
	case OPT_LOG_LEVEL:
		if (!log_level_of(value, &config->log_level))
			return refuse(error, "--log-level: there is no level '%.60s'",
				      value);
		break;
	case OPT_QUIET:
		config->log_level = LOG_LEVEL_WARNING;
		break;
	case OPT_REPLACE:
		config->replace = true;
		break;
	case OPT_PRIVATE:
		config->is_private = true;
		break;
	case OPT_BACKGROUND:
		config->background = true;
		break;
	case OPT_CONFIG:
		config->file = value;
		break;
	case OPT_HELP:
		config->action = CONFIG_HELP;
		break;
	default:
		config->action = CONFIG_VERSION;
		break;
	}
	return 0;
}

static bool is_limit(int id)
{
	const struct number *number = number_of(id);

	return number && number->offset >= offsetof(struct config, limits);
}

/* ---- the file ------------------------------------------------------------ */

/* Where the options of one reading go, and which of them count. */
struct reading {
	struct config *config;
	struct config_error *error;
	bool limits_only;
};

/* What concerns one start alone has no place in a file. */
static bool may_stand_in_file(int id)
{
	return id != OPT_CONFIG && id != OPT_REPLACE && id != OPT_LISTEN_FD &&
	       id != OPT_PRIVATE && id != OPT_BACKGROUND && id != OPT_HELP &&
	       id != OPT_VERSION;
}

static int on_line(const char *name, const char *value, void *user)
{
	const struct reading *reading = user;
	const struct option *option = options;

	while (option->name && strcmp(option->name, name))
		option++;
	if (!option->name || !may_stand_in_file(option->val))
		return refuse(reading->error, "unknown option '%.60s'", name);
	if (option->has_arg && !value)
		return refuse(reading->error, "%s needs a value", name);
	if (!option->has_arg && value)
		return refuse(reading->error, "%s takes no value", name);
	if (reading->limits_only && !is_limit(option->val))
		return 0;
	return apply(reading->config, option->val, value, reading->error);
}

static int read_file(const struct reading *reading, const char *path)
{
	struct config_error inner = { "" };
	struct reading lines = *reading;
	unsigned number = 0;
	int ret;

	lines.error = &inner;
	ret = config_file_read(path, on_line, &lines, &number);
	if (ret == 0)
		return 0;
	if (number > 0)
		return refuse(reading->error, "%.80s:%u: %.150s", path, number,
			      inner.text);
	return refuse(reading->error, "--config: cannot read %.80s: %s", path,
		      strerror(-ret));
}

/* ---- the command line ---------------------------------------------------- */

static int read_arguments(const struct reading *reading, int argc, char **argv)
{
	int id, ret;

	opterr = 0;
	optind = 0; /* start afresh: it is read more than once */
	while ((id = getopt_long(argc, argv, "+:", options, NULL)) != -1) {
		if (id == ':')
			return refuse(reading->error, "%.60s needs a value",
				      argv[optind - 1]);
		if (id == '?')
			return refuse(reading->error, "unknown option '%.60s'",
				      argv[optind - 1]);
		if (reading->limits_only && !is_limit(id))
			continue;
		ret = apply(reading->config, id, optarg, reading->error);
		if (ret < 0)
			return ret;
	}
	if (optind < argc)
		return refuse(reading->error, "unexpected argument '%.60s'",
			      argv[optind]);
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

/* ---- both ---------------------------------------------------------------- */

static const char *relative_name(const struct config *config)
{
	if (config->file && *config->file != '/')
		return config->file;
	for (unsigned i = 0; i < config->n_sockets; i++)
		if (!strchr("/@", *config->sockets[i]))
			return config->sockets[i];
	return NULL;
}

/* Its working directory will not be that of who started it. */
static int check_background(const struct config *config, struct config_error *error)
{
	const char *name = config->background ? relative_name(config) : NULL;

	return name ? refuse(error, "--background needs whole paths, and '%s' is none",
			     name)
		    : 0;
}

/* It is of one user, and is started by who needs it. */
static int check_private(const struct config *config, struct config_error *error)
{
	if (!config->is_private)
		return 0;
	if (config_is_shared(config))
		return refuse(error,
			      "--private serves nobody else: no --allow-uid and no "
			      "--allow-gid with it");
	if (config->replace)
		return refuse(error,
			      "--private ends with its program: no --replace with it");
	if (config->n_sockets != 1 || config->n_listen_fds > 0)
		return refuse(error, "--private needs one --socket");
	return 0;
}

/* What the command line says holds against the file, which it has to name first. */
int config_parse(int argc, char **argv, struct config *ret_config,
		 struct config_error *ret_error)
{
	struct config config = defaults;
	const struct reading reading = { &config, ret_error, false };
	const char *file;
	int ret;

	ret = read_arguments(&reading, argc, argv);
	if (ret == 0 && config.file) {
		file = config.file;
		config = defaults;
		ret = read_file(&reading, file);
		if (ret == 0)
			ret = read_arguments(&reading, argc, argv);
	}
	if (ret < 0)
		return ret;
	ret = check_private(&config, ret_error);
	if (ret == 0)
		ret = check_background(&config, ret_error);
	if (ret < 0)
		return ret;
	complete(&config.limits);
	*ret_config = config;
	return 0;
}

int config_reload(int argc, char **argv, const struct config *config,
		  struct config_limits *ret_limits, struct config_error *ret_error)
{
	struct config fresh = defaults;
	const struct reading reading = { &fresh, ret_error, true };
	int ret;

	ret = read_file(&reading, config->file);
	if (ret == 0)
		ret = read_arguments(&reading, argc, argv);
	if (ret < 0)
		return ret;
	complete(&fresh.limits);
	*ret_limits = fresh.limits;
	return 0;
}
