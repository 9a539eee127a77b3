/*
 * Filters of system calls by number.
 */
#include "support/deny.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/annotate.h"

#define LOAD(field)                                                                      \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(k, n)	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)(k), 0, n)
#define UNLESS_SET(bits, n) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (unsigned)(bits), 0, n)
#define RETURN(action)	    BPF_STMT(BPF_RET | BPF_K, (action))

static int install(struct sock_filter *program, unsigned short length, unsigned flags)
{
	const struct sock_fprog filter = { .len = length, .filter = program };
	int ret;

	cr_assert(eq(int, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0));
	ret = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	cr_assert(ge(int, ret, 0), "no seccomp filter");
	return ret;
}

static int act(int nr, unsigned action, unsigned flags)
{
	struct sock_filter program[] = {
		LOAD(nr),
		UNLESS(nr, 1),
		RETURN(action),
		RETURN(SECCOMP_RET_ALLOW),
	};

	return install(program, ARRAY_SIZE(program), flags);
}

void deny(int nr, int error)
{
	act(nr, SECCOMP_RET_ERRNO | (unsigned)error, 0);
}

/* The lower half of an argument comes first on the machines there are. */
void deny_second(int nr, unsigned second, int error)
{
	struct sock_filter program[] = {
		LOAD(nr),
		UNLESS(nr, 3),
		LOAD(args[1]),
		UNLESS(second, 1),
		RETURN(SECCOMP_RET_ERRNO | (unsigned)error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(program, ARRAY_SIZE(program), 0);
}

void deny_flag(int nr, unsigned flag, int error)
{
	struct sock_filter program[] = {
		LOAD(nr),
		UNLESS(nr, 3),
		LOAD(args[5]),
		UNLESS_SET(flag, 1),
		RETURN(SECCOMP_RET_ERRNO | (unsigned)error),
		RETURN(SECCOMP_RET_ALLOW),
	};

	install(program, ARRAY_SIZE(program), 0);
}

void deny_kill(int nr)
{
	act(nr, SECCOMP_RET_KILL_PROCESS, 0);
}

pid_t deny_receive(int listener, uint64_t *ret_id)
{
	struct seccomp_notif request = { 0 };

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return 0;
	*ret_id = request.id;
	return (pid_t)request.pid;
}

void deny_let_go(int listener, uint64_t id)
{
	struct seccomp_notif_resp response = { .id = id,
					       .flags =
						       SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	/* It may have been killed meanwhile. */
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int deny_hang(int nr)
{
	return act(nr, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
}
