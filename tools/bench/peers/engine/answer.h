/*
 * Answers of HTTP/1.1: a status and a text, or output in chunks as it comes.
 */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

struct connection;

/** An answer of one piece. */
void answer_whole(struct connection *connection, int status, const char *body);

/** A piece of output; the first one brings the head.  @data is borrowed. */
void answer_output(struct connection *connection, const void *data, size_t size);

/** There is no more output; of one without any: an empty answer. */
void answer_end(struct connection *connection);

#endif
