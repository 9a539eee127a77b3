/*
 * Prints the signal that it gets when the thread that started it ends; 0: none.
 */
#include <stdio.h>
#include <sys/prctl.h>

int main(void)
{
	int number = -1;

	prctl(PR_GET_PDEATHSIG, &number);
	printf("%d\n", number);
	return fflush(stdout) ? 1 : 0;
}
