/*
 * wire/request: docs/PROTOCOL.md sections 3 and 5.
 */
#include "wire/request.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* A field header: tag, flags, size. */
#define F(tag, size) #tag "\0\0\0" #size "\0\0\0"

/* What stands before the path of a FILE; an entry of RLIMITS; two numbers. */
#define FILE_0	     "\0\0\0\0\0\0\0\0\0\0\0\0"
#define FILE_3	     "\3\0\0\0\0\0\0\0\0\0\0\0"
#define FILE_4	     "\4\0\0\0\0\0\0\0\0\0\0\0"
#define RLIMIT(name) #name "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
#define TWO_U64	     "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"

/* One line per rule.  The bytes stand in escapes of octal digits. */
static const struct row {
	const char *name;
	const char *bytes;
	size_t size;
	int want;
	const char *field;
} rows[] = {
#define ROW(name, bytes, want, field)                                                    \
	{                                                                                \
		name, bytes, sizeof(bytes) - 1, want, field                              \
	}
	ROW("no field at all decodes", "", 0, NULL),
	ROW("argv",
	    F(\1, \3) "a\0"
		      "\0",
	    0, NULL),
	ROW("an empty argv decodes", F(\1, \0), 0, NULL),
	ROW("argv that does not end in NUL", F(\1, \2) "\0a", -EINVAL, "argv"),
	ROW("env that does not end in NUL", F(\4, \3) "A=b", -EINVAL, "env"),
	ROW("an empty env decodes", F(\4, \0), 0, NULL),
	ROW("argv twice", F(\1, \2) "a\0" F(\1, \2) "a\0", -EINVAL, "argv"),
	ROW("an empty argv twice", F(\1, \0) F(\1, \0), -EINVAL, "argv"),
	ROW("path twice", F(\2, \1) "a" F(\1, \2) "a\0" F(\2, \1) "b", -EINVAL, "path"),
	ROW("search twice", F(\3, \1) "a" F(\3, \1) "b", -EINVAL, "search"),
	ROW("cwd twice", F(\5, \1) "a" F(\5, \1) "a", -EINVAL, "cwd"),
	ROW("bytes of a path are left alone", F(\2, \3) "a\0b", 0, NULL),
	ROW("half a field header", "\1\0\0\0\0\0\0", -EINVAL, "payload"),
	ROW("a field longer than the payload", F(\1, \3) "a\0", -EINVAL, "payload"),
	ROW("a field of the largest size", "\1\0\0\0\377\377\377\377a\0", -EINVAL,
	    "payload"),
	ROW("a byte after the last field",
	    F(\1, \2) "a\0"
		      "x",
	    -EINVAL, "payload"),
	ROW("an unknown field is ignored", F(\54, \1) "x", 0, NULL),
	ROW("tag 0 is unknown", F(\0, \1) "x", 0, NULL),
	ROW("an unknown field twice is ignored", F(\54, \0) F(\54, \0), 0, NULL),
	ROW("a large unknown tag", "\1\1\0\0\1\0\0\0x", 0, NULL),
	ROW("an unknown field that must be understood", "\54\0\1\0\1\0\0\0x", -ENOTSUP,
	    "unknown field"),
	ROW("a large unknown tag that must be understood", "\1\1\1\0\1\0\0\0x", -ENOTSUP,
	    "unknown field"),
	ROW("another flag of an unknown field", "\54\0\2\0\1\0\0\0x", 0, NULL),
	ROW("a known field that must be understood", "\1\0\1\0\2\0\0\0a\0", 0, NULL),
	ROW("stdio", F(\6, \6) "\1\0\2\0\4\1", 0, NULL),
	ROW("stdio of 5 bytes", F(\6, \5) "\1\0\2\0\4", -EINVAL, "stdio"),
	ROW("stdio of 7 bytes", F(\6, \7) "\1\0\2\0\4\1\0", -EINVAL, "stdio"),
	ROW("an unknown kind of stdio", F(\6, \6) "\1\0\11\0\4\1", -EINVAL, "stdio"),
	ROW("a dup of a fourth stream", F(\6, \6) "\1\0\2\0\4\3", 0, NULL),
	ROW("an argument without a meaning", F(\6, \6) "\1\1\2\0\4\1", -EINVAL, "stdio"),
	ROW("a pipe with a direction", F(\6, \6) "\2\2\2\1\0\0", 0, NULL),
	ROW("a third direction", F(\6, \6) "\2\3\0\0\0\0", -EINVAL, "stdio"),
	ROW("a terminal with an argument", F(\6, \6) "\7\1\0\0\0\0", -EINVAL, "stdio"),
	ROW("a file without its path", F(\6, \6) "\5\0\0\0\0\0", -EINVAL, "file"),
	ROW("group", F(\7, \4) "\1\0\0\0", 0, NULL),
	ROW("the client's group", F(\7, \4) "\2\0\0\0", 0, NULL),
	ROW("a fourth group", F(\7, \4) "\3\0\0\0", -EINVAL, "group"),
	ROW("group with a high byte", F(\7, \4) "\0\0\0\1", -EINVAL, "group"),
	ROW("group of 3 bytes", F(\7, \3) "\1\0\0", -EINVAL, "group"),
	ROW("timeout", F(\10, \10) "\1\0\0\0\0\0\0\377", 0, NULL),
	ROW("timeout of 4 bytes", F(\10, \4) "\1\0\0\0", -EINVAL, "timeout"),
	ROW("kill", F(\11, \20) "\100\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("kill with signal 65", F(\11, \20) "\101\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0",
	    -EINVAL, "kill"),
	ROW("kill with the plan as target",
	    F(\11, \20) "\1\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0", -EINVAL, "kill"),
	ROW("kill with the tree as target",
	    F(\11, \20) "\1\0\0\0\3\0\0\0\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("kill with a fifth target", F(\11, \20) "\1\0\0\0\4\0\0\0\1\0\0\0\0\0\0\0",
	    -EINVAL, "kill"),
	ROW("kill of 8 bytes", F(\11, \10) "\1\0\0\0\1\0\0\0", -EINVAL, "kill"),
	ROW("ignored", F(\12, \10) "\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("ignored of 4 bytes", F(\12, \4) "\1\0\0\0", -EINVAL, "ignored"),
	ROW("credit", F(\13, \4) "\1\0\0\0", 0, NULL),
	ROW("no credit", F(\13, \4) "\0\0\0\0", -EINVAL, "credit"),
	ROW("credit of 8 bytes", F(\13, \10) "\1\0\0\0\0\0\0\0", -EINVAL, "credit"),
	ROW("fds", F(\14, \10) "\3\0\1\0\377\0\3\0", 0, NULL),
	ROW("no fds", F(\14, \0), -EINVAL, "fds"),
	ROW("half an entry of fds", F(\14, \6) "\3\0\1\0\4\0", -EINVAL, "fds"),
	ROW("fds with target 2", F(\14, \4) "\2\0\1\0", -EINVAL, "fds"),
	ROW("fds with target 256", F(\14, \4) "\0\1\1\0", -EINVAL, "fds"),
	ROW("fds with a target twice", F(\14, \10) "\3\0\1\0\3\0\1\0", -EINVAL, "fds"),
	ROW("fds of kind default", F(\14, \4) "\3\0\0\0", -EINVAL, "fds"),
	ROW("fds of kind terminal", F(\14, \4) "\3\0\7\0", -EINVAL, "fds"),
	ROW("fds of an unknown kind", F(\14, \4) "\3\0\11\0", -EINVAL, "fds"),
	ROW("fds with a null that has an argument", F(\14, \4) "\3\0\1\1", -EINVAL,
	    "fds"),
	ROW("fds with a handover the wrong way", F(\14, \4) "\3\0\10\3", -EINVAL, "fds"),
	ROW("a file before its descriptor",
	    F(\15, \16) FILE_3 "x\0" F(\14, \4) "\3\0\5\0", 0, NULL),
	ROW("a file for no descriptor", F(\15, \16) FILE_3 "x\0", -EINVAL, "file"),
	ROW("a file for another kind", F(\15, \16) FILE_3 "x\0" F(\14, \4) "\3\0\1\0",
	    -EINVAL, "file"),
	ROW("a file twice",
	    F(\15, \16) FILE_3 "x\0" F(\15, \16) FILE_3 "x\0" F(\14, \4) "\3\0\5\0",
	    -EINVAL, "file"),
	ROW("two files",
	    F(\14, \10) "\3\0\5\0\4\0\5\0" F(\15, \16) FILE_3 "x\0" F(\15, \16) FILE_4
	    "y\0",
	    0, NULL),
	ROW("one file of two", F(\14, \10) "\3\0\5\0\4\0\5\0" F(\15, \16) FILE_3 "x\0",
	    -EINVAL, "file"),
	ROW("a file of stdin", F(\6, \6) "\5\0\0\0\0\0" F(\15, \16) FILE_0 "x\0", 0,
	    NULL),
	ROW("a file without NUL", F(\15, \16) FILE_3 "xy", -EINVAL, "file"),
	ROW("a file with two NULs", F(\15, \17) FILE_3 "x\0\0", -EINVAL, "file"),
	ROW("a file with no path", F(\15, \15) FILE_3 "\0", -EINVAL, "file"),
	ROW("a file with a mode of the type", F(\15, \16) "\3\0\0\0\0\0\0\0\0\20\0\0x\0",
	    -EINVAL, "file"),
	ROW("a file with reserved bits", F(\15, \16) "\3\0\1\0\0\0\0\0\0\0\0\0x\0",
	    -EINVAL, "file"),
	ROW("env_extend that does not end in NUL", F(\16, \3) "A=b", -EINVAL,
	    "env_extend"),
	ROW("env_unset that does not end in NUL", F(\17, \1) "A", -EINVAL, "env_unset"),
	ROW("template 0", F(\20, \4) "\0\0\0\0", -EINVAL, "use_template"),
	ROW("a template", F(\20, \4) "\1\0\0\0", 0, NULL),
	ROW("a template twice", F(\20, \4) "\1\0\0\0" F(\20, \4) "\1\0\0\0", -EINVAL,
	    "use_template"),
	ROW("credentials without groups", F(\21, \10) "\1\0\0\0\2\0\0\0", 0, NULL),
	ROW("credentials of 7 bytes", F(\21, \7) "\1\0\0\0\2\0\0", -EINVAL,
	    "credentials"),
	ROW("credentials and half a group", F(\21, \12) "\1\0\0\0\2\0\0\0\3\0", -EINVAL,
	    "credentials"),
	ROW("credentials of nobody at all", F(\21, \10) "\377\377\377\377\2\0\0\0",
	    -EINVAL, "credentials"),
	ROW("credentials of no group at all", F(\21, \10) "\1\0\0\0\377\377\377\377",
	    -EINVAL, "credentials"),
	ROW("umask", F(\22, \4) "\377\1\0\0", 0, NULL),
	ROW("umask of more bits", F(\22, \4) "\0\2\0\0", -EINVAL, "umask"),
	ROW("nice 19", F(\23, \4) "\23\0\0\0", 0, NULL),
	ROW("nice 20", F(\23, \4) "\24\0\0\0", -EINVAL, "nice"),
	ROW("nice -20", F(\23, \4) "\354\377\377\377", 0, NULL),
	ROW("nice -21", F(\23, \4) "\353\377\377\377", -EINVAL, "nice"),
	ROW("oom_score_adj 1000", F(\24, \4) "\350\3\0\0", 0, NULL),
	ROW("oom_score_adj 1001", F(\24, \4) "\351\3\0\0", -EINVAL, "oom_score_adj"),
	ROW("oom_score_adj -1000", F(\24, \4) "\30\374\377\377", 0, NULL),
	ROW("oom_score_adj -1001", F(\24, \4) "\27\374\377\377", -EINVAL,
	    "oom_score_adj"),
	ROW("an rlimit", F(\25, \30) RLIMIT(\17), 0, NULL),
	ROW("a 17th rlimit", F(\25, \30) RLIMIT(\20), -EINVAL, "rlimits"),
	ROW("two rlimits", F(\25, \60) RLIMIT(\1) RLIMIT(\2), 0, NULL),
	ROW("an rlimit twice", F(\25, \60) RLIMIT(\1) RLIMIT(\1), -EINVAL, "rlimits"),
	ROW("no rlimits", F(\25, \0), -EINVAL, "rlimits"),
	ROW("an rlimit with reserved bits",
	    F(\25, \30) "\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", -EINVAL,
	    "rlimits"),
	ROW("cpus", F(\26, \10) "\0\0\0\0\0\0\0\200", 0, NULL),
	ROW("no cpu", F(\26, \10) "\0\0\0\0\0\0\0\0", -EINVAL, "cpus"),
	ROW("cpus of 4 bytes", F(\26, \4) "\1\0\0\0", -EINVAL, "cpus"),
	ROW("all flags", F(\27, \4) "\76\0\0\0", 0, NULL),
	ROW("the flag that a frame's type says", F(\27, \4) "\1\0\0\0", -EINVAL, "flags"),
	ROW("a flag that is not known", F(\27, \4) "\100\0\0\0", -EINVAL, "flags"),
	ROW("cgroup", F(\30, \3) "ab\0", 0, NULL),
	ROW("cgroup without NUL", F(\30, \3) "abc", -EINVAL, "cgroup"),
	ROW("cgroup with two NULs", F(\30, \3) "a\0\0", -EINVAL, "cgroup"),
	ROW("an empty cgroup", F(\30, \1) "\0", -EINVAL, "cgroup"),
	ROW("cgroup_limits", F(\31, \30) TWO_U64 "\377\377\377\377\0\0\0\0", 0, NULL),
	ROW("cgroup_limits with too many CPUs", F(\31, \30) TWO_U64 "\0\0\0\0\1\0\0\0",
	    -EINVAL, "cgroup_limits"),
	ROW("pty", F(\32, \10) "\1\0\2\0\3\0\4\0", 0, NULL),
	ROW("pty of 4 bytes", F(\32, \4) "\1\0\2\0", -EINVAL, "pty"),
	ROW("queue_timeout of 4 bytes", F(\33, \4) "\1\0\0\0", -EINVAL, "queue_timeout"),
	ROW("launch_timeout of 4 bytes", F(\34, \4) "\1\0\0\0", -EINVAL,
	    "launch_timeout"),
	ROW("idle_timeout of 4 bytes", F(\35, \4) "\1\0\0\0", -EINVAL, "idle_timeout"),
	ROW("output_limit", F(\36, \30) TWO_U64 "\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("output_limit with a third action", F(\36, \30) TWO_U64 "\2\0\0\0\0\0\0\0",
	    -EINVAL, "output_limit"),
	ROW("output_limit with reserved bits", F(\36, \30) TWO_U64 "\1\0\0\0\0\0\0\1",
	    -EINVAL, "output_limit"),
	ROW("drain", F(\37, \20) "\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("drain with a third action", F(\37, \20) "\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0",
	    -EINVAL, "drain"),
	ROW("drain with reserved bits", F(\37, \20) "\1\0\0\0\0\0\0\0\1\0\0\0\1\0\0\0",
	    -EINVAL, "drain"),
	ROW("gone", F(\40, \4) "\1\0\0\0", 0, NULL),
	ROW("released", F(\40, \4) "\2\0\0\0", 0, NULL),
	ROW("a fourth way to be gone", F(\40, \4) "\3\0\0\0", -EINVAL, "gone"),
};

ParameterizedTestParameters(request, each_rule_is_kept)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

ParameterizedTest(size_t *number, request, each_rule_is_kept)
{
	const struct row *row = &rows[*number];
	uint8_t *exact = malloc(row->size + !row->size);
	static struct request request;
	const char *field = NULL;

	memcpy(exact, row->bytes, row->size);
	cr_assert(eq(int, request_decode(exact, row->size, &request, &field), row->want),
		  "%s", row->name);
	if (row->field)
		cr_assert(eq(str, (char *)field, (char *)row->field), "%s", row->name);
	else
		cr_assert(field == NULL, "%s", row->name);
	free(exact);
}

static const struct usp_fd some_fds[] = {
	{ 3, { .kind = USP_STDIO_NULL } },
	{ 4, { .kind = USP_STDIO_PIPE, .direction = USP_DIRECTION_READ } },
	{ 7, { .kind = USP_STDIO_DUP, .fd = 4 } },
	{ 8,
	  { .kind = USP_STDIO_FILE, .path = "/f", .flags = 0x7fffffff, .mode = 07777 } },
	{ 9, { .kind = USP_STDIO_DUPLEX } },
	{ 10, { .kind = USP_STDIO_HANDOVER, .direction = USP_DIRECTION_WRITE } },
	{ 255, { .kind = USP_STDIO_FD } },
};

static const gid_t some_groups[] = { 0, 7, UINT32_MAX - 1 };

static const struct request everything = {
	.argv = { "cc\0-v", 6 },
	.env = { "A=1\0B=", 7 },
	.env_extend = { "C=", 3 },
	.env_unset = { "D\0E", 4 },
	.path = { "/usr/bin/cc", 11 },
	.search = { "cc", 2 },
	.cwd = { "/srv", 4 },
	.template_id = 0x01020304,
	.options = {
		.stdio = { { .kind = USP_STDIO_FD },
			   { .kind = USP_STDIO_FILE, .path = "out" },
			   { .kind = USP_STDIO_DUP, .fd = 1 } },
		.group = USP_GROUP_SESSION,
		.timeout_ns = UINT64_C(0x1122334455667788),
		.kill = { 15, USP_TARGET_TREE, UINT64_C(0x8877665544332211) },
		.ignored_signals = UINT64_C(0x8000000000000001),
		.window_bytes = 0x01020304,
		.flags = USP_FLAG_PIDFD | USP_FLAG_RUSAGE | USP_FLAG_CGROUP,
		.fds = some_fds,
		.n_fds = sizeof(some_fds) / sizeof(some_fds[0]),
		.set = USP_SET_UMASK | USP_SET_NICE | USP_SET_OOM_SCORE_ADJ |
		       USP_SET_CREDENTIALS,
		.umask = 0777,
		.nice = -20,
		.oom_score_adj = -1000,
		.uid = 0x01020304,
		.gid = 0,
		.groups = some_groups,
		.n_groups = 3,
		.rlimits = { { 15, 1, UINT64_MAX }, { 0, 0, 0 } },
		.n_rlimits = 2,
		.cpus = { 1, [15] = UINT64_C(1) << 63 },
		.cgroup = { "a/b", 1, 2, UINT32_MAX },
		.pty = { 1, 2, 3, 65535 },
		.queue_timeout_ns = 1,
		.launch_timeout_ns = 2,
		.idle_timeout_ns = 3,
		.output_max_bytes = 4,
		.output_tail_bytes = 5,
		.output_action = USP_OUTPUT_DROP,
		.drain_ns = 6,
		.drain_action = USP_DRAIN_KILL,
		.gone = USP_GONE_KEEP,
	},
};

static bool same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return !a == !b && a_size == b_size && (!a || memcmp(a, b, a_size) == 0);
}

