/*
 * daemon/config: the options of uringspawnd.
 */
#include "daemon/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/wire.h>

#include "base/clock.h"
#include "daemon/config_file.h"
#include "support/tmpdir.h"

#define ARGS_MAX 10
#define N_ROWS	 (sizeof(rows) / sizeof(rows[0]))

#define TEN	  "0123456789"
#define LONG_NAME TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static int parse(const char *const *args, struct config *ret_config,
		 struct config_error *ret_error)
{
	char *argv[ARGS_MAX + 2] = { (char *)"uringspawnd" };
	int argc = 1;

	for (; *args; args++)
		argv[argc++] = (char *)*args;
	return config_parse(argc, argv, ret_config, ret_error);
}

/* What is refused, and what the sentence must hold. */
static const struct row {
	const char *args[ARGS_MAX];
	const char *says;
} rows[] = {
	{ { "--nonsense" }, "unknown option '--nonsense'" },
	{ { "-x" }, "unknown option '-x'" },
	{ { "--socket" }, "--socket needs a value" },
	{ { "--socket", "" }, "the name is empty" },
	{ { "here" }, "unexpected argument 'here'" },
	{ { "--jobs-max", "0" }, "--jobs-max: 0 is not between 1 and" },
	{ { "--jobs-max", "many" }, "'many' is not a number" },
	{ { "--jobs-max", "" }, "'' is not a number" },
	{ { "--jobs-max", "-1" }, "'-1' is not a number" },
	{ { "--jobs-max", " 1" }, "' 1' is not a number" },
	{ { "--jobs-max", "1K" }, "'1K' is not a number" },
	{ { "--jobs-max", "99999999999999999999" }, "is not a number" },
	{ { "--launchers", "257" }, "257 is not between 1 and 256" },
	{ { "--frame-max", "65535" }, "is not between 65536 and 8388608" },
	{ { "--frame-max", "9M" }, "is not between" },
	{ { "--frame-max", "1KB" }, "'1KB' is not a number of bytes" },
	{ { "--frame-max", "18446744073709551615G" }, "is not a number of bytes" },
	{ { "--backlog-max", "1" }, "--backlog-max" },
	{ { "--bytes-max", "1" }, "--bytes-max" },
	{ { "--clients-max", "0" }, "--clients-max" },
	{ { "--queue-max", "0" }, "--queue-max" },
	{ { "--client-jobs-max", "0" }, "--client-jobs-max" },
	{ { "--client-running-max", "0" }, "--client-running-max" },
	{ { "--client-queue-max", "0" }, "--client-queue-max" },
	{ { "--client-bytes-max", "65535" }, "--client-bytes-max" },
	{ { "--pools-max", "0" }, "--pools-max" },
	{ { "--pool-members-max", "0" }, "--pool-members-max" },
	{ { "--metrics", "0.0.0.0:9100" }, "0.0.0.0:9100 is not an address of loopback" },
	{ { "--metrics", "9100" }, "--metrics: '9100' is not like 127.0.0.1:9100" },
	{ { "--turn-launches", "0" }, "--turn-launches: 0 is not between 1 and" },
	{ { "--socket", LONG_NAME }, "the name is too long" },
	{ { "--listen-fd", "2" }, "--listen-fd: '2' is not a descriptor from 3 on" },
	{ { "--listen-fd", "x" }, "'x' is not a descriptor" },
	{ { "--allow-uid", "no such user" }, "there is no user 'no such user'" },
	{ { "--allow-uid", "4294967295" }, "there is no user" },
	{ { "--allow-gid", "-1" }, "there is no group '-1'" },
	{ { "--stop-after", "soon" }, "'soon' is not a time" },
	{ { "--stop-after", "5d" }, "'5d' is not a time" },
	{ { "--stop-after", "99999999999999h" }, "is not a time" },
	{ { "--log-level", "loud" }, "there is no level 'loud'" },
	{ { "--config", "/no/such/file" }, "cannot read /no/such/file: No such file" },
	{ { "--config", "/" }, "cannot read /: Is a directory" },
	{ { "--private" }, "--private needs one --socket" },
	{ { "--private", "--socket", "/a", "--socket", "/b" }, "needs one --socket" },
	{ { "--private", "--socket", "/a", "--listen-fd", "7" }, "needs one --socket" },
	{ { "--private", "--socket", "/a", "--replace" }, "no --replace with it" },
	{ { "--private", "--socket", "/a", "--allow-uid", "0" }, "no --allow-uid" },
	{ { "--private", "--socket", "/a", "--allow-gid", "0" }, "no --allow-gid" },
	{ { "--background", "--socket", "a" }, "whole paths, and 'a' is none" },
	{ { "--background", "--socket", "/a", "--socket", "b/c" }, "'b/c' is none" },
};

