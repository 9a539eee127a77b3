/*
 * Who may connect, and as whom the jobs of a root daemon run: as their peer, with
 * nothing of root's left.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

#define NOBODY 65534
#define STAFF  70050 /* a group without a name */

static struct running_daemon daemon_run;
static char name[64];

/* An abstract name, which has no permissions: the daemon itself has to look. */
static void be_root(void)
{
	if (geteuid() != 0)
		cr_skip("only root can be another user");
	snprintf(name, sizeof(name), "@uringspawn-test-%d", (int)getpid());
}

TestSuite(daemon_peers, .init = be_root, .fini = tmpdir_done, .timeout = 120);

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t group; /* supplementary; 0: none */
};

static const struct identity nobody = { NOBODY, NOBODY, 0 };

static void become(const struct identity *who)
{
	cr_assert(eq(int, setgroups(who->group ? 1 : 0, &who->group), 0));
	cr_assert(eq(int, setresgid(who->gid, who->gid, who->gid), 0));
	cr_assert(eq(int, setresuid(who->uid, who->uid, who->uid), 0));
}

typedef int client_fn(void);

/* What @fn returns in a process that is @who. */
static int as(const struct identity *who, client_fn *fn)
{
	pid_t pid = fork();
	int status;

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		become(who);
		_exit(fn());
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- who may connect ----------------------------------------------------- */

/* The errno that it is refused with; 0: it is welcome. */
static int greet(void)
{
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = USP_WIRE_FRAME_BYTES_MAX,
	};
	struct frame frame;
	struct peer peer;

	peer_connect(&peer, name);
	peer_send_hello(&peer, &hello);
	if (!peer_next(&peer, &frame))
		return 101;
	return frame.type == USP_WIRE_ERROR ? (int)frame.arg : 0;
}

Test(daemon_peers, those_that_are_allowed_are_served)
{
	const char *const args[] = { "--allow-uid", "65534", "--allow-uid", "70001",
				     "--allow-gid", "70050", NULL };
	static const struct {
		struct identity who;
		int refused;
	} rows[] = {
		{ { NOBODY, NOBODY, 0 }, 0 },
		{ { 70001, 70001, 0 }, 0 },
		{ { 70002, STAFF, 0 }, 0 },	/* by its group */
		{ { 70002, 70002, STAFF }, 0 }, /* by a supplementary one */
		{ { 70002, 70002, 70051 }, EACCES },
		{ { 70002, 0, 0 }, EACCES },
		{ { 70002, NOBODY, 0 }, EACCES }, /* a group of that number */
		{ { 0, 70002, 0 }, 0 },
	};

	daemon_start_on(&daemon_run, name, args);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, as(&rows[i].who, greet), rows[i].refused), "row %zu",
			  i);
	daemon_stop(&daemon_run);
}

Test(daemon_peers, a_path_lets_in_who_is_allowed_and_no_other)
{
	const char *const args[] = { "--allow-uid", "65534", NULL };
	const struct identity other = { 70002, 70002, 0 };
	struct stat st;

	chmod(tmpdir(), 0711);
	daemon_start(&daemon_run, args);
	cr_assert(eq(int, stat(daemon_run.socket, &st), 0));
	cr_expect(eq(uint, st.st_mode & 07777, 0666));
	strcpy(name, daemon_run.socket);
	cr_expect(eq(int, as(&nobody, greet), 0));
	cr_expect(eq(int, as(&other, greet), EACCES));
	daemon_stop(&daemon_run);
}

Test(daemon_peers, the_daemon_of_a_user_serves_it_and_root)
{
	const struct identity other = { 70002, 70002, 0 }, root = { 0, 0, 0 };
	const struct daemon_options options = { .socket = name, .uid = NOBODY };

	daemon_start_with(&daemon_run, &options);
	cr_expect(eq(int, as(&nobody, greet), 0));
	cr_expect(eq(int, as(&root, greet), 0));
	cr_expect(eq(int, as(&other, greet), EACCES));
	daemon_expect_service(name);
	daemon_stop(&daemon_run);
}

/* ---- who changed since it connected -------------------------------------- */

/* Greets as root, becomes @who, and asks.  Returns the errno of the answer. */
static int ask_after_becoming(const struct identity *who)
{
	struct peer peer;
	struct frame frame;
	int error;

	peer_open(&peer, name);
	become(who);
	peer_spawn(&peer, 1, &PEER_ARGV("/bin/true"), false);
	if (!peer_next(&peer, &frame) || frame.type != USP_WIRE_ERROR)
		return 101;
	if (!memmem(frame.payload, frame.payload_bytes, "reconnect", 9))
		return 102;
	error = (int)frame.arg;
	return peer_next(&peer, &frame) ? 103 : error;
}

static int drop_user(void)
{
	return ask_after_becoming(&nobody);
}

