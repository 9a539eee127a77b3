/*
 * client/: streams beyond the first three, descriptors that are given, batches,
 * templates, and a daemon that comes back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/client.h"
#include "sys/sock.h"

static struct request request; /* the last one that was heard */

static void decode(const struct frame *frame)
{
	const char *field = "";

	cr_assert(
		eq(int,
		   request_decode(frame->payload, frame->payload_bytes, &request, &field),
		   0),
		"%s", field);
}

/* ---- streams --------------------------------------------------------------- */

static const struct usp_fd three_fds[] = {
	{ 4, { .kind = USP_STDIO_PIPE, .direction = USP_DIRECTION_READ } },
	{ 5, { .kind = USP_STDIO_DUPLEX } },
	{ 6, { .kind = USP_STDIO_PIPE } },
};

CLEAN_TEST(client, each_stream_has_its_frames)
{
	struct told told = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .fds = three_fds, .n_fds = 3 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 5, 0, "five", 4);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 6, 0, "six", 3);
	fake_say(&fake, USP_WIRE_EOF, job, 6, 0);
	cr_assert(eq(int, turn(&fake), 0));

	cr_assert(eq(int, usp_process_write_stream(told.process, 4, "four", 4), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 5, "!", 1), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 6, "!", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_write_stream(told.process, 0, "!", 1), -ENOTSUP));
	cr_assert(eq(int, usp_process_close_stream(told.process, 4), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 4, "!", 1), -EPIPE));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_STDIN));
	cr_assert(eq(u16, frame.flags, 4));
	cr_assert(eq(int, memcmp(frame.payload, "four", 4), 0));
	cr_assert(eq(u16, fake_hear(&fake, NULL).flags, 5));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_STDIN_EOF));
	cr_assert(eq(u16, frame.flags, 4));

	fake_say(&fake, USP_WIRE_STDIN_WINDOW, job, 4 << 8, 4);
	fake_say(&fake, USP_WIRE_STDIN_WINDOW, job, 5 << 8 | 1, 0);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 5, "!", 1), -EPIPE));
	expect(&told,
	       "started:42 output:5:five output:6:six eof:6 window:4:4 window:5:0");
	fake_close(&fake);
}

static void expect_close(struct fake *fake, uint32_t job, int stream)
{
	const struct frame frame = fake_hear(fake, NULL);

	cr_assert(eq(u8, frame.type, USP_WIRE_CLOSE));
	cr_assert(eq(u32, frame.job, job));
	cr_assert(eq(u16, frame.flags, (uint16_t)stream));
	cr_assert(eq(u32, frame.arg, 0));
	cr_assert(eq(u32, frame.payload_bytes, 0));
}

/* As early as it likes; what is on its way is told all the same. */
CLEAN_TEST(client, a_stream_that_is_given_up_is_told_the_daemon)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .fds = three_fds, .n_fds = 3 });
	for (int stream = 4; stream <= 6; stream++)
		cr_assert(eq(int, usp_process_drop_stream(told.process, stream), 0));
	cr_assert(eq(int, usp_process_drop_stream(told.process, 1), 0));
	cr_assert(eq(int, usp_process_drop_stream(told.process, 0), -ENOTSUP));
	cr_assert(eq(int, usp_process_drop_stream(told.process, 3), -ENOTSUP));
	cr_assert(eq(int, usp_process_drop_stream(told.process, -1), -ENOTSUP));
	cr_assert(eq(int, usp_process_write_stream(told.process, 4, "!", 1), -EPIPE));
	cr_assert(eq(int, usp_process_write_stream(told.process, 5, "!", 1), -EPIPE));
	cr_assert(eq(int, usp_process_close_stream(told.process, 5), 0));
	cr_assert(eq(int, turn(&fake), 0));
	for (int stream = 4; stream <= 6; stream++)
		expect_close(&fake, job, stream);
	expect_close(&fake, job, 1);
	cr_assert(fake_silence(&fake));

	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 6, 0, "six", 3);
	fake_say(&fake, USP_WIRE_EOF, job, 6, 0);
	fake_say(&fake, USP_WIRE_STDIN_WINDOW, job, 4 << 8 | 1, 0);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "started:42 output:6:six eof:6 window:4:0");
	fake_close(&fake);
}

