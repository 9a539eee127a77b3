#include "support/terminal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "support/wait.h"

int terminal_open(char *name, size_t size)
{
	struct termios raw;
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, size))
		cr_skip("no pseudo terminal is to be had here");
	cr_assert(eq(int, tcgetattr(fd, &raw), 0));
	raw.c_lflag &= ~(tcflag_t)ECHO;
	raw.c_oflag &= ~(tcflag_t)OPOST;
	cr_assert(eq(int, tcsetattr(fd, TCSANOW, &raw), 0));
	return fd;
}

void terminal_type(int tty, const char *text)
{
	int size = (int)strlen(text);

	cr_assert(eq(int, (int)write(tty, text, (size_t)size), size));
}

bool terminal_is_raw(int tty)
{
	struct termios now;

	cr_assert(eq(int, tcgetattr(tty, &now), 0));
	return !(now.c_lflag & (ICANON | ISIG));
}

void terminal_wait_raw(int tty, bool raw)
{
	for (int i = 0; i < WAIT_MS && terminal_is_raw(tty) != raw; i++)
		usleep(1000);
	cr_assert(eq(int, terminal_is_raw(tty), raw));
}

void terminal_resize(int tty, unsigned rows, unsigned columns)
{
	const struct winsize size = { .ws_row = (unsigned short)rows,
				      .ws_col = (unsigned short)columns };

	cr_assert(eq(int, ioctl(tty, TIOCSWINSZ, &size), 0));
}