ParameterizedTestParameters(config, what_is_wrong_is_named)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

ParameterizedTest(size_t *number, config, what_is_wrong_is_named)
{
	const struct row *row = &rows[*number];
	struct config config = { .limits.clients_max = 77 };
	struct config_error error = { "" };

	cr_expect(eq(int, parse(row->args, &config, &error), -EINVAL));

	cr_expect(ne(ptr, strstr(error.text, row->says), NULL), "'%s' does not say '%s'",
		  error.text, row->says);
	cr_expect(eq(uint, config.limits.clients_max, 77), "set in spite of the failure");
}

Test(config, without_options_everything_has_its_default)
{
	const char *const args[] = { NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(args, &config, &error), 0));

	cr_expect(eq(int, (int)config.action, (int)CONFIG_SERVE));
	cr_expect(eq(uint, config.n_sockets, 0));
	cr_expect(eq(u64, config.stop_after_ns, 5 * NS_PER_S));
	cr_expect(eq(int, (int)config.log_level, LOG_LEVEL_NOTICE));
	cr_expect(not(config.replace));
	cr_expect(not(config_is_shared(&config)));
	cr_expect(eq(u32, config.limits.frame_max, USP_WIRE_FRAME_BYTES_MAX));
	cr_expect(lt(uint, 0, config.limits.clients_max));
	cr_expect(lt(uint, 0, config.limits.client_jobs_max));
	cr_expect(lt(sz, 0, config.limits.backlog_max));
	cr_expect(lt(sz, config.limits.backlog_max, config.limits.bytes_max));
	cr_expect(lt(uint, 0, config.limits.jobs_max));
}

/* Parsed well: the result, until the next. */
static const struct config *parsed(const char *const *args)
{
	static struct config config;
	struct config_error error = { "" };

	cr_assert(eq(int, parse(args, &config, &error), 0), "%s", error.text);
	return &config;
}

Test(config, every_option_lands_in_its_field)
{
	const char *const names[] = {
		"--socket",	 "@a", "--socket=b", "--clients-max=2", "--jobs-max=3",
		"--queue-max=4", NULL
	};
	const char *const more[] = { "--client-jobs-max=5", "--frame-max=1M",
				     "--backlog-max=64k",   "--bytes-max=2G",
				     "--launchers=6",	    NULL };
	const struct config *config = parsed(names);

	cr_expect(eq(uint, config->n_sockets, 2));
	cr_expect(eq(str, (char *)config->sockets[0], "@a"));
	cr_expect(eq(str, (char *)config->sockets[1], "b"));
	cr_expect(eq(uint, config->limits.clients_max, 2));
	cr_expect(eq(uint, config->limits.jobs_max, 3));
	cr_expect(eq(uint, config->limits.queue_max, 4));

	config = parsed(more);
	cr_expect(eq(uint, config->limits.client_jobs_max, 5));
	cr_expect(eq(u32, config->limits.frame_max, 1u << 20));
	cr_expect(eq(sz, config->limits.backlog_max, 64u << 10));
	cr_expect(eq(sz, config->limits.bytes_max, (size_t)2 << 30));
	cr_expect(eq(uint, config->launchers, 6));
}

