/*
 * docs/PROTOCOL.md kept true: its examples are the golden frames, the encoder
 * writes the golden frames, and every number of wire.h is explained.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <uringspawn/spawn.h>
#include <uringspawn/wire.h>

#include "base/buf.h"
#include "support/golden.h"
#include "wire/reply.h"
#include "wire/request.h"

/* ---- the document -------------------------------------------------------- */

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size = 0;
	char *text = NULL;

	cr_assert(file != NULL, "no %s: run the tests from the top of the tree", path);
	cr_assert(lt(int, 0, (int)getdelim(&text, &size, 0, file)));
	fclose(file);
	return text;
}

/* The bytes of one line: pairs of digits and blanks, up to ';' or its end. */
static size_t read_hex_line(const char *line, uint8_t *out)
{
	size_t n = 0;

	while (*line && *line != ';' && *line != '\n') {
		char pair[3] = { line[0], line[1], 0 };

		if (*line == ' ') {
			line++;
			continue;
		}
		cr_assert(eq(sz, strspn(pair, "0123456789abcdef"), 2), "not bytes: %.60s",
			  line);
		out[n++] = (uint8_t)strtoul(pair, NULL, 16);
		line += 2;
	}
	return n;
}

Test(protocol, the_document_shows_the_golden_frames)
{
	char *text = read_text("docs/PROTOCOL.md");
	unsigned n_examples = 0;

	for (char *at = text; (at = strstr(at, "```hex ")); n_examples++) {
		struct golden golden;
		uint8_t bytes[4096];
		size_t size = 0;
		char name[64];

		cr_assert(eq(int, sscanf(at, "```hex %63s", name), 1));
		golden = golden_read(name);
		for (at = strchr(at, '\n') + 1; *at != '`'; at = strchr(at, '\n') + 1)
			size += read_hex_line(at, bytes + size);
		cr_assert(eq(sz, size, golden.size), "%s", name);
		cr_assert(memcmp(bytes, golden.bytes, size) == 0, "%s", name);
		at = strchr(at, '\n');
	}
	cr_assert(eq(uint, n_examples, 62), "a new example: raise this number");
	free(text);
}

Test(protocol, the_document_explains_every_number)
{
	char *text = read_text("docs/PROTOCOL.md");
	char *header = read_text("include/uringspawn/wire.h");
	unsigned n_names = 0;

	for (char *at = header; (at = strstr(at, "USP_WIRE_")); n_names++) {
		size_t size = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
		char quoted[64];

		snprintf(quoted, sizeof(quoted), "`%.*s`", (int)size, at);
		cr_assert(strstr(text, quoted) != NULL, "PROTOCOL.md does not have %s",
			  quoted);
		at += size;
	}
	cr_assert(lt(uint, 40, n_names));
	free(header);
	free(text);
}

/* Each row of the two tables is "| number | name |". */
Test(protocol, the_document_lists_stages_and_reasons_by_their_names)
{
	char *text = read_text("docs/PROTOCOL.md");
	char row[64];

	for (int i = USP_STAGE_VALIDATE; i <= USP_STAGE_READY; i++) {
		snprintf(row, sizeof(row), "\n| %d | %s |", i, usp_stage_name(i));
		cr_assert(strstr(text, row) != NULL, "PROTOCOL.md does not have%s", row);
	}
	for (int i = USP_REASON_EXITED; i <= USP_REASON_RELEASED; i++) {
		snprintf(row, sizeof(row), "\n| %d | %s |", i, usp_reason_name(i));
		cr_assert(strstr(text, row) != NULL, "PROTOCOL.md does not have%s", row);
	}
	free(text);
}

/* ---- the encoder --------------------------------------------------------- */

static void check_golden(const char *name, struct buf *out)
{
	struct golden golden = golden_read(name);

	cr_assert(lt(sz, 0, golden.size), "no %s", name);
	cr_assert(eq(sz, buf_size(out), golden.size), "%s", name);
	cr_assert(memcmp(buf_bytes(out), golden.bytes, golden.size) == 0, "%s", name);
	buf_consume(out, buf_size(out));
}

/* A header, and behind it the payload that was encoded after it. */
static void finish_frame(struct buf *out, struct frame frame)
{
	frame.payload_bytes = (uint32_t)(buf_size(out) - USP_WIRE_HEADER_BYTES);
	frame_encode_header(&frame, buf_bytes(out));
}

