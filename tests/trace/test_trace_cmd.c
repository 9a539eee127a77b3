/*
 * `uringspawn trace` as people and programs use it: whom it looks at, what it prints, and
 * how it says that it cannot.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/tmpdir.h"
#include "trace/traced.h"

TestSuite(trace_cmd, .init = traced_or_skip, .fini = tmpdir_done, .timeout = 120);

static struct command_result result;

static bool says(const char *text, const char *word)
{
	return strstr(text, word) != NULL;
}

Test(trace_cmd, it_is_a_command_of_uringspawn)
{
	const char *line[] = { BUILD_DIR "/uringspawn", "trace", "--version", NULL };

	cr_expect(eq(int, command_run(&(struct command){ .argv = line }, &result), 0));
	cr_expect(says(result.out, "uringspawn-trace "), "%s", result.out);
}

static const struct refused {
	const char *words[4];
	int code;
	const char *says;
} refused[] = {
	{ { "-p", "nobody" }, 1, "'nobody'" },
	{ { "-p", "0" }, 1, "'0'" },
	{ { "-p", "2147483647" }, 1, "there is no process 2147483647" },
	{ { "-d", "x", "true" }, 1, "'x'" },
	{ { "-i", "0", "true" }, 1, "'0'" },
	{ { "--backend", "kprobe", "true" }, 1, "'kprobe'" },
	{ { "--min-us", "-1", "true" }, 1, "'-1'" },
	{ { "--evnts", "true" }, 1, "'--events'" },
	{ { "-Z", "true" }, 1, "'-Z'" },
	{ { "-p", "1", "true" }, 1, "exclude" },
	{ { "/nothing/is/here" }, 1, "cannot be run: No such file" },
	{ { "-o", "/nothing/is/here", "true" }, 1, "/nothing/is/here" },
	{ { NULL }, 1, "whom?" },
};

Test(trace_cmd, what_cannot_be_asked_is_said)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		int code = traced_run(refused[i].words, &result);

		cr_expect(eq(int, code, refused[i].code), "%s: %s", refused[i].says,
			  result.err);
		cr_expect(says(result.err, refused[i].says), "no %s in: %s",
			  refused[i].says, result.err);
		cr_expect(eq(sz, result.out_size, 0), "%s", result.out);
	}
}

Test(trace_cmd, without_rights_it_names_the_capability)
{
	const char *line[] = { "/usr/bin/setpriv",
			       "--bounding-set",
			       "-perfmon,-sys_admin",
			       "--inh-caps=-all",
			       "--no-new-privs",
			       BUILD_DIR "/uringspawn-trace",
			       "true",
			       NULL };

	if (access(line[0], X_OK))
		cr_skip_test("there is no setpriv");
	command_run(&(struct command){ .argv = line }, &result);
	cr_expect(eq(int, result.code, 2), "%s", result.err);
	cr_expect(says(result.err, "CAP_PERFMON missing"), "%s", result.err);
}

Test(trace_cmd, the_raw_back_end_needs_two_capabilities)
{
	const char *line[] = { "/usr/bin/setpriv",
			       "--bounding-set",
			       "-all,+bpf,+perfmon",
			       "--inh-caps=-all",
			       BUILD_DIR "/uringspawn-trace",
			       "--backend",
			       "raw",
			       PROGRAM("spawn_times"),
			       "fork",
			       "20",
			       NULL };

	if (access(line[0], X_OK))
		cr_skip_test("there is no setpriv");
	command_run(&(struct command){ .argv = line }, &result);
	cr_expect(eq(int, result.code, 0), "%s", result.err);
	cr_expect(says(result.out, "20 spawns"), "%s", result.out);
	cr_expect(says(result.out, "(raw)"), "%s", result.out);
}

Test(trace_cmd, both_back_ends_tell_the_same)
{
	static const char *const backends[] = { "tp", "raw" };

	for (int i = 0; i < 2; i++) {
		const struct traced *traced =
			traced_way(ARGS("--backend", backends[i]), "missing", "50");

		cr_expect(eq(sz, json_array_size(traced->spawns), 50));
		cr_expect(eq(sz, traced_number(traced->summary, "exec_failed"), 50));
		cr_expect(eq(str,
			     (char *)json_string_value(
				     json_object_get(traced->summary, "backend")),
			     (char *)backends[i]));
	}
}

Test(trace_cmd, it_checks_what_works)
{
	cr_expect(eq(int, traced_run(ARGS("--check"), &result), 0));
	cr_expect(says(result.out, "--backend tp"), "%s", result.out);
	cr_expect(says(result.out, "BTF            yes"), "%s", result.out);
}

/* A shell that spawns when a line comes. */
static void start_shell(struct running_command *shell)
{
	const char *line[] = { "/bin/sh", "-c",
			       "while read x; do /bin/true; /bin/echo $x; done", NULL };
	static int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	command_start(shell, &(struct command){ .argv = line, .stdio = { ends[0] } });
	close(ends[0]);
	shell->in_fd = ends[1];
}