Test(config, who_may_connect_is_a_name_or_a_number)
{
	const char *const args[] = { "--allow-uid=root",
				     "--allow-uid=65534",
				     "--allow-gid=root",
				     "--allow-gid=7",
				     "--listen-fd=9",
				     "--replace",
				     NULL };
	const struct config *config = parsed(args);

	cr_expect(config_is_shared(config));
	cr_expect(eq(uint, config->n_allow_uids, 2));
	cr_expect(eq(uint, config->allow_uids[0], 0));
	cr_expect(eq(uint, config->allow_uids[1], 65534));
	cr_expect(eq(uint, config->n_allow_gids, 2));
	cr_expect(eq(uint, config->allow_gids[0], 0));
	cr_expect(eq(uint, config->allow_gids[1], 7));
	cr_expect(eq(uint, config->n_listen_fds, 1));
	cr_expect(eq(int, config->listen_fds[0], 9));
	cr_expect(config->replace);
}

Test(config, a_daemon_of_one_program_in_the_background)
{
	const char *const usual[] = { NULL };
	const char *const path[] = { "--private", "--background", "--socket", "/a",
				     NULL };
	const char *const name[] = { "--private", "--background", "--socket=@a", NULL };

	cr_expect(not(parsed(usual)->is_private));
	cr_expect(not(parsed(usual)->background));
	cr_expect(parsed(path)->is_private);
	cr_expect(parsed(path)->background);
	cr_expect(parsed(name)->background);
}

Test(config, a_time_has_a_unit_or_is_seconds)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} times[] = {
		{ "--stop-after=0", 0 },
		{ "--stop-after=3", 3 * NS_PER_S },
		{ "--stop-after=250ms", 250 * NS_PER_MS },
		{ "--stop-after=2m", 120 * NS_PER_S },
		{ "--stop-after=1h", 3600 * NS_PER_S },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const char *const args[] = { times[i].text, NULL };

		cr_expect(eq(u64, parsed(args)->stop_after_ns, times[i].ns), "%s",
			  times[i].text);
	}
}

Test(config, the_last_word_on_the_level_counts)
{
	const char *const quiet[] = { "--quiet", NULL };
	const char *const loud[] = { "--quiet", "--log-level=debug", NULL };

	cr_expect(eq(int, (int)parsed(quiet)->log_level, LOG_LEVEL_WARNING));
	cr_expect(eq(int, (int)parsed(loud)->log_level, LOG_LEVEL_DEBUG));
}

/* ---- the file ------------------------------------------------------------ */

static char *path; /* of the file */

static void write_file(const char *text, size_t size)
{
	FILE *file;

	path = (char *)tmpdir_path("config");
	file = fopen(path, "we");
	cr_assert(file != NULL);
	cr_assert(eq(sz, fwrite(text, 1, size, file), size));
	fclose(file);
}

static void write_text(const char *text)
{
	write_file(text, strlen(text));
}

Test(config, the_file_holds_options_one_a_line, .fini = tmpdir_done)
{
	const struct config *config;

	write_text("# comment\n\n"
		   "jobs-max 10\n"
		   " \t queue-max=11 \t\r\n"
		   "client-jobs-max = 12\n"
		   "socket /a b\n"
		   "quiet\n"
		   "bytes-max\t1G");
	config = parsed((const char *[]){ "--config", path, NULL });

	cr_expect(eq(uint, config->limits.jobs_max, 10));
	cr_expect(eq(uint, config->limits.queue_max, 11));
	cr_expect(eq(uint, config->limits.client_jobs_max, 12));
	cr_expect(eq(str, (char *)config->sockets[0], "/a b"));
	cr_expect(eq(int, (int)config->log_level, LOG_LEVEL_WARNING));
	cr_expect(eq(sz, config->limits.bytes_max, (size_t)1 << 30));
	cr_expect(eq(uint, config->limits.clients_max, 4096),
		  "what it does not say is as ever");
}

Test(config, the_command_line_holds_against_the_file, .fini = tmpdir_done)
{
	write_text("jobs-max 10\nqueue-max 11\n");
	const struct config *config =
		parsed((const char *[]){ "--jobs-max=20", "--config", path, NULL });

	cr_expect(eq(uint, config->limits.jobs_max, 20));
	cr_expect(eq(uint, config->limits.queue_max, 11));
}

