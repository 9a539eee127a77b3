/*
 * wire/field_pool and wire/pool_frame: docs/PROTOCOL.md, what is asked and told of pools.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/annotate.h"
#include "base/buf.h"
#include "support/golden.h"
#include "wire/pool_frame.h"
#include "wire/request.h"

/* ---- the golden frames ------------------------------------------------------- */

static void check_golden(const char *name, const struct frame *frame)
{
	struct golden golden = golden_read(name);
	uint8_t header[USP_WIRE_HEADER_BYTES];

	frame_encode_header(frame, header);
	cr_assert(eq(sz, sizeof(header) + frame->payload_bytes, golden.size), "%s", name);
	cr_assert(memcmp(header, golden.bytes, sizeof(header)) == 0, "%s", name);
	if (frame->payload_bytes)
		cr_assert(memcmp(frame->payload, golden.bytes + sizeof(header),
				 frame->payload_bytes) == 0,
			  "%s", name);
}

static void check_request(const char *name, struct frame frame,
			  const struct request *request)
{
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(request, &out, &field), 0), "%s: %s", name,
		  field);
	frame.payload = buf_bytes(&out);
	frame.payload_bytes = (uint32_t)buf_size(&out);
	check_golden(name, &frame);
	buf_done(&out);
}

static const struct request worker = {
	.argv = { "node", 5 },
	.pool_name = { "img", 3 },
	.pool = {
		.kind = USP_POOL_WORKER,
		.order = USP_POOL_FIFO,
		.ping_on_use = true,
		.keep = true,
		.idle_ns = 1000000000,
		.max_age_ns = UINT64_C(120000000000),
		.max_rss_bytes = 128 << 20,
		.max_uses = 1000,
		.ready_stream = 3,
		.ready_timeout_ns = UINT64_C(5000000000),
		.acquire_timeout_ns = 2000000000,
		.channel = 3,
		.reset = { "r\n\n", 3, "ok\n", 3, 1000000000 },
		.ping = { "p\n", 2, "\n", 1, 0 },
		.ping_interval_ns = UINT64_C(5000000000),
	},
};

Test(pool_wire, an_opening_is_the_golden_one)
{
	check_request("pool-open.bin", (struct frame){ .type = 0x0f, .job = 1 },
		      &(struct request){ .argv = { "cat", 4 },
					 .options.stdio = { { USP_STDIO_PIPE } },
					 .pool = { .max = 8, .spare = 2 } });
	check_request("pool-open-worker.bin", (struct frame){ .type = 0x0f, .job = 2 },
		      &worker);
	check_request("pool-open-shared.bin", (struct frame){ .type = 0x0f, .job = 3 },
		      &(struct request){ .pool_name = { "img", 3 } });
	check_request("spawn-pool.bin", (struct frame){ .type = 0x02, .job = 11 },
		      &(struct request){ .pool_id = 1, .options.priority = 5 });
}

Test(pool_wire, a_frame_of_a_pool_is_the_golden_one)
{
	uint8_t place[POOL_RESIZE_BYTES];
	struct frame frame;

	frame = pool_resize_frame(1, &(struct pool_new_size){ 1, 16, 4 }, place);
	check_golden("pool-resize.bin", &frame);
	frame = pool_close_frame(
		1, &(struct pool_closing){ USP_WIRE_POOL_END, 1000000000 }, place);
	check_golden("pool-close.bin", &frame);
	frame = pool_close_frame(3, &(struct pool_closing){ USP_WIRE_POOL_LEAVE, 0 },
				 place);
	check_golden("pool-leave.bin", &frame);
	frame = pool_done_frame(1, USP_WIRE_POOL_OPEN, 0, "");
	check_golden("pool-done.bin", &frame);
	frame = pool_done_frame(2, USP_WIRE_POOL_OPEN, EINVAL, "max_uses");
	check_golden("pool-done-failed.bin", &frame);
	frame = pool_output_frame(1, &(struct pool_said){ 2, 4243, "oops\n", 5 });
	check_golden("pool-output.bin", &frame);
}

/* ---- fields ----------------------------------------------------------------- */

/* A field header: tag, flags, size. */
#define F(tag, size) #tag "\0\0\0" #size "\0\0\0"
#define ZERO_4	     "\0\0\0\0"
#define ZERO_8	     ZERO_4 ZERO_4