Test(trace_cmd, a_process_that_runs_is_looked_at_and_then_left_alone)
{
	struct running_command shell, tracer;
	struct command_result told;
	char pid[16], line[512];
	const char *words[] = { BUILD_DIR "/uringspawn-trace", "-e", "-p", pid, NULL };

	start_shell(&shell);
	snprintf(pid, sizeof(pid), "%d", (int)shell.pid);
	command_start(&tracer, &(struct command){ .argv = words });
	command_read_line(&tracer, "    TID", line, sizeof(line));
	cr_assert(eq(int, (int)write(shell.in_fd, "one\n", 4), 4));
	command_read_line(&shell, "one", line, sizeof(line));
	kill(tracer.pid, SIGINT);
	command_end(&tracer, &told);
	cr_expect(eq(int, told.code, 0), "%s", told.err);
	cr_expect(says(told.out, "2 spawns"), "%s", told.out);
	cr_expect(says(told.out, "main thread: blocked"), "%s", told.out);
	cr_expect(eq(int, kill(shell.pid, 0), 0));
	close(shell.in_fd);
	shell.in_fd = -1;
	command_end(&shell, &told);
}

Test(trace_cmd, when_all_have_ended_it_ends)
{
	struct running_command shell, tracer;
	struct command_result told;
	char pid[16], line[512];
	const char *words[] = { BUILD_DIR "/uringspawn-trace", "-e", "-p", pid, NULL };

	start_shell(&shell);
	snprintf(pid, sizeof(pid), "%d", (int)shell.pid);
	command_start(&tracer, &(struct command){ .argv = words });
	command_read_line(&tracer, "    TID", line, sizeof(line));
	close(shell.in_fd);
	shell.in_fd = -1;
	command_end(&shell, &told);
	command_end(&tracer, &told);
	cr_expect(eq(int, told.code, 0), "%s", told.err);
	cr_expect(says(told.out, "0 spawns"), "%s", told.out);
}

Test(trace_cmd, what_is_started_can_be_followed)
{
	const char *script = "/bin/sh -c '/bin/true; /bin/true; :'; :";

	cr_expect(eq(int, traced_run(ARGS("sh", "-c", script), &result), 0));
	cr_expect(says(result.out, "1 spawns"), "%s", result.out);
	cr_expect(eq(int, traced_run(ARGS("--follow", "sh", "-c", script), &result), 0));
	cr_expect(says(result.out, "3 spawns"), "%s", result.out);
}

Test(trace_cmd, what_does_not_end_is_ended_after_the_duration)
{
	cr_expect(
		eq(int, traced_run(ARGS("-d", "0.2", "--", "sleep", "60"), &result), 0));
	cr_expect(says(result.out, "0 spawns in 0."), "%s", result.out);
}

