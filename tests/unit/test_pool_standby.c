/*
 * Pools of processes that stand by: each serves one use, whole.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "support/alive.h"
#include "support/clean.h"
#include "support/pooled.h"
#include "support/wait.h"

TestSuite(pool_standby, .timeout = 120);

#define MEMBER(script)                                                                   \
	&USP_OPTIONS(.argv = SHELL(script), .stdio[0].kind = USP_STDIO_PIPE,             \
		     .envp = ARGV("PATH=/usr/bin:/bin"))

static void write_line(struct record *r, const char *text)
{
	cr_assert(eq(int, usp_process_write(r->process, text, strlen(text)), 0));
	cr_assert(eq(int, usp_process_close_stdin(r->process), 0));
}

CLEAN_TEST(pool_standby, each_use_has_a_process_of_its_own)
{
	struct pooled p = { 0 };
	struct record r[3] = { 0 };

	POOLED(&p, .member = MEMBER("read line; echo got $line; echo x >&2; exit 3"));
	for (int i = 0; i < 3; i++) {
		pooled_until(&p, pooled_stats(&p).idle > 0);
		pooled_use(&p, &r[i], NULL);
		write_line(&r[i], "this\n");
		record_wait(&r[i]);
		record_expect_exit(&r[i], 3);
		cr_assert(eq(str, (char *)record_text(&r[i], 1), "got this\n"));
		cr_assert(eq(str, (char *)record_text(&r[i], 2), "x\n"));
		cr_assert(eq(u64, r[i].end.bytes[0], 5));
	}
	cr_assert(ne(int, r[0].pid, r[1].pid));
	cr_assert(ne(int, r[1].pid, r[2].pid));
	cr_assert(eq(u64, pooled_stats(&p).exits[USP_POOL_USED], 3));
	cr_assert(eq(u64, pooled_stats(&p).uses, 3));
	cr_assert(eq(u64, pooled_stats(&p).cold, 0));
	for (int i = 0; i < 3; i++)
		record_done(&r[i]);
	pooled_done(&p);
}

/* It has waited in the pipe, and comes behind the start. */
CLEAN_TEST(pool_standby, what_it_wrote_before_its_use_is_its_uses)
{
	struct pooled p = { 0 };
	struct record r = { 0 };

	POOLED(&p, .ready_stream = 3,
	       .member = &USP_OPTIONS(
			       .argv = SHELL(
				       "echo early; echo ready >&3; read line; echo late"),
			       .stdio[0]
			       .kind = USP_STDIO_PIPE,
			       .n_fds = 1,
			       .fds = &(struct usp_fd){ .target = 3,
							.stdio.kind = USP_STDIO_PIPE }));
	pooled_until_stat(&p, idle, 1);
	pooled_use(&p, &r, NULL);
	write_line(&r, "\n");
	record_wait(&r);
	record_expect_exit(&r, 0);
	cr_assert(eq(str, (char *)record_text(&r, 1), "early\nlate\n"));
	cr_assert(eq(str, (char *)record_text(&r, 3), "eady\n"),
		  "all but its first byte");
	record_done(&r);
	pooled_done(&p);
}