/* The bytes stand in escapes of octal digits. */
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
	ROW("name", F(\41, \3) "a b", 0, NULL),
	ROW("no name", F(\41, \0), -EINVAL, "pool_name"),
	ROW("a name with NUL", F(\41, \3) "a\0b", -EINVAL, "pool_name"),
	ROW("two names", F(\41, \1) "a" F(\41, \1) "b", -EINVAL, "pool_name"),
	ROW("kind", F(\42, \14) "\1\0\0\0\2\0\0\0\17\0\0\0", 0, NULL),
	ROW("kind of 8 bytes", F(\42, \10) ZERO_8, -EINVAL, "pool_kind"),
	ROW("a third kind", F(\42, \14) "\2\0\0\0" ZERO_8, -EINVAL, "pool_kind"),
	ROW("a fourth order", F(\42, \14) "\0\0\0\0\3\0\0\0\0\0\0\0", -EINVAL,
	    "pool_kind"),
	ROW("a fifth flag", F(\42, \14) ZERO_8 "\20\0\0\0", -EINVAL, "pool_kind"),
	ROW("a high flag", F(\42, \14) ZERO_8 "\0\0\0\200", -EINVAL, "pool_kind"),
	ROW("size", F(\43, \20) ZERO_8 "\377\377\377\377\0\0\0\0", 0, NULL),
	ROW("size of 12 bytes", F(\43, \14) ZERO_8 ZERO_4, -EINVAL, "pool_size"),
	ROW("limits", F(\44, \40) ZERO_8 ZERO_8 ZERO_8 "\1\0\0\0\0\0\0\0", 0, NULL),
	ROW("limits with reserved bits",
	    F(\44, \40) ZERO_8 ZERO_8 ZERO_8 "\1\0\0\0\1\0\0\0", -EINVAL, "pool_limits"),
	ROW("limits of 28 bytes", F(\44, \34) ZERO_8 ZERO_8 ZERO_8 ZERO_4, -EINVAL,
	    "pool_limits"),
	ROW("ready", F(\45, \20) "\377\0\0\0\0\0\0\0" ZERO_8, 0, NULL),
	ROW("ready on stream 256", F(\45, \20) "\0\1\0\0\0\0\0\0" ZERO_8, -EINVAL,
	    "pool_ready"),
	ROW("ready with reserved bits", F(\45, \20) "\1\0\0\0\1\0\0\0" ZERO_8, -EINVAL,
	    "pool_ready"),
	ROW("acquire", F(\46, \10) ZERO_8, 0, NULL),
	ROW("acquire of 4 bytes", F(\46, \4) ZERO_4, -EINVAL, "pool_acquire"),
	ROW("channel", F(\47, \4) "\377\0\0\0", 0, NULL),
	ROW("channel 0", F(\47, \4) ZERO_4, -EINVAL, "pool_channel"),
	ROW("channel 256", F(\47, \4) "\0\1\0\0", -EINVAL, "pool_channel"),
	ROW("reset", F(\50, \16) ZERO_8 "\1\0\0\0ab", 0, NULL),
	ROW("reset without an answer", F(\50, \15) ZERO_8 "\1\0\0\0a", 0, NULL),
	ROW("reset that asks nothing", F(\50, \15) ZERO_8 "\0\0\0\0a", -EINVAL,
	    "pool_reset"),
	ROW("reset that is cut off", F(\50, \15) ZERO_8 "\2\0\0\0a", -EINVAL,
	    "pool_reset"),
	ROW("reset that says it asks 4 GiB", F(\50, \15) ZERO_8 "\377\377\377\377a",
	    -EINVAL, "pool_reset"),
	ROW("reset of 11 bytes", F(\50, \13) ZERO_8 "\1\0\0", -EINVAL, "pool_reset"),
	ROW("ping", F(\51, \26) ZERO_8 ZERO_8 "\1\0\0\0ab", 0, NULL),
	ROW("ping that asks nothing", F(\51, \24) ZERO_8 ZERO_8 "\0\0\0\0", -EINVAL,
	    "pool_ping"),
	ROW("ping that is cut off", F(\51, \25) ZERO_8 ZERO_8 "\3\0\0\0a", -EINVAL,
	    "pool_ping"),
	ROW("ping of 19 bytes", F(\51, \23) ZERO_8 ZERO_8 "\1\0\0", -EINVAL, "pool_ping"),
	ROW("a use", F(\52, \4) "\1\0\0\0", 0, NULL),
	ROW("a use of pool 0", F(\52, \4) ZERO_4, -EINVAL, "use_pool"),
	ROW("a use twice", F(\52, \4) "\1\0\0\0" F(\52, \4) "\1\0\0\0", -EINVAL,
	    "use_pool"),
	ROW("priority", F(\53, \4) "\377\377\377\377", 0, NULL),
	ROW("priority of 8 bytes", F(\53, \10) ZERO_8, -EINVAL, "priority"),
};