Test(trace_cmd, an_interval_has_a_summary_each)
{
	const char *at;
	int n = 0;

	cr_expect(eq(int,
		     traced_run(ARGS("-i", "0.1", "3", "--", "sleep", "60"), &result),
		     0));
	for (at = result.out; (at = strstr(at, " spawns in ")); at++)
		n++;
	cr_expect(eq(int, n, 3), "%s", result.out);
}

Test(trace_cmd, only_failures_and_only_names)
{
	const char *script = "/bin/true; /bin/echo hi; :";

	traced_run(ARGS("-n", "echo", "sh", "-c", script), &result);
	cr_expect(says(result.out, "1 spawns"), "%s", result.out);
	traced_run(ARGS("-x", "sh", "-c", script), &result);
	cr_expect(says(result.out, "0 spawns"), "%s", result.out);
	traced_run(ARGS("-x", PROGRAM("spawn_times"), "missing", "3"), &result);
	cr_expect(says(result.out, "3 spawns"), "%s", result.out);
}

Test(trace_cmd, lines_can_be_for_the_long_ones_only)
{
	traced_run(ARGS("-e", "--min-us", "100000000", "sh", "-c", "/bin/true; :"),
		   &result);
	cr_expect(says(result.out, "1 spawns"), "%s", result.out);
	cr_expect(eq(int, says(result.out, " true "), 0), "%s", result.out);
}

Test(trace_cmd, threads_have_tables_of_their_own)
{
	const struct traced *traced = traced_way(ARGS("-L"), "threads", "10");
	json_t *threads = json_object_get(traced->summary, "threads");

	cr_expect(eq(sz, json_array_size(threads), 4));
	for (size_t i = 0; i < 4; i++)
		cr_expect(
			eq(sz, traced_number(json_array_get(threads, i), "spawns"), 10));
	traced = traced_way(ARGS("-M"), "threads", "10");
	cr_expect(eq(sz, traced_number(traced->summary, "spawns"), 0));
}

Test(trace_cmd, in_a_pid_namespace_it_has_the_numbers_of_that)
{
	const char *line[] = { "/usr/bin/unshare",
			       "--pid",
			       "--fork",
			       "--mount-proc",
			       BUILD_DIR "/uringspawn-trace",
			       "-e",
			       PROGRAM("spawn_times"),
			       "vfork",
			       "5",
			       NULL };
	unsigned tid = 0;
	char *row;

	if (access(line[0], X_OK))
		cr_skip_test("there is no unshare");
	command_run(&(struct command){ .argv = line }, &result);
	if (says(result.err, "unshare"))
		cr_skip_test("no namespace: %s", result.err);
	cr_expect(eq(int, result.code, 0), "%s", result.err);
	cr_expect(says(result.out, "5 spawns"), "%s", result.out);
	row = strstr(result.out, " * ");
	cr_assert(ne(ptr, row, NULL), "%s", result.out);
	while (row > result.out && row[-1] != '\n')
		row--;
	cr_assert(eq(int, sscanf(row, "%u", &tid), 1));
	cr_expect(lt(uint, tid, 20), "%s", result.out);
}

Test(trace_cmd, it_ends_with_before_and_after)
{
	traced_run(ARGS("--compare", "self", PROGRAM("spawn_times"), "vfork", "20"),
		   &result);
	cr_expect(says(result.out, "before and after, of true"), "%s", result.out);
	cr_expect(says(result.out, "blocked, 20 spawns"), "%s", result.out);
	cr_expect(says(result.out, "(an engine), 50 spawns"), "%s", result.out);
	cr_expect(eq(int,
		     traced_run(ARGS("--compare", "@nobody-is-here", "true"), &result),
		     1));
	cr_expect(says(result.err, "--compare @nobody-is-here"), "%s", result.err);
}