CLEAN_TEST(client, a_terminal_cannot_be_given_up)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told,
	    (struct usp_options){ .stdio = { { .kind = USP_STDIO_PTY },
					     { .kind = USP_STDIO_PTY },
					     { .kind = USP_STDIO_PTY } } });
	for (int stream = 0; stream < 3; stream++)
		cr_assert(
			eq(int, usp_process_drop_stream(told.process, stream), -ENOTSUP));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
}

CLEAN_TEST(client, each_stream_has_a_window_of_its_own)
{
	static const char much[100 << 10];
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ .fds = three_fds, .n_fds = 3 });

	cr_assert(eq(int, usp_process_write_stream(told.process, 4, much, sizeof(much)),
		     0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 4, much, 1), -EAGAIN));
	cr_assert(eq(int, usp_process_write_stream(told.process, 5, much, sizeof(much)),
		     0));
	fake_close(&fake);
}

CLEAN_TEST(client, credit_goes_back_to_the_stream_that_was_told)
{
	static const char output[500];
	struct told told = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ .fds = three_fds, .n_fds = 3 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 6, 0, output, sizeof(output));
	cr_assert(eq(int, turn(&fake), 0));

	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_WINDOW));
	cr_assert(eq(u16, frame.flags, 6));
	cr_assert(eq(u32, frame.arg, sizeof(output)));
	fake_close(&fake);
}

CLEAN_TEST(client, a_terminal_is_streams_zero_and_one)
{
	const struct usp_winsize size = { .rows = 50, .columns = 160 };
	struct told told = { 0 }, other = { 0 };
	struct frame frame;
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told,
		  (struct usp_options){ .stdio = { { USP_STDIO_PTY },
						   { USP_STDIO_PTY },
						   { USP_STDIO_PTY } } });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_OUTPUT, job, 1, 0, "$ ", 2);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "started:42 output:1:$ ");

	cr_assert(eq(int, usp_process_write(told.process, "ls\n", 3), 0));
	cr_assert(eq(int, usp_process_close_stdin(told.process), -ENOTSUP));
	cr_assert(eq(int, usp_process_resize(told.process, &size), 0));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(u8, fake_hear(&fake, NULL).type, USP_WIRE_STDIN));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_RESIZE));
	cr_assert(eq(u32, frame.arg, 50 << 16 | 160));

	fake_say(&fake, USP_WIRE_EXIT, job, 0, 0);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, usp_process_resize(told.process, &size), -ESRCH));
	ask(&fake, &other, (struct usp_options){ 0 });
	cr_assert(eq(int, usp_process_resize(other.process, &size), -ENOTTY));
	fake_close(&fake);
}

CLEAN_TEST(client, a_signal_to_the_tree_says_so)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ 0 });
	cr_assert(eq(int, usp_process_signal(told.process, SIGKILL, USP_TARGET_TREE), 0));
	cr_assert(eq(int, turn(&fake), 0));

	cr_assert(eq(u16, fake_hear(&fake, NULL).flags, USP_WIRE_SIGNAL_TREE));
	fake_close(&fake);
}

/* ---- descriptors that are given ---------------------------------------------- */

static const struct usp_fd handovers[] = {
	{ 4, { .kind = USP_STDIO_HANDOVER } },
	{ 7, { .kind = USP_STDIO_HANDOVER } },
};

static ino_t inode(int fd)
{
	struct stat st;

	cr_assert(eq(int, fstat(fd, &st), 0));
	return st.st_ino;
}

static struct {
	int pidfd, streams[2], fds[2];
	size_t n;
} given;

static void take_given(struct told *told, const struct usp_event *event)
{
	(void)told;
	if (event->kind != USP_EVENT_STARTED)
		return;
	given.pidfd = event->started.pidfd;
	given.n = event->started.n_fds;
	for (size_t i = 0; i < given.n; i++) {
		given.streams[i] = event->started.fds[i].stream;
		given.fds[i] = event->started.fds[i].fd;
	}
}

