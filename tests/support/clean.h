/*
 * A test that must leave no descriptor and no memory behind.  The check is part
 * of the body: an assertion in .fini is printed but does not fail.
 */
#ifndef SUPPORT_CLEAN_H
#define SUPPORT_CLEAN_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <dirent.h>

/* LeakSanitizer's own, where the test is built with it. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

/* The descriptors that this process has open. */
static inline int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = -1; /* the directory's own */

	cr_assert(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			n++;
	closedir(dir);
	return n;
}

/* Not 0 when memory is lost; always 0 without LeakSanitizer. */
static inline int leaks(void)
{
	return __lsan_do_recoverable_leak_check ? __lsan_do_recoverable_leak_check() : 0;
}

/* CLEAN_TEST(suite, name, .timeout = 5) { body } */
#define CLEAN_TEST(suite, name, ...)                                                     \
	static void suite##_##name##_body(void);                                         \
	Test(suite, name, ##__VA_ARGS__)                                                 \
	{                                                                                \
		int fds_before = open_fds();                                             \
                                                                                         \
		suite##_##name##_body();                                                 \
		cr_assert(eq(int, open_fds(), fds_before), "descriptors left open");     \
		cr_assert(eq(int, leaks(), 0), "memory leaked");                         \
	}                                                                                \
	static void suite##_##name##_body(void)

#endif