static bool same_string(const char *a, const char *b)
{
	return !a == !b && (!a || strcmp(a, b) == 0);
}

#define CHECK_BYTES(member)                                                              \
	cr_assert(same_bytes(a->member.bytes, a->member.size, b->member.bytes,           \
			     b->member.size),                                            \
		  #member)
#define CHECK(member) cr_assert(eq(i64, (int64_t)a->member, (int64_t)b->member), #member)

static void check_same_stdio(const struct usp_stdio *a, const struct usp_stdio *b)
{
	CHECK(kind);
	CHECK(fd);
	CHECK(direction);
	CHECK(flags);
	CHECK(mode);
	cr_assert(same_string(a->path, b->path));
}

static void check_same_lists(const struct usp_options *a, const struct usp_options *b)
{
	CHECK(n_fds);
	for (size_t i = 0; i < a->n_fds; i++) {
		CHECK(fds[i].target);
		check_same_stdio(&a->fds[i].stdio, &b->fds[i].stdio);
	}
	CHECK(n_groups);
	for (size_t i = 0; i < a->n_groups; i++)
		CHECK(groups[i]);
	CHECK(n_rlimits);
	for (size_t i = 0; i < a->n_rlimits; i++) {
		CHECK(rlimits[i].resource);
		CHECK(rlimits[i].soft);
		CHECK(rlimits[i].hard);
	}
	for (size_t i = 0; i < USP_CPU_WORDS; i++)
		CHECK(cpus[i]);
}

static void check_same_options(const struct usp_options *a, const struct usp_options *b)
{
	for (int i = 0; i < 3; i++)
		check_same_stdio(&a->stdio[i], &b->stdio[i]);
	check_same_lists(a, b);
	CHECK(group);
	CHECK(timeout_ns);
	CHECK(kill.signal);
	CHECK(kill.target);
	CHECK(kill.grace_ns);
	CHECK(ignored_signals);
	CHECK(window_bytes);
	CHECK(flags);
	CHECK(set);
	CHECK(umask);
	CHECK(nice);
	CHECK(oom_score_adj);
	CHECK(uid);
	CHECK(gid);
	CHECK(cgroup.memory_max_bytes);
	CHECK(cgroup.pids_max);
	CHECK(cgroup.cpu_milli);
	cr_assert(same_string(a->cgroup.path, b->cgroup.path));
	CHECK(pty.rows);
	CHECK(pty.columns);
	CHECK(pty.x_pixels);
	CHECK(pty.y_pixels);
	CHECK(queue_timeout_ns);
	CHECK(launch_timeout_ns);
	CHECK(idle_timeout_ns);
	CHECK(output_max_bytes);
	CHECK(output_tail_bytes);
	CHECK(output_action);
	CHECK(drain_ns);
	CHECK(drain_action);
	CHECK(gone);
}

static void check_same(const struct request *a, const struct request *b)
{
	CHECK_BYTES(argv);
	CHECK_BYTES(env);
	CHECK_BYTES(env_extend);
	CHECK_BYTES(env_unset);
	CHECK_BYTES(path);
	CHECK_BYTES(search);
	CHECK_BYTES(cwd);
	CHECK(template_id);
	check_same_options(&a->options, &b->options);
}

static void check_round_trip(const struct request *request)
{
	static struct request again;
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(request, &out, &field), 0), "%s", field);
	cr_assert(eq(int, request_decode(buf_bytes(&out), buf_size(&out), &again, &field),
		     0),
		  "%s", field);
	check_same(request, &again);
	buf_done(&out);
}

