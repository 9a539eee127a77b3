/*
 * A table of descriptors that is full.
 */
#include "support/full.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static int filled[FULL_MAX];
static int n_filled;

void fill_descriptors(unsigned limit)
{
	const struct rlimit few = { limit, limit };
	int fd;

	cr_assert(le(uint, limit, FULL_MAX));
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &few), 0));
	while ((fd = fcntl(0, F_DUPFD_CLOEXEC, 0)) >= 0)
		filled[n_filled++] = fd;
	cr_assert(eq(int, errno, EMFILE));
}

void free_descriptor(void)
{
	close(filled[--n_filled]);
}

void free_descriptors(void)
{
	while (n_filled)
		free_descriptor();
}
