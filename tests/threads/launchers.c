/*
 * Launchers, mailboxes and the janitor under load, for ThreadSanitizer, which Criterion
 * cannot run under: 10,000 processes by four launchers with many in flight, messages
 * from four threads to one reactor, 20,000 errands, and then nothing is left.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unistd.h>

#include "base/annotate.h"
#include "engine/engine.h"
#include "launch/janitor.h"
#include "support/backend.h"

static unsigned passed;

#define check(condition)                                                                 \
	do {                                                                             \
		if (!(condition)) {                                                      \
			printf("line %d: %s does not hold\n", __LINE__, #condition);     \
			printf("%u passed, 1 failed\n", passed);                         \
			exit(1);                                                         \
		}                                                                        \
	} while (0)

static int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -1; /* the directory's own */

	check(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* ---- launchers ----------------------------------------------------------- */

enum { MANY = 10000, IN_FLIGHT = 32 };

static const char *const true_argv[] = { BUILD_DIR "/tests/programs/true", NULL };
static const char *const missing_argv[] = { "/no/such/program", NULL };
static const char *const sleep_argv[] = { BUILD_DIR "/tests/programs/sleep_forever",
					  NULL };

static struct usp_engine *engine;
static bool has_trees;
static unsigned wanted, spawned, exited, failed, killed, ended;

static void spawn_one(void);

/*
 * Raw: ThreadSanitizer knows one file by each number, and a launcher with a table of its
 * own may have another one by it.
 */
static void close_given(int fd)
{
	syscall(SYS_close, fd);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	(void)process;
	(void)user;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		for (size_t i = 0; i < event->started.n_fds; i++)
			close_given(event->started.fds[i].fd);
		if (event->started.pidfd >= 0)
			close_given(event->started.pidfd);
		break;
	case USP_EVENT_FAILED:
		failed++;
		break;
	case USP_EVENT_EXIT:
		exited += event->exit.code == 0;
		killed += event->exit.signal != 0;
		break;
	case USP_EVENT_END:
		ended++;
		if (spawned < wanted)
			spawn_one();
		break;
	default:
		break;
	}
}

/*
 * One in a hundred is not there, and one is killed while it is launched; one in four
 * has every kind of channel, most of the others none.
 */
static void spawn_one(void)
{
	static const struct usp_fd fds[] = { { 3, { .kind = USP_STDIO_DUPLEX } },
					     { 4, { .kind = USP_STDIO_HANDOVER } } };
	const struct usp_stdio null = { .kind = USP_STDIO_NULL };
	unsigned i = spawned++;
	bool is_missing = i % 100 == 7, is_killed = i % 100 == 9;
	struct usp_process *process;
	struct usp_options options = USP_OPTIONS(.argv = is_missing  ? missing_argv
							 : is_killed ? sleep_argv
								     : true_argv,
						 .on_event = on_event);

	if (i % 4)
		options.stdio[1] = options.stdio[2] = null;
	if (i % 4 == 1) {
		options.fds = fds;
		options.n_fds = ARRAY_SIZE(fds);
		options.flags = USP_FLAG_PIDFD;
		options.stdio[1].kind = USP_STDIO_PTY;
	}
	if (is_killed)
		options.kill.signal = SIGKILL;
	/* In cgroups, if there are any.  Files are opened for that by name, and
	 * ThreadSanitizer knows one file by each number of a descriptor: in a launcher's
	 * own table it would be another one. */
	if (i % 10 == 9 && has_trees)
		options.kill.target = USP_TARGET_TREE;
	check(usp_spawn(engine, &options, &process) == 0);
	if (is_killed)
		usp_process_kill(process);
}

static void launch_many(unsigned count, const struct usp_engine_options *options)
{
	struct usp_engine_stats stats;
	int fds = open_fds();

	has_trees = options->tables == USP_TABLES_SHARED;
	wanted = count;
	spawned = exited = failed = killed = ended = 0;
	check(usp_engine_new(options, &engine) == 0);
	for (int i = 0; i < IN_FLIGHT; i++)
		spawn_one();
	check(usp_engine_run(engine) == 0);
	usp_engine_stats(engine, &stats);
	check(stats.ended == count && stats.running == 0 && stats.queued == 0);
	check(ended == count && exited == count / 100 * 98);
	check(failed + killed == count / 100 * 2);
	usp_engine_free(engine);
	check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	check(open_fds() == fds);
	passed++;
}

#define OPTIONS(...)                                                                     \
	(&(struct usp_engine_options){ .size = sizeof(struct usp_engine_options),        \
				       .launchers = 4,                                   \
				       __VA_ARGS__ })

/*
 * With a limit that every launch exceeds, launchers are stood in for and retire all
 * the time.
 */
