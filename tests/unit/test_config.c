/*
 * daemon/config: the options of uringspawnd.
 */
#include "daemon/config.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <uringspawn/wire.h>

#define ARGS_MAX 8
#define N_ROWS	 (sizeof(rows) / sizeof(rows[0]))

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
	{ { "--metrics", "0.0.0.0:9100" }, "0.0.0.0:9100 is not an address of loopback" },
	{ { "--metrics", "9100" }, "--metrics: '9100' is not like 127.0.0.1:9100" },
	{ { "--turn-launches", "0" }, "--turn-launches: 0 is not between 1 and" },
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
	struct config config = { .limits = { .clients_max = 77 } };
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
	cr_expect(eq(ptr, (void *)config.socket, NULL));
	cr_expect(eq(u32, config.limits.frame_max, USP_WIRE_FRAME_BYTES_MAX));
	cr_expect(lt(uint, 0, config.limits.clients_max));
	cr_expect(lt(uint, 0, config.limits.client_jobs_max));
	cr_expect(lt(sz, 0, config.limits.backlog_max));
	cr_expect(lt(sz, config.limits.backlog_max, config.limits.bytes_max));
	cr_expect(eq(uint, config.limits.jobs_max, 4096), "as the engine's");
	cr_expect(eq(uint, config.limits.queue_max, 65536), "as the engine's");
	cr_expect(not(config.quiet));
}

Test(config, every_option_lands_in_its_field)
{
	struct config config;
	struct config_error error;
	const char *const names[] = {
		"--socket",	 "@a", "--quiet", "--clients-max=2", "--jobs-max=3",
		"--queue-max=4", NULL
	};
	const char *const more[] = { "--client-jobs-max=5", "--frame-max=1M",
				     "--backlog-max=64k",   "--bytes-max=2G",
				     "--launchers=6",	    NULL };

	cr_assert(eq(int, parse(names, &config, &error), 0));
	cr_expect(eq(str, (char *)config.socket, "@a"));
	cr_expect(config.quiet);
	cr_expect(eq(uint, config.limits.clients_max, 2));
	cr_expect(eq(uint, config.limits.jobs_max, 3));
	cr_expect(eq(uint, config.limits.queue_max, 4));

	cr_assert(eq(int, parse(more, &config, &error), 0));
	cr_expect(eq(uint, config.limits.client_jobs_max, 5));
	cr_expect(eq(u32, config.limits.frame_max, 1u << 20));
	cr_expect(eq(sz, config.limits.backlog_max, 64u << 10));
	cr_expect(eq(sz, config.limits.bytes_max, (size_t)2 << 30));
	cr_expect(eq(uint, config.launchers, 6));
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