CLEAN_TEST(client, descriptors_that_are_given_are_the_program_s)
{
	static const uint8_t payload[] = { 7, 0, 0xff, 0xff, 4, 0 };
	struct told told = { .then = take_given };
	int fds[3], pair[2];
	struct fake fake;
	uint32_t job;

	cr_assert(eq(int, pipe(pair), 0));
	fds[0] = pair[0];
	fds[1] = eventfd(0, EFD_CLOEXEC);
	fds[2] = pair[1];
	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told,
		  (struct usp_options){
			  .fds = handovers, .n_fds = 2, .flags = USP_FLAG_PIDFD });
	cr_assert(eq(u32, request.options.n_fds, 0));
	fake_say_fds(&fake, USP_WIRE_STARTED, job, 42, payload, sizeof(payload), fds, 3);
	cr_assert(eq(int, turn(&fake), 0));

	expect(&told, "started:42");
	cr_assert(eq(sz, given.n, 2));
	cr_assert(eq(int, given.streams[0], 7));
	cr_assert(eq(int, given.streams[1], 4));
	cr_assert(eq(ulong, inode(given.fds[0]), inode(fds[0])));
	cr_assert(eq(ulong, inode(given.fds[1]), inode(fds[2])));
	cr_assert(ne(int, given.pidfd, -1));
	close(given.pidfd);
	for (int i = 0; i < 2; i++)
		close(given.fds[i]);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	fake_close(&fake);
}

/* Nobody would close them: the connection ends, and they are closed here. */
static const struct unasked {
	const char *name;
	struct usp_options options;
	uint8_t type;
	uint8_t payload[4];
	size_t size;
	unsigned sent;
	unsigned counted;
} unasked[] = {
	{ "a pidfd", { .size = 0 }, USP_WIRE_STARTED, { 0xff, 0xff }, 2, 1, 1 },
	{ "the other end of a stream",
	  { .size = 0 },
	  USP_WIRE_STARTED,
	  { 4, 0 },
	  2,
	  1,
	  1 },
	{ "one end too many",
	  { .fds = handovers, .n_fds = 1 },
	  USP_WIRE_STARTED,
	  { 4, 0, 5, 0 },
	  4,
	  2,
	  2 },
	{ "a stream that is said twice",
	  { .fds = handovers, .n_fds = 2 },
	  USP_WIRE_STARTED,
	  { 4, 0, 4, 0 },
	  4,
	  2,
	  2 },
	{ "more counted than said",
	  { .flags = USP_FLAG_PIDFD },
	  USP_WIRE_STARTED,
	  { 0 },
	  0,
	  1,
	  1 },
	{ "with an exit", { .size = 0 }, USP_WIRE_EXIT, { 0 }, 0, 1, 1 },
};

CLEAN_TEST(client, descriptors_that_nobody_asked_for_end_the_connection)
{
	for (size_t i = 0; i < ARRAY_SIZE(unasked); i++) {
		const struct unasked *row = &unasked[i];
		struct told told = { 0 };
		int fds[2] = { 0, 0 };
		struct fake fake;
		uint32_t job;

		fake_open(&fake, &fake_hello);
		job = ask(&fake, &told, row->options);
		fake_say_fds(&fake, row->type, job,
			     row->type == USP_WIRE_STARTED ? 42 : 0, row->payload,
			     row->size, fds, row->sent);
		cr_assert(eq(int, turn(&fake), -EPROTO), "%s", row->name);
		fake_close(&fake);
	}
}

CLEAN_TEST(client, descriptors_that_do_not_come_end_the_connection)
{
	struct frame frame = { .payload_bytes = 2,
			       .type = USP_WIRE_STARTED,
			       .fds = 1,
			       .arg = 42,
			       .job = 1 };
	uint8_t header[USP_WIRE_HEADER_BYTES];
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ .flags = USP_FLAG_PIDFD });
	frame_encode_header(&frame, header);
	fake_say_raw(&fake, header, sizeof(header));
	fake_say_raw(&fake, "\377\377", 2);
	cr_assert(eq(int, turn(&fake), -EPROTO));
	fake_close(&fake);
}