Test(pool_wire, each_rule_of_a_field_is_kept)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *exact = malloc(rows[i].size);
		static struct request request;
		const char *field = NULL;

		memcpy(exact, rows[i].bytes, rows[i].size);
		cr_assert(eq(int, request_decode(exact, rows[i].size, &request, &field),
			     rows[i].want),
			  "%s", rows[i].name);
		if (rows[i].want)
			cr_assert(eq(str, (char *)field, (char *)rows[i].field), "%s",
				  rows[i].name);
		free(exact);
	}
}

/* A name of 129 bytes, and messages of 64 KiB and one byte. */
Test(pool_wire, each_bound_of_a_field_is_kept)
{
	static char big[USP_POOL_MESSAGE_MAX + 1];
	static struct request request;
	struct {
		size_t name, ask, answer;
		const char *want;
	} bounds[] = {
		{ USP_POOL_NAME_MAX, 1, 0, NULL },
		{ USP_POOL_NAME_MAX + 1, 1, 0, "pool_name" },
		{ 1, USP_POOL_MESSAGE_MAX, USP_POOL_MESSAGE_MAX, NULL },
		{ 1, USP_POOL_MESSAGE_MAX + 1, 0, "pool_reset" },
		{ 1, 1, USP_POOL_MESSAGE_MAX + 1, "pool_reset" },
	};

	memset(big, 'x', sizeof(big));
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		struct request asked = { .pool_name = { big, bounds[i].name },
					 .pool.reset = { big, bounds[i].ask, big,
							 bounds[i].answer, 1 } };
		const char *field = "";
		struct buf out;
		int ret;

		buf_init(&out, 1 << 20);
		ret = request_encode(&asked, &out, &field);
		cr_assert(eq(int, ret, bounds[i].want ? -EINVAL : 0), "row %zu", i);
		if (bounds[i].want)
			cr_assert(eq(str, (char *)field, (char *)bounds[i].want));
		else
			cr_assert(eq(int,
				     request_decode(buf_bytes(&out), buf_size(&out),
						    &request, &field),
				     0));
		buf_done(&out);
	}
}

static bool same_message(const struct usp_pool_message *a,
			 const struct usp_pool_message *b)
{
	return a->ask_bytes == b->ask_bytes && a->answer_bytes == b->answer_bytes &&
	       a->timeout_ns == b->timeout_ns &&
	       memcmp(a->ask, b->ask, a->ask_bytes) == 0 &&
	       memcmp(a->answer, b->answer, a->answer_bytes) == 0;
}

Test(pool_wire, what_was_encoded_decodes_to_the_same)
{
	struct request asked = worker;
	static struct request again;
	const struct usp_pool_options *a = &asked.pool, *b = &again.pool;
	const char *field = "";
	struct buf out;

	asked.pool_outputs = true;
	asked.pool.replace = true;
	asked.pool.min = 1;
	asked.pool.max = 2;
	asked.pool.spare = 3;
	asked.pool.waiting_max = 4;
	buf_init(&out, 4096);
	cr_assert(eq(int, request_encode(&asked, &out, &field), 0));
	cr_assert(eq(int, request_decode(buf_bytes(&out), buf_size(&out), &again, &field),
		     0));
	cr_assert(eq(sz, again.pool_name.size, 3));
	cr_assert(memcmp(again.pool_name.bytes, "img", 3) == 0);
	cr_assert(again.pool_outputs && b->replace && b->ping_on_use && b->keep);
	cr_assert(b->kind == a->kind && b->order == a->order);
	cr_assert(b->min == 1 && b->max == 2 && b->spare == 3 && b->waiting_max == 4);
	cr_assert(b->idle_ns == a->idle_ns && b->max_age_ns == a->max_age_ns);
	cr_assert(b->max_rss_bytes == a->max_rss_bytes && b->max_uses == a->max_uses);
	cr_assert(b->ready_stream == 3 && b->ready_timeout_ns == a->ready_timeout_ns);
	cr_assert(b->acquire_timeout_ns == a->acquire_timeout_ns && b->channel == 3);
	cr_assert(same_message(&a->reset, &b->reset));
	cr_assert(same_message(&a->ping, &b->ping));
	cr_assert(eq(u64, b->ping_interval_ns, a->ping_interval_ns));
	buf_done(&out);
}

