/*
 * Options of any size, as this library knows them: a program may be compiled
 * with an older or a newer header than the library it runs with.
 */
#include "api/options.h"

#include <errno.h>
#include <string.h>

int options_copy(void *ret_options, size_t known_bytes, const void *given,
		 size_t given_bytes)
{
	if (given_bytes == 0)
		return -EINVAL;
	for (size_t i = known_bytes; i < given_bytes; i++)
		if (((const unsigned char *)given)[i])
			return -E2BIG;
	memset(ret_options, 0, known_bytes);
	memcpy(ret_options, given, given_bytes < known_bytes ? given_bytes : known_bytes);
	return 0;
}

int options_read(const struct usp_options *given, struct usp_options *ret_options)
{
	struct usp_options options;
	int ret;

	if (!given)
		return -EINVAL;
	ret = options_copy(&options, sizeof(options), given, given->size);
	if (ret < 0)
		return ret;
	if (!options.argv || !options.on_event)
		return -EINVAL;
	options.size = sizeof(options);
	*ret_options = options;
	return 0;
}
