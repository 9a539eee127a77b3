/*
 * Sockets that a service manager opened beforehand: the LISTEN_FDS protocol of
 * sd_listen_fds(3).
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include "daemon/config.h"

/* Where descriptors begin that are passed so. */
#define ACTIVATION_FIRST_FD 3

struct activation {
	unsigned n_fds;			    /* from ACTIVATION_FIRST_FD on */
	char names[CONFIG_SOCKETS_MAX][64]; /* what the manager calls them; may be "" */
};

/*
 * Take what was passed, and the variables out of the environment.  To be called before
 * anything else is opened.
 *
 * @return 0, also when nothing was passed, or when it was not for this process; -EINVAL:
 *         a variable says nonsense; -EBADF: a descriptor is not there; -E2BIG: more
 *         than CONFIG_SOCKETS_MAX
 */
int activation_take(struct activation *ret_activation);

#endif