Test(request, what_was_encoded_decodes_to_the_same)
{
	static struct request request;

	check_round_trip(&everything);
	check_round_trip(&request);
	request = everything;
	request.argv = (struct packed){ NULL, 0 };
	check_round_trip(&request);
	request = (struct request){ .cwd = { "", 0 }, .options.window_bytes = 1 };
	check_round_trip(&request);
}

/* It clears the environment of a template. */
Test(request, an_empty_list_is_not_a_list_left_out)
{
	check_round_trip(&(struct request){ .env = { "", 0 } });
}

Test(request, defaults_are_left_out)
{
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&(struct request){ 0 }, &out, &field), 0));

	cr_assert(eq(sz, buf_size(&out), 0));
	buf_done(&out);
}

/* A value that is left at zero and counts all the same. */
Test(request, what_is_set_to_zero_is_said)
{
	check_round_trip(&(struct request){ .options.set = USP_SET_UMASK | USP_SET_NICE |
							   USP_SET_OOM_SCORE_ADJ |
							   USP_SET_CREDENTIALS });
}

Test(request, the_encoder_gives_an_argument_to_a_dup_only)
{
	struct request request = { .options.stdio = { { USP_STDIO_FD, 7 } } };
	static struct request again;
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&request, &out, &field), 0));

	cr_assert(eq(int, request_decode(buf_bytes(&out), buf_size(&out), &again, &field),
		     0));
	cr_assert(eq(int, again.options.stdio[0].kind, USP_STDIO_FD));
	cr_assert(eq(int, again.options.stdio[0].fd, 0));
	buf_done(&out);
}

