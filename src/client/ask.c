/*
 * usp_client_spawn(): options become a SPAWN or RUN frame.
 *
 * What the wire cannot say, or the kernel refuses here, is told by the next turn
 * as the failure of the process; nothing is told from inside the call.
 */
#include <errno.h>
#include <string.h>
#include "api/options.h"
#include "base/alloc.h"
#include "base/annotate.h"
#include "client/client.h"
#include "client/remote.h"
#include "sys/fd.h"
#include "wire/request.h"

/* A request in the making. */
struct ask {
	struct request request;
	int fds[USP_WIRE_FDS_MAX];
	uint8_t n_fds;
	struct usp_failure refusal; /* a stage: not to be sent */
};

static void empty(struct buf *buf)
{
	buf_consume(buf, buf_size(buf));
}

/* Append the strings of a vector; nothing for NULL. */
static int pack(struct buf *out, const char *const *strings, size_t *ret_size)
{
	size_t before = buf_size(out);

	for (size_t i = 0; strings && strings[i]; i++) {
		int ret = buf_append(out, strings[i], strlen(strings[i]) + 1);

		if (ret)
			return ret;
	}
	*ret_size = buf_size(out) - before;
	return 0;
}

/* Pointers into the buffer are taken when it has stopped growing.  A vector without
 * strings says something else than no vector. */
static int pack_strings(struct buf *out, const struct usp_options *options,
			struct request *request)
{
	const struct {
		const char *const *vector;
		struct packed *packed;
	} lists[] = {
		{ options->argv, &request->argv },
		{ options->envp, &request->env },
		{ options->env_extend, &request->env_extend },
		{ options->env_unset, &request->env_unset },
	};
	const char *at;

	empty(out);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		int ret = pack(out, lists[i].vector, &lists[i].packed->size);

		if (ret)
			return ret;
	}
	at = buf_bytes(out) ? (const char *)buf_bytes(out) : "";
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		lists[i].packed->bytes = lists[i].vector ? at : NULL;
		at += lists[i].packed->size;
	}
	return 0;
}

static struct text text_of(const char *string)
{
	return string ? (struct text){ string, strlen(string) } : (struct text){ 0 };
}

static void refuse(struct ask *ask, enum usp_stage stage, int error, const char *field)
{
	if (!ask->refusal.stage)
		ask->refusal = (struct usp_failure){ .stage = stage,
						     .error = error,
						     .path = field };
}

static void add_fd(struct ask *ask, const struct usp_stdio *stdio, const char *field)
{
	int copy;

	if (stdio->kind != USP_STDIO_FD || ask->refusal.stage)
		return;
	if (ask->n_fds == USP_WIRE_FDS_MAX) {
		refuse(ask, USP_STAGE_VALIDATE, EINVAL, field);
		return;
	}
	copy = sys_dup(stdio->fd);
	if (copy == -EBADF)
		refuse(ask, USP_STAGE_VALIDATE, EBADF, field);
	else if (copy < 0)
		refuse(ask, USP_STAGE_FDS, -copy, field);
	else
		ask->fds[ask->n_fds++] = copy;
}

/* In the order in which the daemon takes them. */
static void add_fds(struct ask *ask, const struct usp_options *options)
{
	for (int i = 0; i < 3; i++)
		add_fd(ask, &options->stdio[i], "stdio");
	for (size_t i = 0; i < options->n_fds; i++)
		add_fd(ask, &options->fds[i].stdio, "fds");
}

/* What has no form on the wire is refused here. */
static int make_ask(struct usp_client *client, const struct usp_options *options,
		    struct ask *ask)
{
	const char *field;
	int ret;

	ask->request.path = text_of(options->path);
	ask->request.search = text_of(options->search);
	ask->request.cwd = text_of(options->cwd);
	ask->request.template_id = 0;
	ask->request.options = *options;
	ret = pack_strings(&client->strings, options, &ask->request);
	if (ret)
		return ret;
	empty(&client->payload);
	ret = request_encode(&ask->request, &client->payload, &field);
	if (ret == -EINVAL) {
		refuse(ask, USP_STAGE_VALIDATE, EINVAL, field);
		return 0;
	}
	if (!ret)
		add_fds(ask, options);
	return ret;
}

static uint32_t free_job(struct usp_client *client)
{
	do
		client->last_job++;
	while (client->last_job == 0 || table_get(&client->jobs, client->last_job));
	return client->last_job;
}

static int enlist(struct usp_client *client, struct remote *remote, struct ask *ask,
		  uint8_t type)
{
	struct frame frame = {
		.type = type,
		.fds = ask->n_fds,
		.job = free_job(client),
		.payload = buf_bytes(&client->payload),
		.payload_bytes = (uint32_t)buf_size(&client->payload),
	};
	int ret = table_put(&client->jobs, frame.job, remote);

	if (ret)
		return ret;
	ask->n_fds = 0; /* the sendq takes them */
	ret = sendq_put(&client->out, &frame, ask->fds);
	if (ret) {
		table_remove(&client->jobs, frame.job);
		return ret;
	}
	remote->job = frame.job;
	list_append(&client->remotes, &remote->link);
	return 0;
}

static struct remote *new_remote(struct usp_client *client,
				 const struct usp_options *options)
{
	struct remote *remote = mem_zalloc(sizeof(*remote));

	if (!remote)
		return NULL;
	remote->process = (struct usp_process){
		.verbs = &remote_verbs,
		.on_event = options->on_event,
		.user = options->user,
	};
	remote->client = client;
	list_init(&remote->link);
	remote->stdin_piped = options->stdio[0].kind == USP_STDIO_PIPE;
	remote->stdin_window_bytes = client->limits.stdin_window_bytes;
	remote->own_credit = options->window_bytes != 0;
	return remote;
}

static int spawn(struct usp_client *client, const struct usp_options *options,
		 struct ask *ask, struct remote **ret_remote)
{
	uint8_t type = options->flags & USP_FLAG_RUN ? USP_WIRE_RUN : USP_WIRE_SPAWN;
	struct remote *remote;
	int ret;

	ret = make_ask(client, options, ask);
	if (ret)
		return ret;
	remote = new_remote(client, options);
	if (!remote)
		return -ENOMEM;
	if (ask->refusal.stage) {
		remote->state = REMOTE_REFUSED;
		remote->refusal = ask->refusal;
		list_append(&client->refused, &remote->link);
	} else {
		ret = enlist(client, remote, ask, type);
	}
	if (ret) {
		mem_free(remote);
		return ret;
	}
	*ret_remote = remote;
	return 0;
}

int usp_client_spawn(struct usp_client *client, const struct usp_options *given,
		     struct usp_process **ret_process)
{
	struct usp_options options;
	struct remote *remote = NULL;
	struct ask ask;
	int ret;

	ask.n_fds = 0;
	ask.refusal = (struct usp_failure){ 0 };
	ret = options_read(given, &options);
	if (ret)
		return ret;
	if (client->error || client->freeing)
		return -EPIPE;

	ret = spawn(client, &options, &ask, &remote);
	for (unsigned i = 0; i < ask.n_fds; i++)
		sys_close(ask.fds[i]);
	if (ret)
		return ret;
	*ret_process = &remote->process;
	return 0;
}
