/*
 * client/: what is asked for leaves as frames and descriptors, once per turn; what the
 * wire cannot say fails without the daemon.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/clean.h"
#include "support/client.h"

CLEAN_TEST(client, requests_of_one_turn_leave_in_one_message)
{
	struct told told[3] = { 0 };
	static uint8_t bytes[4096];
	struct fake fake;
	struct frame frame;
	size_t at = 0;
	ssize_t n;

	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 3; i++)
		cr_assert(eq(
			int,
			ask_with(&fake, &told[i],
				 (struct usp_options){ .flags = i ? 0 : USP_FLAG_RUN }),
			0));
	cr_assert(fake_silence(&fake), "sent before the turn");
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));

	cr_assert(eq(int, turn(&fake), 0));
	n = recv(fake.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	for (int i = 0; i < 3; i++) {
		at += (size_t)frame_decode(bytes + at, (size_t)n - at, 4096, &frame);
		cr_assert(eq(u8, frame.type, i ? USP_WIRE_SPAWN : USP_WIRE_RUN));
		cr_assert(eq(u32, frame.job, (uint32_t)i + 1));
	}
	cr_assert(eq(long, (long)at, n));
	cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN));
	fake_close(&fake);
}

CLEAN_TEST(client, a_request_says_all_that_the_options_say)
{
	const char *const argv[] = { "a", "", "b c", NULL }, *const env[] = { "A=1", "B=",
									      NULL };
	struct told told = { 0 };
	struct request request;
	struct frame frame;
	struct fake fake;
	const char *field;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int,
		     ask_with(&fake, &told,
			      (struct usp_options){
				      .argv = argv,
				      .envp = env,
				      .path = "/bin/x",
				      .search = "y",
				      .cwd = "/z",
				      .stdio = { { .kind = USP_STDIO_PIPE },
						 { .kind = USP_STDIO_NULL },
						 { .kind = USP_STDIO_DUP, .fd = 1 } },
				      .group = USP_GROUP_SESSION,
				      .timeout_ns = 5,
				      .kill = { .signal = SIGINT,
						.target = USP_TARGET_PROCESS,
						.grace_ns = 6 },
				      .ignored_signals = 7,
				      .window_bytes = 8 }),
		     0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);

	cr_assert(eq(int,
		     request_decode(frame.payload, frame.payload_bytes, &request, &field),
		     0));
	cr_assert(eq(sz, request.argv.size, 7));
	cr_assert(eq(int, memcmp(request.argv.bytes, "a\0\0b c", 7), 0));
	cr_assert(eq(sz, request.env.size, 7));
	cr_assert(eq(int, memcmp(request.env.bytes, "A=1\0B=", 7), 0));
	cr_assert(eq(int, memcmp(request.path.bytes, "/bin/x", 6), 0));
	cr_assert(eq(int, memcmp(request.search.bytes, "y", 1), 0));
	cr_assert(eq(int, memcmp(request.cwd.bytes, "/z", 2), 0));
	cr_assert(eq(int, request.options.stdio[0].kind, USP_STDIO_PIPE));
	cr_assert(eq(int, request.options.stdio[1].kind, USP_STDIO_NULL));
	cr_assert(eq(int, request.options.stdio[2].kind, USP_STDIO_DUP));
	cr_assert(eq(int, request.options.stdio[2].fd, 1));
	cr_assert(eq(int, request.options.group, USP_GROUP_SESSION));
	cr_assert(eq(u64, request.options.timeout_ns, 5));
	cr_assert(eq(int, request.options.kill.signal, SIGINT));
	cr_assert(eq(int, request.options.kill.target, USP_TARGET_PROCESS));
	cr_assert(eq(u64, request.options.kill.grace_ns, 6));
	cr_assert(eq(u64, request.options.ignored_signals, 7));
	cr_assert(eq(u32, request.options.window_bytes, 8));
	fake_close(&fake);
}

static ino_t inode(int fd)
{
	struct stat st;

	cr_assert(eq(int, fstat(fd, &st), 0));
	return st.st_ino;
}

CLEAN_TEST(client, descriptors_travel_with_the_frame_that_counts_them)
{
	struct told told[4] = { 0 };
	int fds[16], pipes[4];
	struct fake fake;

	cr_assert(eq(int, pipe2(pipes, O_CLOEXEC), 0));
	cr_assert(eq(int, pipe2(pipes + 2, O_CLOEXEC), 0));
	fake_open(&fake, &fake_hello);
	ask_with(&fake, &told[0], (struct usp_options){ 0 });
	ask_with(&fake, &told[1],
		 (struct usp_options){ .stdio = { { USP_STDIO_FD, pipes[0] },
						  { 0 },
						  { USP_STDIO_FD, pipes[1] } } });
	ask_with(&fake, &told[2],
		 (struct usp_options){ .stdio = { { 0 }, { USP_STDIO_FD, pipes[3] } } });
	ask_with(&fake, &told[3], (struct usp_options){ 0 });
	ino_t inodes[3] = { inode(pipes[0]), inode(pipes[1]), inode(pipes[3]) };

	/* The caller's may be closed at once: they were duplicated. */
	for (int i = 0; i < 4; i++)
		close(pipes[i]);
	cr_assert(eq(int, turn(&fake), 0));

	cr_assert(eq(u8, fake_hear(&fake, NULL).fds, 0));
	cr_assert(eq(u8, fake_hear(&fake, fds).fds, 2));
	cr_assert(eq(ulong, inode(fds[0]), inodes[0]));
	cr_assert(eq(ulong, inode(fds[1]), inodes[1]));
	cr_assert(eq(u8, fake_hear(&fake, fds + 2).fds, 1));
	cr_assert(eq(ulong, inode(fds[2]), inodes[2]));
	cr_assert(eq(u8, fake_hear(&fake, NULL).fds, 0));
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	fake_close(&fake);
}

