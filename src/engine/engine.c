/*
 * The engine: reactor, launchers and processes behind the public calls.
 */
#include "engine/engine_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "api/options.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/look.h"
#include "launch/launcher.h"
#include "sys/fd.h"

#define RUNNING_MAX  4096u
#define QUEUED_MAX   65536u
#define RING_ENTRIES 512u
#define READ_BUFFERS 32u

/* Slots that no process needs: a daemon's listener and the like. */
#define SLOTS_SPARE 64u

/* Slots for descriptors that were passed for processes that wait. */
#define SLOTS_PARKED 4096u

/* What the kernel takes (IORING_MAX_FIXED_FILES), whatever RLIMIT_NOFILE says. */
#define SLOTS_MAX (1u << 20)

/* After SIGKILL to all: who is still there then cannot be killed. */
#define FREE_WAIT_NS (10 * NS_PER_S)

/* Engines that were freed and could not be: in a list, so that they are not lost. */
static struct usp_engine *_Atomic left_behind;

/* The limits of an engine, as its options call them; those of one owner are the same
 * as those of all. */
static const char *const limit_names[LIMITS] = {
	[LIMIT_QUEUED] = "queued_max",
	[LIMIT_OWNER_QUEUED] = "queued_max",
	[LIMIT_DESCRIPTORS] = "descriptors",
	[LIMIT_OWNER_JOBS] = "jobs",
	[LIMIT_BYTES] = "bytes",
	[LIMIT_OWNER_BYTES] = "bytes",
};

static struct usp_engine *engine_of(struct process_host *host)
{
	return container_of(host, struct usp_engine, host);
}

/* ---- what processes tell ------------------------------------------------- */

static void on_left_queue(struct process_host *host, struct process *p) REACTOR_ONLY
{
	struct usp_engine *engine = engine_of(host);

	/* The next one may need less than the one that left. */
	admission_left(&engine->admission, p);
	reactor_defer(engine->reactor, &engine->pump);
}

/* The launchers' queue is short: it may have been what the next one waits for. */
static void on_launched(struct process_host *host) REACTOR_ONLY
{
	struct usp_engine *engine = engine_of(host);

	if (engine->admission.queued > 0)
		reactor_defer(engine->reactor, &engine->pump);
}

static void on_end(struct process_host *host, const struct process *p,
		   const struct usp_end *end) REACTOR_ONLY
{
	metrics_count(&engine_of(host)->metrics, end,
		      p->failed ? p->failure.stage : USP_STAGE_NONE);
}

static void on_ended(struct process_host *host, struct process *p) REACTOR_ONLY
{
	struct usp_engine *engine = engine_of(host);

	if (!p->launched)
		return;
	admission_freed(&engine->admission, p);
	reactor_defer(engine->reactor, &engine->pump);
}

static bool has_others(struct process_host *host) REACTOR_ONLY
{
	return engine_of(host)->admission.running > 1;
}

static void on_pump(struct deferred *pump) REACTOR_ONLY
{
	admission_pump(&container_of(pump, struct usp_engine, pump)->admission);
}

/* ---- start and end ------------------------------------------------------- */

static unsigned or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

/* The kernel takes a power of two here. */
static unsigned power_of_two(unsigned n)
{
	unsigned power = 1;

	while (power < n && power < 32768)
		power *= 2;
	return power;
}

/* Empty is as good as unset. */
static int read_backend(enum reactor_backend *ret_backend)
{
	const char *name = getenv(USP_BACKEND_VARIABLE);

	if (!name || !*name)
		*ret_backend = REACTOR_AUTO;
	else if (!strcmp(name, "uring"))
		*ret_backend = REACTOR_URING;
	else if (!strcmp(name, "epoll"))
		*ret_backend = REACTOR_EPOLL;
	else
		return -EINVAL;
	return 0;
}

/* Descriptors that this process may have, as far as a ring's table can. */
static size_t nofile(void)
{
	size_t limit = sys_nofile_limit();

	return limit < SLOTS_MAX ? limit : SLOTS_MAX;
}

static int open_reactor(struct usp_engine *engine,
			const struct usp_engine_options *options, unsigned recv_buffers)
{
	size_t wanted = (size_t)or_default(options->running_max, RUNNING_MAX) * 4 +
			SLOTS_SPARE + SLOTS_PARKED + (recv_buffers ? nofile() / 2 : 0);
	struct reactor_options reactor = {
		.entries = or_default(options->ring_entries, RING_ENTRIES),
		.slots = (unsigned)(wanted < nofile() ? wanted : nofile()),
		.read_buffers =
			power_of_two(or_default(options->read_buffers, READ_BUFFERS)),
		.recv_buffers = recv_buffers,
	};
	int ret = read_backend(&reactor.backend);

	return ret < 0 ? ret : reactor_open(&reactor, &engine->reactor);
}

