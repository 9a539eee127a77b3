/*
 * `uringspawn doctor`: what this kernel and this sandbox allow, what is missing,
 * what that costs, and whether the engine can run.  Changes nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include "base/annotate.h"
#include "cli/cmd.h"
#include "cli/option.h"
#include "engine/engine.h"
#include "sys/probe.h"

static const char usage[] = "Usage: uringspawn doctor [--json]\n"
			    "Say what this kernel and this sandbox allow, what is "
			    "missing, and what\nthat costs.\n"
			    "\n"
			    "  --json   for programs\n"
			    "\n"
			    "Exit code: 0 when the engine can run here, 1 when it "
			    "cannot, 125 on a wrong\noption.\n";

enum { HELP = 256, JSON };

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "json", no_argument, NULL, JSON },
	{ 0 },
};

/* Of anything that the io_uring back end needs. */
#define EPOLL "epoll is used: more system calls for each process"

/* What each thing is good for.  Those that are needed have no substitute. */
static const struct item {
	const char *name;
	const char *since; /* the first Linux that has it, where nothing forbids it */
	bool needed;
	const char *cost; /* of doing without */
} items[PROBE_COUNT] = {
	[PROBE_RING] = { "ring", "6.1", false, EPOLL },
	[PROBE_FIXED_FILES] = { "fixed-files", "5.19", false, EPOLL },
	[PROBE_BUFFER_RING] = { "buffer-ring", "5.19", false, EPOLL },
	[PROBE_POLL_ADD] = { "poll", "5.1", false, EPOLL },
	[PROBE_ACCEPT] = { "accept", "5.5", false, EPOLL },
	[PROBE_SENDMSG] = { "sendmsg", "5.3", false, EPOLL },
	[PROBE_RECVMSG] = { "recvmsg", "5.3", false, EPOLL },
	[PROBE_MSG_RING] = { "msg-ring", "5.18", false, EPOLL },
	[PROBE_READ_MULTISHOT] = { "read-multishot", "6.7", false, EPOLL },
	[PROBE_WAITID] = { "waitid", "6.7", false, EPOLL },
	[PROBE_FUTEX_WAIT] = { "futex-wait", "6.7", false,
			       "nothing that is used is lost" },
	[PROBE_FUTEX_WAKE] = { "futex-wake", "6.7", false, EPOLL },
	[PROBE_FIXED_FD_INSTALL] = { "fixed-fd-install", "6.8", false, EPOLL },
	[PROBE_SEND_MSG_RING] = { "send-msg-ring", "6.13", false,
				  "each launcher has a ring of its own" },
	[PROBE_CLONE3] = { "clone3", "5.5", false,
			   "clone is used: a little slower, no direct entry into a "
			   "cgroup" },
	[PROBE_CLOSE_RANGE] = { "close-range", "5.9", true,
				"descriptors would leak into children" },
	[PROBE_PIDFD_OPEN] = { "pidfd", "5.3", true, "no process can be held on to" },
	[PROBE_PIDFD_GROUP] = { "pidfd-group-signal", "6.9", false,
				"a group is signalled only while its leader lives" },
	[PROBE_PIDFD_INFO] = { "pidfd-info", "6.13", false,
			       "an exit that somebody else took is lost" },
	[PROBE_CGROUP_WRITABLE] = { "cgroup", "4.5", false,
				    "a process that left its group cannot be found and "
				    "killed" },
};

static bool is_ring_item(size_t id)
{
	return id < PROBE_CLONE3;
}

/* ---- the answer ---------------------------------------------------------- */

/* The last word is the engine's own: 0 and what it waits by, or why it does not run. */
static int try_engine(const char **ret_backend)
{
	struct usp_engine_options options = {
		.size = sizeof(options),
		.launchers = 1,
		.ring_entries = 16,
		.read_buffers = 1,
	};
	struct usp_engine *engine;
	int ret = usp_engine_new(&options, &engine);

	if (ret < 0)
		return ret;
	*ret_backend = usp_engine_backend(engine);
	usp_engine_free(engine);
	return 0;
}

/* What the environment asks for; NULL: nothing. */
static const char *asked_for(void)
{
	const char *name = getenv(USP_BACKEND_VARIABLE);

	return name && *name ? name : NULL;
}

static const char *ring_advice(const struct probe *p)
{
	if (p->io_uring_disabled == 2)
		return "kernel.io_uring_disabled is 2: an administrator turned io_uring "
		       "off";
	if (p->io_uring_disabled == 1)
		return "kernel.io_uring_disabled is 1: only root and "
		       "kernel.io_uring_group may";
	switch (p->ring_error) {
	case 0:
		return NULL;
	case -EPERM:
	case -EACCES:
		return "a sandbox forbids io_uring (the default seccomp profile of "
		       "containers does)";
	case -ENOSYS:
		return "this kernel has no io_uring, or a sandbox hides it";
	case -ENOMEM:
		return "RLIMIT_MEMLOCK is too low for a ring";
	case -EINVAL:
		return "this kernel is too old for the engine's ring: Linux 6.1 is the "
		       "first";
	}
	return strerrordesc_np(-p->ring_error);
}

/* Why it is not io_uring that the engine waits by; NULL where it is. */
static const char *advice_for(const struct probe *p, int engine_error,
			      const char *backend)
{
	const char *asked = asked_for();
	bool may_be_epoll = !asked || strcmp(asked, "uring") != 0;

	/* glibc's pthread_create() knows no other way when it is not ENOSYS. */
	if (engine_error == -EPERM && !p->there[PROBE_CLONE3] &&
	    (may_be_epoll || p->there[PROBE_RING]))
		return "a sandbox answers clone3() by EPERM, not ENOSYS, so that no "
		       "thread can be made";
	if (engine_error == -EINVAL)
		return USP_BACKEND_VARIABLE " is neither uring nor epoll";
	if (!engine_error && strcmp(backend, "epoll") != 0)
		return NULL;
	if (!engine_error && asked)
		return USP_BACKEND_VARIABLE " asks for it";
	if (p->there[PROBE_RING])
		return engine_error ? NULL
				    : "this kernel's io_uring lacks what is needed";
	return ring_advice(p);
}

