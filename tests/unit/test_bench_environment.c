/*
 * An environment that is made for a benchmark: src/cli/bench_environment.c.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "cli/bench_environment.h"

Test(bench_environment, each_variable_has_a_name_of_its_own_and_a_value)
{
	char **environment = bench_environment_new(250);

	cr_assert(ne(ptr, environment, NULL));
	for (unsigned i = 0; i < 250; i++) {
		const char *value = strchr(environment[i], '=');

		cr_assert(ne(ptr, (void *)value, NULL), "%s", environment[i]);
		cr_expect(lt(sz, 1, strlen(value)), "%s", environment[i]);
		if (i > 0)
			cr_expect(lt(str, environment[i - 1], environment[i]));
	}
	cr_expect(eq(ptr, environment[250], NULL));
	bench_environment_free(environment);
}

Test(bench_environment, there_may_be_none)
{
	char **environment = bench_environment_new(0);

	cr_assert(ne(ptr, environment, NULL));
	cr_expect(eq(ptr, environment[0], NULL));
	bench_environment_free(environment);
	bench_environment_free(NULL);
}
