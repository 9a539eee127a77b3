/*
 * daemon/peer.c: what a client may ask for, and whom its jobs run as.
 */
#include "daemon/peer.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/config.h"
#include "engine/engine.h"
#include "support/clean.h"

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static gid_t peer_groups[] = { 30, 40 };
static const struct peer someone = { 10, 20, 1, peer_groups, 2 };
static const struct peer root = { 0, 0, 1, NULL, 0 };
static const gid_t reversed[] = { 40, 30, 20 }, others[] = { 30, 40, 50 };

#define CREDENTIALS(user, group, list, n)                                                \
	.set = USP_SET_CREDENTIALS, .uid = (user), .gid = (group), .groups = (list),     \
	.n_groups = (n)

/* What is asked for, and the field that is not for somebody who is not root. */
static const struct row {
	struct usp_options options;
	const char *field; /* NULL: it may */
} rows[] = {
	{ { .argv = NULL }, NULL },
	{ { CREDENTIALS(10, 20, peer_groups, 2) }, NULL },
	{ { CREDENTIALS(10, 20, reversed, 3) }, NULL },
	{ { CREDENTIALS(10, 30, reversed, 3) }, NULL },
	{ { CREDENTIALS(11, 20, peer_groups, 2) }, "credentials" },
	{ { CREDENTIALS(0, 20, peer_groups, 2) }, "credentials" },
	{ { CREDENTIALS(10, 0, reversed, 3) }, "credentials" },
	{ { CREDENTIALS(10, 20, others, 3) }, "credentials" },
	/* Less is more where a file refuses to a group what others may. */
	{ { CREDENTIALS(10, 20, NULL, 0) }, "credentials" },
	{ { CREDENTIALS(10, 20, peer_groups, 1) }, "credentials" },
	{ { CREDENTIALS(10, 30, peer_groups, 2) }, "credentials" },
	{ { .uid = 0, .gid = 0 }, NULL }, /* not set: nothing is asked for */
	{ { .set = USP_SET_NICE, .nice = 19 }, NULL },
	{ { .set = USP_SET_NICE, .nice = -1 }, "nice" },
	{ { .nice = -1 }, NULL },
	{ { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = 1000 }, NULL },
	{ { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = -1 }, "oom_score_adj" },
	{ { .rlimits = { { RLIMIT_CORE, 0, 0 } }, .n_rlimits = 1 }, NULL },
	{ { .rlimits = { { RLIMIT_CORE, 0, 0 }, { RLIMIT_NOFILE, 1, UINT64_MAX } },
	    .n_rlimits = 2 },
	  "rlimits" },
	{ { .rlimits = { { RLIMIT_NOFILE, UINT64_MAX, 1 } }, .n_rlimits = 1 },
	  "rlimits" },
	{ { .rlimits = { { 99, UINT64_MAX, UINT64_MAX } }, .n_rlimits = 1 }, NULL },
	{ { .cgroup = { .path = "/some" } }, "cgroup" },
	{ { .cgroup = { .pids_max = 5 } }, NULL },
};

ParameterizedTestParameters(peer, what_is_only_root_s_is_refused)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

ParameterizedTest(size_t *number, peer, what_is_only_root_s_is_refused)
{
	const struct row *row = &rows[*number];
	const struct spec_input input = { .options = row->options };
	const char *field = "none";

	cr_expect(eq(int, peer_may_spawn(&someone, &input, &field),
		     row->field ? -EPERM : 0),
		  "row %zu", *number);
	cr_expect(eq(str, (char *)field, (char *)(row->field ? row->field : "none")),
		  "row %zu", *number);
	cr_expect(eq(int, peer_may_spawn(&root, &input, &field), 0), "row %zu", *number);
}

static struct spec_input become(const struct peer *peer, const struct peer *self,
				struct usp_options options)
{
	struct spec_input input = { .options = options };

	peer_become(peer, self, &input);
	return input;
}

Test(peer, a_root_daemon_runs_jobs_as_their_peer)
{
	struct spec_input input = become(&someone, &root, (struct usp_options){ 0 });

	cr_expect(eq(uint, input.options.set, USP_SET_CREDENTIALS));
	cr_expect(eq(uint, input.options.uid, 10));
	cr_expect(eq(uint, input.options.gid, 20));
	cr_expect(eq(sz, input.options.n_groups, 2));
	cr_expect(eq(ptr, (void *)input.options.groups, peer_groups));
}

Test(peer, what_was_asked_for_stays)
{
	const struct usp_options asked = {
		.set = USP_SET_CREDENTIALS | USP_SET_UMASK,
		.uid = 7,
		.gid = 8,
	};
	struct spec_input input = become(&root, &root, asked);

	cr_expect(eq(uint, input.options.uid, 7));
	cr_expect(eq(uint, input.options.gid, 8));
	cr_expect(eq(uint, input.options.set, asked.set));
}

/* A peer that is what the daemon is, groups included, costs no system call. */
Test(peer, what_a_child_has_anyway_is_not_asked_for)
{
	const struct peer root_with_groups = { 0, 0, 1, peer_groups, 2 };

	cr_expect(
		eq(uint, become(&root, &root, (struct usp_options){ 0 }).options.set, 0));
	cr_expect(eq(
		uint,
		become(&root_with_groups, &root, (struct usp_options){ 0 }).options.set,
		USP_SET_CREDENTIALS));
}

Test(peer, a_daemon_that_is_not_root_s_runs_jobs_as_itself)
{
	cr_expect(eq(uint, become(&root, &someone, (struct usp_options){ 0 }).options.set,
		     0));
}

Test(peer, a_message_is_the_peer_s_when_user_and_group_are)
{
	cr_expect(peer_sent(&someone, &(struct ucred){ 5, 10, 20 }));
	cr_expect(not(peer_sent(&someone, &(struct ucred){ 1, 11, 20 })));
	cr_expect(not(peer_sent(&someone, &(struct ucred){ 1, 10, 30 })));
	cr_expect(not(peer_sent(&someone, &(struct ucred){ 1, 0, 0 })));
}

Test(peer, a_daemon_is_replaced_by_its_user_and_root)
{
	const struct peer other = { .uid = 11 };

	cr_expect(peer_may_replace(&someone, &someone));
	cr_expect(peer_may_replace(&root, &someone));
	cr_expect(not(peer_may_replace(&other, &someone)));
	cr_expect(not(peer_may_replace(&someone, &root)));
}

CLEAN_TEST(peer, who_is_at_the_other_end_is_read)
{
	struct peer peer = { .uid = 77 }, self;
	int pair[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0));
	cr_assert(eq(int, peer_read(&peer, pair[0]), 0));
	cr_assert(eq(int, peer_self(&self), 0));
	cr_expect(eq(uint, peer.uid, geteuid()));
	cr_expect(eq(uint, peer.gid, getegid()));
	cr_expect(eq(int, peer.pid, getpid()));
	cr_expect(eq(uint, peer.n_groups, self.n_groups));
	peer_done(&peer);
	peer_done(&peer); /* a zeroed one is fine */
	peer_done(&self);

	peer.uid = 77;
	cr_expect(eq(int, peer_read(&peer, -1), -EBADF));
	cr_expect(eq(uint, peer.uid, 77), "an output was set on failure");
	close(pair[0]);
	close(pair[1]);
}
