/*
 * A terminal for a command to run on, from its other side.
 */
#ifndef SUPPORT_TERMINAL_H
#define SUPPORT_TERMINAL_H

#include <stddef.h>
#include <stdbool.h>

/*
 * Its other side; its name in @name.  It prints what is written, no more: no echo.
 * Skips the test where none is to be had.
 */
int terminal_open(char *name, size_t size);

/* Type @text, of any length. */
void terminal_type(int tty, const char *text);

/* Does it pass every key on? */
bool terminal_is_raw(int tty);

/* Wait until it does, or does not. */
void terminal_wait_raw(int tty, bool raw);

/* Change its size, which those who run there are told. */
void terminal_resize(int tty, unsigned rows, unsigned columns);

#endif
