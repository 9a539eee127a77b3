/*
 * Pages of memory from the kernel.
 */
#include "sys/map.h"

#include <sys/mman.h>
#include <unistd.h>

void *sys_map(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return pages == MAP_FAILED ? NULL : pages;
}

void sys_unmap(void *pages, size_t size)
{
	if (pages)
		munmap(pages, size);
}

void *sys_map_stack(size_t size)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = sys_map(guard + size);

	if (!pages)
		return NULL;
	if (mprotect(pages, guard, PROT_NONE) < 0) {
		sys_unmap(pages, guard + size);
		return NULL;
	}
	return pages + guard;
}

void sys_unmap_stack(void *stack, size_t size)
{
	size_t guard = (size_t)sysconf(_SC_PAGESIZE);

	if (stack)
		munmap((char *)stack - guard, guard + size);
}