static void check_hello(const char *name, const struct hello *hello)
{
	uint8_t header[USP_WIRE_HEADER_BYTES] = { 0 };
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, buf_append(&out, header, sizeof(header)), 0));
	cr_assert(eq(int, hello_encode(hello, &out), 0));
	finish_frame(&out, (struct frame){ .type = USP_WIRE_HELLO });
	check_golden(name, &out);
	buf_done(&out);
}

Test(protocol, a_hello_is_the_golden_one)
{
	check_hello("hello-client.bin",
		    &(struct hello){ .version_min = 1,
				     .version_max = 1,
				     .frame_bytes = USP_WIRE_FRAME_BYTES_MAX,
				     .name = { "example-client 1", 16 } });
	check_hello("hello-daemon.bin",
		    &(struct hello){ .version_min = 1,
				     .version_max = 1,
				     .frame_bytes = USP_WIRE_FRAME_BYTES_MAX,
				     .jobs = 4096,
				     .window_bytes = USP_WIRE_WINDOW_BYTES,
				     .stdin_window_bytes = USP_WIRE_STDIN_WINDOW_BYTES,
				     .name = { "uringspawnd 0.1.0", 17 } });
}

static void check_request(const char *name, struct frame frame,
			  const struct request *request)
{
	uint8_t header[USP_WIRE_HEADER_BYTES] = { 0 };
	const char *field = "";
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, buf_append(&out, header, sizeof(header)), 0));
	cr_assert(eq(int, request_encode(request, &out, &field), 0), "%s", field);
	frame.fds = (uint8_t)request_fds(request);
	finish_frame(&out, frame);
	check_golden(name, &out);
	buf_done(&out);
}

Test(protocol, a_request_is_the_golden_one)
{
	check_request("run.bin", (struct frame){ .type = USP_WIRE_RUN, .job = 1 },
		      &(struct request){ .argv = { "/bin/echo\0hi", 13 } });
	check_request("spawn-search.bin",
		      (struct frame){ .type = USP_WIRE_SPAWN, .job = 3 },
		      &(struct request){ .argv = { "-sh", 4 },
					 .search = { "sh", 2 },
					 .env = { "PATH=/bin", 10 } });
	check_request(
		"spawn-full.bin", (struct frame){ .type = USP_WIRE_SPAWN, .job = 2 },
		&(struct request){ .argv = { "cc\0-v", 6 },
				   .path = { "/usr/bin/cc", 11 },
				   .env = { "LANG=C\0HOME=/srv", 17 },
				   .cwd = { "/srv", 4 },
				   .options = {
					   .stdio = { { USP_STDIO_FD },
						      { USP_STDIO_PIPE },
						      { USP_STDIO_DUP, 1 } },
					   .group = USP_GROUP_SESSION,
					   .timeout_ns = UINT64_C(5000000000),
					   .kill = { 2, USP_TARGET_PROCESS, 500000000 },
					   .ignored_signals = 1,
					   .window_bytes = 65536,
				   } });
}

Test(protocol, a_request_for_descriptors_is_the_golden_one)
{
	static const struct usp_fd fds[] = {
		{ 3, { .kind = USP_STDIO_FD } },
		{ 4, { .kind = USP_STDIO_PIPE, .direction = USP_DIRECTION_READ } },
		{ 5, { .kind = USP_STDIO_DUPLEX } },
		{ 6, { .kind = USP_STDIO_HANDOVER, .direction = USP_DIRECTION_WRITE } },
		{ 7, { .kind = USP_STDIO_DUP, .fd = 5 } },
		{ 8, { .kind = USP_STDIO_FILE, .path = "in" } },
		{ 255, { .kind = USP_STDIO_FD } },
	};

	check_request("spawn-descriptors.bin",
		      (struct frame){ .type = USP_WIRE_SPAWN, .job = 5 },
		      &(struct request){
			      .argv = { "sh", 3 },
			      .options = {
				      .stdio = { { .kind = USP_STDIO_PTY },
						 { .kind = USP_STDIO_PTY },
						 { .kind = USP_STDIO_FILE,
						   .path = "/srv/log",
						   .flags = O_WRONLY | O_CREAT | O_APPEND,
						   .mode = 0600 } },
				      .fds = fds,
				      .n_fds = sizeof(fds) / sizeof(fds[0]),
				      .pty = { .rows = 50, .columns = 160 },
			      } });
}