/* ---- for people ---------------------------------------------------------- */

static void print_items(const struct probe *p, bool ring)
{
	for (size_t i = 0; i < PROBE_COUNT; i++) {
		const struct item *item = &items[i];

		if (is_ring_item(i) != ring)
			continue;
		if (p->there[i])
			printf("  %-20s yes\n", item->name);
		else
			printf("  %-20s %-4s Linux %s; without it %s\n", item->name,
			       item->needed ? "NO" : "no", item->since, item->cost);
	}
}

static void print_limit(const char *name, uint64_t value, const char *unit,
			const char *remark)
{
	if (value == UINT64_MAX)
		printf("  %-20s unlimited\n", name);
	else
		printf("  %-20s %" PRIu64 "%s%s\n", name, value, unit, remark);
}

static void print_limits(const struct probe *p)
{
	char hard[96] = " (3 to 4 for each piped process)";

	if (p->nofile_hard != UINT64_MAX)
		snprintf(hard, sizeof(hard),
			 " (up to %" PRIu64 "; 3 to 4 for each piped process)",
			 p->nofile_hard);
	print_limit("descriptors", p->nofile, "", hard);
	print_limit("processes", p->nproc, "", " for this user, threads included");
	print_limit("locked memory",
		    p->memlock_bytes == UINT64_MAX ? UINT64_MAX : p->memlock_bytes >> 10,
		    " KiB", p->memlock_bytes < 256 << 10 ? " (a ring may not fit)" : "");
	if (p->io_uring_disabled >= 0)
		printf("  %-20s %d\n", "io_uring_disabled", p->io_uring_disabled);
	if (p->pipe_user_pages_soft >= 0)
		printf("  %-20s %" PRId64
		       " pages for each user but root; beyond, pipes are small\n",
		       "pipe memory", p->pipe_user_pages_soft);
}

static void print_people(const struct probe *p, int engine_error, const char *backend)
{
	const char *advice = advice_for(p, engine_error, backend);

	printf("uringspawn %s on Linux %s %s, %u CPU%s\n", USP_VERSION, p->release,
	       p->machine, p->cpus, p->cpus == 1 ? "" : "s");
	if (engine_error || !advice)
		printf("back end: %s\n", engine_error ? "none" : backend);
	else
		printf("back end: %s (%s)\n", backend, advice);
	puts("\nio_uring");
	print_items(p, true);
	puts("\nprocesses");
	print_items(p, false);
	puts("\nlimits");
	print_limits(p);
	if (engine_error)
		printf("\nThe engine does not run here: %s%s%s.\n",
		       strerrordesc_np(-engine_error), advice ? ": " : "",
		       advice ? advice : "");
	else
		puts("\nThe engine runs here.");
}

/* ---- for programs -------------------------------------------------------- */

static json_t *limit_json(uint64_t value)
{
	return value > INT64_MAX ? json_null() : json_integer((json_int_t)value);
}

static json_t *items_json(const struct probe *p)
{
	json_t *all = json_object();

	for (size_t i = 0; i < PROBE_COUNT; i++) {
		json_t *one = json_pack("{s:b, s:b, s:s}", "there", p->there[i], "needed",
					items[i].needed, "since", items[i].since);

		if (!p->there[i])
			json_object_set_new(one, "cost", json_string(items[i].cost));
		json_object_set_new(all, items[i].name, one);
	}
	return all;
}

static int print_json(const struct probe *p, int engine_error, const char *backend)
{
	const char *advice = advice_for(p, engine_error, backend);
	json_t *limits = json_pack(
		"{s:o, s:o, s:o, s:o, s:i, s:I}", "descriptors", limit_json(p->nofile),
		"descriptors_hard", limit_json(p->nofile_hard), "processes",
		limit_json(p->nproc), "locked_bytes", limit_json(p->memlock_bytes),
		"io_uring_disabled", p->io_uring_disabled, "pipe_user_pages_soft",
		(json_int_t)p->pipe_user_pages_soft);
	json_t *root = json_pack(
		"{s:s, s:s, s:s, s:i, s:s?, s:b, s:s?, s:s?, s:o, s:o}", "version",
		USP_VERSION, "kernel", p->release, "machine", p->machine, "cpus",
		(int)p->cpus, "back_end", engine_error ? NULL : backend, "engine_runs",
		!engine_error, "engine_error",
		engine_error ? strerrordesc_np(-engine_error) : NULL, "advice", advice,
		"features", items_json(p), "limits", limits);
	int ret;

	if (!root) {
		fputs("uringspawn: no memory for the answer\n", stderr);
		return -ENOMEM;
	}
	ret = json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
	return ret ? -EIO : 0;
}

int cmd_doctor(int argc, char **argv)
{
	const char *backend = NULL;
	bool json = false;
	struct probe probe;
	int option, error;

	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:", known, NULL)) != -1) {
		if (option == HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (option != JSON) {
			option_complain("doctor", argv, known);
			return 125;
		}
		json = true;
	}
	if (argv[optind]) {
		fprintf(stderr,
			"uringspawn: doctor takes no argument, but was given '%s'\n",
			argv[optind]);
		return 125;
	}

	probe_run(&probe);
	error = try_engine(&backend);
	if (!json)
		print_people(&probe, error, backend);
	else if (print_json(&probe, error, backend))
		return 125;
	return error ? 1 : 0;
}
