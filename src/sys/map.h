/*
 * Pages of memory from the kernel.
 */
#ifndef SYS_MAP_H
#define SYS_MAP_H

#include <stddef.h>

/* Zeroed pages, or NULL. */
void *sys_map(size_t size);
void sys_unmap(void *pages, size_t size); /* NULL is fine */

/*
 * A stack of @size bytes with a page below it that must not be touched, so that
 * an overflow is a fault and not a corruption.  NULL when there is no memory.
 */
void *sys_map_stack(size_t size);
void sys_unmap_stack(void *stack, size_t size);

#endif
