/*
 * From options to a process in the engine's queue.
 */
#include <errno.h>
#include <string.h>
#include "api/options.h"
#include "api/pool.h"
#include "engine/engine_parts.h"
#include "engine/template.h"
#include "sys/fd.h"

int engine_spawn(struct usp_engine *engine, struct admission_owner *owner,
		 struct spec_input *input, usp_event_fn *on_event, void *user,
		 struct usp_process **ret_process)
{
	const char *field = "";
	struct spec *spec = NULL;
	struct process *p;
	int ret;

	input->last_env = &engine->last_env;
	ret = spec_new(input, &spec, &field);
	if (ret == -ENOMEM)
		return ret;
	p = process_new(&engine->host, spec);
	if (!p) {
		spec_free(spec);
		return -ENOMEM;
	}
	p->handle.on_event = on_event;
	p->handle.user = user;
	p->admission = owner ? owner : &engine->own;
	list_append(&engine->processes, &p->link);
	if (ret < 0)
		process_refuse(p, USP_STAGE_VALIDATE, -ret, field);
	else
		admission_enter(&engine->admission, p);
	reactor_submit(engine->reactor);
	*ret_process = &p->handle;
	return 0;
}

/* ---- what a caller's options say ------------------------------------------ */

static struct bytes bytes_of(const char *string)
{
	return (struct bytes){ string, string ? strlen(string) : 0 };
}

struct spec_input engine_input(const struct usp_options *options)
{
	return (struct spec_input){
		.argv = { .vector = options->argv },
		.env = { .vector = options->envp },
		.env_extend = { .vector = options->env_extend },
		.env_unset = { .vector = options->env_unset },
		.path = bytes_of(options->path),
		.search = bytes_of(options->search),
		.cwd = bytes_of(options->cwd),
		.options = *options,
	};
}

/*
 * The caller keeps its descriptor, the spec gets a duplicate.  A negative one stays:
 * the spec refuses it, and names the field.
 */
static int duplicate(struct usp_stdio *stdio)
{
	int fd;

	if (stdio->kind != USP_STDIO_FD)
		return 0;
	fd = sys_dup(stdio->fd);
	if (fd < 0 && fd != -EBADF)
		return fd;
	stdio->fd = fd < 0 ? -1 : fd;
	return 0;
}

/* The first @n of @all are duplicates, which nobody else knows yet. */
static void close_duplicates(struct usp_stdio *const *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (all[i]->kind == USP_STDIO_FD)
			sys_close(all[i]->fd);
}

/* @fds: room for a copy of those that were added; the spec takes no more than those. */
static int duplicate_fds(struct usp_options *options, struct usp_fd *fds)
{
	struct usp_stdio *all[SPEC_FDS_MAX];
	size_t n = 0;

	for (int i = 0; i < 3; i++)
		all[n++] = &options->stdio[i];
	if (options->fds && options->n_fds <= USP_FDS_MAX) {
		memcpy(fds, options->fds, options->n_fds * sizeof(*fds));
		options->fds = fds;
		for (size_t i = 0; i < options->n_fds; i++)
			all[n++] = &fds[i].stdio;
	}
	for (size_t i = 0; i < n; i++) {
		int ret = duplicate(all[i]);

		if (ret < 0) {
			close_duplicates(all, i);
			return ret;
		}
	}
	return 0;
}

int usp_spawn(struct usp_engine *engine, const struct usp_options *options,
	      struct usp_process **ret_process)
{
	struct usp_fd fds[USP_FDS_MAX];
	struct usp_options full;
	struct spec_input input;
	struct usp_pool *pool;
	int ret = options_read_pool(options, engine, &pool, &full);

	enter_reactor();
	if (ret == 0 && pool)
		return engine->closing ? -ESHUTDOWN
				       : pool->verbs->use(pool, &full, ret_process);
	if (ret == 0)
		ret = options_read(options, &engine_template_verbs, &full);
	if (ret < 0)
		return ret;
	if (engine->closing)
		return -ESHUTDOWN;
	input = engine_input(&full);
	if (full.base)
		template_apply(template_of(full.base), &input);
	ret = duplicate_fds(&input.options, fds);
	if (ret < 0)
		return ret;
	return engine_spawn(engine, NULL, &input, input.options.on_event,
			    input.options.user, ret_process);
}
