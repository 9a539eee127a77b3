/*
 * `uringspawn doctor`: what it says where everything is there, and where it is not.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/syscall.h>

#include "support/backend.h"
#include "support/command.h"
#include "support/deny.h"

TestSuite(doctor, .timeout = 120);

static struct command_result result;

static int doctor(const char *option)
{
	const char *const argv[] = { BUILD_DIR "/uringspawn", "doctor", option, NULL };
	const struct command command = { .argv = argv };

	return command_run(&command, &result);
}

Test(doctor, where_the_engine_runs_it_says_so)
{
	cr_assert(eq(int, doctor(NULL), 0));
	cr_assert(strstr(result.out, on_epoll() ? "back end: epoll (URINGSPAWN_BACKEND"
						: "back end: io_uring\n") != NULL,
		  "%s", result.out);
	cr_assert(strstr(result.out, "The engine runs here.") != NULL);
}

Test(doctor, where_io_uring_is_refused_it_says_what_is_used_and_why)
{
	unsetenv(USP_BACKEND_VARIABLE);
	deny(SYS_io_uring_setup, EPERM);
	cr_assert(eq(int, doctor(NULL), 0));
	cr_assert(strstr(result.out, "back end: epoll (a sandbox forbids") != NULL, "%s",
		  result.out);
	cr_assert(strstr(result.out, "The engine runs here.") != NULL);
}

Test(doctor, where_nothing_else_may_be_used_there_is_none)
{
	setenv(USP_BACKEND_VARIABLE, "uring", true);
	deny(SYS_io_uring_setup, EPERM);
	cr_assert(eq(int, doctor(NULL), 1));
	cr_assert(strstr(result.out, "back end: none") != NULL, "%s", result.out);
	cr_assert(strstr(result.out, "The engine runs here.") == NULL);
	cr_assert(strstr(result.out, "a sandbox forbids io_uring") != NULL);
}

/* The threads of the command are what fails. */
Test(doctor, where_no_thread_can_be_made_it_says_why)
{
	unsetenv(USP_BACKEND_VARIABLE);
	deny(SYS_io_uring_setup, EPERM);
	deny(SYS_clone3, EPERM);
	if (doctor(NULL) == 0)
		cr_skip("this libc makes threads without clone3()");
	cr_assert(strstr(result.out, "a sandbox answers clone3() by EPERM") != NULL, "%s",
		  result.out);
}

Test(doctor, a_back_end_that_there_is_not_is_named)
{
	setenv(USP_BACKEND_VARIABLE, "kqueue", true);
	cr_assert(eq(int, doctor(NULL), 1));
	cr_assert(strstr(result.out, "URINGSPAWN_BACKEND is neither uring nor epoll") !=
			  NULL,
		  "%s", result.out);
}

static json_t *parsed(void)
{
	json_t *root = json_loadb(result.out, result.out_size, 0, NULL);

	cr_assert(root != NULL, "no JSON: %s", result.out);
	return root;
}

Test(doctor, its_json_has_what_the_text_says)
{
	static const char *const fields[] = { "version",  "kernel",	 "cpus",
					      "back_end", "engine_runs", "features",
					      "limits" };
	json_t *root;

	cr_assert(eq(int, doctor("--json"), 0));
	root = parsed();
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		cr_assert(json_object_get(root, fields[i]) != NULL, "no %s in %s",
			  fields[i], result.out);
	cr_assert(json_object_get(root, "engine_runs") == json_true());
	cr_assert(eq(str, (char *)json_string_value(json_object_get(root, "back_end")),
		     (char *)backend_name()));
	json_decref(root);
}

Test(doctor, an_option_that_is_not_known_is_named)
{
	cr_assert(eq(int, doctor("--jsno"), 125));
	cr_assert(strstr(result.err, "--jsno") != NULL, "%s", result.err);
}
