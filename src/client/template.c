/*
 * Templates: what was sent is kept here as well, for a daemon that comes after the one
 * that is lost.
 *
 * One that says nothing of what the daemon has to know has no id, and no request names
 * it: a TEMPLATE without a payload would mean something else.
 */
#include "client/template.h"

#include <errno.h>
#include <string.h>
#include "api/options.h"
#include "base/alloc.h"
#include "client/ask.h"
#include "client/client.h"
#include "wire/frame.h"

struct client_template {
	struct usp_template handle; /* first */
	struct usp_client *client;  /* NULL: it was freed */
	struct list link;	    /* client.templates */
	uint32_t id;		    /* 0: the daemon need not know it */
	uint32_t payload_bytes;
	uint8_t *payload;
	unsigned held;	     /* by pools */
	bool freed;	     /* but for those */
	struct usp_fd fds[]; /* handle.options.fds */
};

static struct client_template *of_link(struct list *link)
{
	return container_of(link, struct client_template, link);
}

int client_template_id(const struct usp_template *kept, const struct usp_client *client,
		       uint32_t *ret_id)
{
	const struct client_template *t = (const struct client_template *)kept;

	if (t->client != client)
		return -EINVAL;
	*ret_id = t->id;
	return 0;
}

static bool id_taken(const struct usp_client *client, uint32_t id)
{
	list_each(link, next, (struct list *)&client->templates)
		if (of_link(link)->id == id)
			return true;
	return false;
}

static uint32_t free_id(struct usp_client *client)
{
	do
		client->last_template++;
	while (client->last_template == 0 || id_taken(client, client->last_template));
	return client->last_template;
}

/* ---- what the daemon hears ---------------------------------------------------- */

static int send_template(struct client_template *t)
{
	struct frame frame = {
		.type = USP_WIRE_TEMPLATE,
		.arg = t->id,
		.payload = t->payload,
		.payload_bytes = t->payload_bytes,
	};

	return t->id ? sendq_put(&t->client->out, &frame, NULL) : 0;
}

int client_templates_send(struct usp_client *client)
{
	if (client->template_bytes > client->limits.frame_bytes)
		return -EMSGSIZE;
	list_each(link, next, &client->templates) {
		int ret = send_template(of_link(link));

		if (ret)
			return ret;
	}
	return 0;
}

void client_templates_orphan(struct usp_client *client)
{
	struct list *link;

	while ((link = list_take_first(&client->templates)))
		of_link(link)->client = NULL;
}

/* ---- life ------------------------------------------------------------------------ */

static void leave(struct client_template *t)
{
	struct usp_client *client = t->client;
	struct frame forget = { .type = USP_WIRE_TEMPLATE, .arg = t->id };

	list_remove(&t->link);
	client->n_templates--;
	client->template_bytes -= t->payload_bytes;
	if (t->id && !client->error && !client->freeing)
		client_post(client, &forget);
}

static void free_template(struct usp_template *handle)
{
	struct client_template *t = (struct client_template *)handle;

	t->freed = true;
	if (t->held)
		return;
	if (t->client)
		leave(t);
	mem_free(t->payload);
	mem_free(t);
}

const struct template_verbs client_template_verbs = { .free = free_template };

void client_template_hold(struct usp_template *kept)
{
	((struct client_template *)kept)->held++;
}

void client_template_drop(struct usp_template *kept)
{
	struct client_template *t = (struct client_template *)kept;

	t->held--;
	if (t->freed)
		free_template(kept);
}

/* What a request that names it has to know: no more than its numbers. */
static void set_options(struct client_template *t, const struct usp_options *options)
{
	t->handle.has_argv = options->argv != NULL;
	t->handle.options = *options;
	if (options->n_fds)
		memcpy(t->fds, options->fds, options->n_fds * sizeof(t->fds[0]));
	t->handle.options.fds = t->fds;
}

/* Of what is encoded in client.payload. */
static struct client_template *new_template(struct usp_client *client,
					    const struct usp_options *options)
{
	size_t size = buf_size(&client->payload);
	struct client_template *t =
		mem_zalloc(sizeof(*t) + options->n_fds * sizeof(t->fds[0]));

	if (!t)
		return NULL;
	t->payload = mem_alloc(size + !size);
	if (!t->payload) {
		mem_free(t);
		return NULL;
	}
	if (size)
		memcpy(t->payload, buf_bytes(&client->payload), size);
	t->payload_bytes = (uint32_t)size;
	t->id = size ? free_id(client) : 0;
	t->client = client;
	t->handle.verbs = &client_template_verbs;
	set_options(t, options);
	return t;
}

static int encode(struct usp_client *client, const struct usp_options *options)
{
	struct usp_failure refusal;
	struct ask ask;
	int ret;

	ask_begin(&ask, client);
	ret = ask_add(&ask, options, 0, &refusal);
	if (ret)
		return ret;
	if (refusal.stage)
		return -EINVAL;
	if (client->n_templates == USP_WIRE_TEMPLATES_MAX ||
	    client->template_bytes + buf_size(&client->payload) >
		    client->limits.frame_bytes)
		return -EDQUOT;
	return 0;
}

int usp_client_template_new(struct usp_client *client, const struct usp_options *options,
			    struct usp_template **ret_template)
{
	struct client_template *t;
	struct usp_options full;
	int ret = options_read_template(options, &full);

	if (ret)
		return ret;
	if (client->error || client->freeing)
		return -EPIPE;
	ret = encode(client, &full);
	if (ret)
		return ret;
	t = new_template(client, &full);
	if (!t)
		return -ENOMEM;
	ret = send_template(t);
	if (ret) {
		mem_free(t->payload);
		mem_free(t);
		return ret;
	}
	list_append(&client->templates, &t->link);
	client->n_templates++;
	client->template_bytes += t->payload_bytes;
	*ret_template = &t->handle;
	return 0;
}