static void open_admission(struct usp_engine *engine,
			   const struct usp_engine_options *options)
{
	unsigned running_max = or_default(options->running_max, RUNNING_MAX);
	unsigned queued_max = or_default(options->queued_max, QUEUED_MAX);
	const struct admission_limits limits = {
		.running_max = running_max,
		.queued_max = queued_max,
		.owner_running_max = running_max,
		.owner_queued_max = queued_max,
		.turn_launches = 1,
		/* The other half is for what is at work. */
		.descriptors_max = (unsigned)(nofile() / 2),
		.slots_max = reactor_slots_free(engine->reactor) / 2,
		.names = limit_names,
	};

	admission_init(&engine->admission, engine->reactor, engine->launchers, &limits);
	admission_owner_init(&engine->own);
}

static int set_up(struct usp_engine *engine, const struct usp_engine_options *options,
		  unsigned recv_buffers)
{
	struct launchers_options launchers = {
		.count = options->launchers,
		.is_daemon = recv_buffers > 0,
		.policy = options->policy,
		.tables = options->tables,
		.stuck_ns = options->stuck_ns,
	};
	int ret = open_reactor(engine, options, recv_buffers);

	if (ret == 0)
		ret = janitor_open(engine->reactor, &engine->janitor);
	if (ret == 0)
		ret = cgroups_open(&engine->cgroups);
	if (ret < 0)
		return ret;
	launchers.cgroups = engine->cgroups;
	ret = launchers_open(engine->reactor, &launchers, &engine->launchers);
	if (ret < 0)
		return ret;
	engine->host = (struct process_host){
		.reactor = engine->reactor,
		.launchers = engine->launchers,
		.janitor = engine->janitor,
		.reserve_fd = sys_open_null(),
		.on_left_queue = on_left_queue,
		.on_launched = on_launched,
		.on_end = on_end,
		.on_ended = on_ended,
		.has_others = has_others,
	};
	list_init(&engine->host.given_up);
	cgroup_pool_init(&engine->host.cgroups, engine->reactor, engine->janitor,
			 engine->cgroups);
	open_admission(engine, options);
	return engine->host.reserve_fd < 0 ? engine->host.reserve_fd : 0;
}

int engine_new(const struct usp_engine_options *options, unsigned recv_buffers,
	       struct usp_engine **ret_engine)
{
	struct usp_engine *engine = mem_zalloc(sizeof(*engine));
	int ret;

	if (!engine)
		return -ENOMEM;
	list_init(&engine->processes);
	list_init(&engine->parts);
	deferred_init(&engine->pump, on_pump);
	ret = set_up(engine, options, recv_buffers);
	if (ret < 0) {
		usp_engine_free(engine);
		return ret;
	}
	*ret_engine = engine;
	return 0;
}

int usp_engine_new(const struct usp_engine_options *options,
		   struct usp_engine **ret_engine)
{
	struct usp_engine_options full = { 0 };
	int ret = options ? options_copy(&full, sizeof(full), options, options->size) : 0;

	return ret < 0 ? ret : engine_new(&full, 0, ret_engine);
}

static void cut_all(struct usp_engine *engine) REACTOR_ONLY
{
	list_each(link, following, &engine->processes)
		process_cut(container_of(link, struct process, link), USP_REASON_KILLED);
}

/* Who was killed and is not gone yet is not waited for. */
static void reap_no_more(struct usp_engine *engine) REACTOR_ONLY
{
	process_abandon_given_up(&engine->host);
	while (!list_empty(&engine->host.given_up) && engine_wait(engine) == 0)
		continue;
}

static void on_patience_over(struct timer *timer) REACTOR_ONLY
{
	container_of(timer, struct usp_engine, patience)->lost_patience = true;
}

/*
 * Somebody cannot be killed: it sleeps in the kernel on what does not answer.  What it
 * may still write to stays where it is, for as long as this program runs.
 */
static void leave_behind(struct usp_engine *engine) REACTOR_ONLY
{
	list_each(link, following, &engine->processes)
		process_forget(container_of(link, struct process, link));
	launchers_abandon(engine->launchers);
	engine->next_left = atomic_load(&left_behind);
	while (!atomic_compare_exchange_weak(&left_behind, &engine->next_left, engine))
		continue;
}

static bool has_work(const struct usp_engine *engine)
{
	return !list_empty(&engine->processes) || engine->held > 0;
}

static void end_all(struct usp_engine *engine) REACTOR_ONLY
{
	list_each(link, following, &engine->parts) {
		struct engine_part *part = container_of(link, struct engine_part, link);

		part->on_closing(part);
	}
	if (!has_work(engine))
		return;
	cut_all(engine);
	engine->patience.on_fire = on_patience_over;
	timer_arm(engine->reactor, &engine->patience, clock_now_ns() + FREE_WAIT_NS);
	while (has_work(engine) && !engine->lost_patience && engine_wait(engine) == 0)
		continue;
}

