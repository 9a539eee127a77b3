#include "cli/map_options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/limits.h"
#include "cli/option.h"
#include "sys/cpu.h"

static const char usage[] =
	"Usage: uringspawn map [OPTIONS] [--] PROGRAM [ARGUMENTS...] [::: VALUES...]\n"
	"Run PROGRAM once for each line of stdin (or each of VALUES), several at a time.\n"
	"{} in ARGUMENTS is replaced by the line; without one, the line is appended.\n"
	"\n"
	"  -a, --arg-file FILE  read FILE instead of stdin; -0, --null  NUL ends an item\n"
	"  --words              blanks separate items, quotes and \\ protect, as for xargs\n"
	"  -n, --max-args N     items for a job (1); -I, --replace STR  instead of {}\n"
	"  --pipe               jobs read the lines, in blocks of --block BYTES (1M)\n"
	"  -j, --jobs N         at one time (one for each CPU); 0: as many as possible\n"
	"  -k, --keep-order     in the order of the input; --tag  each line with its item\n"
	"  --group              print a job's output when it has ended (as it is);\n"
	"                       --line-buffer  line by line; -u, --ungroup  by itself\n"
	"  --timeout TIME       end a job after TIME; --kill-after TIME  then KILL (2s)\n"
	"  --halt now,fail=N    after N failures kill the others; soon: start no more;\n"
	"                       success=N, done=N: after so many successes, or ends\n"
	"  --retries N          run a job that fails up to N times\n"
	"  --joblog FILE        a line in FILE for each job that has ended;\n"
	"                       --resume  skip those in FILE; --resume-failed  successes\n"
	"  --results DIR        output goes to DIR/NUMBER/stdout and stderr\n"
	"  --progress           a bar, on a terminal; --dry-run  print the commands only\n"
	"  --xargs-status       exit as xargs does: 123 when a job failed, 124, 125, ...\n"
	"  --socket PATH        let the daemon at PATH (or @NAME) run them\n"
	"Exit code: how many jobs failed, 101 when more than 100 did; 125 when uringspawn\n"
	"itself fails.\n";

enum {
	HELP = 256,
	WORDS,
	GROUP,
	LINE_BUFFER,
	TAG,
	TIMEOUT,
	KILL_AFTER,
	HALT,
	RETRIES,
	JOBLOG,
	RESUME,
	RESUME_FAILED,
	DRY_RUN,
	PROGRESS,
	RESULTS,
	PIPE,
	BLOCK,
	XARGS_STATUS,
	SOCKET,
};

static const struct option known[] = {
	{ "help", no_argument, NULL, HELP },
	{ "arg-file", required_argument, NULL, 'a' },
	{ "null", no_argument, NULL, '0' },
	{ "words", no_argument, NULL, WORDS },
	{ "max-args", required_argument, NULL, 'n' },
	{ "replace", required_argument, NULL, 'I' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "keep-order", no_argument, NULL, 'k' },
	{ "group", no_argument, NULL, GROUP },
	{ "line-buffer", no_argument, NULL, LINE_BUFFER },
	{ "tag", no_argument, NULL, TAG },
	{ "ungroup", no_argument, NULL, 'u' },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "kill-after", required_argument, NULL, KILL_AFTER },
	{ "halt", required_argument, NULL, HALT },
	{ "retries", required_argument, NULL, RETRIES },
	{ "joblog", required_argument, NULL, JOBLOG },
	{ "resume", no_argument, NULL, RESUME },
	{ "resume-failed", no_argument, NULL, RESUME_FAILED },
	{ "progress", no_argument, NULL, PROGRESS },
	{ "results", required_argument, NULL, RESULTS },
	{ "pipe", no_argument, NULL, PIPE },
	{ "block", required_argument, NULL, BLOCK },
	{ "dry-run", no_argument, NULL, DRY_RUN },
	{ "xargs-status", no_argument, NULL, XARGS_STATUS },
	{ "socket", required_argument, NULL, SOCKET },
	{ 0 },
};

/* More than the kernel has places for is the same as all that it has. */
enum { JOBS_MAX = 4096 };

enum { BLOCK_DEFAULT = 1 << 20, BLOCK_MAX = 1 << 30 };

static int bad_value(const char *option, const char *hint)
{
	fprintf(stderr, "uringspawn: %s '%s' is not %s\n", option, optarg, hint);
	return -EINVAL;
}

/* A time of 0 would mean the default: the least time is what was meant. */
static int take_duration(const char *option, uint64_t *ret_ns)
{
	if (option_duration(optarg, ret_ns))
		return bad_value(option, "a length of time (10, 1.5s, 500ms, 2m, 1h)");
	if (*ret_ns == 0)
		*ret_ns = 1;
	return 0;
}

static int take_jobs(struct map_options *options)
{
	long n;

	if (limits_number(optarg, 10, 0, INT_MAX, &n) < 0)
		return bad_value("--jobs", "a number");
	options->jobs = n == 0 || n > JOBS_MAX ? JOBS_MAX : (unsigned)n;
	return 0;
}

static int take_count(const char *option, unsigned long *ret_n)
{
	long n;

	if (limits_number(optarg, 10, 1, LONG_MAX, &n) < 0)
		return bad_value(option, "a number from 1 on");
	*ret_n = (unsigned long)n;
	return 0;
}

