/*
 * base/err.c: each number has a word.
 */
#include <errno.h>

#include "base/err.h"
#include "support/clean.h"

Test(err, names_what_the_manual_names)
{
	cr_assert(eq(str, (char *)err_name(ENOENT), "ENOENT"));
	cr_assert(eq(str, (char *)err_name(E2BIG), "E2BIG"));
}

Test(err, spells_out_numbers_without_a_name)
{
	cr_assert(eq(str, (char *)err_name(0), "E0"));
	cr_assert(eq(str, (char *)err_name(999), "E999"));
	cr_assert(eq(str, (char *)err_name(-5), "E-5"));
}
