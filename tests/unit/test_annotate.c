/*
 * base/annotate.h: what a function owns is freed, unless it gives it away.
 */
#include <string.h>

#include "base/annotate.h"
#include "support/clean.h"

static char *make(bool succeed)
{
	own_mem char *text = mem_zalloc(8);

	cr_assert(text != NULL);
	return succeed ? take_ptr(&text) : NULL;
}

CLEAN_TEST(annotate, owned_memory_goes_with_its_scope)
{
	cr_assert(make(false) == NULL);
}

CLEAN_TEST(annotate, taken_memory_stays)
{
	char *text = make(true);

	cr_assert(text != NULL);
	memset(text, 'x', 8);
	mem_free(text);
}
