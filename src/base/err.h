/*
 * Error numbers, stages and reasons as words.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* "ENOENT" for 2; "E999" style text for numbers without a name.  Never NULL. */
const char *err_name(int error);

#endif
