/*
 * All the sockets that the daemon listens on: named, inherited, passed by the service
 * manager, or taken over from another daemon.
 */
#ifndef DAEMON_FRONT_H
#define DAEMON_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/annotate.h"
#include "daemon/activation.h"
#include "daemon/config.h"
#include "daemon/listener.h"

struct daemon;
struct handed_over;

struct front {
	struct listener listeners[CONFIG_SOCKETS_MAX];
	unsigned n;
};

/*
 * Open them all; nothing is accepted yet.  The name of the standard socket is added to @config when nothing
 * says where to listen.  What goes wrong is logged.
 *
 * @param taken  sockets of another daemon, all of which are taken
 * @return 0 or -errno
 */
int front_open(struct daemon *daemon, const struct activation *activation,
	       const struct handed_over *taken) REACTOR_ONLY;

/* Accept connections, from now on. */
void front_accept(struct front *front) REACTOR_ONLY;

/* As listener_stop() and listener_hand_over(), for all. */
void front_stop(struct front *front, bool keep_files) REACTOR_ONLY;
void front_hand_over(struct front *front, const int *fds) REACTOR_ONLY;
bool front_closed(const struct front *front);

/* "NAME, NAME": cut where it does not fit. */
void front_names(const struct front *front, char *ret_text, size_t size);

/* The name that --replace asks at, and that is listened on when nothing else is said.
 * Returns 0 or -ENAMETOOLONG. */
int front_standard_name(struct config *config);

#endif