static const struct file_row {
	const char *text;
	const char *says;
} file_rows[] = {
	{ "jobs-max", ":1: jobs-max needs a value" },
	{ "\n\njobs-max none\n", ":3: --jobs-max: 'none' is not a number" },
	{ "jobs-max 1\nnonsense 1\n", ":2: unknown option 'nonsense'" },
	{ "--jobs-max 1\n", ":1: unknown option '--jobs-max'" },
	{ "quiet yes\n", ":1: quiet takes no value" },
	{ "config /etc/x\n", ":1: unknown option 'config'" },
	{ "replace\n", ":1: unknown option 'replace'" },
	{ "private\n", ":1: unknown option 'private'" },
	{ "background\n", ":1: unknown option 'background'" },
	{ "help\n", ":1: unknown option 'help'" },
	{ "socket =\n", ":1: --socket: the name is empty" },
};

Test(config, what_is_wrong_in_the_file_has_its_line, .fini = tmpdir_done)
{
	for (size_t i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]); i++) {
		struct config config = { .limits.clients_max = 77 };
		struct config_error error = { "" };

		write_text(file_rows[i].text);
		cr_expect(eq(int,
			     parse((const char *[]){ "--config", path, NULL }, &config,
				   &error),
			     -EINVAL));
		cr_expect(ne(ptr, strstr(error.text, file_rows[i].says), NULL),
			  "'%s' does not say '%s'", error.text, file_rows[i].says);
		cr_expect(eq(uint, config.limits.clients_max, 77));
	}
}

Test(config, a_file_is_bounded_text, .fini = tmpdir_done)
{
	static char big[CONFIG_FILE_BYTES_MAX + 1];
	struct config config;
	struct config_error error = { "" };

	memset(big, '\n', sizeof(big));
	write_file(big, sizeof(big));
	cr_expect(eq(int,
		     parse((const char *[]){ "--config", path, NULL }, &config, &error),
		     -EINVAL));
	cr_expect(ne(ptr, strstr(error.text, "too large"), NULL), "%s", error.text);
	write_file(big, sizeof(big) - 1);
	cr_expect(eq(int,
		     parse((const char *[]){ "--config", path, NULL }, &config, &error),
		     0));
	write_file("jobs-max 1\0", 11);
	cr_expect(eq(int,
		     parse((const char *[]){ "--config", path, NULL }, &config, &error),
		     -EINVAL));
}

static int reload_with(struct config *config, struct config_error *error)
{
	char *argv[] = { (char *)"uringspawnd", (char *)"--config", path,
			 (char *)"--queue-max=4", NULL };

	return config_reload(4, argv, config, &config->limits, error);
}

Test(config, reading_again_changes_limits_alone, .fini = tmpdir_done)
{
	struct config_error error = { "" };
	struct config config;

	write_text("jobs-max 10\nqueue-max 11\nstop-after 1\nlaunchers 3\n");
	config = *parsed((const char *[]){ "--config", path, "--queue-max=4", NULL });
	write_text("jobs-max 20\nqueue-max 21\nstop-after 2\nlaunchers 5\nsocket x\n"
		   "allow-uid 7\nquiet\n");
	cr_assert(eq(int, reload_with(&config, &error), 0), "%s", error.text);

	cr_expect(eq(uint, config.limits.jobs_max, 20));
	cr_expect(eq(uint, config.limits.queue_max, 4), "the command line holds");
	cr_expect(eq(u64, config.stop_after_ns, NS_PER_S));
	cr_expect(eq(uint, config.launchers, 3));
	cr_expect(eq(uint, config.n_sockets, 0));
	cr_expect(eq(uint, config.n_allow_uids, 0));
	cr_expect(eq(int, (int)config.log_level, LOG_LEVEL_NOTICE));
}

