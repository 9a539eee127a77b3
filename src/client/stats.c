/*
 * usp_client_stats(), _jobs(), _pools(), _kill_job(): STAT and KILL frames, and what answers them.
 */
#include "client/stats.h"

#include <errno.h>
#include "client/client.h"

static int ask(struct usp_client *client, const struct frame *frame,
	       usp_stats_fn *on_stats, void *user)
{
	int ret;

	if (!on_stats)
		return -EINVAL;
	if (client->error || client->freeing)
		return -EPIPE;
	if (client->on_stats)
		return -EBUSY;
	ret = sendq_put(&client->out, frame, NULL);
	if (ret)
		return ret;
	client->on_stats = on_stats;
	client->stats_user = user;
	return 0;
}

int usp_client_stats(struct usp_client *client, enum usp_stats_format format,
		     usp_stats_fn *on_stats, void *user)
{
	const struct frame frame = { .type = USP_WIRE_STAT, .flags = (uint16_t)format };

	if ((unsigned)format > USP_STATS_JSON)
		return -EINVAL;
	return ask(client, &frame, on_stats, user);
}

int usp_client_jobs(struct usp_client *client, uint32_t after, usp_stats_fn *on_jobs,
		    void *user)
{
	const struct frame frame = {
		.type = USP_WIRE_STAT,
		.flags = USP_WIRE_STAT_JOBS,
		.arg = after,
	};

	return ask(client, &frame, on_jobs, user);
}

int usp_client_pools(struct usp_client *client, usp_stats_fn *on_pools, void *user)
{
	const struct frame frame = {
		.type = USP_WIRE_STAT,
		.flags = USP_WIRE_STAT_POOLS,
	};

	return ask(client, &frame, on_pools, user);
}

int usp_client_kill_job(struct usp_client *client, uint32_t job, int signal,
			enum usp_target target, usp_killed_fn *on_killed, void *user)
{
	static const uint16_t targets[] = {
		[USP_TARGET_GROUP] = USP_WIRE_SIGNAL_GROUP,
		[USP_TARGET_PROCESS] = USP_WIRE_SIGNAL_PROCESS,
		[USP_TARGET_TREE] = USP_WIRE_SIGNAL_TREE,
	};
	struct frame frame = { .type = USP_WIRE_KILL_JOB, .job = job };
	int ret;

	if (!on_killed || signal < 0 || signal > 64 || (unsigned)target > USP_TARGET_TREE)
		return -EINVAL;
	if (client->error || client->freeing)
		return -EPIPE;
	if (client->on_killed)
		return -EBUSY;
	frame.arg = (uint32_t)signal;
	frame.flags = signal ? targets[target] : USP_WIRE_SIGNAL_PLAN;
	ret = sendq_put(&client->out, &frame, NULL);
	if (ret)
		return ret;
	client->on_killed = on_killed;
	client->killed_user = user;
	return 0;
}

int stats_tell_killed(struct usp_client *client, uint32_t job, int error)
{
	usp_killed_fn *on_killed = client->on_killed;

	if (!on_killed)
		return -EPROTO;
	client->on_killed = NULL;
	on_killed(client, job, error, client->killed_user);
	return 0;
}

int stats_tell(struct usp_client *client, const char *text, size_t size)
{
	usp_stats_fn *on_stats = client->on_stats;

	if (!on_stats)
		return -EPROTO;
	client->on_stats = NULL;
	on_stats(client, text, size, client->stats_user);
	return 0;
}