/* Those of a frame of a newer daemon, and those that wait for a frame that never comes. */
CLEAN_TEST(client, descriptors_without_a_taker_are_closed)
{
	const int fds[2] = { 0, 1 };
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask(&fake, &told, (struct usp_options){ 0 });
	fake_say_fds(&fake, 0xee, 1, 0, NULL, 0, fds, 2);
	fake_say_fds(&fake, 0xef, 0, 0, NULL, 0, fds, 1);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int,
		     (int)sys_socket_send(
			     fake.fd, &(struct iovec){ .iov_base = "\0", .iov_len = 1 },
			     1, fds, 2, false),
		     1));
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told, "");
	fake_close(&fake);
}

/* ---- why not ------------------------------------------------------------------- */

static uint32_t retry_ms;

static void take_retry(struct told *told, const struct usp_event *event)
{
	(void)told;
	if (event->kind == USP_EVENT_FAILED)
		retry_ms = event->failed.retry_ms;
}

CLEAN_TEST(client, a_refusal_says_when_to_try_again)
{
	struct told told = { .then = take_retry };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say_bytes(&fake, USP_WIRE_FAILED, job, USP_STAGE_ADMISSION, EAGAIN,
		       "\0\0\0\0\62\0\0\0queued", 14);
	fake_say_end(&fake, job, USP_REASON_FAILED);
	cr_assert(eq(int, turn(&fake), 0));

	expect(&told, "failed:admission:11:queued end:failed");
	cr_assert(eq(u32, retry_ms, 50));
	fake_close(&fake);
}

/* ---- batches -------------------------------------------------------------------- */

CLEAN_TEST(client, a_batch_leaves_in_one_frame)
{
	struct told told[3] = { 0 };
	struct usp_process *processes[3];
	struct usp_options options[3];
	struct frame frame, entry;
	struct fake fake;
	int fds[2];
	size_t at = 0;

	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 3; i++)
		options[i] = USP_OPTIONS(.argv = argv_true, .on_event = on_event,
					 .user = &told[i]);
	options[0].flags = USP_FLAG_RUN;
	options[1].group = USP_GROUP_SAME; /* refused here */
	options[2].stdio[0] = (struct usp_stdio){ .kind = USP_STDIO_FD, .fd = 0 };
	options[2].stdio[2] = (struct usp_stdio){ .kind = USP_STDIO_FD, .fd = 1 };
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, options, 3, processes), 0));
	for (int i = 0; i < 3; i++)
		told[i].process = processes[i];
	cr_assert(fake_silence(&fake));
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told[1], "failed:validate:22:group end:failed");

	frame = fake_hear(&fake, fds);
	cr_assert(eq(u8, frame.type, USP_WIRE_BATCH));
	cr_assert(eq(u8, frame.fds, 2));
	for (int i = 0; i < 2; i++) {
		int64_t used =
			batch_next(frame.payload + at, frame.payload_bytes - at, &entry);

		cr_assert(lt(i64, 0, used));
		at += (size_t)used;
		cr_assert(eq(u8, entry.type, i ? USP_WIRE_SPAWN : USP_WIRE_RUN));
		cr_assert(eq(u8, entry.fds, i ? 2 : 0));
		decode(&entry);
		cr_assert(eq(int, memcmp(request.argv.bytes, "true", 5), 0));
		fake_say(&fake, USP_WIRE_STARTED, entry.job, 0, (uint32_t)(50 + i));
	}
	cr_assert(eq(sz, at, frame.payload_bytes));
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told[0], "started:50");
	expect(&told[2], "started:51");
	close(fds[0]);
	close(fds[1]);
	fake_close(&fake);
}

