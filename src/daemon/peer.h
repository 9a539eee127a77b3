/*
 * Who a client is, and what that allows: whether it may connect, and what it may ask
 * for.  Every such judgement is made here.
 */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>
#include <sys/types.h>

struct config;
struct spec_input;
struct ucred;

/* As the kernel recorded it when the client connected: it stays so. */
struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t *groups; /* supplementary; NULL when there are none */
	unsigned n_groups;
};

/* Who is at the other end of @fd, or (peer_self()) the daemon.  Returns 0, or -errno. */
int peer_read(struct peer *peer, int fd);
int peer_self(struct peer *self);
int peer_copy(struct peer *ret_peer, const struct peer *peer); /* 0, or -ENOMEM */
void peer_done(struct peer *peer);			       /* a zeroed one is fine */

bool peer_may_connect(const struct peer *peer, const struct peer *self,
		      const struct config *config);

/* May one of them take the place of the other? */
bool peer_may_replace(const struct peer *peer, const struct peer *self);

/* May it see and end the jobs of @owner? */
bool peer_may_rule(const struct peer *peer, const struct peer *owner);

/* May it use what runs with the rights of @owner? */
bool peer_may_share(const struct peer *peer, const struct peer *owner);

/* Did it send the message that has the credentials @sender? */
bool peer_sent(const struct peer *peer, const struct ucred *sender);

/*
 * May it have what @input asks for?  Returns 0, or -EPERM with the name of the field
 * that is not for it.
 */
int peer_may_spawn(const struct peer *peer, const struct spec_input *input,
		   const char **ret_field);

/*
 * Say whom the job of @input runs as.  A root daemon runs it as the peer, unless a root
 * peer says otherwise; any other runs it as itself.  The groups are borrowed.
 */
void peer_become(const struct peer *peer, const struct peer *self,
		 struct spec_input *input);

#endif
