/*
 * The command of each job of `uringspawn map`: its words, with the job's items put in.
 */
#ifndef CLI_MAP_COMMAND_H
#define CLI_MAP_COMMAND_H

#include <stddef.h>
#include "base/buf.h"
#include "cli/map_input.h"

/*
 * @replace in a word of @command is replaced by the items: where it is the whole word, by
 * as many words; else by all of them with spaces between.  Where no word has it, or it is
 * "", they are appended.
 *
 * Gives the argv; free with mem_free().  It points into both.  Returns 0 or -ENOMEM.
 */
int map_command_make(char *const *command, const char *replace,
		     const struct map_items *items, char ***ret_argv);

/* The bytes that @command takes of what the kernel lets an argv have. */
size_t map_command_size(char *const *command);

/* Append the words as a shell would have to be given them, in one line.
 * Returns as buf_append(). */
int map_command_quote(char *const *argv, struct buf *buf);

#endif
