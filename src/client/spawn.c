/*
 * usp_client_spawn() and usp_client_spawn_batch(): one frame for all, and a remote for
 * each.
 *
 * All of them are asked for, or none.  A process that is refused is told so by the next
 * turn, and the daemon does not hear of it; nothing is told from inside the call.
 */
#include <errno.h>
#include "api/options.h"
#include "base/alloc.h"
#include "client/ask.h"
#include "client/client.h"
#include "client/pool.h"
#include "client/remote.h"
#include "client/template.h"

/* A call in the making. */
struct order {
	struct ask ask;
	bool batch;
	struct list made;   /* remotes, in their order */
	struct frame frame; /* of the last one that is not refused */
	unsigned n_asked;   /* those */
};

static uint32_t free_job(struct usp_client *client)
{
	do
		client->last_job++;
	while (client->last_job == 0 || table_get(&client->jobs, client->last_job));
	return client->last_job;
}

/* The payload is encoded: it gets a number, and in a batch its header. */
static int number(struct order *order, struct remote *remote, uint32_t flags,
		  size_t before)
{
	struct usp_client *client = order->ask.client;
	struct buf *payload = &client->payload;
	int ret;

	order->frame = (struct frame){
		.type = flags & USP_FLAG_RUN ? USP_WIRE_RUN : USP_WIRE_SPAWN,
		.job = free_job(client),
	};
	ret = table_put(&client->jobs, order->frame.job, remote);
	if (ret)
		return ret;
	remote->job = order->frame.job;
	order->n_asked++;
	if (order->batch) {
		order->frame.fds = (uint8_t)request_fds(&order->ask.request);
		order->frame.payload_bytes =
			(uint32_t)(buf_size(payload) - before - USP_WIRE_BATCH_BYTES);
		batch_encode_header(&order->frame, buf_bytes(payload) + before);
	}
	return 0;
}

/* Room for the header of an entry, which is written when the entry is known. */
static int begin_entry(struct order *order)
{
	static const uint8_t header[USP_WIRE_BATCH_BYTES];

	if (!order->batch)
		return 0;
	return buf_append(&order->ask.client->payload, header, sizeof(header));
}

/* The remote is made, and its request is encoded or refused: @ret says. */
static int enter(struct order *order, struct remote *remote, int ret, uint32_t flags,
		 size_t before)
{
	struct buf *payload = &order->ask.client->payload;

	if (ret)
		return ret;
	if (!remote->refusal.stage)
		return number(order, remote, flags, before);
	payload->end = payload->start + before;
	remote->state = REMOTE_REFUSED;
	return 0;
}

static int add_use(struct order *order, const struct usp_options *options)
{
	size_t before = buf_size(&order->ask.client->payload);
	struct remote *remote = client_pool_use(options->pool, options);
	int ret;

	if (!remote)
		return -ENOMEM;
	list_append(&order->made, &remote->link);
	ret = begin_entry(order);
	if (!ret && options->base)
		remote->refusal = (struct usp_failure){ .stage = USP_STAGE_VALIDATE,
							.error = EINVAL,
							.path = "base" };
	else if (!ret)
		ret = ask_add_use(&order->ask, options, client_pool_id(options->pool),
				  &remote->refusal);
	return enter(order, remote, ret, options->flags, before);
}

static int add_program(struct order *order, const struct usp_options *given)
{
	struct usp_client *client = order->ask.client;
	size_t before = buf_size(&client->payload);
	struct usp_options options, whole;
	struct remote *remote;
	uint32_t template_id = 0;
	int ret = options_read(given, &client_template_verbs, &options);

	if (!ret && options.base)
		ret = client_template_id(options.base, client, &template_id);
	if (ret)
		return ret;
	whole = options;
	if (options.base)
		options_inherit(&whole, &options.base->options);
	remote = remote_new(client, &whole);
	if (!remote)
		return -ENOMEM;
	list_append(&order->made, &remote->link);
	ret = begin_entry(order);
	if (!ret)
		ret = ask_add(&order->ask, &options, template_id, &remote->refusal);
	return enter(order, remote, ret, whole.flags, before);
}

static int add(struct order *order, const struct usp_options *given)
{
	struct usp_options options;
	struct usp_pool *pool;
	int ret = options_read_pool(given, order->ask.client, &pool, &options);

	if (ret)
		return ret;
	return pool ? add_use(order, &options) : add_program(order, given);
}

/* Hand the frame over.  Its descriptors are gone then, also when that fails. */
static int send_order(struct order *order)
{
	struct usp_client *client = order->ask.client;
	struct frame frame = order->frame;

	if (order->n_asked == 0)
		return 0;
	if (order->batch)
		frame = (struct frame){ .type = USP_WIRE_BATCH };
	frame.fds = (uint8_t)order->ask.n_fds;
	frame.payload = buf_bytes(&client->payload);
	frame.payload_bytes = (uint32_t)buf_size(&client->payload);
	order->ask.n_fds = 0;
	return sendq_put(&client->out, &frame, order->ask.fds);
}

static void undo(struct order *order)
{
	struct usp_client *client = order->ask.client;
	struct list *link;

	ask_drop(&order->ask);
	while ((link = list_take_first(&order->made))) {
		struct remote *remote = container_of(link, struct remote, link);

		if (remote->job)
			table_remove(&client->jobs, remote->job);
		mem_free(remote);
	}
}

static void enlist(struct order *order, struct usp_process **ret_processes)
{
	struct usp_client *client = order->ask.client;
	struct list *link;

	for (size_t i = 0; (link = list_take_first(&order->made)); i++) {
		struct remote *remote = container_of(link, struct remote, link);

		list_append(remote->job ? &client->remotes : &client->refused, link);
		ret_processes[i] = &remote->process;
	}
}

/* Options of another size than the ones known here lie so far apart. */
static const struct usp_options *nth(const struct usp_options *options, size_t i)
{
	return (const void *)((const char *)options + i * options->size);
}

static int spawn(struct usp_client *client, const struct usp_options *options, size_t n,
		 bool batch, struct usp_process **ret_processes)
{
	struct order order;
	int ret = 0;

	if (client->error || client->freeing)
		return -EPIPE;
	order.batch = batch;
	order.n_asked = 0;
	list_init(&order.made);
	ask_begin(&order.ask, client);
	for (size_t i = 0; i < n && !ret; i++)
		ret = nth(options, i)->size == options->size
			      ? add(&order, nth(options, i))
			      : -EINVAL;
	if (!ret)
		ret = send_order(&order);
	if (ret)
		undo(&order);
	else
		enlist(&order, ret_processes);
	return ret;
}

int usp_client_spawn(struct usp_client *client, const struct usp_options *options,
		     struct usp_process **ret_process)
{
	return options ? spawn(client, options, 1, false, ret_process) : -EINVAL;
}

int usp_client_spawn_batch(struct usp_client *client, const struct usp_options *options,
			   size_t n, struct usp_process **ret_processes)
{
	if (n && !options)
		return -EINVAL;
	return spawn(client, options, n, true, ret_processes);
}
