/*
 * Memory from the C library.  Nothing else calls malloc(), so that a test that
 * fails these functions fails every allocation.
 */
#include "base/alloc.h"

#include <stdlib.h>

void *mem_alloc(size_t size)
{
	return malloc(size);
}

void *mem_zalloc(size_t size)
{
	return calloc(1, size);
}

void *mem_resize(void *mem, size_t size)
{
	return realloc(mem, size);
}

void mem_free(void *mem)
{
	free(mem);
}
