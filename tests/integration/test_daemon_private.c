/*
 * --private: a daemon of one program's, which ends with it, and whose jobs are as if the
 * program had started them.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <uringspawn/wire.h>

#include "support/command.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/private.h"
#include "support/tmpdir.h"
#include "support/wait.h"
#include "sys/sock.h"

TestSuite(daemon_private, .fini = tmpdir_done, .timeout = 120);

#define NOBODY 65534

static struct private_daemon run;

/* ---- where it listens ---------------------------------------------------- */

static int try_at(const char *socket, uid_t uid, char *ret_text, size_t size)
{
	const char *const args[] = { "--private", "--background", NULL };
	const struct daemon_options options = { .socket = socket,
						.args = args,
						.uid = uid };

	return daemon_try_with(&options, ret_text, size);
}

Test(daemon_private, its_directory_is_made_for_its_user_alone)
{
	const char *socket = tmpdir_path("new/socket");
	mode_t before = umask(0777);
	struct peer peer;
	struct stat st;

	private_start(&run, socket, NULL);
	umask(before);
	peer_open(&peer, socket);
	cr_assert(eq(int, stat(tmpdir_path("new"), &st), 0));
	cr_expect(eq(uint, st.st_mode & 07777, 0700));
	cr_assert(eq(int, stat(socket, &st), 0));
	cr_expect(eq(uint, st.st_mode & 07777, 0600));
	peer_close(&peer);
	private_expect_ended(&run);
}

Test(daemon_private, a_directory_that_others_may_write_to_is_refused)
{
	const char *dir = tmpdir_path("shared"), *link = tmpdir_path("link");
	char text[1024];

	cr_assert(eq(int, mkdir(dir, 0700), 0));
	cr_assert(eq(int, symlink(dir, link), 0));
	cr_expect(eq(int, try_at(tmpdir_path("link/socket"), 0, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "is not a directory of user"), NULL), "%s", text);
	cr_assert(eq(int, chmod(dir, 01777), 0));
	cr_expect(
		eq(int, try_at(tmpdir_path("shared/socket"), 0, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "is not a directory of user"), NULL), "%s", text);
	cr_expect(eq(int, access(tmpdir_path("shared/socket"), F_OK), -1));

	cr_expect(eq(int, try_at("/no/such/socket", 0, text, sizeof(text)), 1));
	cr_expect(
		ne(ptr, strstr(text, "make the directory /no/such: No such file"), NULL),
		"%s", text);
}

Test(daemon_private, somebody_elses_directory_is_refused)
{
	char text[1024];

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	chmod(tmpdir(), 0755);
	cr_expect(eq(int, try_at(tmpdir_path("socket"), NOBODY, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "is not a directory of user 65534's own"), NULL),
		  "%s", text);
}

/* Not in the background, its names are its working directory's. */
Test(daemon_private, the_working_directory_is_judged_as_well)
{
	const char *const args[] = { "--private", NULL };
	const struct daemon_options options = { .socket = "socket", .args = args };
	struct running_daemon running;
	struct peer peer;
	char text[1024];

	cr_assert(eq(int, chdir(tmpdir()), 0));
	cr_assert(eq(int, chmod(".", 0777), 0));
	cr_expect(eq(int, daemon_try_with(&options, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "cannot listen in ."), NULL), "%s", text);
	cr_assert(eq(int, chmod(".", 0700), 0));
	daemon_start_with(&running, &options);
	peer_open(&peer, "socket");
	peer_close(&peer);
	daemon_stopped(&running);
}

/* ---- whom it serves ------------------------------------------------------ */

