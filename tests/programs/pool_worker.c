/*
 * A worker of a pool: reads lines from descriptor 3, and does what they say.
 *
 * Arguments, before the first line: "ready" says so by a byte on stdout, "never" does not
 * and sleeps, "die" exits with 3, "stubborn" ignores SIGTERM, "stays" does not end when
 * descriptor 3 does, "mute" answers no ping, "pinged-dies" exits with 3 when it comes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL 3

static bool answers_resets = true, answers_pings = true, dies_of_pings, stays;

static void sleep_forever(void)
{
	for (;;)
		pause();
}

static void put(int fd, const char *text)
{
	size_t size = strlen(text);

	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno != EINTR)
			_exit(1);
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
}

/* By one write: whoever has read some of it may wait for all of it. */
static void answer(const char *text)
{
	char line[4200];

	snprintf(line, sizeof(line), "%s\n", text);
	put(CHANNEL, line);
}

static void flood(long bytes)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	for (; bytes > 0; bytes -= (long)sizeof(block))
		if (write(1, block, sizeof(block)) < 0)
			_exit(1);
	answer("flooded");
}

/* "late FILE TEXT": a child says TEXT as soon as FILE is there; if FILE is "-" it says
 * nothing, and stays. */
static void late(char *arguments)
{
	char *text = strchr(arguments, ' ');

	*text++ = '\0';
	if (fork() == 0) {
		if (!strcmp(arguments, "-"))
			sleep_forever();
		while (access(arguments, F_OK) < 0)
			usleep(500);
		put(CHANNEL, text);
		_exit(0);
	}
	answer("later");
}

/* What was said before is in the channel when FILE is there. */
static void sign(const char *file)
{
	int fd = open(file, O_CREAT | O_WRONLY, 0600);

	if (fd < 0)
		_exit(1);
	close(fd);
}

static void grow(size_t bytes)
{
	volatile char *memory = malloc(bytes);

	if (!memory)
		_exit(1);
	for (size_t i = 0; i < bytes; i += 512)
		memory[i] = 1;
	answer("grown");
}

static bool begins(const char *line, const char *word, char **ret_rest)
{
	size_t size = strlen(word);

	*ret_rest = (char *)line + size + (line[size] == ' ');
	return strncmp(line, word, size) == 0;
}

static void say_pid(void)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	answer(number);
}

static void obey(char *line)
{
	char *rest;

	if (begins(line, "echo", &rest))
		answer(rest);
	else if (begins(line, "pid", &rest))
		say_pid();
	else if (begins(line, "exit", &rest))
		_exit(atoi(rest));
	else if (begins(line, "crash", &rest))
		kill(getpid(), SIGKILL);
	else if (begins(line, "hang", &rest))
		sleep_forever();
	else if (begins(line, "say", &rest))
		put(1, rest), answer("said");
	else if (begins(line, "flood", &rest))
		flood(atol(rest));
	else if (begins(line, "late", &rest))
		late(rest);
	else if (begins(line, "sign", &rest))
		sign(rest);
	else if (begins(line, "grow", &rest))
		grow((size_t)atol(rest));
	else if (begins(line, "deaf", &rest))
		answers_resets = answers_pings = false, answer("what?");
	else if (begins(line, "reset", &rest) && answers_resets)
		answer("was reset");
	else if (begins(line, "ping", &rest) && dies_of_pings)
		exit(3);
	else if (begins(line, "ping", &rest) && answers_pings)
		answer("pong");
}

int main(int argc, char **argv)
{
	FILE *in = fdopen(CHANNEL, "r");
	char line[4096];

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "ready"))
			put(1, "!");
		else if (!strcmp(argv[i], "never"))
			sleep_forever();
		else if (!strcmp(argv[i], "die"))
			return 3;
		else if (!strcmp(argv[i], "mute"))
			answers_pings = false;
		else if (!strcmp(argv[i], "pinged-dies"))
			dies_of_pings = true;
		else if (!strcmp(argv[i], "stubborn"))
			signal(SIGTERM, SIG_IGN);
		else if (!strcmp(argv[i], "stays"))
			stays = true;
	}
	signal(SIGCHLD, SIG_IGN);
	while (in && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		obey(line);
	}
	if (stays)
		sleep_forever();
	return 0;
}
