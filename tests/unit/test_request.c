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
	ROW("an unknown field is ignored", F(\14, \1) "x", 0, NULL),
	ROW("tag 0 is unknown", F(\0, \1) "x", 0, NULL),
	ROW("an unknown field twice is ignored", F(\14, \0) F(\14, \0), 0, NULL),
	ROW("a large unknown tag", "\1\1\0\0\1\0\0\0x", 0, NULL),
	ROW("an unknown field that must be understood", "\14\0\1\0\1\0\0\0x", -ENOTSUP,
	    "unknown field"),
	ROW("a large unknown tag that must be understood", "\1\1\1\0\1\0\0\0x", -ENOTSUP,
	    "unknown field"),
	ROW("another flag of an unknown field", "\14\0\2\0\1\0\0\0x", 0, NULL),
	ROW("a known field that must be understood", "\1\0\1\0\2\0\0\0a\0", 0, NULL),
	ROW("stdio", F(\6, \6) "\1\0\2\0\4\1", 0, NULL),
	ROW("stdio of 5 bytes", F(\6, \5) "\1\0\2\0\4", -EINVAL, "stdio"),
	ROW("stdio of 7 bytes", F(\6, \7) "\1\0\2\0\4\1\0", -EINVAL, "stdio"),
	ROW("an unknown kind of stdio", F(\6, \6) "\1\0\5\0\4\1", -EINVAL, "stdio"),
	ROW("a dup of a fourth stream", F(\6, \6) "\1\0\2\0\4\3", -EINVAL, "stdio"),
	ROW("an argument without a meaning", F(\6, \6) "\1\0\2\1\4\1", -EINVAL, "stdio"),
	ROW("group", F(\7, \4) "\1\0\0\0", 0, NULL),
	ROW("the daemon's own group", F(\7, \4) "\2\0\0\0", -EINVAL, "group"),
	ROW("group with a high byte", F(\7, \4) "\0\0\0\1", -EINVAL, "group"),
	ROW("group of 3 bytes", F(\7, \3) "\1\0\0", -EINVAL, "group"),
	ROW("timeout", F(\10, \10) "\1\0\0\0\0\0\0\377", 0, NULL),
	ROW("timeout of 4 bytes", F(\10, \4) "\1\0\0\0", -EINVAL, "timeout"),
	ROW("kill", F(\11, \20) "\100\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("kill with signal 65", F(\11, \20) "\101\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0",
	    -EINVAL, "kill"),
	ROW("kill with the plan as target",
	    F(\11, \20) "\1\0\0\0\2\0\0\0\1\0\0\0\0\0\0\0", -EINVAL, "kill"),
	ROW("kill of 8 bytes", F(\11, \10) "\1\0\0\0\1\0\0\0", -EINVAL, "kill"),
	ROW("ignored", F(\12, \10) "\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("ignored of 4 bytes", F(\12, \4) "\1\0\0\0", -EINVAL, "ignored"),
	ROW("credit", F(\13, \4) "\1\0\0\0", 0, NULL),
	ROW("no credit", F(\13, \4) "\0\0\0\0", -EINVAL, "credit"),
	ROW("credit of 8 bytes", F(\13, \10) "\1\0\0\0\0\0\0\0", -EINVAL, "credit"),
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
	struct request request = { .group = 4711 };
	const char *field = NULL;

	memcpy(exact, row->bytes, row->size);
	cr_assert(eq(int, request_decode(exact, row->size, &request, &field), row->want),
		  "%s", row->name);
	if (row->field)
		cr_assert(eq(str, (char *)field, (char *)row->field), "%s", row->name);
	else
		cr_assert(field == NULL, "%s", row->name);
	cr_assert(eq(int, request.group == 4711, row->want < 0), "%s", row->name);
	free(exact);
}

static const struct request everything = {
	.argv = { "cc\0-v", 6 },
	.env = { "A=1\0B=", 7 },
	.path = { "/usr/bin/cc", 11 },
	.search = { "cc", 2 },
	.cwd = { "/srv", 4 },
	.stdio = { { USP_WIRE_STDIO_FD, 0 },
		   { USP_WIRE_STDIO_PIPE, 0 },
		   { USP_WIRE_STDIO_DUP, 1 } },
	.group = 1,
	.timeout_ns = UINT64_C(0x1122334455667788),
	.kill_signal = 15,
	.kill_target = 1,
	.kill_grace_ns = UINT64_C(0x8877665544332211),
	.ignored_signals = UINT64_C(0x8000000000000001),
	.window_bytes = 0x01020304,
	.has_window = true,
};