/* Connect as @uid.  Returns the errno that it is turned away with. */
static int greet_as(uid_t uid, const char *socket)
{
	pid_t pid = fork();
	int status;

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		struct frame frame;
		struct peer peer;

		if (setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
			_exit(100);
		peer_connect(&peer, socket);
		if (!peer_next(&peer, &frame))
			_exit(101);
		_exit(frame.type == USP_WIRE_ERROR ? (int)frame.arg : 0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *abstract_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "@uringspawn-private-%d", (int)getpid());
	return name;
}

Test(daemon_private, it_serves_its_own_user_alone)
{
	const char *const args[] = { "--private", NULL };
	struct daemon_options options = { .socket = abstract_name(), .args = args };
	struct running_daemon running;

	if (geteuid() != 0)
		cr_skip("only root can be another user");
	daemon_start_with(&running, &options);
	cr_expect(eq(int, greet_as(NOBODY, options.socket), EACCES));
	daemon_expect_service(options.socket);
	daemon_stopped(&running);

	options.uid = NOBODY;
	daemon_start_with(&running, &options);
	cr_expect(eq(int, greet_as(0, options.socket), EACCES), "root is somebody else");
	daemon_stop(&running);
}

Test(daemon_private, it_is_not_replaced)
{
	const char *socket = tmpdir_path("socket");
	const char *const args[] = { "--socket", socket, "--replace", NULL };
	struct peer peer;
	char text[1024];

	private_start(&run, socket, NULL);
	peer_open(&peer, socket);
	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "a private daemon is not replaced"), NULL), "%s",
		  text);
	peer_expect_service(&peer, 1);
	peer_close(&peer);
	private_expect_ended(&run);
}

static int listen_for_datagrams(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	cr_assert(
		eq(int, bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0));
	return fd;
}

/* They are the program's, which may be a service itself. */
Test(daemon_private, what_a_service_manager_passes_is_not_for_it)
{
	const char *socket = tmpdir_path("socket"), *told = tmpdir_path("notify");
	const char *const args[] = { "--private", "--background", NULL };
	char variable[160], text[1024];
	const char *const env[] = { variable, NULL };
	int notify_fd, fds[2];
	struct daemon_options options = {
		.socket = socket, .args = args, .n_fds = 1, .activated = true, .env = env
	};
	struct peer peer;

	snprintf(variable, sizeof(variable), "NOTIFY_SOCKET=%s", told);
	notify_fd = listen_for_datagrams(told);
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	options.fds = &fds[1];
	cr_assert(eq(int, daemon_try_with(&options, text, sizeof(text)), 0), "%s", text);
	close(fds[1]);
	cr_expect(eq(int, (int)read(fds[0], text, 1), 0), "it was not closed");

	private_find(&run, socket);
	peer_open(&peer, socket);
	peer_expect_service(&peer, 1);
	peer_close(&peer);
	private_expect_ended(&run);
	cr_expect(not(wait_fd(notify_fd, POLLIN, 0)), "it spoke for the program");
	close(notify_fd);
	close(fds[0]);
}

/* ---- how long it lives --------------------------------------------------- */

Test(daemon_private, it_ends_with_its_last_client)
{
	const char *socket = tmpdir_path("socket");
	struct peer first, second;

	private_start(&run, socket, NULL);
	peer_open(&first, socket);
	peer_open(&second, socket);
	peer_close(&first);
	peer_expect_service(&second, 1);
	peer_open(&first, socket);
	peer_close(&second);
	peer_expect_service(&first, 1);
	peer_close(&first);
	private_expect_ended(&run);
}

/* One says nothing, and is given its ten seconds. */
Test(daemon_private, it_ends_when_nobody_came)
{
	const char *silent_socket = tmpdir_path("silent");
	struct private_daemon of_silent;
	struct peer silent;

	private_start(&run, tmpdir_path("socket"), NULL);
	private_start(&of_silent, silent_socket, NULL);
	peer_connect(&silent, silent_socket);
	private_expect_ended(&run);
	private_expect_ended(&of_silent);
	peer_close(&silent);
}

Test(daemon_private, a_signal_ends_it_too)
{
	const char *socket = tmpdir_path("socket");
	struct peer peer;

	private_start(&run, socket, NULL);
	peer_open(&peer, socket);
	kill(run.pid, SIGTERM);
	peer_expect_error(&peer, ESHUTDOWN, "stops");
	private_expect_ended(&run);
	peer_close(&peer);
}

