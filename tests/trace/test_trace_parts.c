/*
 * What the tracer makes of records and numbers, without a kernel.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uringspawn-trace/function.h"
#include "uringspawn-trace/histogram.h"
#include "uringspawn-trace/record.h"

static struct histogram h;

Test(trace_parts, percentiles_are_within_one_percent)
{
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_add(&h, i * 1000);
	cr_expect(eq(sz, h.n, 100000));
	cr_expect(eq(sz, h.max_ns, 100000000));
	for (int i = 1; i < 100; i++) {
		double told = (double)histogram_percentile(&h, i / 100.0);
		double truth = i * 1e6;

		cr_expect(lt(dbl, truth * 0.99, told));
		cr_expect(lt(dbl, told, truth * 1.01));
	}
}

Test(trace_parts, any_length_has_a_place)
{
	cr_expect(eq(sz, histogram_percentile(&h, 0.5), 0));
	histogram_add(&h, 0);
	cr_expect(eq(sz, histogram_percentile(&h, 0.5), 0));
	histogram_add(&h, UINT64_MAX);
	histogram_add(&h, UINT64_MAX);
	cr_expect(eq(sz, h.max_ns, UINT64_MAX));
	cr_expect(lt(sz, UINT64_C(1) << 41, histogram_percentile(&h, 0.9)));
}

Test(trace_parts, powers_of_two_share_all_of_them_out)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < 5000; i++)
		histogram_add(&h, i * 777);
	for (unsigned i = 0; i < 40; i++)
		sum += histogram_between(&h, i, 1000);
	cr_expect(eq(sz, sum, 5000));
}

/* A fork with a handshake from 130 to 180, and all that follows. */
static struct trace_spawn fork_of(void)
{
	return (struct trace_spawn){
		.event = TRACE_SPAWN,
		.kind = TRACE_FORK,
		.tgid = 7,
		.tid = 7,
		.pid = 9,
		.tries = 2,
		.execs = 1,
		.sleeps = 1,
		.pre_at = 90,
		.clone_at = 100,
		.made_at = 120,
		.return_at = 130,
		.end_at = 180,
		.handshake_ns = 45,
		.run_at = 125,
		.try_at = 150,
		.teardown_at = 160,
		.exec_at = 175,
		.exit_at = 200,
		.reap_at = 230,
		.file = "/bin/true",
	};
}

static void expect_phase(const struct record *r, enum phase phase, uint64_t ns)
{
	cr_expect(eq(int, record_has(r, phase), 1), "%s", phase_names[phase].name);
	cr_expect(eq(sz, r->ns[phase], ns), "%s", phase_names[phase].name);
}

Test(trace_parts, a_record_is_phases)
{
	struct trace_spawn spawn = fork_of();
	struct record r;

	record_make(&r, &spawn, false);
	cr_expect(eq(int, r.main, 1));
	cr_expect(eq(int, r.exec_failed, 0));
	expect_phase(&r, PHASE_BLOCKED, 80);
	expect_phase(&r, PHASE_COPY, 20);
	expect_phase(&r, PHASE_WAIT, 10);
	expect_phase(&r, PHASE_HANDSHAKE, 50);
	expect_phase(&r, PHASE_PRE, 10);
	expect_phase(&r, PHASE_QUEUE, 5);
	expect_phase(&r, PHASE_SETUP, 25);
	expect_phase(&r, PHASE_EXEC, 25);
	expect_phase(&r, PHASE_TEARDOWN, 15);
	expect_phase(&r, PHASE_RUN, 25);
	expect_phase(&r, PHASE_REAP, 30);
	cr_expect(eq(int, record_has(&r, PHASE_SYNC), 0));
	cr_expect(eq(str, (char *)record_program(&r), "true"));
}