static bool same_bytes(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return !a == !b && a_size == b_size && (!a || memcmp(a, b, a_size) == 0);
}

static void check_same(const struct request *a, const struct request *b)
{
	cr_assert(same_bytes(a->argv.bytes, a->argv.size, b->argv.bytes, b->argv.size));
	cr_assert(same_bytes(a->env.bytes, a->env.size, b->env.bytes, b->env.size));
	cr_assert(same_bytes(a->path.bytes, a->path.size, b->path.bytes, b->path.size));
	cr_assert(same_bytes(a->search.bytes, a->search.size, b->search.bytes,
			     b->search.size));
	cr_assert(same_bytes(a->cwd.bytes, a->cwd.size, b->cwd.bytes, b->cwd.size));
	cr_assert(memcmp(a->stdio, b->stdio, sizeof(a->stdio)) == 0);
	cr_assert(eq(u32, a->group, b->group));
	cr_assert(eq(u64, a->timeout_ns, b->timeout_ns));
	cr_assert(eq(u32, a->kill_signal, b->kill_signal));
	cr_assert(eq(u32, a->kill_target, b->kill_target));
	cr_assert(eq(u64, a->kill_grace_ns, b->kill_grace_ns));
	cr_assert(eq(u64, a->ignored_signals, b->ignored_signals));
	cr_assert(eq(u32, a->window_bytes, b->window_bytes));
	cr_assert(eq(int, a->has_window, b->has_window));
}

static void check_round_trip(const struct request *request)
{
	struct request again;
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(request, &out), 0));
	cr_assert(eq(int, request_decode(buf_bytes(&out), buf_size(&out), &again, &field),
		     0),
		  "%s", field);
	check_same(request, &again);
	buf_done(&out);
}

Test(request, what_was_encoded_decodes_to_the_same)
{
	struct request request = everything;

	check_round_trip(&everything);
	check_round_trip(&(struct request){ 0 });
	request.argv = (struct packed){ NULL, 0 };
	check_round_trip(&request);
	request = (struct request){ .cwd = { "", 0 },
				    .has_window = true,
				    .window_bytes = 1 };
	check_round_trip(&request);
}

Test(request, defaults_are_left_out)
{
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&(struct request){ 0 }, &out), 0));

	cr_assert(eq(sz, buf_size(&out), 0));
	buf_done(&out);
}

Test(request, the_encoder_gives_an_argument_to_a_dup_only)
{
	struct request request = { .stdio = { { USP_WIRE_STDIO_FD, 7 } } }, again;
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&request, &out), 0));

	cr_assert(eq(int, request_decode(buf_bytes(&out), buf_size(&out), &again, &field),
		     0));
	cr_assert(eq(u8, again.stdio[0].kind, USP_WIRE_STDIO_FD));
	buf_done(&out);
}

/* A cut between two fields is a shorter request; any other is refused. */
Test(request, a_truncated_payload_is_never_read_past_its_end)
{
	size_t decoded = 0;
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&everything, &out), 0));
	for (size_t size = 0; size < buf_size(&out); size++) {
		uint8_t *exact = malloc(size + !size);
		struct request request;
		const char *field = "";

		memcpy(exact, buf_bytes(&out), size);
		int ret = request_decode(exact, size, &request, &field);

		cr_assert(ret == 0 || ret == -EINVAL);
		decoded += ret == 0;
		free(exact);
	}
	cr_assert(eq(sz, decoded, 11));
	buf_done(&out);
}

Test(request, a_buffer_too_small_stays_as_it_was)
{
	struct buf out;

	buf_init(&out, 20);
	cr_assert(eq(int, buf_append(&out, "abc", 3), 0));
	cr_assert(eq(int, request_encode(&everything, &out), -EMSGSIZE));
	cr_assert(eq(int, hello_encode(&(struct hello){ .jobs = 1 }, &out), -EMSGSIZE));

	cr_assert(eq(sz, buf_size(&out), 3));
	buf_done(&out);
}

Test(request, descriptors_are_counted)
{
	struct request request = { 0 };

	cr_assert(eq(uint, request_fds(&request), 0));
	request.stdio[2].kind = USP_WIRE_STDIO_FD;
	cr_assert(eq(uint, request_fds(&request), 1));
	request.stdio[0].kind = USP_WIRE_STDIO_FD;
	request.stdio[1].kind = USP_WIRE_STDIO_DUP;
	cr_assert(eq(uint, request_fds(&request), 2));
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