static void launch_in_all_ways(void)
{
	launch_many(MANY, OPTIONS(.tables = USP_TABLES_SHARED));
	launch_many(MANY / 10, OPTIONS(.tables = USP_TABLES_AUTO));
	for (int policy = 0; policy <= USP_POLICY_RANDOM; policy++)
		launch_many(MANY / 10, OPTIONS(.policy = (enum usp_policy)policy,
					       .tables = USP_TABLES_PRIVATE));
	for (int policy = 0; policy <= USP_POLICY_RANDOM; policy++)
		launch_many(MANY / 10,
			    OPTIONS(.policy = (enum usp_policy)policy, .stuck_ns = 1,
				    .tables = USP_TABLES_SHARED));
	launch_many(MANY / 10, OPTIONS(.tables = USP_TABLES_PRIVATE, .stuck_ns = 1));
}

/* An engine that ends while its launchers are at work. */
static void free_many(void)
{
	const struct usp_engine_options options = { .size = sizeof(options),
						    .launchers = 4,
						    .tables = USP_TABLES_SHARED };
	int fds = open_fds();

	has_trees = true;
	wanted = 0;
	for (int round = 0; round < 50; round++) {
		check(usp_engine_new(&options, &engine) == 0);
		ended = 0;
		for (int i = 0; i < 10; i++)
			spawn_one();
		for (int i = 0; i < round % 5; i++)
			check(usp_engine_turn(engine) == 0);
		usp_engine_free(engine);
		check(ended == 10);
		check(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
		check(open_fds() == fds);
	}
	passed++;
}

/* ---- mailboxes ----------------------------------------------------------- */

enum { THREADS = 4, POSTS = 5000 };

struct poster {
	struct mailbox *mailbox;
	struct op ops[POSTS];
};

static struct poster posters[THREADS];
static unsigned long sum;
static unsigned drained;

static void on_posted(struct op *op, const struct completion *done)
{
	(void)op;
	sum += (unsigned long)done->res;
}

static void on_drained(struct owner *owner)
{
	(void)owner;
	drained++;
}

static void *post_all(void *arg)
{
	struct poster *poster = arg;

	for (int i = 0; i < POSTS; i++)
		mailbox_post(poster->mailbox, &poster->ops[i], i);
	return NULL;
}

static void hammer(bool mailbox_rings)
{
	const struct reactor_options options = {
		.backend = backend_wanted(),
		.entries = 32,
		.slots = 4,
		.read_buffers = 1,
		.mailbox_rings = mailbox_rings,
	};
	struct owner owner = { .on_drained = on_drained };
	pthread_t threads[THREADS];
	struct reactor *r;

	sum = drained = 0;
	check(reactor_open(&options, &r) == 0);
	for (int i = 0; i < THREADS; i++) {
		check(mailbox_open(r, &posters[i].mailbox) == 0);
		for (int k = 0; k < POSTS; k++) {
			op_init(&posters[i].ops[k], &owner, on_posted);
			reactor_expect(r, &posters[i].ops[k]);
		}
	}
	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, post_all, &posters[i]) == 0);
	owner_close(&owner);
	while (!drained)
		check(reactor_turn(r, true) == 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		mailbox_close(posters[i].mailbox);
	}
	check(drained == 1);
	check(sum == (unsigned long)THREADS * POSTS * (POSTS - 1) / 2);
	reactor_close(r);
	passed++;
}

/* ---- the janitor --------------------------------------------------------- */

enum { ERRANDS = 50, ROUNDS = 400 };

/* What an errand works on is plain memory, on both sides. */
struct chore {
	struct errand errand;
	struct janitor *janitor;
	unsigned runs, told;
};

static struct chore chores[ERRANDS];
static unsigned over;

static int run_chore(struct errand *errand)
{
	return (int)++container_of(errand, struct chore, errand)->runs;
}

static void on_chore(struct errand *errand, int res)
{
	struct chore *chore = container_of(errand, struct chore, errand);

	check(res == (int)++chore->told && chore->runs == chore->told);
	if (chore->told == ROUNDS)
		over++;
	else
		check(janitor_post(chore->janitor, errand) == 0);
}

static void send_errands(bool mailbox_rings)
{
	const struct reactor_options options = {
		.entries = 32,
		.slots = 4,
		.read_buffers = 1,
		.mailbox_rings = mailbox_rings,
	};
	struct owner owner = { .on_drained = on_drained };
	struct janitor *j;
	struct reactor *r;

	over = drained = 0;
	check(reactor_open(&options, &r) == 0);
	check(janitor_open(r, &j) == 0);
	for (int i = 0; i < ERRANDS; i++) {
		chores[i] = (struct chore){ .janitor = j };
		errand_init(&chores[i].errand, &owner, run_chore, on_chore);
		check(janitor_post(j, &chores[i].errand) == 0);
	}
	while (over < ERRANDS)
		check(reactor_turn(r, true) == 0);
	owner_close(&owner);
	check(drained == 1);
	janitor_close(j);
	reactor_close(r);
	passed++;
}

int main(void)
{
	launch_in_all_ways();
	free_many();
	hammer(false);
	hammer(true);
	send_errands(false);
	send_errands(true);
	printf("%u passed, 0 failed\n", passed);
	return 0;
}