Test(trace_parts, what_never_tried_to_execute_had_no_handshake)
{
	struct trace_spawn spawn = fork_of();
	struct record r;

	spawn.tries = spawn.execs = 0;
	spawn.try_at = spawn.exec_at = spawn.teardown_at = 0;
	record_make(&r, &spawn, true);
	expect_phase(&r, PHASE_BLOCKED, 30);
	cr_expect(eq(int, record_has(&r, PHASE_HANDSHAKE), 0));
	cr_expect(eq(int, r.exec_failed, 0));
}

Test(trace_parts, a_wait_without_sleep_counts_where_handshakes_are_known)
{
	struct trace_spawn spawn = fork_of();
	struct record r;

	spawn.sleeps = 0;
	spawn.handshake_ns = 0;
	spawn.end_at = spawn.return_at;
	spawn.late_at = 190;
	record_make(&r, &spawn, false);
	expect_phase(&r, PHASE_BLOCKED, 30);
	record_make(&r, &spawn, true);
	expect_phase(&r, PHASE_BLOCKED, 90);
	expect_phase(&r, PHASE_HANDSHAKE, 60);
}

Test(trace_parts, an_exec_that_failed_lasts_until_the_exit)
{
	struct trace_spawn spawn = fork_of();
	struct record r;

	spawn.execs = 0;
	spawn.exec_at = spawn.teardown_at = 0;
	spawn.flags = TRACE_SYNC_WAIT;
	record_make(&r, &spawn, false);
	cr_expect(eq(int, r.exec_failed, 1));
	expect_phase(&r, PHASE_EXEC, 50);
	expect_phase(&r, PHASE_SYNC, 50);
	cr_expect(eq(int, record_has(&r, PHASE_RUN), 0));
}

/* Exported, so that it is in a table of symbols whatever is stripped. */
int function_to_find(int x);

__attribute__((noinline, visibility("default"))) int function_to_find(int x)
{
	return x + 1;
}

Test(trace_parts, functions_are_found_by_their_names)
{
	struct function function;
	struct failure why;

	cr_expect(eq(int,
		     function_find(&function, "function_to_find", "/proc/self/exe", &why),
		     0));
	cr_expect(eq(sz, function.n, 1));
	cr_expect(eq(int, function_to_find(1), 2));
	cr_expect(eq(
		int,
		function_find(&function, "nothing_has_this_name", "/proc/self/exe", &why),
		CODE_USAGE));
	cr_expect(ne(ptr, strstr(why.text, "nothing_has_this_name"), NULL));
	cr_expect(
		eq(int, function_find(&function, "/etc/passwd:x", "", &why), CODE_USAGE));
	cr_expect(ne(ptr, strstr(why.text, "no ELF"), NULL), "%s", why.text);
	cr_expect(eq(int, function_find(&function, "/nothing/here:x", "", &why),
		     CODE_USAGE));
	cr_expect(ne(ptr, strstr(why.text, "No such file"), NULL), "%s", why.text);
}

/* What a file says of itself is not believed. */
Test(trace_parts, a_broken_file_is_survived)
{
	char path[] = "/tmp/trace-parts-XXXXXX", bytes[4096] = { 0 };
	struct function function;
	struct failure why;
	FILE *self = fopen("/proc/self/exe", "re"), *broken;
	char text[64];
	int fd = mkstemp(path);

	cr_assert(eq(sz, fread(bytes, 1, sizeof(bytes), self), sizeof(bytes)));
	fclose(self);
	snprintf(text, sizeof(text), "%s:main", path);
	/* Tables that begin or end behind the file, and beyond all numbers. */
	for (size_t at = 24; at < 64; at++) {
		char before = bytes[at];

		bytes[at] = (char)0xff;
		broken = fopen(path, "we");
		fwrite(bytes, 1, sizeof(bytes), broken);
		fclose(broken);
		cr_expect(ne(int, function_find(&function, text, "", &why), 0));
		bytes[at] = before;
	}
	close(fd);
	remove(path);
}
