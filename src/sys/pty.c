/*
 * Pseudo-terminals.
 *
 * By raw calls, as sys_pipe(): ThreadSanitizer does not see the ring close what is
 * opened here.
 */
#include "sys/pty.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include "sys/fd.h"
#include "sys/raw.h"

int sys_pty_open(int *ret_master, int *ret_terminal)
{
	const int unlocked = 0;
	long master = RAW(SYS_openat, AT_FDCWD, "/dev/ptmx",
			  O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	long terminal, ret;

	if (master < 0)
		return (int)master;
	ret = RAW(SYS_ioctl, master, TIOCSPTLCK, &unlocked);
	/* By the master, not by a name that may mean another one here. */
	terminal = ret < 0 ? ret
			   : RAW(SYS_ioctl, master, TIOCGPTPEER,
				 O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal < 0) {
		sys_close((int)master);
		return (int)terminal;
	}
	*ret_master = (int)master;
	*ret_terminal = (int)terminal;
	return 0;
}

void sys_pty_chown(int terminal, uid_t uid)
{
	(void)RAW(SYS_fchown, terminal, uid, -1);
}

int sys_pty_resize(int master, const struct usp_winsize *size)
{
	const struct winsize winsize = {
		.ws_row = size->rows,
		.ws_col = size->columns,
		.ws_xpixel = size->x_pixels,
		.ws_ypixel = size->y_pixels,
	};

	return (int)RAW(SYS_ioctl, master, TIOCSWINSZ, &winsize);
}
