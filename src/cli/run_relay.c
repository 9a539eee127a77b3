#include "cli/run_relay.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { END_OF_FILE = 4 }; /* the key ^D, as terminals have it by default */

int run_relay_open(struct run_relay *relay)
{
	return isatty(STDIN_FILENO) ? terminal_take(&relay->terminal, TERMINAL_RAW, "")
				    : 0;
}

void run_relay_close(struct run_relay *relay)
{
	terminal_give(&relay->terminal);
}

struct usp_winsize run_relay_size(void)
{
	struct winsize size = { 0 };

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size))
		return (struct usp_winsize){ 0 };
	return (struct usp_winsize){
		.rows = size.ws_row,
		.columns = size.ws_col,
		.x_pixels = size.ws_xpixel,
		.y_pixels = size.ws_ypixel,
	};
}

/* A slow reader of ours is waited for: the program then finds its pipe full. */
int run_relay_output(const struct usp_output *output)
{
	int fd = output->stream == STDERR_FILENO ? STDERR_FILENO : STDOUT_FILENO;
	const char *data = output->data;
	size_t size = output->size;

	while (size > 0) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

void run_relay_feed(struct run_relay *relay, struct usp_process *process)
{
	int ret;

	if (relay->n_typed == 0)
		return;
	ret = usp_process_write_stream(process, relay->stream, relay->typed,
				       relay->n_typed);
	if (ret != -EAGAIN)
		relay->n_typed = 0;
	/* Nobody reads it.  Of a terminal there is still who types. */
	if (ret < 0 && ret != -EAGAIN && relay->at_end != RUN_RELAY_KEY)
		relay->eof = true;
}

static void count_lines(struct run_relay *relay)
{
	for (size_t i = 0; i < relay->n_typed; i++)
		relay->lines += relay->typed[i] == '\n';
	if (relay->n_typed)
		relay->last = relay->typed[relay->n_typed - 1];
}

/* The bytes by which the program is told; all that was read before it has been given. */
static size_t type_end(struct run_relay *relay, struct usp_process *process)
{
	relay->eof = true;
	switch (relay->at_end) {
	case RUN_RELAY_KEY:
		relay->typed[0] = END_OF_FILE;
		return 1;
	case RUN_RELAY_CLOSE:
		(void)usp_process_close_stream(process, relay->stream);
		return 0;
	case RUN_RELAY_NEWLINE:
		relay->typed[0] = '\n';
		return relay->last && relay->last != '\n';
	}
	return 0;
}

void run_relay_read(struct run_relay *relay, struct usp_process *process)
{
	ssize_t n = read(STDIN_FILENO, relay->typed, sizeof(relay->typed));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	relay->n_typed = n > 0 ? (size_t)n : type_end(relay, process);
	count_lines(relay);
	run_relay_feed(relay, process);
}
