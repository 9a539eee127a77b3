/*
 * The file of --config: lines of a name and its value.
 */
#ifndef DAEMON_CONFIG_FILE_H
#define DAEMON_CONFIG_FILE_H

#include <stddef.h>

#define CONFIG_FILE_BYTES_MAX (64u << 10)

/*
 * Called for each line that says something: @name, and @value or NULL where there is
 * none.  Returns 0, or anything else to read no further.
 */
typedef int config_line_fn(const char *name, const char *value, void *user);

/*
 * Read the lines of the file at @path.  Blanks around names and values do not count,
 * nor does an equals sign between them; a line that begins with '#' says nothing.
 *
 * @param ret_line  where @on_line read no further: the number of that line, from 1
 * @return 0, what @on_line returned, or -errno: -EFBIG: more than
 *         CONFIG_FILE_BYTES_MAX; -EINVAL: a NUL is in it; what open() and read() give
 */
int config_file_read(const char *path, config_line_fn *on_line, void *user,
		     unsigned *ret_line);

#endif
