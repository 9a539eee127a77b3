/*
 * A table of descriptors that is full.
 */
#ifndef SUPPORT_FULL_H
#define SUPPORT_FULL_H

#define FULL_MAX 128

/* Lower the limit to @limit, at most FULL_MAX, and open as many as that allows. */
void fill_descriptors(unsigned limit);

/* Close one of them: somebody else may have it. */
void free_descriptor(void);
void free_descriptors(void); /* all that are left */

#endif