/* What no frame can say is refused before it is said. */
static const struct no_form {
	const char *field;
	struct usp_options options;
} no_forms[] = {
	{ "stdio", { .stdio = { { .kind = 9 } } } },
	{ "stdio", { .stdio = { { .kind = USP_STDIO_DUP, .fd = 256 } } } },
	{ "stdio", { .stdio = { { .kind = USP_STDIO_DUP, .fd = -1 } } } },
	{ "stdio", { .stdio = { { .kind = USP_STDIO_PIPE, .direction = 3 } } } },
	{ "file", { .stdio = { { .kind = USP_STDIO_FILE } } } },
	{ "file", { .stdio = { { .kind = USP_STDIO_FILE, .path = "" } } } },
	{ "file",
	  { .stdio = { { .kind = USP_STDIO_FILE, .path = "a", .mode = 010000 } } } },
	{ "fds", { .fds = some_fds, .n_fds = USP_FDS_MAX + 1 } },
	{ "fds",
	  { .fds = (struct usp_fd[]){ { 2, { .kind = USP_STDIO_NULL } } }, .n_fds = 1 } },
	{ "fds",
	  { .fds = (struct usp_fd[]){ { 256, { .kind = USP_STDIO_NULL } } },
	    .n_fds = 1 } },
	{ "fds",
	  { .fds = (struct usp_fd[]){ { 65539, { .kind = USP_STDIO_NULL } } },
	    .n_fds = 1 } },
	{ "fds",
	  { .fds = (struct usp_fd[]){ { 3, { .kind = USP_STDIO_PTY } } }, .n_fds = 1 } },
	{ "group", { .group = USP_GROUP_SAME } },
	{ "group", { .group = USP_GROUP_FOREGROUND } },
	{ "group", { .group = USP_GROUP_FOREGROUND } },
	{ "kill", { .kill.signal = 65 } },
	{ "kill", { .kill.signal = -1 } },
	{ "kill", { .kill.target = 3 } },
	{ "credentials", { .set = USP_SET_CREDENTIALS, .uid = UINT32_MAX } },
	{ "credentials", { .set = USP_SET_CREDENTIALS, .n_groups = USP_GROUPS_MAX + 1 } },
	{ "umask", { .set = USP_SET_UMASK, .umask = 01000 } },
	{ "nice", { .set = USP_SET_NICE, .nice = 20 } },
	{ "oom_score_adj", { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = -1001 } },
	{ "rlimits", { .n_rlimits = USP_RLIMITS_MAX + 1 } },
	{ "flags", { .flags = 64 } },
	{ "cgroup", { .cgroup.path = "" } },
	{ "output_limit", { .output_action = 2 } },
	{ "drain", { .drain_action = 2 } },
	{ "gone", { .gone = 3 } },
};

