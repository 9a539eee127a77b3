/*
 * usp_client_spawn(): options become a SPAWN or RUN frame.
 *
 * What the wire cannot say, or the kernel refuses here, is told by the next turn
 * as the failure of the process; nothing is told from inside the call.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "api/options.h"
#include "base/alloc.h"
#include "client/client.h"
#include "client/remote.h"
#include "sys/fd.h"
#include "wire/request.h"

/* A SPAWN in the making. */
struct ask {
	struct request request;
	int fds[3];
	uint8_t n_fds;
	struct usp_failure refusal; /* a stage: not to be sent */
};

static void empty(struct buf *buf)
{
	buf_consume(buf, buf_size(buf));
}

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

/* Pointers into the buffer are taken when it has stopped growing. */
static int pack_strings(struct buf *out, const struct usp_options *options,
			struct request *request)
{
	size_t argv_size, env_size;
	int ret;

	empty(out);
	ret = pack(out, options->argv, &argv_size);
	if (!ret)
		ret = pack(out, options->envp, &env_size);
	if (ret)
		return ret;
	if (argv_size)
		request->argv = (struct packed){ (char *)buf_bytes(out), argv_size };
	if (env_size)
		request->env =
			(struct packed){ (char *)buf_bytes(out) + argv_size, env_size };
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

static void add_fd(struct ask *ask, int fd)
{
	int copy = sys_dup(fd);

	if (copy == -EBADF)
		refuse(ask, USP_STAGE_VALIDATE, EBADF, "stdio");
	else if (copy < 0)
		refuse(ask, USP_STAGE_FDS, -copy, "stdio");
	else
		ask->fds[ask->n_fds++] = copy;
}

/* The numbers of enum usp_stdio_kind are those of the wire. */
static void add_stdio(struct ask *ask, const struct usp_options *options)
{
	for (int i = 0; i < 3; i++) {
		const struct usp_stdio *stdio = &options->stdio[i];

		if ((unsigned)stdio->kind > USP_STDIO_DUP ||
		    (stdio->kind == USP_STDIO_DUP && (unsigned)stdio->fd > 2)) {
			refuse(ask, USP_STAGE_VALIDATE, EINVAL, "stdio");
			return;
		}
		ask->request.stdio[i].kind = (uint8_t)stdio->kind;
		if (stdio->kind == USP_STDIO_DUP)
			ask->request.stdio[i].arg = (uint8_t)stdio->fd;
		if (stdio->kind == USP_STDIO_FD)
			add_fd(ask, stdio->fd);
	}
}

/* The numbers that the daemon would call malformed are refused here. */
static void add_numbers(struct ask *ask, const struct usp_options *options)
{
	struct request *request = &ask->request;

	if (options->group != USP_GROUP_NEW && options->group != USP_GROUP_SESSION)
		refuse(ask, USP_STAGE_VALIDATE, EINVAL, "group");
	if (options->kill.signal < 0 || options->kill.signal > NSIG - 1 ||
	    (options->kill.target != USP_TARGET_GROUP &&
	     options->kill.target != USP_TARGET_PROCESS))
		refuse(ask, USP_STAGE_VALIDATE, EINVAL, "kill");
	request->group = (uint32_t)options->group;
	request->timeout_ns = options->timeout_ns;
	request->kill_signal = (uint32_t)options->kill.signal;
	request->kill_target = (uint32_t)options->kill.target;
	request->kill_grace_ns = options->kill.grace_ns;
	request->ignored_signals = options->ignored_signals;
	request->has_window = options->window_bytes != 0;
	request->window_bytes = options->window_bytes;
}

static int make_ask(struct usp_client *client, const struct usp_options *options,
		    struct ask *ask)
{
	int ret;

	ask->request.path = text_of(options->path);
	ask->request.search = text_of(options->search);
	ask->request.cwd = text_of(options->cwd);
	ret = pack_strings(&client->strings, options, &ask->request);
	if (ret)
		return ret;
	add_numbers(ask, options);
	add_stdio(ask, options);
	if (ask->refusal.stage)
		return 0;
	empty(&client->payload);
	return request_encode(&ask->request, &client->payload);
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
	struct ask ask = { 0 };
	int ret;

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
