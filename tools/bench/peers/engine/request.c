/*
 * The head of an HTTP/1.1 request, as RFC 9112 has it.
 */
#include "request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool slice_is(struct slice slice, const char *text)
{
	return slice.size == strlen(text) && !memcmp(slice.data, text, slice.size);
}

static bool slice_is_word(struct slice slice, const char *word)
{
	return slice.size == strlen(word) && !strncasecmp(slice.data, word, slice.size);
}

/* Take what comes before @end, and @end; all that is left where there is none. */
static struct slice take_until(struct slice *rest, const char *end)
{
	const char *found = memmem(rest->data, rest->size, end, strlen(end));
	struct slice taken = { rest->data,
			       found ? (size_t)(found - rest->data) : rest->size };
	size_t skipped = found ? taken.size + strlen(end) : taken.size;

	rest->data += skipped;
	rest->size -= skipped;
	return taken;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice slice)
{
	while (slice.size && is_blank(slice.data[slice.size - 1]))
		slice.size--;
	while (slice.size && is_blank(*slice.data))
		slice = (struct slice){ slice.data + 1, slice.size - 1 };
	return slice;
}

static bool is_token(struct slice slice)
{
	for (size_t i = 0; i < slice.size; i++)
		if (!isalnum((unsigned char)slice.data[i]) &&
		    (!slice.data[i] || !strchr("!#$%&'*+-.^_`|~", slice.data[i])))
			return false;
	return slice.size > 0;
}

/* A carriage return or a line feed of its own is a control character, too. */
static bool is_text(struct slice slice)
{
	for (size_t i = 0; i < slice.size; i++)
		if (iscntrl((unsigned char)slice.data[i]) && slice.data[i] != '\t')
			return false;
	return true;
}

static bool has_item(struct slice list, const char *word)
{
	while (list.size)
		if (slice_is_word(trim(take_until(&list, ",")), word))
			return true;
	return false;
}

/* @return 0, or the status to refuse it with */
static int parse_first_line(struct slice line, struct request *request)
{
	request->method = take_until(&line, " ");
	request->target = take_until(&line, " ");
	if (!is_token(request->method) || !request->target.size ||
	    *request->target.data != '/')
		return 400;
	return slice_is(line, "HTTP/1.1") ? 0 : 505;
}

/* @return 0, or the status to refuse it with */
static int parse_field(struct slice line, struct request *request)
{
	struct slice name = take_until(&line, ":");
	struct slice value = trim(line);

	if (line.data == name.data + name.size || !is_token(name) || !is_text(value))
		return 400;
	if (slice_is_word(name, "host"))
		request->hosts++;
	else if (slice_is_word(name, "connection"))
		request->close = request->close || has_item(value, "close");
	else if (slice_is_word(name, "content-length") && !slice_is(value, "0"))
		return 413;
	else if (slice_is_word(name, "transfer-encoding"))
		return 413;
	return 0;
}

int request_parse(const char *data, size_t size, struct request *ret_request)
{
	const char *end = memmem(data, size, "\r\n\r\n", 4);
	struct slice lines = { data, end ? (size_t)(end - data) : 0 };
	struct request request = { .hosts = 0 };
	int status;

	if (!end)
		return size < REQUEST_BYTES_MAX ? 0 : -431;
	status = parse_first_line(take_until(&lines, "\r\n"), &request);
	while (!status && lines.size)
		status = parse_field(take_until(&lines, "\r\n"), &request);
	if (!status && request.hosts != 1)
		status = 400;
	if (status)
		return -status;
	*ret_request = request;
	return (int)(end - data) + 4;
}