Test(request, what_has_no_form_is_named)
{
	for (size_t i = 0; i < sizeof(no_forms) / sizeof(no_forms[0]); i++) {
		struct request request = { .argv = { "a", 2 },
					   .options = no_forms[i].options };
		const char *field = "";
		struct buf out;

		buf_init(&out, 4096);
		cr_assert(eq(int, request_encode(&request, &out, &field), -EINVAL),
			  "row %zu", i);
		cr_assert(eq(str, (char *)field, (char *)no_forms[i].field), "row %zu",
			  i);
		cr_assert(eq(sz, buf_size(&out), 0), "row %zu", i);
		buf_done(&out);
	}
}

/* A cut between two fields is a shorter request, unless it parts a file from its path;
 * any other is refused. */
Test(request, a_truncated_payload_is_never_read_past_its_end)
{
	static struct request request;
	const char *field = "";
	size_t decoded = 0;
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&everything, &out, &field), 0));
	for (size_t size = 0; size < buf_size(&out); size++) {
		uint8_t *exact = malloc(size + !size);

		memcpy(exact, buf_bytes(&out), size);
		int ret = request_decode(exact, size, &request, &field);

		cr_assert(ret == 0 || ret == -EINVAL);
		decoded += ret == 0;
		free(exact);
	}
	cr_assert(eq(sz, decoded, 25));
	buf_done(&out);
}

