/*
 * A sandbox of the test's own: from the call on, a system call of this thread, of
 * the threads and of the children that it makes fails, kills, or never returns.
 * There is no way back, so it is for a test that is a process of its own.
 */
#ifndef SUPPORT_DENY_H
#define SUPPORT_DENY_H

#include <stdint.h>
#include <sys/types.h>

/* System call @nr fails with @error. */
void deny(int nr, int error);

/* The same, where its second argument is @second. */
void deny_second(int nr, unsigned second, int error);

/* The same, where bit @flag is set in its sixth argument. */
void deny_flag(int nr, unsigned flag, int error);

/* Who calls @nr is ended by SIGSYS. */
void deny_kill(int nr);

/*
 * Who calls @nr hangs there until it is killed, or until the descriptor that this
 * returns is closed; then the call fails with ENOSYS.
 */
int deny_hang(int nr);

/*
 * The next call that hangs: who makes it, and its number, for deny_let_go().  Waits for
 * one.  Gives 0 when nobody hangs there any more.
 */
pid_t deny_receive(int listener, uint64_t *ret_id);

/* The call is made after all, as if nothing had been. */
void deny_let_go(int listener, uint64_t id);

#endif