CLEAN_TEST(client, a_batch_is_asked_for_whole_or_not_at_all)
{
	static char big[40 << 10];
	const char *const argv[] = { "x", big, NULL };
	struct usp_process *processes[2] = { NULL, NULL };
	struct usp_options options[2];
	struct told told = { 0 };
	struct usp_fd fds[64];
	struct fake fake;

	memset(big, 'x', sizeof(big) - 1);
	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 2; i++)
		options[i] =
			USP_OPTIONS(.argv = argv, .on_event = on_event, .user = &told);
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, options, 2, processes),
		     -EMSGSIZE));
	options[1].argv = NULL;
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, options, 2, processes),
		     -EINVAL));
	options[1].argv = argv_true;
	options[1].size--;
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, options, 2, processes),
		     -EINVAL));
	/* One descriptor more than a frame carries. */
	for (int i = 0; i < 64; i++)
		fds[i] = (struct usp_fd){ 3 + i, { .kind = USP_STDIO_FD, .fd = 1 } };
	options[1] = USP_OPTIONS(.argv = argv_true, .on_event = on_event, .fds = fds,
				 .n_fds = 64);
	options[0] = USP_OPTIONS(.argv = argv_true, .on_event = on_event,
				 .stdio = { { USP_STDIO_FD, 1 } });
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, options, 2, processes),
		     -EMSGSIZE));
	cr_assert(processes[0] == NULL && processes[1] == NULL);
	cr_assert(eq(int, usp_client_spawn_batch(fake.client, NULL, 0, processes), 0));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
	expect(&told, "");
}

/* ---- templates -------------------------------------------------------------------- */

static struct usp_template *keep(struct fake *fake, struct usp_options options)
{
	struct usp_template *kept = NULL;

	options.size = sizeof(options);
	cr_assert(eq(int, usp_client_template_new(fake->client, &options, &kept), 0));
	return kept;
}

static const struct usp_options common = {
	.envp = (const char *const[]){ "A=1", NULL },
	.stdio = { { USP_STDIO_PIPE } },
	.fds = three_fds,
	.n_fds = 3,
	.on_event = on_event,
};

CLEAN_TEST(client, a_template_travels_once)
{
	struct told told = { 0 }, again = { 0 };
	struct usp_template *kept;
	struct frame frame;
	struct fake fake;
	uint32_t id;

	fake_open(&fake, &fake_hello);
	kept = keep(&fake, common);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_TEMPLATE));
	cr_assert(eq(u32, frame.job, 0));
	id = frame.arg;
	decode(&frame);
	cr_assert(eq(int, memcmp(request.env.bytes, "A=1", 4), 0));
	cr_assert(eq(sz, request.options.n_fds, 3));

	ask(&fake, &told, (struct usp_options){ .base = kept });
	cr_assert(eq(int, usp_process_write(told.process, "x", 1), 0));
	cr_assert(eq(int, usp_process_write_stream(told.process, 5, "x", 1), 0));
	ask_with(&fake, &again, (struct usp_options){ .base = kept });
	cr_assert(eq(int, turn(&fake), 0));
	fake_hear(&fake, NULL);
	fake_hear(&fake, NULL);
	frame = fake_hear(&fake, NULL);
	decode(&frame);
	cr_assert(eq(u32, request.template_id, id));
	cr_assert(request.env.bytes == NULL, "the environment travelled again");
	cr_assert(eq(sz, request.options.n_fds, 0));

	cr_assert(usp_template_free(kept) == NULL);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_TEMPLATE));
	cr_assert(eq(u32, frame.arg, id));
	cr_assert(eq(u32, frame.payload_bytes, 0));
	fake_close(&fake);
}

