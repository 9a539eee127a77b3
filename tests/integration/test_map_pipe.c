/*
 * `uringspawn map` --pipe and --results: what jobs read, and where what they say goes.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/annotate.h"
#include "support/map.h"
#include "support/tmpdir.h"

TestSuite(map_pipe, .fini = tmpdir_done, .timeout = 300);

/* Lines of many lengths, the last one without its end. */
static const char *lines(size_t *ret_size)
{
	static char input[300000];
	size_t n = 0;

	for (unsigned i = 0; n < sizeof(input) - 400; i++)
		n += (size_t)snprintf(input + n, sizeof(input) - n, "%u%*s\n", i,
				      (int)(i * 37 % 300) + 1, "x");
	n += (size_t)snprintf(input + n, sizeof(input) - n, "end");
	*ret_size = n;
	return input;
}

BOTH_WAYS(map_pipe, blocks_are_whole_lines_and_all_of_the_input)
{
	static const char *const sizes[] = { "300", "4K", "100K", "1M" };
	size_t size;
	const char *input = lines(&size);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		cr_expect(eq(int,
			     map_bytes(way,
				       ARGS("-k", "--pipe", "--block", sizes[i], "cat"),
				       input, size),
			     0),
			  "%s", result.err);
		cr_assert(eq(sz, result.out_size, size), "%s", sizes[i]);
		cr_expect(zero(int, memcmp(result.out, input, size)), "%s", sizes[i]);
	}
}

static const struct row {
	const char *name;
	const char *args[8];
	const char *input;
	size_t size;
	const char *out;
} rows[] = {
	{ "a line is longer than a block",
	  { "--block", "4", "sh", "-c", "cat; echo ." },
	  "a\nb\ncdefgh\ni\n",
	  13,
	  "a\nb\n.\ncdefgh\n.\ni\n.\n" },
	{ "a block of the exact size",
	  { "--block", "4", "sh", "-c", "cat; echo ." },
	  "a\nb\nc\nd\n",
	  8,
	  "a\nb\n.\nc\nd\n.\n" },
	{ "no input", { "sh", "-c", "cat; echo ." }, "", 0, "" },
	{ "NUL ends a record",
	  { "-0", "--block", "2", "sh", "-c", "tr '\\0' ,; echo ." },
	  "a\0b\0",
	  4,
	  "a,.\nb,.\n" },
	{ "who does not read it ends all the same", { "true" }, "a\n", 2, "" },
	{ "each try reads all of it",
	  { "--retries", "3", "sh", "-c", "cat; exit 1" },
	  "a\n",
	  2,
	  "a\n" },
};

BOTH_WAYS(map_pipe, blocks_are_cut_at_ends_of_lines)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *args[16] = { "-k", "--pipe", "-j1" };

		memcpy(args + 3, rows[i].args, sizeof(rows[i].args));
		args[11] = NULL;
		(void)map_bytes(way, args, rows[i].input, rows[i].size);
		cr_expect(eq(str, result.out, (char *)rows[i].out), "%s: %s",
			  rows[i].name, result.err);
		cr_expect(eq(str, result.err, (char *)""), "%s", rows[i].name);
	}
}

/* More than its window holds, and most of it is not read. */
BOTH_WAYS(map_pipe, a_block_of_which_the_beginning_is_read_is_no_error)
{
	size_t size;
	const char *input = lines(&size);

	cr_expect(eq(int, map_bytes(way, ARGS("--pipe", "head", "-n1"), input, size), 0));
	cr_expect(eq(int, strncmp(result.out, "0", 1), 0));
	cr_expect(eq(str, result.err, (char *)""));
}

/* ---- results ------------------------------------------------------------- */

static const char *text_of(const char *dir, const char *name)
{
	static char text[4096], path[300];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert(le(int, 0, fd), "%s", path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return text;
}

BOTH_WAYS(map_pipe, results_are_files_and_nothing_is_printed)
{
	const char *dir = tmpdir_path(way == EMBEDDED ? "results" : "results2");
	const char *const args[] = {
		"--results", dir, "sh", "-c", "echo o$0; echo e$0 >&2; test $0 = a", NULL
	};

	/* The second time they are written anew. */
	for (int i = 0; i < 2; i++) {
		cr_expect(eq(int, map(way, args, "a\nb\n"), 1));
		cr_expect(eq(str, result.out, (char *)""));
		cr_expect(eq(str, result.err, (char *)""));
		cr_expect(eq(str, (char *)text_of(dir, "1/stdout"), (char *)"oa\n"));
		cr_expect(eq(str, (char *)text_of(dir, "1/stderr"), (char *)"ea\n"));
		cr_expect(eq(str, (char *)text_of(dir, "2/stdout"), (char *)"ob\n"));
		cr_expect(eq(str, (char *)text_of(dir, "2/stderr"), (char *)"eb\n"));
	}
}

static const struct refused {
	const char *args[8];
	const char *says;
} refused[] = {
	{ { "--results", "/no/such/dir", "true" }, "'/no/such/dir'" },
	{ { "--results", "/etc/passwd", "true" }, "'/etc/passwd'" },
	{ { "--results", "x", "--tag", "true" }, "--results" },
	{ { "--pipe", "-n2", "true" }, "--pipe" },
	{ { "--pipe", "true", ":::", "a" }, "--pipe" },
	{ { "--pipe", "--block", "0", "true" }, "--block '0'" },
	{ { "--pipe", "--block", "2G", "true" }, "--block '2G'" },
	{ { "--pipe", "--block", "x", "true" }, "--block 'x'" },
};

Test(map_pipe, what_cannot_be_meant_is_named)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		cr_expect(eq(int, map(EMBEDDED, refused[i].args, "a\n"), 125), "%s",
			  refused[i].says);
		cr_expect(says(result.err, refused[i].says), "%s", result.err);
	}
}
