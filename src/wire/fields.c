/*
 * The fields of a request that are strings and numbers, and the table of all.
 */
#include "wire/field.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/annotate.h"
#include "base/buf.h"
#include "wire/bytes.h"

#define ANY_SIZE UINT32_MAX
#define FLAGS_WIRE                                                                       \
	(USP_FLAG_PIDFD | USP_FLAG_RUSAGE | USP_FLAG_NO_NEW_PRIVS | USP_FLAG_CGROUP |    \
	 USP_FLAG_BOUND)

/* Numbers of spawn.h that travel as they are. */
_Static_assert(USP_GROUP_NEW == 0 && USP_GROUP_SESSION == 1, "frozen by the protocol");
_Static_assert(USP_FLAG_PIDFD == 2 && USP_FLAG_RUSAGE == 4, "frozen by the protocol");
_Static_assert(USP_FLAG_NO_NEW_PRIVS == 8 && USP_FLAG_CGROUP == 16, "frozen");
_Static_assert(USP_FLAG_BOUND == 32, "frozen");
_Static_assert(USP_OUTPUT_KILL == 0 && USP_OUTPUT_DROP == 1, "frozen by the protocol");
_Static_assert(USP_DRAIN_LEAVE == 0 && USP_DRAIN_KILL == 1, "frozen by the protocol");
_Static_assert(USP_GONE_KILL == 0 && USP_GONE_KEEP == 1 && USP_GONE_RELEASE == 2,
	       "frozen by the protocol");
_Static_assert((int)USP_TARGET_GROUP == (int)USP_WIRE_SIGNAL_GROUP, "one number");
_Static_assert((int)USP_TARGET_PROCESS == (int)USP_WIRE_SIGNAL_PROCESS, "one number");

/* ---- strings ---------------------------------------------------------------- */

static struct packed *packed_of(const struct field_kind *kind, struct request *request)
{
	return (struct packed *)((char *)request + kind->offset);
}

static int read_packed(const struct field_kind *kind, const struct field *field,
		       struct request *request)
{
	if (field->size && field->bytes[field->size - 1] != 0)
		return -EINVAL;
	*packed_of(kind, request) =
		(struct packed){ (const char *)field->bytes, field->size };
	return 0;
}

int field_put_bytes(uint16_t tag, const char *bytes, size_t size, struct buf *out)
{
	uint8_t *at;
	int ret;

	if (!bytes)
		return 0;
	ret = field_put(out, tag, size, &at);
	if (ret == 0)
		memcpy(at, bytes, size);
	return ret;
}

static int write_packed(const struct field_kind *kind, const struct request *request,
			struct buf *out)
{
	const struct packed *packed = packed_of(kind, (struct request *)request);

	return field_put_bytes(kind->tag, packed->bytes, packed->size, out);
}

static struct text *text_of(const struct field_kind *kind, struct request *request)
{
	return (struct text *)((char *)request + kind->offset);
}

static int read_text(const struct field_kind *kind, const struct field *field,
		     struct request *request)
{
	*text_of(kind, request) =
		(struct text){ (const char *)field->bytes, field->size };
	return 0;
}

static int write_text(const struct field_kind *kind, const struct request *request,
		      struct buf *out)
{
	const struct text *text = text_of(kind, (struct request *)request);

	return field_put_bytes(kind->tag, text->bytes, text->size, out);
}

/* ---- plain numbers ------------------------------------------------------------ */

static uint64_t *u64_of(const struct field_kind *kind, struct request *request)
{
	return (uint64_t *)((char *)request + kind->offset);
}

static int read_u64(const struct field_kind *kind, const struct field *field,
		    struct request *request)
{
	*u64_of(kind, request) = load_u64(field->bytes);
	return 0;
}

static int write_u64(const struct field_kind *kind, const struct request *request,
		     struct buf *out)
{
	uint64_t value = *u64_of(kind, (struct request *)request);
	uint8_t *at;
	int ret;

	if (value == 0)
		return 0;
	ret = field_put(out, kind->tag, 8, &at);
	if (ret == 0)
		store_u64(at, value);
	return ret;
}

int field_put_u32(uint16_t tag, uint32_t value, struct buf *out)
{
	uint8_t *at;
	int ret = field_put(out, tag, 4, &at);

	if (ret == 0)
		store_u32(at, value);
	return ret;
}

/* For what zero means nothing: a credit of nothing, template 0. */
static uint32_t *u32_of(const struct field_kind *kind, struct request *request)
{
	return (uint32_t *)((char *)request + kind->offset);
}

