#include "cli/map_input.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"

enum {
	READ_SIZE = 64 << 10,
	LINE_MAX_BYTES = 1 << 30,   /* of a block */
	ITEM_MAX = (128 << 10) - 1, /* the kernel's MAX_ARG_STRLEN, but for the NUL */
};

int map_input_open(const struct map_options *options, size_t bytes_max,
		   struct map_input *ret_input)
{
	struct map_input input = {
		.fd = STDIN_FILENO,
		.values = options->values,
		.split = options->split,
		.whole_lines = options->replace_given && *options->replace,
		.items_max = options->items_max,
		.block_bytes = options->pipe ? options->block_bytes : 0,
		.bytes_max = bytes_max,
	};

	buf_init(&input.raw, SIZE_MAX / 2);
	buf_init(&input.gathered, SIZE_MAX / 2);
	if (options->file)
		input.fd = open(options->file, O_RDONLY | O_CLOEXEC);
	if (input.fd < 0) {
		int error = errno;

		fprintf(stderr, "uringspawn: cannot read '%s': %s\n", options->file,
			strerrordesc_np(error));
		return -error;
	}
	*ret_input = input;
	return 0;
}

void map_input_close(struct map_input *input)
{
	if (input->fd > STDERR_FILENO)
		close(input->fd);
	buf_done(&input->raw);
	buf_done(&input->gathered);
}

int map_input_read(struct map_input *input)
{
	uint8_t *place;
	ssize_t n;
	int ret = buf_reserve(&input->raw, READ_SIZE, &place);

	if (ret == 0) {
		n = read(input->fd, place, READ_SIZE);
		ret = n < 0 ? -errno : 0;
	}
	if (ret == -EINTR || ret == -EAGAIN)
		return 0;
	if (ret) {
		fprintf(stderr, "uringspawn: cannot read the input: %s\n",
			strerrordesc_np(-ret));
		return ret;
	}
	buf_grew(&input->raw, (size_t)n);
	input->ended = n == 0;
	return 0;
}

/* ---- items --------------------------------------------------------------- */

static int refuse(const struct map_input *input, const char *what)
{
	fprintf(stderr, "uringspawn: item %zu of the input %s\n", input->told + 1, what);
	return -EINVAL;
}

static int no_memory(int ret)
{
	if (ret)
		fputs("uringspawn: no memory for the input\n", stderr);
	return ret;
}

/* Part of an item that is still being gathered. */
static int add(struct map_input *input, const void *bytes, size_t size)
{
	if (buf_size(&input->gathered) - input->begin + size > ITEM_MAX)
		return refuse(input, "is longer than an argument may be (131071 bytes)");
	if (memchr(bytes, 0, size))
		return refuse(input, "has a NUL byte in it: did you mean --null?");
	return no_memory(buf_append(&input->gathered, bytes, size));
}

/* The item is whole. */
static int finish(struct map_input *input)
{
	int ret;

	ret = no_memory(buf_append(&input->gathered, "", 1));
	if (ret)
		return ret;
	input->last = input->begin;
	input->begin = buf_size(&input->gathered);
	input->n++;
	input->told++;
	input->begun = false;
	return 0;
}

static int take_value(struct map_input *input)
{
	const char *value = *input->values;
	int ret;

	if (!value)
		return -ENODATA;
	input->values++;
	ret = add(input, value, strlen(value));
	return ret ? ret : finish(input);
}

/* Up to the next newline or NUL; the last item need not have one. */
static int take_line(struct map_input *input)
{
	const char *bytes = (char *)buf_bytes(&input->raw), *end = NULL;
	size_t size = buf_size(&input->raw);
	int ret;

	if (size > input->scanned)
		end = memchr(bytes + input->scanned, input->split == MAP_NULS ? 0 : '\n',
			     size - input->scanned);
	input->scanned = size;
	if (!end && !input->ended && size <= ITEM_MAX)
		return -EAGAIN;
	if (!end && size == 0)
		return -ENODATA;
	ret = add(input, bytes, end ? (size_t)(end - bytes) : size);
	if (ret)
		return ret;
	buf_consume(&input->raw, end ? (size_t)(end - bytes) + 1 : size);
	input->scanned = 0;
	return finish(input);
}

