/*
 * `uringspawn bench`: the engine or a daemon, a bare loop, posix_spawn() and fork(),
 * each in its turn within every round, so that whatever else the machine does
 * falls on all four.
 */
#include "cli/cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "cli/bench_compare.h"
#include "cli/bench_environment.h"
#include "cli/bench_options.h"
#include "cli/bench_peer.h"
#include "cli/bench_report.h"
#include "cli/bench_run.h"
#include "cli/bench_usp.h"

enum { EXIT_WRONG_JOB = 1, EXIT_OURS = 125, EXIT_INTERRUPTED = 130 };

/* Not measured: the first starts of a program read it from the disk. */
#define WARM_UP_JOBS 32u

volatile sig_atomic_t bench_stopped;

struct bench {
	struct bench_options options;
	struct bench_job job;
	char **variables; /* its environment, or NULL: the caller's own */
	struct bench_usp *usp;
	struct bench_result result;
	char path[4096];
	char cwd[4096];
};

static void on_interrupt(int signal)
{
	(void)signal;
	bench_stopped = 1;
	bench_usp_interrupt();
}

static int complain(const char *what)
{
	fprintf(stderr, "uringspawn: %s\n", what);
	return EXIT_OURS;
}

/* ---- what is run --------------------------------------------------------- */

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/*
 * Find the program as execvp() would, once for all sides, and make the path
 * absolute, since a daemon stands elsewhere.  @return whether it was found; if
 * not, the engine is asked, and says why.
 */
static bool find_program(struct bench *bench, const char *name)
{
	const char *list = getenv("PATH");
	size_t size = sizeof(bench->path);

	if (strchr(name, '/'))
		list = name[0] == '/' ? NULL : bench->cwd;
	else if (!list)
		list = "/bin:/usr/bin";
	if (!list)
		return snprintf(bench->path, size, "%s", name) < (int)size;
	for (const char *next; list; list = next) {
		int length = (int)strcspn(list, strchr(name, '/') ? "" : ":");
		const char *base = list[0] == '/' ? "" : bench->cwd;
		int n = snprintf(bench->path, size, "%s%s%.*s/%s", base,
				 base[0] ? "/" : "", length, list, name);

		next = list[length] ? list + length + 1 : NULL;
		if (n < (int)size && (strchr(name, '/') || is_program(bench->path)))
			return true;
	}
	return false;
}

/* Whatever is opened later must not become one of the standard streams. */
static int open_null(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return fd;
}

static void job_done(struct bench *bench)
{
	if (bench->job.null_fd > 0)
		close(bench->job.null_fd);
	bench_environment_free(bench->variables);
}

static int prepare_job(struct bench *bench)
{
	unsigned n_variables = bench->options.n_variables;
	int null_fd;

	if (!getcwd(bench->cwd, sizeof(bench->cwd)))
		return complain("the working directory has no name");
	if (n_variables > 0) {
		bench->variables = bench_environment_new(n_variables);
		if (!bench->variables)
			return complain(strerror(ENOMEM));
	}
	null_fd = open_null();
	if (null_fd < 0) {
		job_done(bench);
		fprintf(stderr, "uringspawn: /dev/null: %s\n", strerror(-null_fd));
		return EXIT_OURS;
	}
	bench->job = (struct bench_job){
		.path = find_program(bench, bench->options.argv[0]) ? bench->path : NULL,
		.argv = bench->options.argv,
		.envp = n_variables > 0 ? bench->variables : environ,
		.cwd = bench->cwd,
		.pipes = bench->options.pipes,
		.null_fd = null_fd,
	};
	return 0;
}

/* ---- rounds -------------------------------------------------------------- */

static const enum bench_peer peers[BENCH_N_SIDES] = {
	[BENCH_BARE] = BENCH_PEER_BARE,
	[BENCH_POSIX_SPAWN] = BENCH_PEER_POSIX_SPAWN,
	[BENCH_FORK] = BENCH_PEER_FORK,
};