/* ---- two at one moment --------------------------------------------------- */

static const char *const *start_line(const char *socket)
{
	static const char *argv[8];
	const char *const line[] = { BUILD_DIR "/uringspawnd",
				     "--private",
				     "--background",
				     "--quiet",
				     "--socket",
				     socket,
				     NULL };

	memcpy(argv, line, sizeof(line));
	return argv;
}

Test(daemon_private, of_those_that_start_at_one_moment_one_serves)
{
	enum { STARTS = 6 };
	const char *socket = tmpdir_path("socket");
	const struct command command = { .argv = start_line(socket) };
	static struct running_command commands[STARTS];
	static struct command_result result;
	int served = 0;

	for (int i = 0; i < STARTS; i++)
		command_start(&commands[i], &command);
	for (int i = 0; i < STARTS; i++) {
		command_end(&commands[i], &result);
		served += result.code == 0;
		if (result.code != 0)
			cr_expect(ne(ptr, strstr(result.err, "EADDRINUSE"), NULL),
				  "%d %s", result.code, result.err);
	}
	cr_expect(eq(int, served, 1));
	private_find(&run, socket);
	daemon_expect_service(socket);
	private_expect_ended(&run);
}

/* Each has a connection of its own daemon's, or of the one before, until that ends. */
Test(daemon_private, one_that_ends_leaves_the_socket_of_its_successor)
{
	enum { ROUNDS = 20 };
	const char *socket = tmpdir_path("socket");
	const struct command command = { .argv = start_line(socket) };
	static struct command_result result;
	struct peer peer;

	private_start(&run, socket, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		struct private_daemon last = run;

		daemon_expect_service(socket); /* and its last client is gone */
		while (command_run(&command, &result) != 0)
			cr_assert(ne(ptr, strstr(result.err, "EADDRINUSE"), NULL), "%s",
				  result.err);
		cr_assert(wait_fd(last.pidfd, POLLIN, WAIT_MS));
		close(last.pidfd);
		private_find(&run, socket);
	}
	peer_open(&peer, socket);
	peer_expect_service(&peer, 1);
	peer_close(&peer);
	private_expect_ended(&run);
}

/* Greet, and hear something or find the connection closed.  False: nobody listens. */
static bool knock(const char *socket)
{
	const struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = USP_WIRE_FRAME_BYTES_MAX,
		.name = { "test", 4 },
	};
	int fd = sys_socket_connect(socket);
	struct frame frame;
	struct peer peer;

	if (fd < 0)
		return false;
	peer_wrap(&peer, fd);
	peer_send_hello(&peer, &hello);
	if (peer_next(&peer, &frame))
		cr_assert(frame.type == USP_WIRE_HELLO || frame.type == USP_WIRE_ERROR);
	peer_close(&peer);
	return true;
}

/* Who connects meanwhile hears of it, or is refused: nobody waits. */
Test(daemon_private, a_connection_that_comes_while_it_ends_is_answered)
{
	const char *socket = tmpdir_path("socket");
	int left = 1000;

	private_start(&run, socket, NULL);
	daemon_expect_service(socket);
	while (knock(socket) && --left > 0)
		continue;
	private_expect_ended(&run);
}

/* ---- what its jobs have -------------------------------------------------- */

/* All that a process hands on, in words. */
#define WHAT_IT_HAS                                                                      \
	"grep -E '^(Umask|Uid|Gid|Groups|Seccomp|NoNewPrivs|Cap|SigPnd|ShdPnd|SigBlk|"   \
	"SigIgn|SigCgt|Cpus_allowed|Mems_allowed)' /proc/self/status; "                  \
	"cat /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns "       \
	"/proc/self/cgroup; read stat < /proc/self/stat; set -- $stat; "                 \
	"echo group $5 session $6 terminal $7 nice ${19} policy ${41}; env | sort; "     \
	"ls /proc/self/fd"

