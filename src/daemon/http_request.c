/*
 * The first line of an HTTP request, and where its head ends.
 */
#include "daemon/http_request.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* An empty line ends the head; a lone LF is taken for a CRLF, as RFC 9112 allows. */
static bool has_end(const char *bytes, size_t size)
{
	return memmem(bytes, size, "\r\n\r\n", 4) || memmem(bytes, size, "\n\n", 2);
}

static bool is_printable(const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] < ' ' || bytes[i] > '~')
			return false;
	return true;
}

/* The bytes up to the next space, which is skipped; NULL when there is none. */
static const char *next_word(const char **at, const char *end, size_t *ret_size)
{
	const char *word = *at;
	const char *space = memchr(word, ' ', (size_t)(end - word));

	if (!space || space == word)
		return NULL;
	*ret_size = (size_t)(space - word);
	*at = space + 1;
	return word;
}

static bool is(const char *word, size_t size, const char *what)
{
	return size == strlen(what) && memcmp(word, what, size) == 0;
}

static enum http_method method_of(const char *word, size_t size)
{
	if (is(word, size, "GET"))
		return HTTP_GET;
	return is(word, size, "HEAD") ? HTTP_HEAD : HTTP_OTHER;
}

static int parse_line(const char *line, const char *end, struct http_request *request)
{
	size_t method_size, path_size;
	const char *method = next_word(&line, end, &method_size);
	const char *path = method ? next_word(&line, end, &path_size) : NULL;
	const char *query;

	if (!path || *path != '/')
		return -EBADMSG;
	if (end - line != 8 || memcmp(line, "HTTP/1.", 7) || line[7] < '0' ||
	    line[7] > '9')
		return -EBADMSG;
	query = memchr(path, '?', path_size);
	*request = (struct http_request){
		.method = method_of(method, method_size),
		.path = path,
		.path_size = query ? (size_t)(query - path) : path_size,
	};
	return 1;
}

int http_request_parse(const char *bytes, size_t size, struct http_request *ret_request)
{
	const char *end = memchr(bytes, '\n', size);
	size_t line_size = end ? (size_t)(end - bytes) : size;

	if (end && line_size > 0 && bytes[line_size - 1] == '\r')
		line_size--;
	if (!end)
		return size && !is_printable(bytes, size - (bytes[size - 1] == '\r'))
			       ? -EBADMSG
			       : 0;
	if (!is_printable(bytes, line_size))
		return -EBADMSG;
	if (!has_end(bytes, size))
		return 0;
	return parse_line(bytes, bytes + line_size, ret_request);
}