/* What was to be compared cannot be: that is said, and the rest is told all the same. */
Test(trace_cmd, nothing_to_compare_is_said)
{
	cr_expect(eq(int, traced_run(ARGS("--compare", "self", "true"), &result), 0));
	cr_expect(says(result.err, "nothing was executed"), "%s", result.err);
	cr_expect(says(result.out, "0 spawns"), "%s", result.out);
}

#if __has_include(<sys/sdt.h>)
/* By the probe of its own programs. */
Test(trace_cmd, a_job_of_uringspawn_is_told_to_be_one)
{
	traced_run(ARGS("-e", BUILD_DIR "/uringspawn", "run", "--", "true"), &result);
	cr_expect(says(result.out, "1 jobs of uringspawn's ended"), "%s", result.out);
	cr_expect(says(result.out, " job\n"), "%s", result.out);
	cr_expect(says(result.out, "uringspawn: from its turn until it runs"), "%s",
		  result.out);
}
#endif

Test(trace_cmd, a_kernel_that_does_not_describe_itself_is_named)
{
	const char *line[] = { "/usr/bin/unshare",
			       "--mount",
			       "sh",
			       "-c",
			       "mount -t tmpfs none /sys/kernel/btf && exec \"$0\" true",
			       BUILD_DIR "/uringspawn-trace",
			       NULL };

	if (access(line[0], X_OK))
		cr_skip_test("there is no unshare");
	command_run(&(struct command){ .argv = line }, &result);
	if (says(result.err, "unshare") || says(result.err, "mount:"))
		cr_skip_test("nothing can be mounted: %s", result.err);
	cr_expect(eq(int, result.code, 3), "%s", result.err);
	cr_expect(says(result.err, "no /sys/kernel/btf/vmlinux"), "%s", result.err);
}

/* Without rights for tracefs the other back end is taken, and that is said. */
Test(trace_cmd, the_first_back_end_that_works_is_taken)
{
	const char *line[] = { "/usr/bin/setpriv",
			       "--bounding-set",
			       "-all,+bpf,+perfmon",
			       "--inh-caps=-all",
			       BUILD_DIR "/uringspawn-trace",
			       "sh",
			       "-c",
			       "/bin/true; :",
			       NULL };

	if (access(line[0], X_OK))
		cr_skip_test("there is no setpriv");
	command_run(&(struct command){ .argv = line }, &result);
	cr_expect(eq(int, result.code, 0), "%s", result.err);
	cr_expect(says(result.out, "1 spawns"), "%s", result.out);
	if (says(result.out, "(raw)"))
		cr_expect(says(result.err, "using --backend raw: "), "%s", result.err);
}

Test(trace_cmd, lines_can_have_the_time_of_day)
{
	unsigned hour, minute;
	float second;
	char *row;

	traced_run(ARGS("-e", "-T", "sh", "-c", "/bin/true; :"), &result);
	cr_expect(says(result.out, "TIME "), "%s", result.out);
	row = strchr(result.out, '\n');
	cr_assert(ne(ptr, row, NULL));
	cr_expect(eq(int, sscanf(row, "%2u:%2u:%f ", &hour, &minute, &second), 3), "%s",
		  row);
}

/* A reader that does not read for long misses something, and says how much. */
Test(trace_cmd, what_is_lost_is_counted)
{
	const char *words[] = { BUILD_DIR "/uringspawn-trace", "-a", NULL };
	const char *spawner[] = { PROGRAM("spawn_times"), "missing", "4096", NULL };
	struct running_command tracer;
	struct command_result told;
	char line[64];

	command_start(&tracer, &(struct command){ .argv = words });
	read_line(tracer.err_fd, "Tracing", line, sizeof(line));
	kill(tracer.pid, SIGSTOP);
	for (int i = 0; i < 4; i++)
		command_run(&(struct command){ .argv = spawner }, &told);
	kill(tracer.pid, SIGCONT);
	kill(tracer.pid, SIGINT);
	command_end(&tracer, &told);
	cr_expect(eq(int, told.code, 0));
	cr_expect(says(told.out, "\nLOST: "), "%s", told.out);
}
