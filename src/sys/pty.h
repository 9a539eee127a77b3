/*
 * Pseudo-terminals.
 */
#ifndef SYS_PTY_H
#define SYS_PTY_H

#include <sys/types.h>
#include <uringspawn/spawn.h>

/*
 * Make one: the side that commands it, which does not block, and the terminal
 * itself, which does.  Both are close-on-exec, and nobody's controlling terminal.
 * Returns 0, or -ENOSPC: there are too many; -EMFILE, -ENFILE; -ENOENT: no /dev/ptmx.
 */
int sys_pty_open(int *ret_master, int *ret_terminal);

/* Let @uid open @terminal by its name.  Where this is not allowed it stays as it is. */
void sys_pty_chown(int terminal, uid_t uid);

/* SIGWINCH for who runs there, if it differs. */
int sys_pty_resize(int master, const struct usp_winsize *size);

#endif
