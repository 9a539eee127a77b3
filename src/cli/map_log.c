#include "cli/map_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/buf.h"

static const char header[] = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\t"
			     "Signal\tCommand\n";

enum {
	NUMBER_MAX = 1 << 30, /* of a job that can be resumed */
	COLUMN_EXITVAL = 6,
	COLUMN_SIGNAL = 7,
};

uint64_t map_log_now_ms(void)
{
	struct timespec now;

	(void)timespec_get(&now, TIME_UTC);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- reading ------------------------------------------------------------- */

static int mark(struct map_log *log, uint64_t number, bool done)
{
	size_t byte = number / 8, size = log->size ? log->size : 1024;
	uint8_t bit = (uint8_t)(1 << number % 8), *bytes;

	while (size <= byte)
		size *= 2;
	if (size > log->size) {
		bytes = mem_resize(log->done, size);
		if (!bytes)
			return -ENOMEM;
		memset(bytes + log->size, 0, size - log->size);
		log->done = bytes;
		log->size = size;
	}
	if (done)
		log->done[byte] |= bit;
	else
		log->done[byte] &= (uint8_t)~bit;
	return 0;
}

bool map_log_has(const struct map_log *log, uint64_t number)
{
	return number / 8 < log->size && log->done[number / 8] >> number % 8 & 1;
}

/* The number in column @n of @line, counted from 0.  False: there is none. */
static bool column(const char *line, unsigned n, long *ret_number)
{
	char *end;

	for (; n > 0; n--) {
		line = strchr(line, '\t');
		if (!line)
			return false;
		line++;
	}
	errno = 0;
	*ret_number = strtol(line, &end, 10);
	return end != line && *end == '\t' && errno == 0;
}

/* Of a job that ran twice the last line counts. */
static int take_line(struct map_log *log, const char *line, enum map_resume resume)
{
	long number, code, signal;

	if (strcmp(line, header) == 0)
		return 0;
	if (!column(line, 0, &number) || number < 1 || number > NUMBER_MAX ||
	    !column(line, COLUMN_EXITVAL, &code) || !column(line, COLUMN_SIGNAL, &signal))
		return -EBADMSG;
	return mark(log, (uint64_t)number,
		    resume == MAP_RESUME || (code == 0 && signal == 0));
}

/* A last line that was cut off in the middle is taken away: its job is not done. */
static int read_lines(struct map_log *log, FILE *file, enum map_resume resume,
		      size_t *ret_line)
{
	char *line = NULL;
	size_t capacity = 0;
	off_t whole = 0;
	ssize_t n;
	int ret = 0;

	for (*ret_line = 1; (n = getline(&line, &capacity, file)) > 0; ++*ret_line) {
		if (line[n - 1] != '\n')
			break;
		ret = *ret_line == 1 && strcmp(line, header) != 0
			      ? -EBADMSG
			      : take_line(log, line, resume);
		if (ret)
			break;
		whole += n;
	}
	free(line);
	if (ret == 0 && ferror(file))
		ret = -EIO;
	if (ret == 0 && ftruncate(log->fd, whole))
		ret = -errno;
	return ret;
}

static int read_log(struct map_log *log, const char *path, enum map_resume resume)
{
	FILE *file = fopen(path, "re");
	size_t line;
	int ret;

	if (!file)
		return -errno;
	ret = read_lines(log, file, resume, &line);
	fclose(file);
	if (ret == -EBADMSG)
		fprintf(stderr, "uringspawn: line %zu of '%s' is not of a job log\n",
			line, path);
	return ret;
}

/* ---- writing ------------------------------------------------------------- */

static int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static int prepare(struct map_log *log, const char *path, enum map_resume resume)
{
	int ret = 0;

	if (flock(log->fd, LOCK_EX | LOCK_NB))
		return -errno;
	if (resume == MAP_RESUME_NONE && ftruncate(log->fd, 0) && errno != EINVAL)
		return -errno;
	if (resume != MAP_RESUME_NONE)
		ret = read_log(log, path, resume);
	if (ret == 0 && lseek(log->fd, 0, SEEK_END) <= 0)
		ret = write_all(log->fd, header, sizeof(header) - 1);
	return ret;
}

int map_log_open(const char *path, enum map_resume resume, struct map_log *ret_log)
{
	struct map_log log = {
		.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666),
	};
	int ret = log.fd < 0 ? -errno : prepare(&log, path, resume);

	if (ret == 0) {
		*ret_log = log;
		return 0;
	}
	if (ret == -EAGAIN)
		fprintf(stderr, "uringspawn: another process writes the job log '%s'\n",
			path);
	else if (ret != -EBADMSG)
		fprintf(stderr, "uringspawn: cannot use the job log '%s': %s\n", path,
			strerrordesc_np(-ret));
	map_log_close(&log);
	return ret;
}

void map_log_close(struct map_log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	mem_free(log->done);
	*log = (struct map_log){ .fd = -1 };
}

int map_log_write(const struct map_log *log, const struct map_log_entry *entry,
		  const char *command, size_t size)
{
	char columns[200];
	struct buf line;
	int n, ret;

	n = snprintf(
		columns, sizeof(columns),
		"%llu\t:\t%llu.%03u\t%10.3f\t%llu\t%llu\t%d\t%d\t",
		(unsigned long long)entry->number,
		(unsigned long long)(entry->started_ms / 1000),
		(unsigned)(entry->started_ms % 1000), (double)entry->running_ns / 1e9,
		(unsigned long long)entry->sent_bytes,
		(unsigned long long)entry->received_bytes, entry->code, entry->signal);
	buf_init(&line, SIZE_MAX / 2);
	ret = buf_append(&line, columns, (size_t)n);
	if (ret == 0)
		ret = buf_append(&line, command, size);
	if (ret == 0)
		ret = buf_append(&line, "\n", 1);
	/* At once, so that a crash leaves whole lines. */
	if (ret == 0)
		ret = write_all(log->fd, buf_bytes(&line), buf_size(&line));
	buf_done(&line);
	return ret;
}
