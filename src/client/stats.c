/*
 * usp_client_stats(): a STAT frame, and the STATS that answers it.
 */
#include "client/stats.h"

#include <errno.h>
#include "client/client.h"

int usp_client_stats(struct usp_client *client, enum usp_stats_format format,
		     usp_stats_fn *on_stats, void *user)
{
	const struct frame frame = { .type = USP_WIRE_STAT, .flags = (uint16_t)format };
	int ret;

	if (!on_stats || (unsigned)format > USP_STATS_JSON)
		return -EINVAL;
	if (client->error || client->freeing)
		return -EPIPE;
	if (client->on_stats)
		return -EBUSY;
	ret = sendq_put(&client->out, &frame, NULL);
	if (ret)
		return ret;
	client->on_stats = on_stats;
	client->stats_user = user;
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
