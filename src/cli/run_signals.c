#include "cli/run_signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "base/annotate.h"

/* For a child in a group of its own: everything that is meant for it. */
static const int for_group[] = { SIGINT,  SIGTERM,  SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP };

/* For a child in our group: what the keyboard does not send to both of us.  INT
 * and QUIT are caught so that we outlive the child.  TSTP stops us both. */
static const int for_keyboard[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static uint64_t ignored_signals(void)
{
	uint64_t ignored = 0;

	for (int i = 1; i <= 64; i++) {
		struct sigaction action;

		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			ignored |= UINT64_C(1) << (i - 1);
	}
	return ignored;
}

int run_signals_open(bool keyboard, struct run_signals *ret_signals)
{
	const int *wanted = keyboard ? for_keyboard : for_group;
	size_t n = keyboard ? ARRAY_SIZE(for_keyboard) : ARRAY_SIZE(for_group);
	struct run_signals signals = { .ignored = ignored_signals(),
				       .keyboard = keyboard };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		if (!(signals.ignored >> (wanted[i] - 1) & 1))
			sigaddset(&set, wanted[i]);

	/* Who copies output finds by EPIPE that nobody reads it. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* A parent that ignores SIGCHLD never learns how its children ended. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals.fd < 0)
		return -errno;
	*ret_signals = signals;
	return 0;
}

void run_signals_close(struct run_signals *signals)
{
	close(signals->fd);
}

int run_signals_next(struct run_signals *signals)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int number = (int)info.ssi_signo;

		/* From the kernel, that is the keyboard: the child has it as well. */
		if (signals->keyboard && info.ssi_code == SI_KERNEL &&
		    (number == SIGINT || number == SIGQUIT))
			continue;
		return number;
	}
	return 0;
}
