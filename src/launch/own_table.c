/*
 * Launchers with a table of descriptors of their own.
 *
 * A spawn copies the table of the thread that makes it and exec closes what is in it:
 * a tenth of a microsecond for each descriptor that the program around us has open.  A
 * launcher that left that table, once and for good, has a handful: this process's
 * pidfd, through which it fetches what it is passed; the ring of the reactor; one ring
 * of its own, through which it gives descriptors back; /dev/null.
 *
 * It also shares no pipe with other launchers: a child that hangs in its exec holds
 * nobody else's open.
 */
#include "launch/pool.h"

#include <time.h>
#include <unistd.h>
#include "base/clock.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

/* Giving descriptors back costs as much as a table of about so many. */
#define PAYS_FROM 64

/* All ends of a plan, and its pidfd. */
_Static_assert(SPEC_FDS_MAX + 1 <= MAILBOX_FILES_MAX, "a plan has more ends");

/* ---- leaving ------------------------------------------------------------- */

/*
 * Does the number that a file has here lead to it through @host as well?  It does not
 * where the process's first thread has ended, or has left the table itself.
 */
static bool finds_files(int host) LAUNCHER_ONLY
{
	int ends[2], copy;
	bool found;

	if (sys_pipe(ends) < 0)
		return false;
	copy = sys_pidfd_fetch(host, ends[0]);
	found = copy >= 0 && sys_same_file(copy, ends[0]);
	sys_close(copy);
	sys_close(ends[0]);
	sys_close(ends[1]);
	return found;
}

/* There is no way back: all that is needed afterwards is tried before. */
static bool can_leave(struct launcher *launcher) LAUNCHER_ONLY
{
	int host = sys_pidfd_open(getpid());
	bool can = host >= 0 && finds_files(host) && mailbox_can_move(launcher->mailbox);

	sys_close(host);
	return can;
}

/* What was possible a moment ago is so again when the kernel has memory. */
static void pause_briefly(void)
{
	const struct timespec pause = { .tv_nsec = NS_PER_MS };

	nanosleep(&pause, NULL);
}

/* What children are given comes last: numbers up to 2 would be in their way. */
static void furnish(struct launcher *launcher) LAUNCHER_ONLY
{
	const int null_fd = launcher->all->setup.null_fd;

	while ((launcher->host = sys_pidfd_open(getpid())) < 0)
		pause_briefly();
	while (mailbox_move(launcher->mailbox, launcher->host) < 0)
		pause_briefly();
	while ((launcher->setup.null_fd = sys_pidfd_fetch(launcher->host, null_fd)) < 0)
		pause_briefly();
}

void own_table_enter(struct launcher *launcher)
{
	pthread_mutex_t *leaving = &launcher->all->leaving;

	if (launcher->host >= 0 || launcher->stay_shared)
		return;
	/* The trials of one at a time are enough for a table that is full. */
	pthread_mutex_lock(leaving);
	launcher->stay_shared = !can_leave(launcher) || sys_leave_table() < 0;
	if (!launcher->stay_shared)
		furnish(launcher);
	pthread_mutex_unlock(leaving);
}

/* The table goes with the thread; a ring's memory does not. */
void own_table_leave(struct launcher *launcher)
{
	if (launcher->host < 0)
		return;
	pthread_mutex_lock(&launcher->all->leaving);
	mailbox_leave(launcher->mailbox);
	pthread_mutex_unlock(&launcher->all->leaving);
}

/* ---- plans --------------------------------------------------------------- */

void own_table_take(struct plan *plan, struct mailbox_files *ret_files)
{
	ret_files->n = 1;
	ret_files->fds[0] = plan->pidfd;
	ret_files->slots[0] = plan->pidfd_slot;
	plan->pidfd = -1;
	for (size_t i = 0; i < plan->spec->n_fds; i++) {
		if (plan->ends[i].ours < 0 || plan->ends[i].slot < 0)
			continue;
		ret_files->fds[ret_files->n] = plan->ends[i].ours;
		ret_files->slots[ret_files->n++] = plan->ends[i].slot;
		plan->ends[i].ours = -1;
	}
}

/* The lowest number that is free is what a new descriptor gets. */
bool own_table_pays(const struct plan *plan)
{
	int highest = plan->pidfd;

	for (size_t i = 0; i < plan->spec->n_fds; i++)
		if (plan->ends[i].ours > highest)
			highest = plan->ends[i].ours;
	return highest >= PAYS_FROM;
}
