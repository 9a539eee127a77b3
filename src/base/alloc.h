/*
 * The only place that asks for memory: fault tests fail these.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

void *mem_alloc(size_t size);		  /* not cleared; NULL when there is none */
void *mem_zalloc(size_t size);		  /* cleared */
void *mem_resize(void *mem, size_t size); /* as realloc(); @mem stays on failure */
void mem_free(void *mem);		  /* NULL is fine */

#endif