Test(request, a_buffer_too_small_stays_as_it_was)
{
	const char *field = "";
	struct buf out;

	buf_init(&out, 20);
	cr_assert(eq(int, buf_append(&out, "abc", 3), 0));
	cr_assert(eq(int, request_encode(&everything, &out, &field), -EMSGSIZE));
	cr_assert(eq(int, hello_encode(&(struct hello){ .jobs = 1 }, &out), -EMSGSIZE));

	cr_assert(eq(sz, buf_size(&out), 3));
	buf_done(&out);
}

Test(request, descriptors_are_counted)
{
	struct request request = { 0 };

	cr_assert(eq(uint, request_fds(&request), 0));
	request.options.stdio[2].kind = USP_STDIO_FD;
	cr_assert(eq(uint, request_fds(&request), 1));
	request.options.stdio[0].kind = USP_STDIO_FD;
	request.options.stdio[1].kind = USP_STDIO_DUP;
	cr_assert(eq(uint, request_fds(&request), 2));
	cr_assert(eq(uint, request_fds(&everything), 2));
}

/* ---- batches --------------------------------------------------------------- */

static const struct batch_row {
	const char *name;
	const char *bytes;
	size_t size;
	int64_t want;
} batch_rows[] = {
#define BATCH(name, bytes, want)                                                         \
	{                                                                                \
		name, bytes, sizeof(bytes) - 1, want                                     \
	}
	BATCH("an entry", "\1\0\0\0\3\0\0\0\1\0\0\0x", 13),
	BATCH("an entry of no fields", "\1\0\0\0\2\0\0\0\0\0\0\0", 12),
	BATCH("an entry and the start of another", "\1\0\0\0\2\0\0\0\0\0\0\0y", 12),
	BATCH("half an entry", "\1\0\0\0\3\0\0\0\2\0\0\0x", -EINVAL),
	BATCH("half a header", "\1\0\0\0\3\0\0\0\2\0\0", -EINVAL),
	BATCH("the longest", "\1\0\0\0\3\0\0\0\377\377\377\377x", -EINVAL),
	BATCH("a batch in a batch", "\1\0\0\0\11\0\0\0\0\0\0\0", -EINVAL),
	BATCH("job 0", "\0\0\0\0\3\0\0\0\0\0\0\0", -EINVAL),
	BATCH("reserved bits", "\1\0\0\0\3\0\1\0\0\0\0\0", -EINVAL),
};

