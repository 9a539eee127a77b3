/*
 * Rights of a client.
 *
 * A daemon that is not root's can give nobody more than it has, so only what a root
 * daemon could give away is refused here; the kernel refuses the rest.
 */
#include "daemon/peer.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/alloc.h"
#include "daemon/config.h"
#include "engine/engine.h"

int peer_read(struct peer *peer, int fd)
{
	struct peer fresh = { 0 };
	int ret = sys_socket_peer(fd, &fresh.uid, &fresh.gid, &fresh.pid);

	if (ret < 0)
		return ret;
	ret = sys_socket_peer_groups(fd, &fresh.groups, &fresh.n_groups);
	if (ret == 0)
		*peer = fresh;
	return ret;
}

int peer_self(struct peer *self)
{
	struct peer fresh = { .uid = geteuid(), .gid = getegid(), .pid = getpid() };
	int n = getgroups(0, NULL);

	if (n > 0) {
		fresh.groups = mem_alloc((size_t)n * sizeof(*fresh.groups));
		if (!fresh.groups)
			return -ENOMEM;
		n = getgroups(n, fresh.groups);
	}
	if (n < 0) {
		mem_free(fresh.groups);
		return -errno;
	}
	fresh.n_groups = (unsigned)n;
	*self = fresh;
	return 0;
}

int peer_copy(struct peer *ret_peer, const struct peer *peer)
{
	struct peer copy = *peer;
	size_t size = peer->n_groups * sizeof(*peer->groups);

	copy.groups = NULL;
	if (size) {
		copy.groups = mem_alloc(size);
		if (!copy.groups)
			return -ENOMEM;
		memcpy(copy.groups, peer->groups, size);
	}
	*ret_peer = copy;
	return 0;
}

void peer_done(struct peer *peer)
{
	mem_free(peer->groups);
	*peer = (struct peer){ 0 };
}

/* ---- connecting ---------------------------------------------------------- */

static bool is_in_group(const struct peer *peer, gid_t gid)
{
	for (unsigned i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == gid)
			return true;
	return peer->gid == gid;
}

bool peer_may_connect(const struct peer *peer, const struct peer *self,
		      const struct config *config)
{
	if (peer->uid == self->uid || (peer->uid == 0 && !config->is_private))
		return true;
	for (unsigned i = 0; i < config->n_allow_uids; i++)
		if (peer->uid == config->allow_uids[i])
			return true;
	for (unsigned i = 0; i < config->n_allow_gids; i++)
		if (is_in_group(peer, config->allow_gids[i]))
			return true;
	return false;
}

bool peer_may_replace(const struct peer *peer, const struct peer *self)
{
	return peer->uid == self->uid || peer->uid == 0;
}

bool peer_may_rule(const struct peer *peer, const struct peer *owner)
{
	return peer->uid == owner->uid || peer->uid == 0;
}

/* The kernel keeps groups in order. */
static bool is_same(const struct peer *a, const struct peer *b)
{
	return a->uid == b->uid && a->gid == b->gid && a->n_groups == b->n_groups &&
	       (a->n_groups == 0 ||
		!memcmp(a->groups, b->groups, a->n_groups * sizeof(*a->groups)));
}

bool peer_may_share(const struct peer *peer, const struct peer *owner)
{
	return peer->uid == 0 || is_same(peer, owner);
}

bool peer_sent(const struct peer *peer, const struct ucred *sender)
{
	return sender->uid == peer->uid && sender->gid == peer->gid;
}

/* ---- asking -------------------------------------------------------------- */

static bool asks_for_group(const struct usp_options *options, gid_t gid)
{
	for (size_t i = 0; i < options->n_groups; i++)
		if (options->groups[i] == gid)
			return true;
	return options->gid == gid;
}

/*
 * All that it asks for it has already, and it keeps all of that: a file may refuse to
 * a group what it allows to everybody else.
 */
static bool is_itself(const struct peer *peer, const struct usp_options *options)
{
	if (options->uid != peer->uid || !is_in_group(peer, options->gid) ||
	    !asks_for_group(options, peer->gid))
		return false;
	for (size_t i = 0; i < options->n_groups; i++)
		if (!is_in_group(peer, options->groups[i]))
			return false;
	for (unsigned i = 0; i < peer->n_groups; i++)
		if (!asks_for_group(options, peer->groups[i]))
			return false;
	return true;
}

/* What the peer's own hard limits are is not known; the daemon's are what its own
 * children get. */
static bool raises(const struct usp_rlimit *asked)
{
	struct rlimit own;

	if (getrlimit(asked->resource, &own) < 0)
		return false; /* no such resource: for the spec to refuse */
	return asked->hard > own.rlim_max || asked->soft > own.rlim_max;
}

static const char *beyond_it(const struct peer *peer, const struct usp_options *options)
{
	if ((options->set & USP_SET_CREDENTIALS) && !is_itself(peer, options))
		return "credentials";
	if ((options->set & USP_SET_NICE) && options->nice < 0)
		return "nice";
	if ((options->set & USP_SET_OOM_SCORE_ADJ) && options->oom_score_adj < 0)
		return "oom_score_adj";
	for (size_t i = 0; i < options->n_rlimits; i++)
		if (raises(&options->rlimits[i]))
			return "rlimits";
	return options->cgroup.path ? "cgroup" : NULL;
}

int peer_may_spawn(const struct peer *peer, const struct spec_input *input,
		   const char **ret_field)
{
	const char *field = peer->uid == 0 ? NULL : beyond_it(peer, &input->options);

	if (!field)
		return 0;
	*ret_field = field;
	return -EPERM;
}

void peer_become(const struct peer *peer, const struct peer *self,
		 struct spec_input *input)
{
	struct usp_options *options = &input->options;

	if (self->uid != 0 || (options->set & USP_SET_CREDENTIALS) || is_same(peer, self))
		return;
	options->set |= USP_SET_CREDENTIALS;
	options->uid = peer->uid;
	options->gid = peer->gid;
	options->groups = peer->groups;
	options->n_groups = peer->n_groups;
}
