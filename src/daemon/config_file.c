/*
 * Lines of a file, split into names and values.  What they mean is config.c's.
 */
#include "daemon/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "sys/fd.h"

#define BLANKS " \t\r"

/* The whole file, and a NUL.  A FIFO in its place does not hold up anybody. */
static int read_all(const char *path, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return -errno;
	do {
		uint8_t *place;

		ret = buf_reserve(text, 4096, &place);
		if (ret < 0)
			break;
		n = read(fd, place, 4096);
		if (n > 0)
			buf_grew(text, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (ret == 0 && n < 0)
		ret = -errno;
	sys_close(fd);
	if (ret == -EMSGSIZE || buf_size(text) > CONFIG_FILE_BYTES_MAX)
		return -EFBIG;
	if (ret == 0 && memchr(buf_bytes(text), 0, buf_size(text)))
		return -EINVAL;
	return ret < 0 ? ret : buf_append(text, "", 1);
}

static char *without_blanks(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n > 0 && strchr(BLANKS, text[n - 1]))
		n--;
	text[n] = '\0';
	return text;
}

/* Splits @line in place. */
static int tell(char *line, config_line_fn *on_line, void *user)
{
	char *name = without_blanks(line), *value;
	size_t length = strcspn(name, BLANKS "=");

	if (*name == '#' || *name == '\0')
		return 0;
	value = without_blanks(name + length);
	if (*value == '=')
		value = without_blanks(value + 1);
	else if (*value == '\0')
		value = NULL;
	name[length] = '\0';
	return on_line(name, value, user);
}

int config_file_read(const char *path, config_line_fn *on_line, void *user,
		     unsigned *ret_line)
{
	unsigned number = 0;
	struct buf text;
	char *rest, *line;
	int ret;

	buf_init(&text, CONFIG_FILE_BYTES_MAX + 8192);
	ret = read_all(path, &text);
	rest = ret < 0 ? NULL : (char *)buf_bytes(&text);
	while (ret == 0 && (line = strsep(&rest, "\n"))) {
		number++;
		ret = tell(line, on_line, user);
		if (ret)
			*ret_line = number;
	}
	buf_done(&text);
	return ret;
}