Test(request, an_entry_of_a_batch_is_a_frame_or_refused)
{
	for (size_t i = 0; i < sizeof(batch_rows) / sizeof(batch_rows[0]); i++) {
		const struct batch_row *row = &batch_rows[i];
		struct frame frame;

		cr_assert(eq(i64, batch_next(row->bytes, row->size, &frame), row->want),
			  "%s", row->name);
	}
}

Test(request, an_entry_of_a_batch_decodes_to_what_was_encoded)
{
	const struct frame frame = {
		.payload_bytes = 4, .type = USP_WIRE_RUN, .fds = 7, .job = 0x01020304
	};
	uint8_t bytes[USP_WIRE_BATCH_BYTES + 4] = { 0 };
	struct frame again;

	batch_encode_header(&frame, bytes);
	cr_assert(eq(i64, batch_next(bytes, sizeof(bytes), &again), sizeof(bytes)));

	cr_assert(eq(u8, again.type, frame.type));
	cr_assert(eq(u8, again.fds, frame.fds));
	cr_assert(eq(u32, again.job, frame.job));
	cr_assert(eq(u32, again.payload_bytes, 4));
	cr_assert(again.payload == bytes + USP_WIRE_BATCH_BYTES);
}

/* ---- hello --------------------------------------------------------------- */