static int read_nonzero(const struct field_kind *kind, const struct field *field,
			struct request *request)
{
	*u32_of(kind, request) = load_u32(field->bytes);
	return *u32_of(kind, request) ? 0 : -EINVAL;
}

static int write_nonzero(const struct field_kind *kind, const struct request *request,
			 struct buf *out)
{
	uint32_t value = *u32_of(kind, (struct request *)request);

	return value ? field_put_u32(kind->tag, value, out) : 0;
}

/* ---- numbers with a range -------------------------------------------------------- */

static int read_group(const struct field_kind *kind, const struct field *field,
		      struct request *request)
{
	uint32_t group = load_u32(field->bytes);

	(void)kind;
	request->options.group =
		group == USP_WIRE_GROUP_CLIENT ? USP_GROUP_JOIN : (enum usp_group)group;
	return group > USP_WIRE_GROUP_CLIENT ? -EINVAL : 0;
}

static int write_group(const struct field_kind *kind, const struct request *request,
		       struct buf *out)
{
	if (request->options.group == USP_GROUP_NEW)
		return 0;
	if (request->options.group == USP_GROUP_SESSION)
		return field_put_u32(kind->tag, USP_WIRE_GROUP_SESSION, out);
	if (request->options.group == USP_GROUP_JOIN)
		return field_put_u32(kind->tag, USP_WIRE_GROUP_CLIENT, out);
	return -EINVAL;
}

static int read_gone(const struct field_kind *kind, const struct field *field,
		     struct request *request)
{
	uint32_t gone = load_u32(field->bytes);

	(void)kind;
	request->options.gone = (enum usp_gone)gone;
	return gone > USP_GONE_RELEASE ? -EINVAL : 0;
}

static int write_gone(const struct field_kind *kind, const struct request *request,
		      struct buf *out)
{
	if (request->options.gone == USP_GONE_KILL)
		return 0;
	if ((unsigned)request->options.gone > USP_GONE_RELEASE)
		return -EINVAL;
	return field_put_u32(kind->tag, request->options.gone, out);
}

static int read_flags(const struct field_kind *kind, const struct field *field,
		      struct request *request)
{
	(void)kind;
	request->options.flags = load_u32(field->bytes);
	return request->options.flags & ~FLAGS_WIRE ? -EINVAL : 0;
}

static int write_flags(const struct field_kind *kind, const struct request *request,
		       struct buf *out)
{
	uint32_t flags = request->options.flags & ~USP_FLAG_RUN;

	if (flags & ~FLAGS_WIRE)
		return -EINVAL;
	return flags ? field_put_u32(kind->tag, flags, out) : 0;
}

/* ---- small structs ----------------------------------------------------------------- */

/* The target is a number of SIGNAL, where 2 is the plan itself. */
static int read_kill(const struct field_kind *kind, const struct field *field,
		     struct request *request)
{
	uint32_t signal = load_u32(field->bytes), target = load_u32(field->bytes + 4);
	struct usp_kill *plan = &request->options.kill;

	(void)kind;
	if (signal >= NSIG)
		return -EINVAL;
	plan->signal = (int)signal;
	plan->grace_ns = load_u64(field->bytes + 8);
	switch (target) {
	case USP_WIRE_SIGNAL_GROUP:
	case USP_WIRE_SIGNAL_PROCESS:
		plan->target = (enum usp_target)target;
		return 0;
	case USP_WIRE_SIGNAL_TREE:
		plan->target = USP_TARGET_TREE;
		return 0;
	}
	return -EINVAL;
}

static int write_kill(const struct field_kind *kind, const struct request *request,
		      struct buf *out)
{
	const struct usp_kill *plan = &request->options.kill;
	uint32_t target = plan->target == USP_TARGET_TREE ? USP_WIRE_SIGNAL_TREE
							  : (uint32_t)plan->target;
	uint8_t *at;
	int ret;

	if (!plan->signal && !plan->target && !plan->grace_ns)
		return 0;
	if (plan->signal < 0 || plan->signal >= NSIG ||
	    (unsigned)plan->target > USP_TARGET_TREE)
		return -EINVAL;
	ret = field_put(out, kind->tag, 16, &at);
	if (ret == 0)
		store_u64(store_u32(store_u32(at, (uint32_t)plan->signal), target),
			  plan->grace_ns);
	return ret;
}

static int read_pty(const struct field_kind *kind, const struct field *field,
		    struct request *request)
{
	(void)kind;
	request->options.pty = (struct usp_winsize){
		.rows = load_u16(field->bytes),
		.columns = load_u16(field->bytes + 2),
		.x_pixels = load_u16(field->bytes + 4),
		.y_pixels = load_u16(field->bytes + 6),
	};
	return 0;
}

