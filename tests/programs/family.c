/*
 * Makes a family, says the numbers of all in one line, and waits, or exits with "exit".
 * For each other argument a member: "child"; "group" in a process group and "session" in
 * a session of its own; "daemon" in one whose parent is gone.  Those after "stubborn"
 * ignore SIGTERM.  All close their stdout, once it has been said.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ready[2];

/* Says who it is, and stays. */
static void stay(void)
{
	pid_t self = getpid();

	close(1);
	if (write(ready[1], &self, sizeof(self)) < 0)
		_exit(1);
	for (;;)
		pause();
}

static void make(const char *kind)
{
	if (fork() > 0)
		return;
	if (strcmp(kind, "group") == 0)
		setpgid(0, 0);
	if (strcmp(kind, "session") == 0 || strcmp(kind, "daemon") == 0)
		setsid();
	if (strcmp(kind, "daemon") == 0 && fork() > 0)
		_exit(0);
	stay();
}

int main(int argc, char **argv)
{
	int exits = 0;

	if (pipe(ready) < 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		pid_t pid;

		if (strcmp(argv[i], "stubborn") == 0) {
			signal(SIGTERM, SIG_IGN);
			continue;
		}
		if (strcmp(argv[i], "exit") == 0) {
			exits = 1;
			continue;
		}
		make(argv[i]);
		if (read(ready[0], &pid, sizeof(pid)) != sizeof(pid))
			return 1;
		printf("%d ", (int)pid);
	}
	printf("\n");
	fflush(stdout);
	signal(SIGTERM, SIG_DFL);
	close(1);
	if (exits)
		return 0;
	for (;;)
		pause();
}
