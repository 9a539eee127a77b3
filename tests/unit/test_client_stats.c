/*
 * usp_client_stats(): asked once, told once, whatever becomes of the connection.
 */
#include <errno.h>
#include <string.h>

#include "support/clean.h"
#include "support/client.h"

struct numbers {
	unsigned told;
	bool lost;
	char text[64];
};

static void on_stats(struct usp_client *client, const char *text, size_t size, void *user)
{
	struct numbers *numbers = user;

	(void)client;
	numbers->told++;
	numbers->lost = !text;
	if (text)
		memcpy(numbers->text, text,
		       size < sizeof(numbers->text) ? size : sizeof(numbers->text) - 1);
}

static int ask_numbers(struct fake *fake, struct numbers *numbers)
{
	return usp_client_stats(fake->client, USP_STATS_JSON, on_stats, numbers);
}

CLEAN_TEST(client_stats, what_was_asked_is_told_once)
{
	struct numbers numbers = { 0 };
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_numbers(&fake, &numbers), 0));
	cr_assert(eq(int, ask_numbers(&fake, &numbers), -EBUSY));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_expect(eq(u8, frame.type, USP_WIRE_STAT));
	cr_expect(eq(u16, frame.flags, USP_WIRE_STAT_JSON));
	cr_expect(eq(u32, frame.job, 0));
	cr_expect(eq(u32, frame.payload_bytes, 0));
	cr_expect(fake_silence(&fake));

	fake_say_bytes(&fake, USP_WIRE_STATS, 0, USP_WIRE_STAT_JSON, 0, "{}", 2);
	cr_assert(eq(int, turn(&fake), 0));
	cr_expect(eq(uint, numbers.told, 1));
	cr_expect(eq(str, numbers.text, "{}"));
	cr_expect(eq(int, ask_numbers(&fake, &numbers), 0), "again");
	fake_close(&fake);
	cr_expect(eq(uint, numbers.told, 1), "told by the client's own end");
}

CLEAN_TEST(client_stats, run_waits_for_the_answer)
{
	struct numbers numbers = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_numbers(&fake, &numbers), 0));
	fake_say_bytes(&fake, USP_WIRE_STATS, 0, USP_WIRE_STAT_JSON, 0, "x", 1);
	cr_assert(eq(int, usp_client_run(fake.client), 0));
	cr_expect(eq(uint, numbers.told, 1));
	fake_close(&fake);
}

CLEAN_TEST(client_stats, a_lost_connection_is_told)
{
	struct numbers numbers = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_numbers(&fake, &numbers), 0));
	fake_hangup(&fake);
	cr_assert(eq(int, usp_client_run(fake.client), -EPIPE));
	cr_expect(eq(uint, numbers.told, 1));
	cr_expect(numbers.lost);
	cr_expect(eq(int, ask_numbers(&fake, &numbers), -EPIPE));
	usp_client_free(fake.client);
}

CLEAN_TEST(client_stats, an_answer_that_nobody_asked_for_ends_the_connection)
{
	struct fake fake;

	fake_open(&fake, &fake_hello);
	fake_say_bytes(&fake, USP_WIRE_STATS, 0, USP_WIRE_STAT_JSON, 0, "{}", 2);
	cr_expect(eq(int, turn(&fake), -EPROTO));
	fake_close(&fake);
}

CLEAN_TEST(client_stats, what_makes_no_sense_is_refused)
{
	struct numbers numbers = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_expect(eq(int, usp_client_stats(fake.client, USP_STATS_JSON, NULL, NULL),
		     -EINVAL));
	cr_expect(eq(int,
		     usp_client_stats(fake.client, (enum usp_stats_format)2, on_stats,
				      &numbers),
		     -EINVAL));
	cr_expect(eq(int, turn(&fake), 0));
	cr_expect(fake_silence(&fake));
	fake_close(&fake);
}

/* ---- jobs ------------------------------------------------------------------- */

struct killed {
	unsigned told;
	uint32_t job;
	int error;
};

static void on_killed(struct usp_client *client, uint32_t job, int error, void *user)
{
	struct killed *killed = user;

	(void)client;
	killed->told++;
	killed->job = job;
	killed->error = error;
}

static int ask_to_kill(struct fake *fake, int signal, struct killed *killed)
{
	return usp_client_kill_job(fake->client, 9, signal, USP_TARGET_PROCESS, on_killed,
				   killed);
}

CLEAN_TEST(client_stats, jobs_are_asked_for_behind_a_number)
{
	struct numbers numbers = { 0 };
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, usp_client_jobs(fake.client, 64, on_stats, &numbers), 0));
	cr_assert(eq(int, usp_client_jobs(fake.client, 0, on_stats, &numbers), -EBUSY));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_expect(eq(u8, frame.type, USP_WIRE_STAT));
	cr_expect(eq(u16, frame.flags, USP_WIRE_STAT_JOBS));
	cr_expect(eq(u32, frame.arg, 64));
	fake_say_bytes(&fake, USP_WIRE_STATS, 0, USP_WIRE_STAT_JOBS, 0, "{}", 2);
	cr_assert(eq(int, usp_client_run(fake.client), 0));
	cr_expect(eq(str, numbers.text, "{}"));
	fake_close(&fake);
}

CLEAN_TEST(client_stats, what_became_of_a_job_to_be_ended_is_told_once)
{
	struct killed killed = { 0 };
	struct frame frame;
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_assert(eq(int, ask_to_kill(&fake, 0, &killed), 0));
	cr_assert(eq(int, ask_to_kill(&fake, 0, &killed), -EBUSY));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_expect(eq(u8, frame.type, USP_WIRE_KILL_JOB));
	cr_expect(eq(u16, frame.flags, USP_WIRE_SIGNAL_PLAN));
	cr_expect(eq(u32, frame.job, 9));
	fake_say_bytes(&fake, USP_WIRE_JOB_KILLED, 9, 0, ESRCH, "", 0);
	cr_assert(eq(int, usp_client_run(fake.client), 0));
	cr_expect(eq(uint, killed.told, 1));
	cr_expect(eq(u32, killed.job, 9));
	cr_expect(eq(int, killed.error, -ESRCH));

	cr_assert(eq(int, ask_to_kill(&fake, 10, &killed), 0));
	cr_assert(eq(int, turn(&fake), 0));
	frame = fake_hear(&fake, NULL);
	cr_expect(eq(u16, frame.flags, USP_WIRE_SIGNAL_PROCESS));
	cr_expect(eq(u32, frame.arg, 10));
	fake_hangup(&fake);
	cr_assert(eq(int, usp_client_run(fake.client), -EPIPE));
	cr_expect(eq(uint, killed.told, 2));
	cr_expect(eq(int, killed.error, -EPIPE));
	cr_expect(eq(int, ask_to_kill(&fake, 10, &killed), -EPIPE));
	usp_client_free(fake.client);
}

CLEAN_TEST(client_stats, the_end_of_a_job_that_nobody_asked_for_ends_the_connection)
{
	struct killed killed = { 0 };
	struct fake fake;

	fake_open(&fake, &fake_hello);
	cr_expect(eq(int, ask_to_kill(&fake, 65, &killed), -EINVAL));
	cr_expect(eq(int, ask_to_kill(&fake, -1, &killed), -EINVAL));
	fake_say_bytes(&fake, USP_WIRE_JOB_KILLED, 9, 0, 0, "", 0);
	cr_expect(eq(int, turn(&fake), -EPROTO));
	fake_close(&fake);
}