static int write_pty(const struct field_kind *kind, const struct request *request,
		     struct buf *out)
{
	const struct usp_winsize *pty = &request->options.pty;
	uint8_t *at;
	int ret;

	if (!pty->rows && !pty->columns && !pty->x_pixels && !pty->y_pixels)
		return 0;
	ret = field_put(out, kind->tag, 8, &at);
	if (ret < 0)
		return ret;
	at = store_u16(store_u16(at, pty->rows), pty->columns);
	store_u16(store_u16(at, pty->x_pixels), pty->y_pixels);
	return 0;
}

static int read_output_limit(const struct field_kind *kind, const struct field *field,
			     struct request *request)
{
	uint32_t action = load_u32(field->bytes + 16);

	(void)kind;
	request->options.output_max_bytes = load_u64(field->bytes);
	request->options.output_tail_bytes = load_u64(field->bytes + 8);
	request->options.output_action = (enum usp_output_action)action;
	return action > USP_OUTPUT_DROP || load_u32(field->bytes + 20) ? -EINVAL : 0;
}

static int write_output_limit(const struct field_kind *kind,
			      const struct request *request, struct buf *out)
{
	const struct usp_options *options = &request->options;
	uint32_t action = (uint32_t)options->output_action;
	uint8_t *at;
	int ret;

	if (!options->output_max_bytes && !options->output_tail_bytes && !action)
		return 0;
	if (action > USP_OUTPUT_DROP)
		return -EINVAL;
	ret = field_put(out, kind->tag, 24, &at);
	if (ret < 0)
		return ret;
	at = store_u64(at, options->output_max_bytes);
	at = store_u64(at, options->output_tail_bytes);
	store_u32(store_u32(at, action), 0);
	return 0;
}

static int read_drain(const struct field_kind *kind, const struct field *field,
		      struct request *request)
{
	uint32_t action = load_u32(field->bytes + 8);

	(void)kind;
	request->options.drain_ns = load_u64(field->bytes);
	request->options.drain_action = (enum usp_drain_action)action;
	return action > USP_DRAIN_KILL || load_u32(field->bytes + 12) ? -EINVAL : 0;
}

static int write_drain(const struct field_kind *kind, const struct request *request,
		       struct buf *out)
{
	uint32_t action = (uint32_t)request->options.drain_action;
	uint8_t *at;
	int ret;

	if (!request->options.drain_ns && !action)
		return 0;
	if (action > USP_DRAIN_KILL)
		return -EINVAL;
	ret = field_put(out, kind->tag, 16, &at);
	if (ret < 0)
		return ret;
	at = store_u64(at, request->options.drain_ns);
	store_u32(store_u32(at, action), 0);
	return 0;
}

/* ---- all -------------------------------------------------------------------------- */

#define FIELD(tag, name, min, max, step, read, write)                                    \
	[tag] = { name, tag, min, max, step, read, write, 0 }
#define VALUE(tag, name, min, max, read, write, member)                                  \
	[tag] = { name, tag, min, max, 1, read, write, offsetof(struct request, member) }
#define PACKED(tag, name, member)                                                        \
	VALUE(tag, name, 0, ANY_SIZE, read_packed, write_packed, member)
#define TEXT(tag, name, member)                                                          \
	VALUE(tag, name, 0, ANY_SIZE, read_text, write_text, member)
#define U64(tag, name, member) VALUE(tag, name, 8, 8, read_u64, write_u64, member)
#define NONZERO(tag, name, member)                                                       \
	VALUE(tag, name, 4, 4, read_nonzero, write_nonzero, member)
#define FIXED(tag, name, size, read, write) FIELD(tag, name, size, size, 1, read, write)