/* "now,fail=1", "soon,success=3". */
static int take_halt(struct map_halt *halt)
{
	static const char *const words[] = { "fail=", "success=", "done=" };
	const char *rest = optarg + strcspn(optarg, ",");
	size_t when = (size_t)(rest - optarg);
	long n;

	halt->now = when == 3 && strncmp(optarg, "now", when) == 0;
	if (!halt->now && (when != 4 || strncmp(optarg, "soon", when) != 0))
		return bad_value("--halt", "'now' or 'soon', and ',fail=N'");
	for (size_t i = 0; *rest == ',' && i < 3; i++) {
		size_t size = strlen(words[i]);

		if (strncmp(rest + 1, words[i], size) != 0)
			continue;
		if (limits_number(rest + 1 + size, 10, 1, LONG_MAX, &n) < 0)
			break;
		halt->what = (enum map_count)i;
		halt->n = (unsigned long)n;
		return 0;
	}
	return bad_value("--halt", "now or soon, with ',fail=N', ',success=N' or "
				   "',done=N'");
}

static int take_block(struct map_options *options)
{
	uint64_t bytes;

	if (limits_bytes(optarg, &bytes) < 0 || bytes == 0 || bytes > BLOCK_MAX)
		return bad_value("--block", "a number of bytes up to 1G (512, 64K, 2M)");
	options->block_bytes = bytes;
	return 0;
}

static int take_input(int option, struct map_options *options)
{
	switch (option) {
	case 'a':
		options->file = strcmp(optarg, "-") ? optarg : NULL;
		return *optarg ? 0 : bad_value("--arg-file", "a file");
	case '0':
		options->split = MAP_NULS;
		return 0;
	case WORDS:
		options->split = MAP_WORDS;
		return 0;
	case 'n':
		return take_count("--max-args", &options->items_max);
	case 'I':
		options->replace = optarg;
		options->replace_given = true;
		return 0;
	case PIPE:
		options->pipe = true;
		return 0;
	case BLOCK:
		return take_block(options);
	}
	return -EINVAL;
}

/* What becomes of a job that fails, and of all after it. */
static int take_end(int option, struct map_options *options)
{
	switch (option) {
	case HALT:
		return take_halt(&options->halt);
	case RETRIES:
		return take_count("--retries", &options->tries);
	case JOBLOG:
		options->log_path = optarg;
		return *optarg ? 0 : bad_value("--joblog", "a file");
	case RESUME:
		options->resume = MAP_RESUME;
		return 0;
	case RESUME_FAILED:
		options->resume = MAP_RESUME_FAILED;
		return 0;
	case RESULTS:
		options->results = optarg;
		return *optarg ? 0 : bad_value("--results", "a directory");
	case XARGS_STATUS:
		options->xargs_status = true;
		return 0;
	}
	return take_input(option, options);
}

static int take(int option, struct map_options *options)
{
	switch (option) {
	case HELP:
		fputs(usage, stdout);
		return 1;
	case 'j':
		return take_jobs(options);
	case 'k':
		options->keep_order = true;
		return 0;
	case GROUP:
		options->group = MAP_GROUP;
		return 0;
	case LINE_BUFFER:
		options->group = MAP_LINE_BUFFER;
		return 0;
	case TAG:
		options->tag = true;
		return 0;
	case 'u':
		options->group = MAP_UNGROUP;
		return 0;
	case TIMEOUT:
		return take_duration("--timeout", &options->timeout_ns);
	case KILL_AFTER:
		return take_duration("--kill-after", &options->grace_ns);
	case PROGRESS:
		options->progress = true;
		return 0;
	case DRY_RUN:
		options->dry_run = true;
		return 0;
	case SOCKET:
		options->socket = optarg;
		return *optarg ? 0 : bad_value("--socket", "a path or @NAME");
	}
	return take_end(option, options);
}

static int complain(const char *what)
{
	fprintf(stderr, "uringspawn: %s\n", what);
	return -EINVAL;
}

/* The command ends where ':::' begins the values. */
static int take_command(char **argv, struct map_options *options)
{
	size_t n = 0;

	options->command = argv;
	while (argv[n] && strcmp(argv[n], ":::") != 0)
		n++;
	if (argv[n]) {
		argv[n] = NULL;
		options->values = argv + n + 1;
	}
	if (n == 0)
		return complain("no program to run; see 'uringspawn map --help'");
	for (char **value = options->values; value && *value; value++)
		if (strcmp(*value, ":::") == 0)
			return complain("a second ':::': one list of values is taken");
	return 0;
}

/* What cannot be meant together. */
static int check(const struct map_options *options)
{
	if (options->values && options->file)
		return complain("--arg-file and ':::' both say what the input is");
	if (options->keep_order && options->group == MAP_UNGROUP)
		return complain("--keep-order needs output that is grouped: not with "
				"--ungroup");
	if (options->pipe &&
	    (options->values || options->items_max > 1 || options->split == MAP_WORDS))
		return complain("--pipe gives jobs lines to read, no arguments: not with "
				"':::', --max-args or --words");
	if (options->results && (options->tag || options->group != MAP_GROUP))
		return complain(
			"--results prints nothing: not with --tag, --line-buffer or "
			"--ungroup");
	if (options->resume && !options->log_path)
		return complain("--resume needs the job log to go by: --joblog FILE");
	if (options->tag && options->group == MAP_UNGROUP)
		return complain("--tag changes what is printed: not with --ungroup");
	return 0;
}

int map_options_parse(int argc, char **argv, struct map_options *options)
{
	int option, ret;

	*options = (struct map_options){
		.jobs = sys_cpus(),
		.items_max = 1,
		.tries = 1,
		.block_bytes = BLOCK_DEFAULT,
		.replace = "{}",
	};
	optind = 1;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:a:0n:I:j:ku", known, NULL)) != -1) {
		if (option == '?' || option == ':') {
			option_complain("map", argv, known);
			return -EINVAL;
		}
		ret = take(option, options);
		if (ret)
			return ret;
	}
	ret = take_command(argv + optind, options);
	return ret ? ret : check(options);
}
