/*
 * Templates: copied into one block of memory, as specs are.
 *
 * The environment is kept as its three lists make it, so that a spawn finds it done.
 * Nothing is judged here but what has to be to copy it: the rest is for the spec of each
 * process, which sees both together.
 */
#include "engine/template.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "api/options.h"
#include "base/alloc.h"
#include "base/annotate.h"
#include "engine/engine.h"
#include "launch/env.h"

/* All bytes of one: what a spec may have, twice, for lists and paths. */
#define TEMPLATE_BYTES_MAX (32u << 20)

struct template
{
	struct usp_template handle; /* first */
	struct spec_input input;    /* its pointers lead to @bytes */
	_Alignas(max_align_t) char bytes[];
};

const struct template *template_of(const struct usp_template *handle)
{
	return (const struct template *)handle;
}

/* ---- measuring and copying -------------------------------------------------- */

/*
 * Goes through all that an input points to: without @block it adds up what that
 * takes, with it everything is copied there and pointed to.
 */
struct copier {
	char *block;
	size_t size;
};

static const void *copy_bytes(struct copier *c, const void *bytes, size_t size)
{
	char *place = c->block ? c->block + c->size : NULL;

	c->size += size;
	return place && size ? memcpy(place, bytes, size) : place;
}

/* Where the next thing may be an array of anything. */
static void align(struct copier *c)
{
	c->size = (c->size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
}

static const char *copy_string(struct copier *c, const char *string)
{
	return string ? copy_bytes(c, string, strlen(string) + 1) : NULL;
}

static struct strings copy_strings(struct copier *c, const struct strings *s)
{
	struct strings copy = { 0 };
	size_t before = c->size;

	if (!strings_given(s))
		return copy;
	if (s->packed)
		copy.packed = copy_bytes(c, s->packed, s->packed_bytes);
	else
		copy.packed = copy_bytes(c, "", 0);
	for (size_t i = 0; s->vector && !s->packed && s->vector[i]; i++)
		copy_string(c, s->vector[i]);
	copy.packed_bytes = c->size - before;
	return copy;
}

static struct bytes copy_text(struct copier *c, const struct bytes *text)
{
	if (!text->bytes)
		return (struct bytes){ 0 };
	return (struct bytes){ copy_bytes(c, text->bytes, text->size), text->size };
}

static void copy_fds(struct copier *c, const struct usp_options *from,
		     struct usp_options *to)
{
	struct usp_fd *fds;

	align(c);
	fds = (struct usp_fd *)copy_bytes(c, from->fds, from->n_fds * sizeof(*fds));
	for (size_t i = 0; i < from->n_fds; i++) {
		const char *path = copy_string(c, from->fds[i].stdio.path);

		if (fds)
			fds[i].stdio.path = path;
	}
	to->fds = fds;
}

static void copy_options(struct copier *c, const struct usp_options *from,
			 struct usp_options *to)
{
	*to = *from;
	to->argv = to->envp = to->env_extend = to->env_unset = NULL;
	to->path = to->search = to->cwd = NULL;
	copy_fds(c, from, to);
	align(c);
	to->groups = copy_bytes(c, from->groups, from->n_groups * sizeof(*from->groups));
	for (int i = 0; i < 3; i++)
		to->stdio[i].path = copy_string(c, from->stdio[i].path);
	to->cgroup.path = copy_string(c, from->cgroup.path);
}

static void copy_input(struct copier *c, const struct spec_input *from,
		       struct spec_input *to)
{
	*to = (struct spec_input){ 0 };
	copy_options(c, &from->options, &to->options);
	to->argv = copy_strings(c, &from->argv);
	to->env = copy_strings(c, &from->env);
	to->path = copy_text(c, &from->path);
	to->search = copy_text(c, &from->search);
	to->cwd = copy_text(c, &from->cwd);
}

/* ---- making one --------------------------------------------------------------- */

/* Returns 0, or -EINVAL: its lists are longer than they may be. */
static int check_lists(const struct usp_options *options, const char **ret_field)
{
	*ret_field = "fds";
	if (options->n_fds > USP_FDS_MAX || (options->n_fds && !options->fds))
		return -EINVAL;
	*ret_field = "credentials";
	if (options->n_groups > USP_GROUPS_MAX || (options->n_groups && !options->groups))
		return -EINVAL;
	return 0;
}

static int make(const struct spec_input *input, struct template **ret_template)
{
	struct copier measure = { .block = NULL }, copy = { .block = NULL };
	struct spec_input unused;
	struct template *t;

	copy_input(&measure, input, &unused);
	if (measure.size > TEMPLATE_BYTES_MAX)
		return -E2BIG;
	t = mem_alloc(sizeof(*t) + measure.size);
	if (!t)
		return -ENOMEM;
	copy.block = t->bytes;
	copy_input(&copy, input, &t->input);
	t->handle = (struct usp_template){
		.verbs = &engine_template_verbs,
		.has_argv = strings_given(&input->argv),
		.options = t->input.options,
	};
	*ret_template = t;
	return 0;
}

int template_new(const struct spec_input *input, struct template **ret_template,
		 const char **ret_field)
{
	struct spec_input whole = *input;
	own_mem const char **vector = NULL;
	int ret = check_lists(&input->options, ret_field);

	if (ret < 0)
		return ret;
	if (strings_given(&input->env_extend) || strings_given(&input->env_unset)) {
		ret = env_make(&input->env, &input->env_extend, &input->env_unset,
			       &vector, ret_field);
		whole.env = (struct strings){ .vector = vector };
	}
	if (ret < 0)
		return ret;
	*ret_field = "";
	return make(&whole, ret_template);
}

void template_free(struct template *t)
{
	mem_free(t);
}

/* ---- using it ------------------------------------------------------------------- */

static void inherit_strings(struct strings *strings, const struct strings *base)
{
	if (!strings_given(strings))
		*strings = *base;
}

/* A path and a name to look up exclude each other, so they are said together. */
static void inherit_program(struct spec_input *input, const struct spec_input *base)
{
	if (input->path.bytes || input->search.bytes)
		return;
	input->path = base->path;
	input->search = base->search;
}

void template_apply(const struct template *t, struct spec_input *input)
{
	inherit_strings(&input->argv, &t->input.argv);
	inherit_strings(&input->env, &t->input.env);
	inherit_program(input, &t->input);
	if (!input->cwd.bytes)
		input->cwd = t->input.cwd;
	options_inherit(&input->options, &t->input.options);
}

/* ---- the public calls --------------------------------------------------------------- */

static void free_handle(struct usp_template *handle)
{
	template_free((struct template *)handle);
}

const struct template_verbs engine_template_verbs = { .free = free_handle };

int usp_template_new(struct usp_engine *engine, const struct usp_options *options,
		     struct usp_template **ret_template)
{
	struct usp_options full;
	struct spec_input input;
	struct template *t;
	const char *field;
	int ret = options_read_template(options, &full);

	(void)engine; /* it keeps nothing of it: any engine's processes may use it */
	if (ret < 0)
		return ret;
	input = engine_input(&full);
	ret = template_new(&input, &t, &field);
	if (ret < 0)
		return ret;
	*ret_template = &t->handle;
	return 0;
}
