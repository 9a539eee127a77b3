/*
 * What a member is asked, and the answer that is looked for in what it writes.
 */
#include "pool/message.h"

#include <errno.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"

#define TIMEOUT_NS_DEFAULT (5 * NS_PER_S)

static void fill_back(uint32_t *back, const uint8_t *answer, size_t size)
{
	uint32_t length = 0;

	back[0] = 0;
	for (size_t i = 1; i < size; i++) {
		while (length > 0 && answer[i] != answer[length])
			length = back[length - 1];
		length += answer[i] == answer[length];
		back[i] = length;
	}
}

static bool is_sound(const struct usp_pool_message *given)
{
	if (!given->ask_bytes)
		return !given->answer_bytes;
	return given->ask && given->answer && given->answer_bytes &&
	       given->ask_bytes <= USP_POOL_MESSAGE_MAX &&
	       given->answer_bytes <= USP_POOL_MESSAGE_MAX;
}

int message_copy(struct message *message, const struct usp_pool_message *given)
{
	uint32_t *back;
	uint8_t *texts;

	*message = (struct message){ .timeout_ns = TIMEOUT_NS_DEFAULT };
	if (given->timeout_ns)
		message->timeout_ns = given->timeout_ns;
	if (!is_sound(given))
		return -EINVAL;
	if (!given->ask_bytes)
		return 0;
	back = mem_alloc(given->answer_bytes * (sizeof(*back) + 1) + given->ask_bytes);
	if (!back)
		return -ENOMEM;
	texts = (uint8_t *)(back + given->answer_bytes);
	memcpy(texts, given->answer, given->answer_bytes);
	memcpy(texts + given->answer_bytes, given->ask, given->ask_bytes);
	fill_back(back, texts, given->answer_bytes);
	message->back = back;
	message->answer = texts;
	message->answer_bytes = given->answer_bytes;
	message->ask = texts + given->answer_bytes;
	message->ask_bytes = given->ask_bytes;
	return 0;
}

void message_done(struct message *message)
{
	mem_free((void *)message->back);
	message->back = NULL;
}

size_t message_find(const struct message *message, size_t *matched, const void *data,
		    size_t size)
{
	const uint8_t *bytes = data;
	size_t n = *matched;

	for (size_t i = 0; i < size; i++) {
		while (n > 0 && bytes[i] != message->answer[n])
			n = message->back[n - 1];
		n += bytes[i] == message->answer[n];
		if (n == message->answer_bytes) {
			*matched = 0;
			return i + 1;
		}
	}
	*matched = n;
	return 0;
}