static const struct hello greeting = {
	.version_min = 1,
	.version_max = 0x0203,
	.features = UINT64_C(0x1122334455667788),
	.frame_bytes = 8 << 20,
	.jobs = 4096,
	.window_bytes = 0x01020304,
	.stdin_window_bytes = 0xf0000000,
	.name = { "tester", 6 },
};

Test(request, a_hello_decodes_to_what_was_encoded)
{
	struct hello hello;
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, hello_encode(&greeting, &out), 0));
	cr_assert(eq(sz, buf_size(&out), USP_WIRE_HELLO_BYTES + 6));
	cr_assert(eq(int, hello_decode(buf_bytes(&out), buf_size(&out), &hello), 0));

	cr_assert(eq(u16, hello.version_min, greeting.version_min));
	cr_assert(eq(u16, hello.version_max, greeting.version_max));
	cr_assert(eq(u64, hello.features, greeting.features));
	cr_assert(eq(u32, hello.frame_bytes, greeting.frame_bytes));
	cr_assert(eq(u32, hello.jobs, greeting.jobs));
	cr_assert(eq(u32, hello.window_bytes, greeting.window_bytes));
	cr_assert(eq(u32, hello.stdin_window_bytes, greeting.stdin_window_bytes));
	cr_assert(same_bytes(hello.name.bytes, hello.name.size, "tester", 6));
	buf_done(&out);
}

Test(request, a_hello_that_is_cut_or_not_one_is_refused)
{
	struct hello hello;
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, hello_encode(&greeting, &out), 0));
	for (size_t size = 0; size <= USP_WIRE_HELLO_BYTES; size++) {
		uint8_t *exact = malloc(size + !size);

		memcpy(exact, buf_bytes(&out), size);
		cr_assert(eq(int, hello_decode(exact, size, &hello),
			     size < USP_WIRE_HELLO_BYTES ? -EINVAL : 0));
		free(exact);
	}
	for (int i = 0; i < 4; i++) {
		buf_bytes(&out)[i] ^= 1;
		cr_assert(
			eq(int, hello_decode(buf_bytes(&out), 40 - 2, &hello), -EPROTO));
		buf_bytes(&out)[i] ^= 1;
	}
	buf_done(&out);
}

Test(request, the_highest_common_version_is_spoken)
{
	static const struct {
		uint16_t min, max;
		int want;
	} ranges[] = {
		{ 1, 1, 1 },	   { 0, 1, 1 },	      { 1, 9, 1 },
		{ 1, 65535, 1 },   { 2, 9, -EPROTO }, { 0, 0, -EPROTO },
		{ 2, 1, -EPROTO }, { 9, 0, -EPROTO },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct hello hello = { .version_min = ranges[i].min,
				       .version_max = ranges[i].max };

		cr_assert(eq(int, hello_version(&hello), ranges[i].want), "row %zu", i);
	}
}