static int drop_group(void)
{
	return ask_after_becoming(&(struct identity){ 0, NOBODY, 0 });
}

/* The connection was handed to a process of another user, HELLO and all. */
static int be_handed_a_connection(void)
{
	struct peer peer;

	peer_connect(&peer, name);
	become(&nobody);
	peer_spawn(&peer, 1, &PEER_ARGV("/bin/true"), false);
	peer_expect_error(&peer, EPERM, "reconnect");
	return 0;
}

/* It stays itself and goes on; so does a child of it. */
static int stay(void)
{
	struct peer peer;
	int status;

	peer_open(&peer, name);
	peer_expect_service(&peer, 1);
	if (fork() == 0) {
		peer_expect_service(&peer, 2);
		_exit(0);
	}
	wait(&status);
	return status;
}

Test(daemon_peers, who_gave_up_its_rights_has_to_reconnect)
{
	const struct identity root = { 0, 0, 0 };

	daemon_start_on(&daemon_run, name, NULL);
	cr_expect(eq(int, as(&root, drop_user), EPERM));
	cr_expect(eq(int, as(&root, drop_group), EPERM));
	cr_expect(eq(int, as(&root, be_handed_a_connection), 0));
	cr_expect(eq(int, as(&root, stay), 0));
	daemon_expect_service(name);
	daemon_stop(&daemon_run);
}

/* ---- as whom jobs run ---------------------------------------------------- */

/* All that a job prints, and its exit code. */
static int output_of(const struct request *request, char *ret_text, size_t size)
{
	struct usp_event event;
	struct peer peer;
	int code = -1;
	size_t n = 0;
	uint32_t job;

	peer_open(&peer, name);
	peer_spawn(&peer, 1, request, false);
	do {
		event = peer_event(&peer, &job);
		if (event.kind == USP_EVENT_OUTPUT && n + event.output.size < size) {
			memcpy(ret_text + n, event.output.data, event.output.size);
			n += event.output.size;
		}
		if (event.kind == USP_EVENT_EXIT)
			code = event.exit.code;
	} while (event.kind != USP_EVENT_END);
	ret_text[n] = '\0';
	peer_close(&peer);
	return code;
}

/* Returns the number of the line, from 1, that its status lacks; 0: none. */
static int look_at_itself(void)
{
	static const char argv[] = "/bin/cat\0/proc/self/status";
	static const char *const lines[] = {
		"\nUid:\t70002\t70002\t70002\t70002\n",
		"\nGid:\t70003\t70003\t70003\t70003\n",
		"\nGroups:\t70050 \n",
		"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n",
	};
	char text[8192];
	int n = sizeof(lines) / sizeof(lines[0]);

	if (output_of(&(struct request){ .argv = { argv, sizeof(argv) } }, text,
		      sizeof(text)))
		return 99;
	while (n > 0 && strstr(text, lines[n - 1]))
		n--;
	return n;
}

Test(daemon_peers, a_job_of_a_root_daemon_is_its_peer)
{
	const char *const args[] = { "--allow-uid", "70002", NULL };
	const struct identity peer = { 70002, 70003, STAFF };

	daemon_start_on(&daemon_run, name, args);
	cr_expect(eq(int, as(&peer, look_at_itself), 0));
	daemon_stop(&daemon_run);
}

static int read_shadow(void)
{
	static const char argv[] = "/bin/cat\0/etc/shadow";
	char text[8192];

	return output_of(&(struct request){ .argv = { argv, sizeof(argv) } }, text,
			 sizeof(text));
}

static char root_only[128], root_program[160];

static int enter_root_only(void)
{
	struct request request = PEER_ARGV("/bin/true");
	struct peer peer;

	request.cwd.bytes = root_only;
	request.cwd.size = strlen(root_only);
	peer_open(&peer, name);
	peer_spawn(&peer, 1, &request, false);
	peer_expect_failed(&peer, 1, USP_STAGE_CHDIR, EACCES, root_only);
	return 0;
}

static int execute_root_only(void)
{
	const struct request request = {
		.argv = { root_program, strlen(root_program) + 1 },
	};
	struct peer peer;

	peer_open(&peer, name);
	peer_spawn(&peer, 1, &request, false);
	peer_expect_failed(&peer, 1, USP_STAGE_EXEC, EACCES, root_program);
	return 0;
}

/* A directory and a program for root alone, in a place that all can reach. */
static void make_root_only(void)
{
	int fd;

	chmod(tmpdir(), 0755);
	snprintf(root_only, sizeof(root_only), "%s/private", tmpdir());
	snprintf(root_program, sizeof(root_program), "%s/program", tmpdir());
	cr_assert(eq(int, mkdir(root_only, 0700), 0));
	fd = open(root_program, O_CREAT | O_WRONLY | O_CLOEXEC, 0700);
	cr_assert(eq(int, (int)write(fd, "#!/bin/true\n", 12), 12));
	close(fd);
}

