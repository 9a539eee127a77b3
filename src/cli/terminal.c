#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* What a signal that ends this process has to give back. */
static const struct terminal *volatile taken;

/* Safe in a signal handler. */
static void give_back(const struct terminal *terminal, int when)
{
	size_t size = strlen(terminal->leave);

	(void)tcsetattr(STDIN_FILENO, when, &terminal->before);
	if (size && write(STDOUT_FILENO, terminal->leave, size) < 0)
		return; /* it is gone, and so is what was shown on it */
}

/* Its default, when it comes again: that is at once. */
static void on_fatal(int number)
{
	const struct terminal *terminal = taken;

	if (terminal)
		give_back(terminal, TCSANOW);
	(void)raise(number);
}

static bool is_fatal(int number)
{
	return number != SIGKILL && number != SIGSTOP && number != SIGTSTP &&
	       number != SIGTTIN && number != SIGTTOU && number != SIGCONT &&
	       number != SIGCHLD && number != SIGURG && number != SIGWINCH &&
	       number != SIGPIPE;
}

/* For each that would end this process and leave the terminal as it is. */
static void catch_fatal(void)
{
	const struct sigaction restore = { .sa_handler = on_fatal,
					   .sa_flags = SA_RESETHAND | SA_NODEFER };

	for (int i = 1; i <= SIGRTMAX; i++) {
		struct sigaction now;

		if (is_fatal(i) && sigaction(i, NULL, &now) == 0 &&
		    now.sa_handler == SIG_DFL)
			(void)sigaction(i, &restore, NULL);
	}
}

int terminal_take(struct terminal *terminal, enum terminal_mode mode, const char *leave)
{
	struct termios wanted;

	if (terminal->taken)
		return 0;
	if (tcgetattr(STDIN_FILENO, &terminal->before))
		return -errno;
	wanted = terminal->before;
	if (mode == TERMINAL_RAW)
		cfmakeraw(&wanted);
	else
		wanted.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	terminal->leave = leave;
	taken = terminal;
	catch_fatal();
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &wanted)) {
		taken = NULL;
		return -errno;
	}
	terminal->taken = true;
	return 0;
}

void terminal_give(struct terminal *terminal)
{
	if (!terminal->taken)
		return;
	give_back(terminal, TCSADRAIN);
	terminal->taken = false;
	taken = NULL;
}
