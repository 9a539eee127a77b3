/*
 * What this process hands on to its children unless they change it.
 */
#include "sys/own.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

int sys_own_nice(void)
{
	int nice;

	errno = 0;
	nice = getpriority(PRIO_PROCESS, 0);
	return errno ? 0 : nice;
}

int sys_own_oom_score_adj(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	char text[8] = "";
	ssize_t size;

	if (fd < 0)
		return 0;
	size = read(fd, text, sizeof(text) - 1);
	close(fd);
	return size > 0 ? atoi(text) : 0;
}

int sys_own_timer_slack_ns(void)
{
	int slack_ns = prctl(PR_GET_TIMERSLACK);

	return slack_ns < 0 ? SYS_TIMER_SLACK_USUAL_NS : slack_ns;
}

void sys_own_leave_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	void (*before)(int);

	if (fd < 0)
		return;
	/* Who leads the session hangs up on those in the foreground, itself as well. */
	before = signal(SIGHUP, SIG_IGN);
	(void)ioctl(fd, TIOCNOTTY);
	(void)signal(SIGHUP, before);
	close(fd);
}