/* What no frame can say is refused before it is said. */
Test(pool_wire, what_has_no_form_is_named)
{
	static const struct {
		const char *field;
		struct usp_pool_options pool;
	} no_forms[] = {
		{ "pool_kind", { .kind = 2 } },
		{ "pool_kind", { .order = 3 } },
		{ "pool_ready", { .ready_stream = 256 } },
		{ "pool_ready", { .ready_stream = -1 } },
		{ "pool_channel", { .channel = 256 } },
		{ "pool_channel", { .channel = -1 } },
		{ "pool_reset", { .reset = { NULL, 1, NULL, 0, 0 } } },
		{ "pool_reset", { .reset = { "a", 1, NULL, 1, 0 } } },
		{ "pool_ping", { .ping_interval_ns = 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(no_forms); i++) {
		struct request request = { .pool = no_forms[i].pool };
		const char *field = "";
		struct buf out;

		buf_init(&out, 4096);
		cr_assert(eq(int, request_encode(&request, &out, &field), -EINVAL),
			  "row %zu", i);
		cr_assert(eq(str, (char *)field, (char *)no_forms[i].field), "row %zu",
			  i);
		buf_done(&out);
	}
}

/* ---- what belongs where ------------------------------------------------------ */

Test(pool_wire, each_kind_of_frame_has_its_own_fields)
{
	static const struct {
		const char *bytes;
		size_t size;
		uint8_t type;
		const char *odd;
	} kinds[] = {
		{ F(\52, \4) "\1\0\0\0", 12, USP_WIRE_SPAWN, NULL },
		{ F(\53, \4) "\1\0\0\0", 12, USP_WIRE_RUN, NULL },
		{ F(\52, \4) "\1\0\0\0", 12, USP_WIRE_TEMPLATE, "use_pool" },
		{ F(\53, \4) "\1\0\0\0", 12, USP_WIRE_POOL_OPEN, "priority" },
		{ F(\41, \1) "a", 9, USP_WIRE_POOL_OPEN, NULL },
		{ F(\41, \1) "a", 9, USP_WIRE_SPAWN, "pool_name" },
		{ F(\41, \1) "a", 9, USP_WIRE_TEMPLATE, "pool_name" },
		{ F(\47, \4) "\3\0\0\0", 12, USP_WIRE_RUN, "pool_channel" },
		{ F(\1, \2) "a", 10, USP_WIRE_POOL_OPEN, NULL },
		{ F(\20, \4) "\1\0\0\0", 12, USP_WIRE_POOL_OPEN, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		static struct request request;
		const char *field = NULL;

		cr_assert(eq(
			int,
			request_decode(kinds[i].bytes, kinds[i].size, &request, &field),
			0));
		cr_assert(eq(int, request_check_type(&request, kinds[i].type, &field),
			     kinds[i].odd ? -EINVAL : 0),
			  "row %zu", i);
		if (kinds[i].odd)
			cr_assert(eq(str, (char *)field, (char *)kinds[i].odd));
	}
}

/* ---- frames ------------------------------------------------------------------ */

static const uint8_t payload[16] = { 1, 0, 0, 0, 2, 0, 0, 0, 3 };

static struct frame frame_of(uint32_t job, uint16_t flags, uint32_t arg, uint32_t size)
{
	return (struct frame){ .job = job,
			       .flags = flags,
			       .arg = arg,
			       .payload_bytes = size,
			       .payload = payload };
}

static int decode_resize(struct frame frame)
{
	struct pool_new_size size;

	return pool_resize_decode(&frame, &size);
}

static int decode_close(struct frame frame)
{
	struct pool_closing closing;

	return pool_close_decode(&frame, &closing);
}

static int decode_done(struct frame frame)
{
	struct pool_done done;

	return pool_done_decode(&frame, &done);
}

static int decode_output(struct frame frame)
{
	struct pool_said said;

	return pool_output_decode(&frame, &said);
}

Test(pool_wire, each_rule_of_a_frame_is_kept)
{
	cr_expect(eq(int, decode_resize(frame_of(1, 0, 0, 12)), 0));
	cr_expect(eq(int, decode_resize(frame_of(0, 0, 0, 12)), -EINVAL));
	cr_expect(eq(int, decode_resize(frame_of(1, 0, 0, 11)), -EINVAL));
	cr_expect(eq(int, decode_resize(frame_of(1, 0, 0, 13)), -EINVAL));

	cr_expect(eq(int, decode_close(frame_of(1, 1, 0, 8)), 0));
	cr_expect(eq(int, decode_close(frame_of(1, 2, 0, 8)), -EINVAL));
	cr_expect(eq(int, decode_close(frame_of(0, 0, 0, 8)), -EINVAL));
	cr_expect(eq(int, decode_close(frame_of(1, 0, 0, 0)), -EINVAL));

	cr_expect(eq(int, decode_done(frame_of(1, 0x0f, 0, 0)), 0));
	cr_expect(eq(int, decode_done(frame_of(1, 0x11, 2, 1)), 0));
	cr_expect(eq(int, decode_done(frame_of(0, 0x0f, 0, 0)), -EINVAL));
	cr_expect(eq(int, decode_done(frame_of(1, 0x0e, 0, 0)), -EINVAL));
	cr_expect(eq(int, decode_done(frame_of(1, 0x12, 0, 0)), -EINVAL));
	cr_expect(eq(int, decode_done(frame_of(1, 0x0f, 0, 1)), -EINVAL), "a field");
	cr_expect(eq(int, decode_done(frame_of(1, 0x0f, 22, 2)), -EINVAL), "with NUL");
	cr_expect(eq(int, decode_done(frame_of(1, 0x0f, UINT32_MAX, 0)), -EINVAL));

	cr_expect(eq(int, decode_output(frame_of(1, 255, 7, 1)), 0));
	cr_expect(eq(int, decode_output(frame_of(0, 2, 7, 1)), -EINVAL));
	cr_expect(eq(int, decode_output(frame_of(1, 256, 7, 1)), -EINVAL));
	cr_expect(eq(int, decode_output(frame_of(1, 2, 0, 1)), -EINVAL));
	cr_expect(eq(int, decode_output(frame_of(1, 2, UINT32_MAX, 1)), -EINVAL));
	cr_expect(eq(int, decode_output(frame_of(1, 2, 7, 0)), -EINVAL));
}

Test(pool_wire, a_frame_decodes_to_what_was_encoded)
{
	uint8_t place[POOL_RESIZE_BYTES];
	struct pool_new_size size;
	struct pool_closing closing;
	struct frame frame;

	frame = pool_resize_frame(9, &(struct pool_new_size){ 7, 8, UINT32_MAX }, place);
	cr_assert(eq(int, pool_resize_decode(&frame, &size), 0));
	cr_assert(size.min == 7 && size.max == 8 && size.spare == UINT32_MAX);
	frame = pool_close_frame(
		9, &(struct pool_closing){ USP_WIRE_POOL_END, UINT64_MAX }, place);
	cr_assert(eq(int, pool_close_decode(&frame, &closing), 0));
	cr_assert(closing.how == USP_WIRE_POOL_END && closing.drain_ns == UINT64_MAX);
}

Test(pool_wire, a_long_field_is_cut)
{
	static char name[200];
	struct frame frame;
	struct pool_done done;

	memset(name, 'a', sizeof(name) - 1);
	frame = pool_done_frame(1, USP_WIRE_POOL_OPEN, EINVAL, name);
	cr_assert(eq(u32, frame.payload_bytes, POOL_FIELD_BYTES - 1));
	frame.payload_bytes = sizeof(name) - 1;
	cr_assert(eq(int, pool_done_decode(&frame, &done), 0));
	cr_assert(eq(sz, strlen(done.field), POOL_FIELD_BYTES - 1));
}