Test(daemon_peers, nothing_that_a_peer_names_is_opened_as_root)
{
	const char *const args[] = { "--allow-uid", "65534", NULL };
	const struct identity root = { 0, 0, 0 };

	make_root_only();
	daemon_start_on(&daemon_run, name, args);
	cr_expect(eq(int, as(&nobody, read_shadow), 1));
	cr_expect(eq(int, as(&root, read_shadow), 0));
	cr_expect(eq(int, as(&nobody, enter_root_only), 0));
	cr_expect(eq(int, as(&nobody, execute_root_only), 0));
	daemon_stop(&daemon_run);
}

/* A daemon that is not root's gives what it has, and no more. */
static int read_own_uid(void)
{
	static const char argv[] = "/usr/bin/id\0-u";
	char text[64];

	cr_assert(eq(int,
		     output_of(&(struct request){ .argv = { argv, sizeof(argv) } }, text,
			       sizeof(text)),
		     0));
	return strcmp(text, "65534\n");
}

Test(daemon_peers, a_job_of_a_user_s_daemon_is_that_user_s)
{
	const char *const args[] = { "--allow-uid", "70002", NULL };
	const struct identity other = { 70002, 70002, 0 }, root = { 0, 0, 0 };
	const struct daemon_options options = {
		.socket = name,
		.args = args,
		.uid = NOBODY,
	};

	daemon_start_with(&daemon_run, &options);
	cr_expect(eq(int, as(&nobody, read_own_uid), 0));
	cr_expect(eq(int, as(&other, read_own_uid), 0));
	cr_expect(eq(int, as(&root, read_own_uid), 0));
	daemon_stop(&daemon_run);
}

/* ---- what only root may ask for ------------------------------------------ */

static const struct ask {
	struct usp_options options;
	const char *field;
} asks[] = {
	{ { .set = USP_SET_CREDENTIALS, .uid = 0, .gid = 0 }, "credentials" },
	{ { .set = USP_SET_CREDENTIALS, .uid = NOBODY, .gid = 0 }, "credentials" },
	{ { .set = USP_SET_CREDENTIALS, .uid = 70002, .gid = NOBODY }, "credentials" },
	{ { .set = USP_SET_NICE, .nice = -5 }, "nice" },
	{ { .set = USP_SET_OOM_SCORE_ADJ, .oom_score_adj = -5 }, "oom_score_adj" },
	{ { .rlimits = { { RLIMIT_NOFILE, UINT64_MAX, UINT64_MAX } }, .n_rlimits = 1 },
	  "rlimits" },
	{ { .cgroup = { .path = "/" } }, "cgroup" },
};

/* Each of them is refused by its name, and the connection goes on. */
static int ask_for_more(void)
{
	struct peer peer;
	uint32_t job = 1;

	peer_open(&peer, name);
	for (size_t i = 0; i < sizeof(asks) / sizeof(asks[0]); i++, job++) {
		struct request request = PEER_ARGV("/bin/true");

		request.options = asks[i].options;
		peer_spawn(&peer, job, &request, false);
		peer_expect_failed(&peer, job, USP_STAGE_VALIDATE, EPERM, asks[i].field);
	}
	peer_expect_service(&peer, job);
	return 0;
}

/* To be what it is, and less. */
static int ask_for_less(void)
{
	static const char argv[] = "/bin/sh\0-c\0id -u; nice; ulimit -Hc";
	struct request request = { .argv = { argv, sizeof(argv) } };
	char text[64];

	request.options = (struct usp_options){
		.set = USP_SET_CREDENTIALS | USP_SET_NICE,
		.uid = NOBODY,
		.gid = NOBODY,
		.nice = 5,
		.rlimits = { { RLIMIT_CORE, 0, 0 } },
		.n_rlimits = 1,
	};
	return output_of(&request, text, sizeof(text)) || strcmp(text, "65534\n5\n0\n");
}

/* Root may be anybody. */
static int become_another(void)
{
	static const char argv[] = "/usr/bin/id\0-u";
	struct request request = { .argv = { argv, sizeof(argv) } };
	char text[64];

	request.options = (struct usp_options){
		.set = USP_SET_CREDENTIALS,
		.uid = 70002,
		.gid = 70002,
	};
	return output_of(&request, text, sizeof(text)) || strcmp(text, "70002\n");
}

Test(daemon_peers, nobody_becomes_more_than_it_is)
{
	const char *const args[] = { "--allow-uid", "65534", NULL };
	const struct identity root = { 0, 0, 0 };

	daemon_start_on(&daemon_run, name, args);
	cr_expect(eq(int, as(&nobody, ask_for_more), 0));
	cr_expect(eq(int, as(&nobody, ask_for_less), 0));
	cr_expect(eq(int, as(&root, become_another), 0));
	daemon_stop(&daemon_run);
}