static int run_side(struct bench *bench, enum bench_side_index side, unsigned n_jobs,
		    struct bench_round *round)
{
	int ret;

	if (side == BENCH_OURS)
		ret = bench_usp_run(bench->usp, &bench->job, n_jobs, round);
	else
		ret = bench_peer_run(peers[side], &bench->job, n_jobs, round);
	if (ret < 0) {
		const char *why = side == BENCH_OURS ? bench_usp_error(bench->usp) : "";

		fprintf(stderr, "uringspawn: %s: %s\n", bench->result.sides[side].name,
			why[0] ? why : strerror(-ret));
		return EXIT_OURS;
	}
	return 0;
}

static void note_failure(struct bench_result *result, const char *side, const char *what)
{
	if (!result->failure[0])
		snprintf(result->failure, sizeof(result->failure), "%s: %s", side, what);
}

static void add_round(struct bench_result *result, enum bench_side_index index,
		      const struct bench_round *round)
{
	struct bench_side *side = &result->sides[index];

	side->n_latencies += round->done;
	side->errors += round->errors;
	side->bytes += round->bytes;
	side->cpu_ns += round->cpu_ns;
	if (round->done && round->wall_ns)
		side->rates[side->n_rates++] =
			(double)round->done * (double)NS_PER_S / (double)round->wall_ns;
	if (round->failure[0])
		note_failure(result, side->name, round->failure);
}

/* What two sides did in one round; all of them have done something. */
static void compare_round(struct bench_result *result, const struct bench_round *rounds)
{
	const struct bench_side *ours = &result->sides[BENCH_OURS];
	double our_rate = ours->rates[ours->n_rates - 1];

	for (int i = BENCH_OURS + 1; i < BENCH_N_SIDES; i++) {
		struct bench_side *side = &result->sides[i];

		result->ratios[i][result->n_ratios] =
			our_rate / side->rates[side->n_rates - 1];
		if (bench_stopped || rounds[i].bytes == rounds[BENCH_OURS].bytes)
			continue;
		char text[100];

		snprintf(text, sizeof(text), "%llu bytes of output where the %s had %llu",
			 (unsigned long long)rounds[i].bytes, ours->name,
			 (unsigned long long)rounds[BENCH_OURS].bytes);
		side->errors++;
		note_failure(result, side->name, text);
	}
	result->n_ratios++;
}

/* Every round begins with another side, so that none is always the one after the break.
 */
static int run_round(struct bench *bench, unsigned number, unsigned n_jobs)
{
	struct bench_round rounds[BENCH_N_SIDES] = { 0 };
	bool complete = true;

	for (unsigned i = 0; i < BENCH_N_SIDES && !bench_stopped; i++) {
		enum bench_side_index index = (number + i) % BENCH_N_SIDES;
		struct bench_side *side = &bench->result.sides[index];

		rounds[index].latency_ns = side->latency_ns + side->n_latencies;
		int ret = run_side(bench, index, n_jobs, &rounds[index]);

		if (ret)
			return ret;
		add_round(&bench->result, index, &rounds[index]);
	}
	for (int i = 0; i < BENCH_N_SIDES; i++)
		complete = complete && rounds[i].done && rounds[i].wall_ns;
	if (complete)
		compare_round(&bench->result, rounds);
	return 0;
}

static int run_rounds(struct bench *bench)
{
	const struct bench_options *options = &bench->options;
	unsigned n_each = options->n_jobs / options->n_rounds;
	unsigned n_left = options->n_jobs % options->n_rounds;

	for (unsigned i = 0; i < options->n_rounds && !bench_stopped; i++) {
		int ret = run_round(bench, i, n_each + (i < n_left));

		if (ret)
			return ret;
	}
	bench->result.interrupted = bench_stopped;
	return 0;
}