CLEAN_TEST(client, descriptors_that_never_left_are_closed)
{
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	ask_with(&fake, &told, (struct usp_options){ .stdio = { { USP_STDIO_FD, 2 } } });
	fake_close(&fake);
	expect(&told, "failed:admission:125: end:client-gone");
}

/* Each is told by the turn, and the daemon never hears of it. */
static const struct refusal {
	const char *name;
	struct usp_options options;
	const char *want;
} refusals[] = {
	{ "our own group",
	  { .group = USP_GROUP_SAME },
	  "failed:validate:22:group end:failed" },
	{ "no such group", { .group = 9 }, "failed:validate:22:group end:failed" },
	{ "closed descriptor",
	  { .stdio = { { 0 }, { USP_STDIO_FD, 999 } } },
	  "failed:validate:9:stdio end:failed" },
	{ "no such stdio",
	  { .stdio = { { .kind = 77 } } },
	  "failed:validate:22:stdio end:failed" },
	{ "a duplicate of stream 300",
	  { .stdio = { { USP_STDIO_DUP, 300 } } },
	  "failed:validate:22:stdio end:failed" },
	{ "no such signal",
	  { .kill = { .signal = 70 } },
	  "failed:validate:22:kill end:failed" },
	{ "no such target",
	  { .kill = { .target = 5 } },
	  "failed:validate:22:kill end:failed" },
};

CLEAN_TEST(client, what_the_wire_cannot_say_fails_by_event)
{
	struct fake fake;

	fake_open(&fake, &fake_hello);
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct told told = { 0 };

		cr_assert(eq(int, ask_with(&fake, &told, refusals[i].options), 0), "%s",
			  refusals[i].name);
		expect(&told, "");
		cr_assert(eq(int, usp_client_poll_events(fake.client), POLLIN | POLLOUT));
		cr_assert(eq(int, usp_process_signal(told.process, SIGTERM, 0), -ESRCH));
		usp_process_kill(told.process);
		cr_assert(eq(int, turn(&fake), 0));
		expect(&told, refusals[i].want);
		cr_assert(fake_silence(&fake), "%s was sent", refusals[i].name);
	}
	fake_close(&fake);
}

CLEAN_TEST(client, options_of_another_size_are_told_apart)
{
	struct {
		struct usp_options options;
		char more[8];
	} newer = { .options = USP_OPTIONS(.argv = argv_true, .on_event = on_event) };
	struct usp_process *process = NULL;
	struct told told = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	newer.options.size = sizeof(newer);
	newer.more[7] = 1;
	cr_assert(
		eq(int, usp_client_spawn(fake.client, &newer.options, &process), -E2BIG));
	newer.options.size = 0;
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	newer.options.size = offsetof(struct usp_options, envp);
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	newer.options = USP_OPTIONS(.on_event = on_event);
	cr_assert(eq(int, usp_client_spawn(fake.client, &newer.options, &process),
		     -EINVAL));
	cr_assert(process == NULL, "an output was set on failure");

	newer.options =
		USP_OPTIONS(.argv = argv_true, .on_event = on_event, .user = &told);
	newer.options.size = sizeof(newer);
	newer.more[7] = 0;
	cr_assert(
		eq(int, usp_client_spawn(fake.client, &newer.options, &told.process), 0));
	fake_close(&fake);
	cr_assert(told.ended);
}

CLEAN_TEST(client, a_request_larger_than_the_daemons_frame_is_refused_at_once)
{
	static char big[70 << 10];
	const char *const argv[] = { "x", big, NULL };
	struct told told = { 0 };
	struct fake fake;

	memset(big, 'x', sizeof(big) - 1);
	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_with(&fake, &told, (struct usp_options){ .argv = argv }),
		     -EMSGSIZE));
	cr_assert(eq(int, ask_with(&fake, &told, (struct usp_options){ .envp = argv }),
		     -EMSGSIZE));
	cr_assert(eq(int,
		     ask_with(&fake, &told,
			      (struct usp_options){ .cwd = big,
						    .stdio = { { USP_STDIO_FD, 2 } } }),
		     -EMSGSIZE));
	cr_assert(eq(int, turn(&fake), 0));
	cr_assert(fake_silence(&fake));
	fake_close(&fake);
	expect(&told, "");
}