Test(protocol, a_request_with_limits_is_the_golden_one)
{
	check_request("spawn-limits.bin",
		      (struct frame){ .type = USP_WIRE_RUN, .job = 6 },
		      &(struct request){
			      .argv = { "make", 5 },
			      .options = {
				      .set = USP_SET_UMASK | USP_SET_NICE |
					     USP_SET_OOM_SCORE_ADJ | USP_SET_CREDENTIALS,
				      .uid = 1000,
				      .gid = 1001,
				      .groups = (gid_t[]){ 4, 27 },
				      .n_groups = 2,
				      .umask = 077,
				      .nice = -5,
				      .oom_score_adj = 500,
				      .rlimits = { { RLIMIT_NOFILE, 256, 1024 },
						   { RLIMIT_CORE, 0, UINT64_MAX } },
				      .n_rlimits = 2,
				      .cpus = { 3, 1 },
				      .flags = USP_FLAG_PIDFD | USP_FLAG_RUSAGE |
					       USP_FLAG_NO_NEW_PRIVS | USP_FLAG_CGROUP |
					       USP_FLAG_BOUND,
				      .cgroup = { .memory_max_bytes = 256 << 20,
						  .pids_max = 64,
						  .cpu_milli = 1500 },
			      } });
}

Test(protocol, a_request_on_top_of_a_template_is_the_golden_one)
{
	check_request("spawn-template.bin",
		      (struct frame){ .type = USP_WIRE_SPAWN, .job = 7 },
		      &(struct request){ .argv = { "ls", 3 },
					 .env_extend = { "TZ=UTC", 7 },
					 .env_unset = { "LANG\0PWD", 9 },
					 .template_id = 1,
					 .options = {
						 .kill = { 15, USP_TARGET_TREE, 0 },
						 .cgroup.path = "jobs/slow",
						 .queue_timeout_ns = 1000000000,
						 .launch_timeout_ns = 2000000000,
						 .idle_timeout_ns = UINT64_C(3000000000),
						 .output_max_bytes = 1 << 20,
						 .output_tail_bytes = 4096,
						 .output_action = USP_OUTPUT_DROP,
						 .drain_ns = 250000000,
						 .drain_action = USP_DRAIN_KILL,
						 .gone = USP_GONE_KEEP,
					 } });
	check_request("spawn-client.bin",
		      (struct frame){ .type = USP_WIRE_SPAWN, .job = 10 },
		      &(struct request){ .argv = { "sh", 3 },
					 .options = {
						 .group = USP_GROUP_JOIN,
						 .kill = { 15, USP_TARGET_PROCESS, 0 },
						 .gone = USP_GONE_RELEASE,
					 } });
	check_request("template.bin",
		      (struct frame){ .type = USP_WIRE_TEMPLATE, .arg = 1 },
		      &(struct request){ .env = { "PATH=/bin\0LANG=C", 17 },
					 .options.timeout_ns = UINT64_C(5000000000) });
	check_request("template-forget.bin",
		      (struct frame){ .type = USP_WIRE_TEMPLATE, .arg = 1 },
		      &(struct request){ .template_id = 0 });
}

static void add_entry(struct buf *out, struct frame entry, const struct request *request)
{
	uint8_t header[USP_WIRE_BATCH_BYTES] = { 0 };
	size_t before = buf_size(out);
	const char *field = "";

	cr_assert(eq(int, buf_append(out, header, sizeof(header)), 0));
	cr_assert(eq(int, request_encode(request, out, &field), 0), "%s", field);
	entry.fds = (uint8_t)request_fds(request);
	entry.payload_bytes = (uint32_t)(buf_size(out) - before - USP_WIRE_BATCH_BYTES);
	batch_encode_header(&entry, buf_bytes(out) + before);
}

