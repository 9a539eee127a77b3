/*
 * Options become fields.
 *
 * What the wire cannot say, or the kernel refuses here, is the refusal of the process
 * rather than an error of the call.
 */
#include "client/ask.h"

#include <errno.h>
#include <string.h>
#include "base/annotate.h"
#include "client/client.h"
#include "sys/fd.h"

static void shorten(struct buf *buf, size_t size)
{
	buf->end = buf->start + size;
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

	shorten(out, 0);
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

/* What stands in the place of a program, and what a pool is beside its member. */
struct what {
	uint32_t template_id, pool_id;
	const struct usp_pool_options *pool;
};

static void make_pool(struct request *request, const struct usp_pool_options *pool)
{
	request->pool_name = (struct text){ 0 };
	request->pool = (struct usp_pool_options){ 0 };
	request->pool_outputs = false;
	if (!pool)
		return;
	request->pool_name = text_of(pool->name);
	request->pool = *pool;
	request->pool_outputs = pool->on_output != NULL;
}

static int make_request(struct ask *ask, const struct usp_options *options,
			const struct what *what)
{
	struct request *request = &ask->request;

	request->path = text_of(options->path);
	request->search = text_of(options->search);
	request->cwd = text_of(options->cwd);
	request->template_id = what->template_id;
	request->pool_id = what->pool_id;
	make_pool(request, what->pool);
	request->options = *options;
	return pack_strings(&ask->client->strings, options, request);
}

/* ---- descriptors ---------------------------------------------------------- */

static struct usp_failure failure(enum usp_stage stage, int error, const char *field)
{
	return (struct usp_failure){ .stage = stage, .error = error, .path = field };
}

static void add_fd(struct ask *ask, const struct usp_stdio *stdio, const char *field,
		   struct usp_failure *refusal)
{
	int copy;

	if (stdio->kind != USP_STDIO_FD || refusal->stage)
		return;
	copy = sys_dup(stdio->fd);
	if (copy == -EBADF)
		*refusal = failure(USP_STAGE_VALIDATE, EBADF, field);
	else if (copy < 0)
		*refusal = failure(USP_STAGE_FDS, -copy, field);
	else
		ask->fds[ask->n_fds++] = copy;
}

/* In the order in which the daemon takes them.  Returns 0, or -EMSGSIZE: more than one
 * frame carries. */
static int add_fds(struct ask *ask, const struct usp_options *options,
		   struct usp_failure *refusal)
{
	if (ask->n_fds + request_fds(&ask->request) > USP_WIRE_FDS_MAX)
		return -EMSGSIZE;
	for (int i = 0; i < 3; i++)
		add_fd(ask, &options->stdio[i], "stdio", refusal);
	for (size_t i = 0; i < options->n_fds; i++)
		add_fd(ask, &options->fds[i].stdio, "fds", refusal);
	return 0;
}

static void close_from(struct ask *ask, unsigned first)
{
	for (unsigned i = first; i < ask->n_fds; i++)
		sys_close(ask->fds[i]);
	ask->n_fds = first;
}

/* ---- the whole -------------------------------------------------------------- */

void ask_begin(struct ask *ask, struct usp_client *client)
{
	ask->client = client;
	ask->n_fds = 0;
	shorten(&client->payload, 0);
}

static int add(struct ask *ask, const struct usp_options *options,
	       const struct what *what, struct usp_failure *ret_refusal)
{
	struct buf *payload = &ask->client->payload;
	struct usp_failure refusal = { 0 };
	size_t before = buf_size(payload);
	unsigned n_fds = ask->n_fds;
	const char *field;
	int ret = make_request(ask, options, what);

	if (ret)
		return ret;
	ret = request_encode(&ask->request, payload, &field);
	if (!ret)
		ret = add_fds(ask, options, &refusal);
	else if (ret == -EINVAL)
		refusal = failure(USP_STAGE_VALIDATE, EINVAL, field);
	else
		return ret;
	if (refusal.stage) {
		close_from(ask, n_fds);
		shorten(payload, before);
		ret = 0;
	}
	*ret_refusal = refusal;
	return ret;
}

int ask_add(struct ask *ask, const struct usp_options *options, uint32_t template_id,
	    struct usp_failure *ret_refusal)
{
	return add(ask, options, &(struct what){ .template_id = template_id },
		   ret_refusal);
}

int ask_add_use(struct ask *ask, const struct usp_options *options, uint32_t pool_id,
		struct usp_failure *ret_refusal)
{
	return add(ask, options, &(struct what){ .pool_id = pool_id }, ret_refusal);
}

int ask_add_pool(struct ask *ask, const struct usp_pool_options *options,
		 const struct usp_options *member, uint32_t template_id,
		 struct usp_failure *ret_refusal)
{
	return add(ask, member,
		   &(struct what){ .template_id = template_id, .pool = options },
		   ret_refusal);
}

void ask_drop(struct ask *ask)
{
	close_from(ask, 0);
}