/* Returns 1 when @c ends an item, 0 when it was taken, or -errno. */
static int take_char(struct map_input *input, char c)
{
	bool space = isspace((unsigned char)c);

	if (input->escaped) {
		input->escaped = false;
		return add(input, &c, 1);
	}
	if (input->quote && c == input->quote) {
		input->quote = 0;
		return 0;
	}
	if (input->quote)
		return c == '\n' ? refuse(input, "has a quote without its match; --null "
						 "and lines take quotes as they are")
				 : add(input, &c, 1);
	if (c == '\n' || (space && !input->whole_lines))
		return input->begun;
	if (space && !input->begun)
		return 0;
	input->begun = true;
	input->escaped = c == '\\';
	if (c == '\'' || c == '"')
		input->quote = c;
	return input->escaped || input->quote ? 0 : add(input, &c, 1);
}

static int take_word(struct map_input *input)
{
	int ret = 0;

	while (buf_size(&input->raw) > 0 && ret == 0) {
		ret = take_char(input, *(char *)buf_bytes(&input->raw));
		buf_consume(&input->raw, 1);
	}
	if (ret < 0)
		return ret;
	if (ret > 0)
		return finish(input);
	if (!input->ended)
		return -EAGAIN;
	if (input->quote)
		return refuse(input, "has a quote without its match; --null and lines "
				     "take quotes as they are");
	return input->begun ? finish(input) : -ENODATA;
}

static int take_item(struct map_input *input)
{
	if (input->values)
		return take_value(input);
	return input->split == MAP_WORDS ? take_word(input) : take_line(input);
}

/* ---- jobs ---------------------------------------------------------------- */

/* The first @n of what was gathered, @size bytes. */
static int give(struct map_input *input, size_t n, size_t size,
		struct map_items *ret_items)
{
	char *bytes = mem_alloc(size);

	if (!bytes)
		return no_memory(-ENOMEM);
	memcpy(bytes, buf_bytes(&input->gathered), size);
	buf_consume(&input->gathered, size);
	input->n -= n;
	input->last = 0;
	input->begin -= size;
	*ret_items = (struct map_items){ .bytes = bytes, .size = size, .n = n };
	return 0;
}

/* The first @size bytes of what was read. */
static int give_block(struct map_input *input, size_t size, struct map_items *ret_items)
{
	char *bytes = mem_alloc(size);

	if (!bytes)
		return no_memory(-ENOMEM);
	memcpy(bytes, buf_bytes(&input->raw), size);
	buf_consume(&input->raw, size);
	input->scanned = 0;
	*ret_items = (struct map_items){ .bytes = bytes, .size = size };
	return 0;
}

/* As many whole lines as a block has room for; one that has not is a block of its own. */
static int next_block(struct map_input *input, struct map_items *ret_items)
{
	const char *bytes = (char *)buf_bytes(&input->raw), *end;
	size_t size = buf_size(&input->raw), room = input->block_bytes;
	char delimiter = input->split == MAP_NULS ? 0 : '\n';

	if (size < room && !input->ended)
		return -EAGAIN;
	if (size <= room && input->ended)
		return size > 0 ? give_block(input, size, ret_items) : -ENODATA;
	end = input->scanned ? NULL : memrchr(bytes, delimiter, room);
	if (!end) {
		size_t from = input->scanned ? input->scanned : room;

		end = memchr(bytes + from, delimiter, size - from);
		input->scanned = size;
	}
	if (end)
		return give_block(input, (size_t)(end - bytes) + 1, ret_items);
	if (input->ended)
		return give_block(input, size, ret_items);
	return size < LINE_MAX_BYTES ? -EAGAIN
				     : refuse(input, "is a line of more than 1 GiB");
}

int map_input_next(struct map_input *input, struct map_items *ret_items)
{
	int ret = 0;

	if (input->block_bytes)
		return next_block(input, ret_items);

	while (ret == 0 && input->n < input->items_max) {
		ret = take_item(input);
		/* One that is too much is the first of the next job. */
		if (ret == 0 && input->n > 1 &&
		    buf_size(&input->gathered) > input->bytes_max)
			return give(input, input->n - 1, input->last, ret_items);
	}
	if (ret && (ret != -ENODATA || input->n == 0))
		return ret;
	return give(input, input->n, buf_size(&input->gathered), ret_items);
}
