/*
 * Prints the numbers of its open descriptors, one a line.
 */
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
	char line[16];

	for (int fd = 0; fd < 65536; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			fputs((snprintf(line, sizeof(line), "%d\n", fd), line), stdout);
	return fflush(stdout) ? 1 : 0;
}