static const char what_it_has[] = "/bin/sh\0-c\0" WHAT_IT_HAS;

/* A process as any, which dies with the test. */
static void be_usual(void)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Whatever is not as usual. */
static void change_what_is_handed_on(void)
{
	const struct rlimit files = { 200, 300 }, core = { 0, 0 };
	const struct sched_param none = { 0 };
	cpu_set_t cpus;
	FILE *file;

	umask(027);
	(void)!nice(3);
	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ||
	    sched_setscheduler(0, SCHED_BATCH, &none) < 0 ||
	    setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_CORE, &core) < 0)
		_exit(100);
	file = fopen("/proc/self/oom_score_adj", "we");
	if (file) {
		fputs("321", file);
		fclose(file);
	}
	file = fopen("/proc/self/timerslack_ns", "we");
	if (file) {
		fputs("70000", file);
		fclose(file);
	}
}

static int run_here(const char *const *argv, int out_fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int null_fd = open("/dev/null", O_RDWR);

		(void)!chdir("/");
		dup2(null_fd, 0);
		dup2(out_fd, 1);
		dup2(out_fd, 2);
		syscall(SYS_close_range, 3, ~0u, 0);
		execve(argv[0], (char *const *)argv, (char *const[]){ "A=1", NULL });
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
								    : -1;
}

/* A program: what a child of its own has goes to @out_fd, and then it has a daemon. */
static int be_program(const char *socket, int out_fd)
{
	const char *const shell[] = { "/bin/sh", "-c", WHAT_IT_HAS, NULL };

	be_usual();
	change_what_is_handed_on();
	if (run_here(shell, out_fd) != 0)
		return 101;
	return run_here(start_line(socket), out_fd); /* it says what is wrong */
}

static size_t read_all(int fd, char *text, size_t size)
{
	size_t n = 0;
	ssize_t ret;

	while (n < size - 1 && (ret = read(fd, text + n, size - 1 - n)) > 0)
		n += (size_t)ret;
	text[n] = 0;
	return n;
}

/* All of a job's output, until its end. */
static void read_job(struct peer *peer, uint32_t job, char *text, size_t size)
{
	struct usp_event event;
	uint32_t told;
	size_t n = 0;

	do {
		event = peer_event(peer, &told);
		cr_assert(ne(int, event.kind, USP_EVENT_FAILED));
		if (event.kind != USP_EVENT_OUTPUT || told != job)
			continue;
		cr_assert(lt(sz, n + event.output.size, size));
		memcpy(text + n, event.output.data, event.output.size);
		n += event.output.size;
	} while (event.kind != USP_EVENT_END);
	text[n] = 0;
}

Test(daemon_private, its_jobs_have_what_the_programs_own_children_have)
{
	const struct request request = { .argv = { what_it_has, sizeof(what_it_has) },
					 .env = { "A=1", 4 },
					 .cwd = { "/", 1 },
					 .options.group = USP_GROUP_JOIN };
	static char own[16384], jobs[16384];
	const char *socket = tmpdir_path("socket");
	struct peer peer;
	int fds[2], status;
	pid_t pid;

	if (!getenv("USP_ALONE"))
		cr_skip_test(
			"beside other tests its program fails at times: run it with USP_ALONE=1");

	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	pid = fork();
	if (pid == 0)
		_exit(be_program(socket, fds[1]));
	close(fds[1]);
	read_all(fds[0], own, sizeof(own));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, 0), "status %x, %s", (unsigned)status, own);

	private_find(&run, socket);
	peer_open(&peer, socket);
	peer_spawn(&peer, 1, &request, false);
	read_job(&peer, 1, jobs, sizeof(jobs));
	cr_expect(eq(str, jobs, own));
	cr_expect(ne(ptr, strstr(jobs, "0027"), NULL), "%s", jobs);
	cr_expect(ne(ptr, strstr(jobs, "policy 3"), NULL), "%s", jobs);
	peer_close(&peer);
	private_expect_ended(&run);
	close(fds[0]);
}

