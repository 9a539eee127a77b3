/*
 * pool/message.c: an answer is found however it comes, and nothing else is.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "pool/message.h"
#include "support/clean.h"

static struct message message_of(const char *answer)
{
	const struct usp_pool_message given = { .ask = "?",
						.ask_bytes = 1,
						.answer = answer,
						.answer_bytes = strlen(answer) };
	struct message message;

	cr_assert(eq(int, message_copy(&message, &given), 0));
	return message;
}

/* The bytes up to its end when @text comes in pieces of @piece; 0: it is not found. */
static size_t find(const struct message *message, const char *text, size_t piece)
{
	size_t matched = 0, size = strlen(text);

	for (size_t at = 0; at < size; at += piece) {
		size_t n = piece < size - at ? piece : size - at;
		size_t used = message_find(message, &matched, text + at, n);

		if (used)
			return at + used;
	}
	return 0;
}

CLEAN_TEST(pool_message, an_answer_is_found_however_it_is_cut)
{
	static const struct {
		const char *answer, *text;
		size_t end;
	} rows[] = {
		{ "pong\n", "pong\n", 5 },     { "pong\n", "popong\nrest", 7 },
		{ "aab", "aaab", 4 },	       { "ababac", "abababac", 8 },
		{ "aaaa", "aaabaaaa", 8 },     { "pong\n", "pong", 0 },
		{ "pong\n", "p o n g \n", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct message message = message_of(rows[i].answer);

		for (size_t piece = 1; piece <= 12; piece++)
			cr_assert(
				eq(sz, find(&message, rows[i].text, piece), rows[i].end),
				"row %zu in pieces of %zu", i, piece);
		message_done(&message);
	}
}

CLEAN_TEST(pool_message, an_ask_has_an_answer_and_both_have_a_limit)
{
	static const char large[USP_POOL_MESSAGE_MAX + 1];
	struct message message;
	const struct usp_pool_message wrong[] = {
		{ .ask = "?", .ask_bytes = 1 },
		{ .answer = "!", .answer_bytes = 1 },
		{ .ask_bytes = 1, .answer = "!", .answer_bytes = 1 },
		{ .ask = "?", .ask_bytes = 1, .answer_bytes = 1 },
		{ .ask = large,
		  .ask_bytes = sizeof(large),
		  .answer = "!",
		  .answer_bytes = 1 },
		{ .ask = "?",
		  .ask_bytes = 1,
		  .answer = large,
		  .answer_bytes = sizeof(large) },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_assert(eq(int, message_copy(&message, &wrong[i]), -EINVAL), "row %zu",
			  i);
	cr_assert(eq(int, message_copy(&message, &(struct usp_pool_message){ 0 }), 0));
	cr_assert(message.ask == NULL);
	message_done(&message);
}
