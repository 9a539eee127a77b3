/*
 * launch/spec.c: the calls that can fail, and the descriptors that it was given.
 */
#include "launch/spec.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "support/clean.h"
#include "support/fault.h"

CLEAN_TEST(spec, without_memory_it_closes_what_it_was_given)
{
	static const char *const argv[] = { "true", NULL };
	unsigned n = 0;
	struct spec *spec;
	int ret;

	for (;;) {
		struct spec_input input = { .argv = { .vector = argv } };
		int before = open_fds();
		const char *field = "unset";

		for (int i = 0; i < 3; i++)
			input.options.stdio[i] =
				(struct usp_stdio){ .kind = USP_STDIO_FD,
						    .fd = eventfd(0, EFD_CLOEXEC) };
		spec = NULL;
		fault_at(++n, ENOMEM);
		ret = spec_new(&input, &spec, &field);
		if (!fault_fired())
			break;
		cr_assert(eq(int, ret, -ENOMEM), "call %u failed", n);
		cr_assert(spec == NULL, "set although it failed");
		cr_assert(eq(int, open_fds(), before));
	}
	cr_assert(eq(int, ret, 0));
	cr_assert(eq(uint, n - 1, 3), "another fault point: change this number");
	spec_free(spec);
}