Test(config, a_limit_that_is_said_no_more_has_its_default, .fini = tmpdir_done)
{
	struct config_error error = { "" };
	struct config config;

	write_text("clients-max 10\n");
	config = *parsed((const char *[]){ "--config", path, NULL });
	write_text("");
	cr_assert(eq(int, reload_with(&config, &error), 0));
	cr_expect(eq(uint, config.limits.clients_max, 4096));
}

Test(config, a_file_that_is_wrong_changes_nothing, .fini = tmpdir_done)
{
	struct config_error error = { "" };
	struct config config;

	write_text("jobs-max 10\n");
	config = *parsed((const char *[]){ "--config", path, NULL });
	write_text("jobs-max 20\nclients-max 0\n");
	cr_expect(eq(int, reload_with(&config, &error), -EINVAL));
	cr_expect(ne(ptr, strstr(error.text, ":2: --clients-max"), NULL), "%s",
		  error.text);
	cr_expect(eq(uint, config.limits.jobs_max, 10));
	cr_expect(eq(uint, config.limits.clients_max, 4096));
}

Test(config, limits_of_one_client_land_in_their_fields)
{
	const char *const args[] = { "--client-running-max=7", "--client-queue-max=8",
				     "--client-bytes-max=3M", "--turn-launches=9", NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(args, &config, &error), 0));
	cr_expect(eq(uint, config.limits.client_running_max, 7));
	cr_expect(eq(uint, config.limits.client_queue_max, 8));
	cr_expect(eq(sz, config.limits.client_bytes_max, (size_t)3 << 20));
	cr_expect(eq(uint, config.limits.turn_launches, 9));
}

Test(config, limits_of_pools_land_in_their_fields)
{
	const char *const args[] = { "--pools-max=7", "--pool-members-max=8", NULL };
	const char *const none[] = { NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(args, &config, &error), 0));
	cr_expect(eq(uint, config.limits.pools_max, 7));
	cr_expect(eq(uint, config.limits.pool_members_max, 8));
	cr_assert(eq(int, parse(none, &config, &error), 0));
	cr_expect(eq(uint, config.limits.pools_max, 64));
	cr_expect(eq(uint, config.limits.pool_members_max, 256));
}

Test(config, a_policy_is_one_of_four)
{
	const char *const args[] = { "--policy=least-loaded", NULL };
	const char *const wrong[] = { "--policy=fastest", NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(args, &config, &error), 0));
	cr_expect(eq(int, config.policy, USP_POLICY_LEAST_LOADED));
	cr_assert(eq(int, parse(wrong, &config, &error), -EINVAL));
	cr_expect(eq(str, error.text, "--policy: there is no 'fastest'"));
}

/* One client does not get all that there is, unless there is one place. */
Test(config, limits_of_one_client_follow_from_those_of_all)
{
	const char *const few[] = { "--jobs-max=1", "--bytes-max=1M", NULL };
	const char *const many[] = { "--jobs-max=100", "--bytes-max=64M", NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(few, &config, &error), 0));
	cr_expect(eq(uint, config.limits.client_running_max, 1));
	cr_expect(eq(sz, config.limits.client_bytes_max, (size_t)1 << 20));
	cr_assert(eq(int, parse(many, &config, &error), 0));
	cr_expect(eq(uint, config.limits.client_running_max, 75));
	cr_expect(eq(sz, config.limits.client_bytes_max, (size_t)16 << 20));
}

Test(config, help_and_version_are_actions)
{
	const char *const help[] = { "--help", NULL };
	const char *const version[] = { "--version", NULL };
	struct config config;
	struct config_error error;

	cr_assert(eq(int, parse(help, &config, &error), 0));
	cr_expect(eq(int, (int)config.action, (int)CONFIG_HELP));

	cr_assert(eq(int, parse(version, &config, &error), 0));
	cr_expect(eq(int, (int)config.action, (int)CONFIG_VERSION));
}

/* Each option of the table above has its line in --help. */
Test(config, help_names_every_option)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const char *name = rows[i].args[0];

		if (!strncmp(name, "--", 2) && strcmp(name, "--nonsense"))
			cr_expect(ne(ptr, strstr(config_help, name), NULL), "%s", name);
	}
}