static void end_parts(struct usp_engine *engine) REACTOR_ONLY
{
	list_each(link, following, &engine->parts) {
		struct engine_part *part = container_of(link, struct engine_part, link);

		part->on_gone(part);
	}
}

struct usp_engine *usp_engine_free(struct usp_engine *engine)
{
	enter_reactor();
	if (!engine)
		return NULL;
	engine->closing = true;
	end_all(engine);
	if (!list_empty(&engine->processes)) {
		leave_behind(engine);
		end_parts(engine);
		return NULL;
	}
	end_parts(engine);
	if (engine->host.reactor) {
		reap_no_more(engine);
		cgroup_pool_close(&engine->host.cgroups);
		sys_close(engine->host.reserve_fd);
	}
	janitor_close(engine->janitor);
	launchers_close(engine->launchers);
	cgroups_close(engine->cgroups);
	reactor_close(engine->reactor);
	mem_free(engine);
	return NULL;
}

void engine_leave(struct usp_engine *engine)
{
	engine->closing = true;
	cgroup_pool_close(&engine->host.cgroups);
	cgroups_close(engine->cgroups);
}

const char *usp_engine_backend(const struct usp_engine *engine)
{
	return reactor_backend_name(engine->reactor);
}

/* ---- turning ------------------------------------------------------------- */

int usp_engine_fd(struct usp_engine *engine)
{
	enter_reactor();
	return reactor_fd(engine->reactor);
}

int usp_engine_turn(struct usp_engine *engine)
{
	enter_reactor();
	return reactor_turn(engine->reactor, false);
}

int engine_wait(struct usp_engine *engine)
{
	return reactor_turn(engine->reactor, true);
}

int usp_engine_run(struct usp_engine *engine)
{
	int ret = 0;

	enter_reactor();
	engine->stopping = false;
	while (ret == 0 && !engine->stopping && has_work(engine))
		ret = engine_wait(engine);
	return ret;
}

void usp_engine_stop(struct usp_engine *engine)
{
	engine->stopping = true;
}

/* ---- for the daemon ------------------------------------------------------ */

void engine_set_limits(struct usp_engine *engine, const struct admission_limits *limits)
{
	struct admission_limits full = *limits;

	if (!full.descriptors_max)
		full.descriptors_max = engine->admission.limits.descriptors_max;
	if (!full.slots_max)
		full.slots_max = engine->admission.limits.slots_max;
	admission_set_limits(&engine->admission, &full);
	reactor_defer(engine->reactor, &engine->pump);
}

void engine_inherit(struct usp_engine *engine)
{
	launchers_inherit(engine->launchers);
}

void engine_count_failed(struct usp_engine *engine, enum usp_stage stage)
{
	const struct usp_end end = { .reason = USP_REASON_FAILED };

	metrics_count(&engine->metrics, &end, stage);
}

struct usp_failure engine_refusal(struct usp_engine *engine, enum admission_limit limit)
{
	return admission_refusal(&engine->admission, limit);
}

const uint64_t *engine_refused(const struct usp_engine *engine)
{
	return engine->admission.refused;
}

const char *engine_limit_name(const struct usp_engine *engine, enum admission_limit limit)
{
	return engine->admission.limits.names[limit];
}

void engine_clear_leftovers(struct usp_engine *engine)
{
	cgroup_pool_sweep(&engine->host.cgroups, true);
	reactor_submit(engine->reactor);
}

struct reactor *engine_reactor(struct usp_engine *engine)
{
	return engine->reactor;
}

void engine_add_part(struct usp_engine *engine, struct engine_part *part)
{
	list_append(&engine->parts, &part->link);
}

void engine_remove_part(struct engine_part *part)
{
	list_remove(&part->link);
}

bool engine_is_closing(const struct usp_engine *engine)
{
	return engine->closing;
}

void engine_hold(struct usp_engine *engine)
{
	engine->held++;
}

void engine_let_go(struct usp_engine *engine)
{
	engine->held--;
}

void engine_abandon(struct usp_process *process)
{
	inner_verbs(process)->abandon(process);
}

void engine_detach(struct usp_process *process)
{
	inner_verbs(process)->detach(process);
}

void engine_release(struct usp_process *process)
{
	inner_verbs(process)->release(process);
}

void engine_cut(struct usp_process *process)
{
	inner_verbs(process)->cut(process);
}

void engine_pause(struct usp_process *process, bool pause)
{
	inner_verbs(process)->pause(process, pause);
}

void engine_look(const struct usp_process *process, struct look *ret_look)
{
	inner_verbs(process)->look(process, ret_look);
}

struct buffer *engine_output_buffer(const struct usp_event *event)
{
	return process_output_buffer(event);
}