/* One job says whether the command can be run at all; some more warm up. */
static int try_out(struct bench *bench)
{
	uint64_t latency_ns[WARM_UP_JOBS];
	struct bench_round round = { .latency_ns = latency_ns };
	int ret = run_side(bench, BENCH_OURS, 1, &round);

	if (!ret && !round.failure[0] && !bench->job.path)
		snprintf(round.failure, sizeof(round.failure), "not found: '%s'",
			 bench->job.argv[0]);
	for (unsigned i = 0; i < BENCH_N_SIDES && !ret && !round.failure[0]; i++) {
		round = (struct bench_round){ .latency_ns = latency_ns };
		ret = run_side(bench, i, WARM_UP_JOBS, &round);
	}
	if (ret || !round.failure[0])
		return ret;
	complain(round.failure);
	return EXIT_WRONG_JOB;
}

/* ---- the whole ----------------------------------------------------------- */

static int result_init(struct bench_result *result, const struct bench_options *options)
{
	static const char *const names[] = { "engine", "bare", "posix_spawn", "fork" };
	bool complete = true;

	for (int i = 0; i < BENCH_N_SIDES; i++) {
		struct bench_side *side = &result->sides[i];

		*side = (struct bench_side){
			.name = i == BENCH_OURS && options->socket ? "daemon" : names[i],
			.in_flight =
				i == BENCH_OURS ? options->depth : bench_peer_threads(),
			.latency_ns = mem_alloc(options->n_jobs * sizeof(uint64_t)),
			.rates = mem_alloc(options->n_rounds * sizeof(double)),
		};
		result->ratios[i] = mem_alloc(options->n_rounds * sizeof(double));
		complete =
			complete && side->latency_ns && side->rates && result->ratios[i];
	}
	return complete ? 0 : complain(strerror(ENOMEM));
}

static void result_done(struct bench_result *result)
{
	for (int i = 0; i < BENCH_N_SIDES; i++) {
		mem_free(result->sides[i].latency_ns);
		mem_free(result->sides[i].rates);
		mem_free(result->ratios[i]);
	}
}

static int report(struct bench *bench)
{
	struct bench_result *result = &bench->result;
	int ret = bench->options.json ? bench_report_json(result, &bench->options)
				      : bench_report_text(result, &bench->options);

	if (ret < 0)
		return complain("the report could not be written");
	if (result->interrupted)
		return EXIT_INTERRUPTED;
	return result->failure[0] ? EXIT_WRONG_JOB : 0;
}

static int compare(struct bench *bench)
{
	char error[300];
	int ret = prepare_job(bench);

	if (ret)
		return ret;
	if (bench_compare(&bench->options, &bench->job, error, sizeof(error)) < 0)
		ret = complain(error);
	job_done(bench);
	return ret ? ret : bench_stopped ? EXIT_INTERRUPTED : 0;
}

static int run(struct bench *bench)
{
	char error[300];
	int ret = prepare_job(bench);

	if (!ret &&
	    bench_usp_open(&bench->options, &bench->usp, error, sizeof(error)) < 0)
		ret = complain(error);
	if (ret)
		return ret;
	ret = result_init(&bench->result, &bench->options);
	bench->result.backend = bench_usp_backend(bench->usp);
	if (!ret)
		ret = try_out(bench);
	if (!ret)
		ret = run_rounds(bench);
	if (!ret)
		ret = report(bench);
	/* Ends what may still run, and that still writes into the result. */
	bench_usp_close(bench->usp);
	result_done(&bench->result);
	job_done(bench);
	return ret;
}

int cmd_bench(int argc, char **argv)
{
	const struct sigaction action = { .sa_handler = on_interrupt };
	static struct bench bench;
	int ret = bench_options_parse(argc, argv, &bench.options);

	if (ret)
		return ret > 0 ? 0 : EXIT_OURS;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return bench_is_comparison(&bench.options) ? compare(&bench) : run(&bench);
}