/* clang-format off */
static const struct field_kind kinds[] = {
	PACKED(USP_WIRE_ARGV, "argv", argv),
	TEXT(USP_WIRE_PATH, "path", path),
	TEXT(USP_WIRE_SEARCH, "search", search),
	PACKED(USP_WIRE_ENV, "env", env),
	TEXT(USP_WIRE_CWD, "cwd", cwd),
	FIXED(USP_WIRE_STDIO, "stdio", 6, read_stdio, write_stdio),
	FIXED(USP_WIRE_GROUP, "group", 4, read_group, write_group),
	U64(USP_WIRE_TIMEOUT, "timeout", options.timeout_ns),
	FIXED(USP_WIRE_KILL, "kill", 16, read_kill, write_kill),
	U64(USP_WIRE_IGNORED, "ignored", options.ignored_signals),
	NONZERO(USP_WIRE_CREDIT, "credit", options.window_bytes),
	FIELD(USP_WIRE_FDS, "fds", 4, 4 * USP_FDS_MAX, 4, read_fds, write_fds),
	/* Read by read_file(): it stands more than once. */
	FIELD(USP_WIRE_FILE, "file", 12 + 2, ANY_SIZE, 1, NULL, write_files),
	PACKED(USP_WIRE_ENV_EXTEND, "env_extend", env_extend),
	PACKED(USP_WIRE_ENV_UNSET, "env_unset", env_unset),
	NONZERO(USP_WIRE_USE_TEMPLATE, "use_template", template_id),
	FIELD(USP_WIRE_CREDENTIALS, "credentials", 8, 8 + 4 * USP_GROUPS_MAX, 4,
	      read_credentials, write_credentials),
	FIXED(USP_WIRE_UMASK, "umask", 4, read_umask, write_umask),
	FIXED(USP_WIRE_NICE, "nice", 4, read_nice, write_nice),
	FIXED(USP_WIRE_OOM_SCORE_ADJ, "oom_score_adj", 4, read_oom_score_adj,
	      write_oom_score_adj),
	FIELD(USP_WIRE_RLIMITS, "rlimits", RLIMIT_BYTES, RLIMIT_BYTES * USP_RLIMITS_MAX,
	      RLIMIT_BYTES, read_rlimits, write_rlimits),
	FIELD(USP_WIRE_CPUS, "cpus", 8, 8 * USP_CPU_WORDS, 8, read_cpus, write_cpus),
	FIXED(USP_WIRE_FLAGS, "flags", 4, read_flags, write_flags),
	FIELD(USP_WIRE_CGROUP, "cgroup", 2, ANY_SIZE, 1, read_cgroup, write_cgroup),
	FIXED(USP_WIRE_CGROUP_LIMITS, "cgroup_limits", 24, read_cgroup_limits,
	      write_cgroup_limits),
	FIXED(USP_WIRE_PTY, "pty", 8, read_pty, write_pty),
	U64(USP_WIRE_QUEUE_TIMEOUT, "queue_timeout", options.queue_timeout_ns),
	U64(USP_WIRE_LAUNCH_TIMEOUT, "launch_timeout", options.launch_timeout_ns),
	U64(USP_WIRE_IDLE_TIMEOUT, "idle_timeout", options.idle_timeout_ns),
	FIXED(USP_WIRE_OUTPUT_LIMIT, "output_limit", 24, read_output_limit,
	      write_output_limit),
	FIXED(USP_WIRE_DRAIN, "drain", 16, read_drain, write_drain),
	FIXED(USP_WIRE_GONE, "gone", 4, read_gone, write_gone),
	FIELD(USP_WIRE_POOL_NAME, "pool_name", 1, USP_POOL_NAME_MAX, 1, read_pool_name,
	      write_pool_name),
	FIXED(USP_WIRE_POOL_KIND, "pool_kind", 12, read_pool_kind, write_pool_kind),
	FIXED(USP_WIRE_POOL_SIZE, "pool_size", 16, read_pool_size, write_pool_size),
	FIXED(USP_WIRE_POOL_LIMITS, "pool_limits", 32, read_pool_limits,
	      write_pool_limits),
	FIXED(USP_WIRE_POOL_READY, "pool_ready", 16, read_pool_ready, write_pool_ready),
	U64(USP_WIRE_POOL_ACQUIRE, "pool_acquire", pool.acquire_timeout_ns),
	FIXED(USP_WIRE_POOL_CHANNEL, "pool_channel", 4, read_pool_channel,
	      write_pool_channel),
	FIELD(USP_WIRE_POOL_RESET, "pool_reset", RESET_BYTES,
	      RESET_BYTES + 2 * USP_POOL_MESSAGE_MAX, 1, read_pool_reset,
	      write_pool_reset),
	FIELD(USP_WIRE_POOL_PING, "pool_ping", PING_BYTES,
	      PING_BYTES + 2 * USP_POOL_MESSAGE_MAX, 1, read_pool_ping,
	      write_pool_ping),
	NONZERO(USP_WIRE_USE_POOL, "use_pool", pool_id),
	FIXED(USP_WIRE_PRIORITY, "priority", 4, read_priority, write_priority),
};
/* clang-format on */

_Static_assert(ARRAY_SIZE(kinds) == USP_WIRE_PRIORITY + 1, "a kind for each tag");

const struct field_kind *field_kind(uint16_t tag)
{
	return tag > 0 && tag < ARRAY_SIZE(kinds) ? &kinds[tag] : NULL;
}
