/*
 * Lines on stderr.
 *
 * The reactor writes them, so it asks first whether stderr takes one: a pipe that
 * nobody reads must not stop the daemon.
 */
#include "daemon/log.h"

#include <ctype.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/annotate.h"

/* Less than PIPE_BUF: a pipe that polls writable takes it whole. */
#define LINE_BYTES_MAX 1024

static struct {
	enum log_level level;
	bool journal;
	unsigned lost; /* lines that stderr did not take, not told yet */
} state = { .level = LOG_LEVEL_NOTICE };

bool log_level_of(const char *name, enum log_level *ret_level)
{
	static const char *const names[] = { "error", "warning", "notice", "info",
					     "debug" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			*ret_level = LOG_LEVEL_ERROR + (enum log_level)i;
			return true;
		}
	return false;
}

/* JOURNAL_STREAM names the file that the journal reads, by device and inode. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	state.journal = stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
			fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
			st.st_ino == inode;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

static bool takes_a_line(void)
{
	struct pollfd out = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT);
}

/* A name may hold anything, and a line is one line. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

static void write_line(enum log_level level, const char *text)
{
	char line[LINE_BYTES_MAX];
	int n;

	if (!takes_a_line()) {
		state.lost++;
		return;
	}
	n = state.journal ? snprintf(line, sizeof(line), "<%d>%s\n", (int)level, text)
			  : snprintf(line, sizeof(line), "uringspawnd: %s\n", text);
	if (n >= (int)sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	if (write(STDERR_FILENO, line, (size_t)n) < n)
		state.lost++;
}

static void say_what_was_lost(void)
{
	char text[64];

	if (state.lost == 0 || !takes_a_line())
		return;
	snprintf(text, sizeof(text), "%u lines were lost: nobody read them", state.lost);
	state.lost = 0;
	write_line(LOG_LEVEL_WARNING, text);
}

__attribute__((format(printf, 3, 0))) static void
say(enum log_level level, unsigned left_out, const char *format, va_list args)
{
	char text[LINE_BYTES_MAX - 64];
	int n = vsnprintf(text, sizeof(text), format, args);

	if (left_out > 0 && n >= 0 && (size_t)n < sizeof(text))
		snprintf(text + n, sizeof(text) - (size_t)n, " (and %u like it before)",
			 left_out);
	make_printable(text);
	say_what_was_lost();
	write_line(level, text);
}

void log_say(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level > state.level)
		return;
	va_start(args, format);
	say(level, 0, format, args);
	va_end(args);
}

void log_often(struct log_repeat *repeat, uint64_t now_ns, enum log_level level,
	       const char *format, ...)
{
	va_list args;

	if (level > state.level)
		return;
	if (now_ns < repeat->next_ns) {
		repeat->left_out++;
		return;
	}
	va_start(args, format);
	say(level, repeat->left_out, format, args);
	va_end(args);
	*repeat = (struct log_repeat){ .next_ns = now_ns + LOG_REPEAT_NS };
}