/* ---- in the program's group and on its terminal -------------------------- */

/* Who a job of tell_signals is. */
struct who {
	int pid, parent, group, session;
};

static struct who who(struct peer *peer, uint32_t job, enum usp_group group)
{
	struct request request = PEER_ARGV(PROGRAM("tell_signals"));
	struct usp_event event;
	struct who who;

	request.options.group = group;
	request.options.kill.target = USP_TARGET_GROUP;
	peer_spawn(peer, job, &request, false);
	event = peer_skip_to(peer, job, USP_EVENT_OUTPUT);
	cr_assert(eq(int,
		     sscanf(event.output.data, "pid %d parent %d group %d session %d",
			    &who.pid, &who.parent, &who.group, &who.session),
		     4));
	return who;
}

static void send_signal(struct peer *peer, uint32_t job, int signal,
			enum usp_wire_signal_target target)
{
	const struct frame frame = { .type = USP_WIRE_SIGNAL,
				     .flags = (uint16_t)target,
				     .job = job,
				     .arg = (uint32_t)signal };

	peer_send_frame(peer, &frame, NULL);
}

/* We are in that group, and would hear of it. */
Test(daemon_private, a_job_in_the_programs_group_is_signalled_alone)
{
	static const enum usp_wire_signal_target targets[] = { USP_WIRE_SIGNAL_GROUP,
							       USP_WIRE_SIGNAL_PROCESS,
							       USP_WIRE_SIGNAL_TREE };
	const char *socket = tmpdir_path("socket");
	struct peer peer;

	signal(SIGTERM, SIG_DFL);
	private_start(&run, socket, NULL);
	peer_open(&peer, socket);
	for (uint32_t job = 1; job <= 3; job++) {
		struct who told = who(&peer, job, USP_GROUP_JOIN);

		cr_expect(eq(int, told.group, getpgrp()));
		cr_expect(eq(int, told.session, getsid(0)));
		cr_expect(eq(int, told.parent, run.pid));
		cr_expect(eq(int, getpgid(run.pid), run.pid), "nor is the daemon in it");
		send_signal(&peer, job, SIGTERM, targets[job - 1]);
		cr_expect(
			eq(int, peer_skip_to(&peer, job, USP_EVENT_EXIT).exit.code, 40));
		peer_skip_to(&peer, job, USP_EVENT_END);
		who(&peer, job + 3, USP_GROUP_JOIN);
		send_signal(&peer, job + 3, SIGKILL, targets[job - 1]);
		cr_expect(eq(int,
			     peer_skip_to(&peer, job + 3, USP_EVENT_EXIT).exit.signal,
			     SIGKILL));
	}
	peer_close(&peer);
	private_expect_ended(&run);
}

/* From a session of its own, with the connection made by that. */
static pid_t connect_elsewhere(const char *socket, int *ret_fd)
{
	int fds[2], passed, n;
	unsigned n_fds = 0;
	char byte;
	pid_t pid;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0));
	pid = fork();
	if (pid == 0) {
		const struct iovec iov = { "", 1 };
		int fd;

		be_usual();
		setsid();
		fd = sys_socket_connect(socket);
		sys_socket_send(fds[1], &iov, 1, &fd, 1, true);
		(void)!read(fds[1], &byte, 1);
		_exit(0);
	}
	close(fds[1]);
	n = (int)sys_socket_recv(fds[0], &byte, 1, &passed, 1, &n_fds, true);
	cr_assert(eq(int, n, 1));
	cr_assert(eq(uint, n_fds, 1));
	*ret_fd = passed;
	return pid;
}

