#include "cli/map_progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "base/clock.h"

enum {
	EVERY_MS = 200,
	COLUMNS = 80, /* of a terminal that does not say */
	BAR_MIN = 5,
	BAR_MAX = 40,
	ETA_MAX_S = 100 * 3600, /* longer ones are no use to anybody */
};

void map_progress_open(struct map_progress *progress, bool wanted)
{
	*progress = (struct map_progress){
		.on = wanted && isatty(STDERR_FILENO),
		.begun_ns = clock_now_ns(),
	};
	for (int stream = 1; stream <= 2; stream++)
		progress->tty[stream] = progress->on && isatty(stream);
}

/* ---- the line ------------------------------------------------------------ */

static void format_time(uint64_t seconds, char *text, size_t size)
{
	if (seconds >= 3600)
		snprintf(text, size, "%u:%02u:%02u", (unsigned)(seconds / 3600),
			 (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
	else
		snprintf(text, size, "%u:%02u", (unsigned)(seconds / 60),
			 (unsigned)(seconds % 60));
}

/* " 12.3/s  ETA 0:05  2 failed": what is not known is left out. */
static void format_rest(const struct map_tally *tally, char *text, size_t size)
{
	double seconds = (double)tally->elapsed_ns / (double)NS_PER_S;
	double rate = seconds > 0 ? (double)tally->done / seconds : 0;
	uint64_t left = tally->total - tally->skipped - tally->done;
	char time[32];
	size_t n;

	n = (size_t)snprintf(text, size, "  %.*f/s", rate < 100 ? 1 : 0, rate);
	if (tally->total_known && rate > 0 && (double)left / rate < ETA_MAX_S) {
		format_time(left ? (uint64_t)((double)left / rate + 0.5)
				 : (uint64_t)(seconds + 0.5),
			    time, sizeof(time));
		n += (size_t)snprintf(text + n, size - n, left ? "  ETA %s" : "  in %s",
				      time);
	}
	if (tally->failed)
		snprintf(text + n, size - n, "  %llu failed",
			 (unsigned long long)tally->failed);
}

size_t map_progress_line(const struct map_tally *tally, unsigned columns,
			 char line[MAP_PROGRESS_LINE_MAX])
{
	uint64_t done = tally->skipped + tally->done;
	char count[64], rest[128];
	unsigned width, full = 0;
	size_t n = 0;

	if (columns > MAP_PROGRESS_LINE_MAX)
		columns = MAP_PROGRESS_LINE_MAX;
	snprintf(count, sizeof(count), "%llu/%llu%s", (unsigned long long)done,
		 (unsigned long long)tally->total, tally->total_known ? "" : "+");
	format_rest(tally, rest, sizeof(rest));
	/* The last column stays free: some terminals begin a new line there. */
	width = (unsigned)(strlen(count) + strlen(rest)) + 4;
	width = columns > width ? columns - width : 0;
	width = width > BAR_MAX ? BAR_MAX : width;
	if (tally->total > 0)
		full = (unsigned)((double)done / (double)tally->total * width);
	if (width >= BAR_MIN) {
		line[n++] = '[';
		for (unsigned i = 0; i < width; i++)
			line[n++] = i < full ? '#' : '.';
		line[n++] = ']';
		line[n++] = ' ';
	}
	snprintf(line + n, MAP_PROGRESS_LINE_MAX - n, "%s%s", count, rest);
	if (columns > 0 && strlen(line) > columns - 1)
		line[columns - 1] = 0;
	return strlen(line);
}

/* ---- the terminal -------------------------------------------------------- */

static unsigned terminal_columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0 ? COLUMNS
									   : size.ws_col;
}

/* A terminal that does not take it is no reason to stop. */
static void put(const char *text, size_t size)
{
	ssize_t n = write(STDERR_FILENO, text, size);

	(void)n;
}

static void draw(struct map_progress *progress, const struct map_tally *tally)
{
	char text[MAP_PROGRESS_LINE_MAX + 16] = "\r\n";
	bool mid = progress->mid_line[1] || progress->mid_line[2];
	size_t n = mid ? 2 : 0;
	char line[MAP_PROGRESS_LINE_MAX];

	progress->mid_line[1] = progress->mid_line[2] = false;
	(void)map_progress_line(tally, terminal_columns(), line);
	n += (size_t)snprintf(text + n, sizeof(text) - n, "\r%s\033[K", line);
	put(text, n);
	progress->shown = true;
	progress->shown_ns = clock_now_ns();
}

void map_progress_hide(struct map_progress *progress, int stream, const void *data,
		       size_t size)
{
	if (size == 0 || !progress->tty[stream])
		return;
	if (progress->shown)
		put("\r\033[K", 4);
	progress->shown = false;
	progress->mid_line[stream] = ((const char *)data)[size - 1] != '\n';
}

void map_progress_show(struct map_progress *progress, struct map_tally *tally)
{
	uint64_t now = clock_now_ns();

	if (!progress->on)
		return;
	if (progress->shown && now - progress->shown_ns < EVERY_MS * NS_PER_MS)
		return;
	tally->elapsed_ns = now - progress->begun_ns;
	draw(progress, tally);
}

void map_progress_close(struct map_progress *progress, struct map_tally *tally)
{
	if (!progress->on)
		return;
	tally->elapsed_ns = clock_now_ns() - progress->begun_ns;
	draw(progress, tally);
	put("\n", 1);
	progress->on = false;
}

int map_progress_wait_ms(const struct map_progress *progress)
{
	return progress->on ? EVERY_MS : -1;
}
