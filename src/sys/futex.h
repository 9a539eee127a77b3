/*
 * Sleep until a 32-bit word changes.
 */
#ifndef SYS_FUTEX_H
#define SYS_FUTEX_H

#include <stdint.h>

/* Sleep while *@word is @value.  Wakes for no reason too: look again. */
void sys_futex_wait(uint32_t *word, uint32_t value);

/* Wake up to @count threads that sleep on @word. */
void sys_futex_wake(uint32_t *word, int count);

#endif