/* A TEMPLATE without a payload would be forgotten by it. */
CLEAN_TEST(client, a_template_that_says_nothing_is_not_sent)
{
	struct told told = { 0 };
	struct usp_template *kept;
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	kept = keep(&fake, (struct usp_options){ 0 });
	ask_with(&fake, &told, (struct usp_options){ .base = kept });
	usp_template_free(kept);
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_SPAWN));
	decode(&frame);
	cr_assert(eq(u32, request.template_id, 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
}

CLEAN_TEST(client, templates_have_limits)
{
	static char big[60 << 10];
	struct usp_template *kept[USP_WIRE_TEMPLATES_MAX], *none = NULL;
	const char *const argv[] = { big, NULL };
	struct fake fake;

	memset(big, 'x', sizeof(big) - 1);
	fake_open(&fake, &fake_hello);
	for (int i = 0; i < USP_WIRE_TEMPLATES_MAX; i++)
		kept[i] = keep(&fake, (struct usp_options){ .timeout_ns = 1 });
	cr_assert(eq(int,
		     usp_client_template_new(fake.client, &USP_OPTIONS(.timeout_ns = 1),
					     &none),
		     -EDQUOT));
	usp_template_free(kept[0]);
	kept[0] = keep(&fake, (struct usp_options){ .argv = argv });
	usp_template_free(kept[1]);
	cr_assert(eq(
		int,
		usp_client_template_new(fake.client, &USP_OPTIONS(.argv = argv), &none),
		-EDQUOT));
	cr_assert(none == NULL);
	kept[1] = NULL;
	for (int i = 0; i < USP_WIRE_TEMPLATES_MAX; i++)
		usp_template_free(kept[i]);
	fake_close(&fake);
}

CLEAN_TEST(client, a_template_of_another_is_refused)
{
	struct fake fake;
	struct usp_template *kept;
	struct usp_client *other;
	struct usp_process *process = NULL;
	struct usp_options options = USP_OPTIONS(.argv = argv_true, .on_event = on_event);

	fake_open(&fake, &fake_hello);
	kept = keep(&fake, (struct usp_options){ .timeout_ns = 1 });
	options.base = kept;
	other = fake.client;
	fake_hangup(&fake);
	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_spawn(fake.client, &options, &process), -EINVAL));
	/* The client that it was of goes first: that is no harm. */
	usp_client_free(other);
	cr_assert(eq(int, usp_client_spawn(fake.client, &options, &process), -EINVAL));
	usp_template_free(kept);
	fake_close(&fake);
}

/* ---- a daemon that comes back ------------------------------------------------------- */

CLEAN_TEST(client, a_client_may_connect_again)
{
	struct told told[2] = { 0 };
	struct usp_template *kept;
	struct frame frame;
	struct fake fake;
	uint32_t id, job;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_reopen(fake.client, 0), -EISCONN));
	kept = keep(&fake, common);
	cr_assert(eq(int, turn(&fake), 0));
	id = fake_hear(&fake, NULL).arg;
	job = ask(&fake, &told[0], (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_raw(&fake, "half a frame", 12);
	fake_hangup(&fake);
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(eq(int, turn(&fake), -EPIPE));
	expect(&told[0], "started:42 end:status-lost");

	cr_assert(eq(int, usp_client_reopen(fake.client, 0), -ECONNREFUSED));
	cr_assert(eq(int, usp_client_fd(fake.client), -1));
	cr_assert(eq(int, turn(&fake), -EPIPE));
	cr_assert(eq(int, ask_with(&fake, &told[1], (struct usp_options){ 0 }), -EPIPE));
	cr_assert(eq(int, fake_reopen(&fake, &fake_hello), 0));
	cr_assert(eq(str, (char *)usp_client_error(fake.client), ""));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_TEMPLATE));
	cr_assert(eq(u32, frame.arg, id));
	decode(&frame);
	cr_assert(eq(int, memcmp(request.env.bytes, "A=1", 4), 0));

	job = ask(&fake, &told[1], (struct usp_options){ .base = kept });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 43);
	cr_assert(eq(int, turn(&fake), 0));
	expect(&told[1], "started:43");
	usp_template_free(kept);
	fake_close(&fake);
}

CLEAN_TEST(client, a_daemon_that_takes_less_than_the_templates_is_none)
{
	static char big[5000];
	const char *const argv[] = { big, NULL };
	struct hello small = fake_hello;
	struct usp_template *kept;
	struct fake fake;

	memset(big, 'x', sizeof(big) - 1);
	small.frame_bytes = 4096;
	fake_open(&fake, &fake_hello);
	kept = keep(&fake, (struct usp_options){ .argv = argv });
	fake_hangup(&fake);
	cr_assert(eq(int, turn(&fake), -EPIPE));

	cr_assert(eq(int, fake_reopen(&fake, &small), -EMSGSIZE));
	cr_assert(eq(int, turn(&fake), -EPIPE));
	usp_template_free(kept);
	fake_close(&fake);
}

/* It tries until its time is over, and not much longer. */
CLEAN_TEST(client, there_is_an_end_to_waiting_for_a_daemon)
{
	struct fake fake;

	fake_open(&fake, &fake_hello);
	fake_hangup(&fake);
	cr_assert(eq(int, turn(&fake), -EPIPE));

	cr_assert(eq(int, usp_client_reopen(fake.client, 50000000), -ECONNREFUSED));
	fake_close(&fake);
}