Test(protocol, a_batch_is_the_golden_one)
{
	uint8_t header[USP_WIRE_HEADER_BYTES] = { 0 };
	struct buf out;

	buf_init(&out, 4096);
	cr_assert(eq(int, buf_append(&out, header, sizeof(header)), 0));
	add_entry(&out, (struct frame){ .type = USP_WIRE_RUN, .job = 8 },
		  &(struct request){ .argv = { "true", 5 } });
	add_entry(&out, (struct frame){ .type = USP_WIRE_SPAWN, .job = 9 },
		  &(struct request){ .argv = { "cat", 4 },
				     .options.stdio = { { USP_STDIO_FD },
							{ USP_STDIO_DEFAULT },
							{ USP_STDIO_NULL } } });
	finish_frame(&out, (struct frame){ .type = USP_WIRE_BATCH, .fds = 1 });
	check_golden("batch.bin", &out);
	buf_done(&out);
}

static const struct usp_event ended = {
	.kind = USP_EVENT_END,
	.end = { .reason = USP_REASON_EXITED,
		 .bytes = { 0, 3, 0 },
		 .timings = { 20000, 310000, 450000, 12000 } },
};

static const struct usp_event ended_in_full = {
	.kind = USP_EVENT_END,
	.end = { .reason = USP_REASON_TIMEOUT,
		 .bytes = { 0, 1 << 20, 0 },
		 .timings = { 20000, 310000, UINT64_C(5000000000), 250000000 },
		 .dropped = { 0, 77, 0 },
		 .drain = USP_DRAIN_DEADLINE,
		 .tree = USP_TREE_BEST_EFFORT,
		 .orphans = 1,
		 .holders = &(const struct usp_holder){ 4250, "sleep" },
		 .n_holders = 1,
		 .streams = &(const struct usp_stream_total){ 5, 5, 0 },
		 .n_streams = 1,
		 .rusage = &(const struct usp_rusage){ 4000000, 2000000, 1 << 21, 120, 1,
						       8, 16, 3, 2 },
		 .cgroup = &(const struct usp_cgroup_usage){ 5000000, 3000000, 1 << 22, 3,
							     UINT64_MAX } },
};

static const struct reply_row {
	const char *name;
	uint32_t job;
	struct usp_event event;
} reply_rows[] = {
	{ "started.bin", 1, { USP_EVENT_STARTED, .started = { 4242, -1, NULL, 0 } } },
	{ "started-given.bin",
	  5,
	  { USP_EVENT_STARTED,
	    .started = { 4243, 9, &(const struct usp_given_fd){ 6, 8 }, 1 } } },
	{ "failed.bin",
	  4,
	  { USP_EVENT_FAILED, .failed = { USP_STAGE_EXEC, 2, 0, "nosuch", 0 } } },
	{ "failed-signal.bin",
	  4,
	  { USP_EVENT_FAILED, .failed = { USP_STAGE_LIMITS, 0, 9, "", 0 } } },
	{ "failed-busy.bin",
	  4,
	  { USP_EVENT_FAILED, .failed = { USP_STAGE_ADMISSION, 11, 0, "queued", 50 } } },
	{ "output-stream.bin", 5, { USP_EVENT_OUTPUT, .output = { 5, "pong\n", 5 } } },
	{ "output.bin", 1, { USP_EVENT_OUTPUT, .output = { 1, "hi\n", 3 } } },
	{ "eof.bin", 1, { USP_EVENT_EOF, .eof = { 1 } } },
	{ "exit-code.bin", 3, { USP_EVENT_EXIT, .exit = { 3, 0, false } } },
	{ "exit-signal.bin", 2, { USP_EVENT_EXIT, .exit = { -1, 2, false } } },
	{ "exit-core.bin", 2, { USP_EVENT_EXIT, .exit = { -1, 11, true } } },
	{ "exit-lost.bin", 2, { USP_EVENT_EXIT, .exit = { -1, 0, false } } },
	{ "stdin-window.bin", 3, { USP_EVENT_WINDOW, .window = { .bytes = 7 } } },
	{ "stdin-closed.bin", 3, { USP_EVENT_WINDOW, .window = { .bytes = 0 } } },
	{ "stdin-window-stream.bin", 5, { USP_EVENT_WINDOW, .window = { 4, 5 } } },
	{ "stdin-closed-stream.bin", 5, { USP_EVENT_WINDOW, .window = { 4, 0 } } },
};

