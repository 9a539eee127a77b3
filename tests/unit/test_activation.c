/*
 * daemon/activation.c: what LISTEN_FDS and its like say, and that nobody hears of it
 * again.
 */
#include "daemon/activation.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* "me" stands for the process's own number. */
static const struct row {
	const char *pid, *fds, *names;
	int result;
	unsigned n;
	const char *first, *second; /* names */
} rows[] = {
	{ NULL, NULL, NULL, 0, 0, "", "" },
	{ "me", NULL, NULL, 0, 0, "", "" },
	{ NULL, "2", NULL, 0, 0, "", "" },
	{ "1", "2", NULL, 0, 0, "", "" },
	{ "me", "0", NULL, 0, 0, "", "" },
	{ "me", "2", NULL, 0, 2, "", "" },
	{ "me", "2", "a:b", 0, 2, "a", "b" },
	{ "me", "2", "a", 0, 2, "a", "" },
	{ "me", "2", ":b:c", 0, 2, "", "b" },
	{ "me", "1", "", 0, 1, "", "" },
	{ "me", "17", NULL, -E2BIG, 0, "", "" },
	{ "me", "99999999999999999999", NULL, -EINVAL, 0, "", "" },
	{ "me", "-1", NULL, -EINVAL, 0, "", "" },
	{ "me", "two", NULL, -EINVAL, 0, "", "" },
	{ "me", "", NULL, -EINVAL, 0, "", "" },
	{ "nobody", "1", NULL, -EINVAL, 0, "", "" },
	{ "me", "16", NULL, -EBADF, 0, "", "" },
};

static void set(const char *name, const char *value)
{
	char me[16];

	snprintf(me, sizeof(me), "%d", (int)getpid());
	if (value)
		setenv(name, strcmp(value, "me") ? value : me, 1);
	else
		unsetenv(name);
}

ParameterizedTestParameters(activation, what_is_passed_is_taken_or_said_to_be_wrong)
{
	static size_t number[N_ROWS];

	for (size_t i = 0; i < N_ROWS; i++)
		number[i] = i;
	return cr_make_param_array(size_t, number, N_ROWS);
}

/* In a process of its own, whose descriptors are nobody else's: 0, or what is wrong. */
static int look_at(const struct row *row)
{
	struct activation got = { .n_fds = 77 };

	close_range(5, ~0u, 0);
	dup2(2, 3); /* without close-on-exec, as they are passed */
	dup2(2, 4);
	set("LISTEN_PID", row->pid);
	set("LISTEN_FDS", row->fds);
	set("LISTEN_FDNAMES", row->names);

	if (activation_take(&got) != row->result)
		return 1;
	if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
		return 2;
	if (row->result < 0)
		return got.n_fds == 77 ? 0 : 3;
	if (got.n_fds != row->n || strcmp(got.names[0], row->first) ||
	    strcmp(got.names[1], row->second))
		return 4;
	for (unsigned i = 0; i < row->n; i++)
		if (!(fcntl(ACTIVATION_FIRST_FD + (int)i, F_GETFD) & FD_CLOEXEC))
			return 5;
	return 0;
}

ParameterizedTest(size_t *number, activation, what_is_passed_is_taken_or_said_to_be_wrong)
{
	pid_t pid = fork();
	int status;

	cr_assert(ge(int, pid, 0));
	if (pid == 0)
		_exit(look_at(&rows[*number]));
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_expect(eq(int, WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0), "row %zu",
		  *number);
}
