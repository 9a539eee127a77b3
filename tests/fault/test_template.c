/*
 * Templates and environments: each call that can fail, failed in turn.
 */
#include "engine/template.h"

#include <errno.h>

#include "launch/env.h"
#include "support/clean.h"
#include "support/fault.h"

static const char *const argv[] = { "true", NULL },
			 *const envp[] = { "A=1", "B=2", NULL },
			 *const extend[] = { "A=3", "C=4", NULL },
			 *const unset[] = { "B", NULL };

static const struct spec_input input = {
	.argv = { .vector = argv },
	.env = { .vector = envp },
	.env_extend = { .vector = extend },
	.env_unset = { .vector = unset },
};

CLEAN_TEST(template, without_memory_there_is_none)
{
	struct template *t;
	const char *field;
	unsigned n = 0;
	int ret;

	for (;;) {
		t = NULL;
		fault_at(++n, ENOMEM);
		ret = template_new(&input, &t, &field);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(t == NULL, "set although it failed");
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, 3), "another fault point: change this number");
	template_free(t);
}

CLEAN_TEST(template, without_memory_a_spec_has_no_environment_of_its_own)
{
	const char *field;
	struct spec *spec;
	unsigned n = 0;
	int ret;

	for (;;) {
		spec = NULL;
		fault_at(++n, ENOMEM);
		ret = spec_new(&input, &spec, &field);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(spec == NULL, "set although it failed");
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, 5), "another fault point: change this number");
	spec_free(spec);
}
