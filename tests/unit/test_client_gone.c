/*
 * client/: the daemon goes, or its client does: every process ends, each once.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "support/clean.h"
#include "support/client.h"

CLEAN_TEST(client, a_lost_daemon_ends_every_process)
{
	struct told told[5] = { 0 };
	uint32_t jobs[5];
	struct fake fake;
	char lost[128];

	fake_open(&fake, &fake_hello);
	for (int i = 0; i < 4; i++)
		jobs[i] = ask(&fake, &told[i], (struct usp_options){ 0 });
	for (int i = 1; i < 3; i++)
		fake_say(&fake, USP_WIRE_STARTED, jobs[i], 0, 42);
	fake_say(&fake, USP_WIRE_EXIT, jobs[2], 0, 0);
	fake_say_bytes(&fake, USP_WIRE_FAILED, jobs[3], USP_STAGE_EXEC, 2,
		       "\0\0\0\0\0\0\0\0x", 9);
	fake_hangup(&fake);
	ask_with(&fake, &told[4], (struct usp_options){ 0 });
	snprintf(lost, sizeof(lost), "failed:admission:%d:%s end:status-lost", ECONNRESET,
		 fake.socket);

	cr_assert(eq(int, turn(&fake), -EPIPE));
	expect(&told[0], lost);
	expect(&told[1], "started:42 end:status-lost");
	expect(&told[2], "started:42 exit:0 end:status-lost");
	expect(&told[3], "failed:exec:2:x end:failed");
	expect(&told[4], lost);
	cr_assert(eq(int, turn(&fake), -EPIPE));
	cr_assert(eq(int, usp_client_run(fake.client), -EPIPE));
	cr_assert(eq(int, ask_with(&fake, &told[0], (struct usp_options){ 0 }), -EPIPE));
	cr_assert(ne(str, (char *)usp_client_error(fake.client), ""));
	fake_close(&fake);
}

CLEAN_TEST(client, the_daemons_last_words_are_kept)
{
	struct told told = { 0 };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told, (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(&fake, USP_WIRE_ERROR, 0, 0, EPROTO, "you said nonsense", 17);
	fake_hangup(&fake);
	/* What waits to leave meets a closed socket before the words are read. */
	cr_assert(eq(int, usp_process_signal(told.process, SIGINT, 0), 0));

	cr_assert(eq(int, turn(&fake), -EPIPE));
	expect(&told, "started:42 end:status-lost");
	cr_assert(eq(str, (char *)usp_client_error(fake.client),
		     "the daemon says: you said nonsense"));
	fake_close(&fake);
}

static void ask_again(struct told *told, const struct usp_event *event)
{
	static struct told more;

	if (event->kind == USP_EVENT_END)
		cr_assert(eq(int, ask_with(told->fake, &more, (struct usp_options){ 0 }),
			     -EPIPE));
}

CLEAN_TEST(client, freeing_ends_every_process)
{
	struct told told[3] = { { .then = ask_again }, { 0 }, { 0 } };
	struct fake fake;
	uint32_t job;

	fake_open(&fake, &fake_hello);
	job = ask(&fake, &told[0], (struct usp_options){ 0 });
	ask(&fake, &told[1], (struct usp_options){ 0 });
	fake_say(&fake, USP_WIRE_STARTED, job, 0, 42);
	cr_assert(eq(int, turn(&fake), 0));
	ask_with(&fake, &told[2], (struct usp_options){ .group = USP_GROUP_SAME });

	cr_assert(usp_client_free(fake.client) == NULL);
	fake.client = NULL;
	expect(&told[0], "started:42 end:client-gone");
	expect(&told[1], "failed:admission:125: end:client-gone");
	expect(&told[2], "failed:validate:22:group end:failed");
	fake_close(&fake);
	cr_assert(usp_client_free(NULL) == NULL);
}