static void encode(const struct usp_event *event, uint32_t job, struct buf *out)
{
	cr_assert(eq(int, reply_encode(event, job, out), 0));
	if (event->kind == USP_EVENT_OUTPUT)
		cr_assert(eq(int, buf_append(out, event->output.data, event->output.size),
			     0));
}

Test(protocol, a_reply_is_the_golden_one)
{
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(reply_rows) / sizeof(reply_rows[0]); i++) {
		encode(&reply_rows[i].event, reply_rows[i].job, &out);
		check_golden(reply_rows[i].name, &out);
	}
	encode(&ended, 1, &out);
	check_golden("end.bin", &out);
	encode(&ended_in_full, 7, &out);
	check_golden("end-full.bin", &out);
	cr_assert(eq(int, reply_encode_error(71, "the first frame is not a HELLO", &out),
		     0));
	check_golden("error.bin", &out);
	buf_done(&out);
}

/* Frames that are a header and bytes as they are. */
Test(protocol, a_plain_frame_is_the_golden_one)
{
	static const struct {
		const char *name, *payload;
		struct frame frame;
	} plain[] = {
		{ "stdin.bin", "exit 3\n", { 7, USP_WIRE_STDIN, .job = 3 } },
		{ "stdin-eof.bin", "", { 0, USP_WIRE_STDIN_EOF, .job = 3 } },
		{ "window.bin",
		  "",
		  { 0, USP_WIRE_WINDOW, .flags = 1, .job = 2, .arg = 65536 } },
		{ "signal.bin",
		  "",
		  { 0, USP_WIRE_SIGNAL, .flags = USP_WIRE_SIGNAL_PROCESS, .job = 2,
		    .arg = 15 } },
		{ "signal-plan.bin",
		  "",
		  { 0, USP_WIRE_SIGNAL, .flags = USP_WIRE_SIGNAL_PLAN, .job = 2 } },
		{ "signal-tree.bin",
		  "",
		  { 0, USP_WIRE_SIGNAL, .flags = USP_WIRE_SIGNAL_TREE, .job = 2,
		    .arg = 9 } },
		{ "stdin-stream.bin",
		  "ping\n",
		  { 5, USP_WIRE_STDIN, .flags = 4, .job = 5 } },
		{ "resize.bin",
		  "",
		  { .type = USP_WIRE_RESIZE, .job = 5, .arg = 50 << 16 | 160 } },
		{ "close.bin", "", { .type = USP_WIRE_CLOSE, .flags = 1, .job = 2 } },
		{ "stat.bin",
		  "",
		  { .type = USP_WIRE_STAT, .flags = USP_WIRE_STAT_JSON } },
		{ "stats.bin",
		  "{\"jobs\":0}\n",
		  { .payload_bytes = 11, .type = USP_WIRE_STATS } },
		{ "stat-jobs.bin",
		  "",
		  { .type = USP_WIRE_STAT, .flags = USP_WIRE_STAT_JOBS, .arg = 64 } },
		{ "kill.bin",
		  "",
		  { .type = USP_WIRE_KILL_JOB,
		    .flags = USP_WIRE_SIGNAL_PLAN,
		    .job = 7 } },
		{ "killed.bin", "", { .type = USP_WIRE_JOB_KILLED, .job = 7, .arg = 3 } },
		{ "stat-pools.bin",
		  "",
		  { .type = USP_WIRE_STAT, .flags = USP_WIRE_STAT_POOLS } },
		{ "release.bin", "", { .type = USP_WIRE_RELEASE, .job = 11, .arg = 32 } },
		{ "release-discard.bin",
		  "",
		  { .type = USP_WIRE_RELEASE, .flags = 1, .job = 11 } },
		{ "replace.bin", "", { .type = USP_WIRE_REPLACE } },
		{ "replaced.bin", "", { .type = USP_WIRE_REPLACED, .fds = 1 } },
	};
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		uint8_t header[USP_WIRE_HEADER_BYTES];

		frame_encode_header(&plain[i].frame, header);
		cr_assert(eq(int, buf_append(&out, header, sizeof(header)), 0));
		cr_assert(eq(int,
			     buf_append(&out, plain[i].payload, strlen(plain[i].payload)),
			     0));
		check_golden(plain[i].name, &out);
	}
	buf_done(&out);
}
