/* Leaves its process group for its parent's, says so, and sleeps. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	if (setpgid(0, getpgid(getppid())) < 0)
		return 1;
	puts("left");
	fflush(stdout);
	for (;;)
		pause();
}
