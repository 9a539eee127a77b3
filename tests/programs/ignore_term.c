/*
 * Ignores what asks it to end, says so, and waits: only SIGKILL ends it.
 */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (write(1, "ready\n", 6) < 0)
		return 1;
	for (;;)
		pause();
}
