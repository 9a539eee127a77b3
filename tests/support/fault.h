/*
 * Make the n-th call of our own allocation and system call layer fail.  Calls made
 * by the thread that armed the fault are counted apart from those of all others, so
 * a number means the same call in each run.
 */
#ifndef SUPPORT_FAULT_H
#define SUPPORT_FAULT_H

#include <stdbool.h>

/* Let @n - 1 calls of this thread pass and the one after them fail with @error, once. */
void fault_at(unsigned n, int error);

/* The same for the calls of the other threads; this one's are not counted for it. */
void fault_elsewhere_at(unsigned n, int error);

/* Did it fail since fault_at(), or fault_elsewhere_at()?  Disarms. */
bool fault_fired(void);
bool fault_elsewhere_fired(void);

/* No call of this thread fails. */
void fault_off(void);

/* The calls of this thread that passed or failed since fault_at(). */
unsigned fault_calls(void);

#endif