Test(daemon_private, a_client_in_another_session_has_jobs_in_new_groups)
{
	const char *socket = tmpdir_path("socket");
	struct peer peer, own;
	struct who told;
	pid_t client;
	int fd;

	private_start(&run, socket, NULL);
	peer_open(&own, socket);
	client = connect_elsewhere(socket, &fd);
	peer_wrap(&peer, fd);
	peer_greet(&peer);
	told = who(&peer, 1, USP_GROUP_JOIN);
	cr_expect(eq(int, told.group, told.pid));

	kill(client, SIGKILL);
	cr_assert(eq(int, waitpid(client, NULL, 0), client));
	told = who(&peer, 2, USP_GROUP_JOIN);
	cr_expect(eq(int, told.group, told.pid), "the client is no more");
	peer_close(&peer);
	peer_close(&own);
	private_expect_ended(&run);
}

/* Its master; the name of the terminal in @name. */
static int open_terminal(char *name, size_t size)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, size))
		cr_skip("no pseudo terminal is to be had here");
	return fd;
}

/* The program that leads the terminal's session: gives its connection, and tells each
 * interrupt. */
static void be_on_terminal(const char *name, const char *socket, int tell_fd)
{
	const struct iovec iov = { "c", 1 };
	int fd, signal_number, null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t interrupt;

	be_usual();
	setsid();
	fd = open(name, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0 ||
	    run_here(start_line(socket), null_fd) != 0)
		_exit(100);
	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, NULL);
	fd = sys_socket_connect(socket);
	sys_socket_send(tell_fd, &iov, 1, &fd, 1, true);
	while (sigwait(&interrupt, &signal_number) == 0)
		(void)!write(tell_fd, "i", 1);
	_exit(0);
}

/* What it says next begins so. */
static void expect_said(struct peer *peer, uint32_t job, const char *text)
{
	struct usp_event event = peer_skip_to(peer, job, USP_EVENT_OUTPUT);

	cr_assert(ge(sz, event.output.size, strlen(text)));
	cr_assert(eq(int, memcmp(event.output.data, text, strlen(text)), 0));
}

static void expect_byte(int fd, char expected)
{
	char byte;

	cr_assert(wait_fd(fd, POLLIN, WAIT_MS));
	cr_assert(eq(int, (int)read(fd, &byte, 1), 1));
	cr_assert(eq(int, byte, expected));
}

Test(daemon_private,
     on_a_terminal_the_program_and_its_jobs_are_interrupted_not_the_daemon)
{
	const struct request on_terminal =
		PEER_ARGV("/bin/sh\0-c\0exec 3<>/dev/tty && echo yes");
	const char *socket = tmpdir_path("socket");
	char name[64], byte;
	int tty = open_terminal(name, sizeof(name)), fds[2], fd;
	unsigned n_fds = 0;
	struct peer peer;
	struct who told;
	pid_t program;

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0));
	program = fork();
	if (program == 0) {
		close(tty);
		be_on_terminal(name, socket, fds[1]);
	}
	close(fds[1]);
	cr_assert(
		eq(int, (int)sys_socket_recv(fds[0], &byte, 1, &fd, 1, &n_fds, true), 1));
	cr_assert(eq(uint, n_fds, 1));
	peer_wrap(&peer, fd);
	peer_greet(&peer);
	private_find(&run, socket);
	cr_expect(eq(int, getsid(run.pid), program));

	told = who(&peer, 1, USP_GROUP_JOIN);
	cr_expect(eq(int, told.group, program));
	cr_expect(eq(int, told.session, program));
	peer_spawn(&peer, 2, &on_terminal, false);
	expect_said(&peer, 2, "yes\n");
	cr_assert(eq(int, (int)write(tty, "\003", 1), 1));
	expect_said(&peer, 1, "signal 2\n");
	expect_byte(fds[0], 'i');
	peer_expect_service(&peer, 3);

	close(tty); /* it hangs up */
	cr_assert(eq(int, waitpid(program, NULL, 0), program));
	expect_said(&peer, 1, "signal 1\n");
	peer_expect_service(&peer, 4);
	peer_close(&peer);
	private_expect_ended(&run);
	close(fds[0]);
}
