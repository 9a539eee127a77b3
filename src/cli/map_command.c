#include "cli/map_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "base/alloc.h"

/* Counts, and in a second pass, when there is memory, writes. */
struct writer {
	char **argv;
	char *text;
	size_t n, size;
};

static void put_word(struct writer *writer, char *word)
{
	if (writer->argv)
		writer->argv[writer->n] = word;
	writer->n++;
}

static void put_text(struct writer *writer, const char *text, size_t size)
{
	if (writer->text)
		memcpy(writer->text + writer->size, text, size);
	writer->size += size;
}

static void put_items(struct writer *writer, const struct map_items *items, bool as_words)
{
	char *item = items->bytes;

	for (size_t i = 0; i < items->n; i++, item += strlen(item) + 1) {
		if (as_words) {
			put_word(writer, item);
			continue;
		}
		if (i > 0)
			put_text(writer, " ", 1);
		put_text(writer, item, strlen(item));
	}
}

/* A word with @replace in it. */
static void put_replaced(struct writer *writer, const char *word, const char *replace,
			 const struct map_items *items)
{
	const char *found;

	put_word(writer, writer->text ? writer->text + writer->size : NULL);
	while ((found = strstr(word, replace))) {
		put_text(writer, word, (size_t)(found - word));
		put_items(writer, items, false);
		word = found + strlen(replace);
	}
	put_text(writer, word, strlen(word) + 1);
}

static void put_command(struct writer *writer, char *const *command, const char *replace,
			const struct map_items *items)
{
	bool replaced = false;

	for (; *command; command++) {
		bool has = *replace && strstr(*command, replace);

		if (has && strcmp(*command, replace) == 0)
			put_items(writer, items, true);
		else if (has)
			put_replaced(writer, *command, replace, items);
		else
			put_word(writer, *command);
		replaced |= has;
	}
	if (!replaced)
		put_items(writer, items, true);
	put_word(writer, NULL);
}

int map_command_make(char *const *command, const char *replace,
		     const struct map_items *items, char ***ret_argv)
{
	struct writer counted = { 0 }, written = { 0 };

	put_command(&counted, command, replace, items);
	written.argv = mem_alloc(counted.n * sizeof(char *) + counted.size);
	if (!written.argv)
		return -ENOMEM;
	written.text = (char *)(written.argv + counted.n);
	put_command(&written, command, replace, items);
	*ret_argv = written.argv;
	return 0;
}

size_t map_command_size(char *const *command)
{
	size_t size = 0;

	for (; *command; command++)
		size += strlen(*command) + 1;
	return size;
}

/* ---- for people ---------------------------------------------------------- */

static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789_-./,:@%+=";

static bool has_control(const char *word)
{
	for (; *word; word++)
		if ((unsigned char)*word < ' ' || *word == 127)
			return true;
	return false;
}

/* 'text', or $'text' where it has what would not stay in one line. */
static int quote_word(const char *word, struct buf *buf)
{
	bool control = has_control(word);
	int ret = buf_append(buf, "$'", control ? 2 : 0);

	if (!control)
		ret = buf_append(buf, "'", 1);
	for (; *word && ret == 0; word++) {
		char escape[8] = { *word };

		if (*word == '\'')
			strcpy(escape, control ? "\\'" : "'\\''");
		else if (control && *word == '\\')
			strcpy(escape, "\\\\");
		else if ((unsigned char)*word < ' ' || *word == 127)
			snprintf(escape, sizeof(escape), "\\%03o", (unsigned)*word);
		ret = buf_append(buf, escape, strlen(escape));
	}
	return ret ? ret : buf_append(buf, "'", 1);
}

int map_command_quote(char *const *argv, struct buf *buf)
{
	int ret = 0;

	for (size_t i = 0; argv[i] && ret == 0; i++) {
		const char *word = argv[i];

		if (i > 0)
			ret = buf_append(buf, " ", 1);
		if (ret == 0 && *word && word[strspn(word, plain)] == 0)
			ret = buf_append(buf, word, strlen(word));
		else if (ret == 0)
			ret = quote_word(word, buf);
	}
	return ret;
}
