/*
 * What a member is asked, and the answer that is looked for in what it writes.
 */
#ifndef POOL_MESSAGE_H
#define POOL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uringspawn/pool.h>

struct message {
	uint8_t *ask; /* NULL: there is no such message; one block with the others */
	size_t ask_bytes;
	const uint8_t *answer;
	size_t answer_bytes;
	/* Of each beginning of the answer: how long the longest beginning is that it ends
	 * with (Knuth, Morris, Pratt). */
	const uint32_t *back;
	uint64_t timeout_ns;
};

/* Returns 0; -EINVAL: an ask without an answer, or longer than USP_POOL_MESSAGE_MAX;
 * -ENOMEM. */
int message_copy(struct message *message, const struct usp_pool_message *given);
void message_done(struct message *message);

/*
 * Look for the answer in what comes, however it is cut.
 * @matched: bytes of it that came before; set to those that have come now.
 * Returns how many bytes of @data there are up to its end; 0: it is not complete.
 */
size_t message_find(const struct message *message, size_t *matched, const void *data,
		    size_t size);

#endif
