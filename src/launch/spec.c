/*
 * What to run: checked and copied into blocks of memory.
 *
 * Each block is its struct, then its arrays, then the strings.  First a pass that
 * checks and measures, then the allocations, then a pass that copies.
 */
#include "launch/spec.h"

#include <errno.h>
#include <string.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "launch/env.h"
#include "launch/spec_parts.h"
#include "sys/fd.h"

/* ---- first pass: check and measure --------------------------------------- */

static int check_text(const struct bytes *text)
{
	if (!text->bytes)
		return 0;
	if (text->size == 0 || memchr(text->bytes, 0, text->size))
		return -EINVAL;
	return text->size >= STRING_BYTES_MAX ? -E2BIG : 0;
}

static int check_texts(const struct spec_input *input, const char **ret_field)
{
	const struct {
		const char *field;
		const struct bytes *text;
	} texts[] = { { "path", &input->path },
		      { "search", &input->search },
		      { "cwd", &input->cwd } };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int ret = check_text(texts[i].text);

		*ret_field = texts[i].field;
		if (ret < 0)
			return ret;
	}
	*ret_field = "search";
	return input->path.bytes && input->search.bytes ? -EINVAL : 0;
}

static int measure(const struct spec_input *input, struct measure *m,
		   const char **ret_field)
{
	int ret = check_texts(input, ret_field);

	if (ret == 0)
		ret = spec_env_measure(input, m, ret_field);
	if (ret == 0)
		ret = spec_fds_measure(input, m, ret_field);
	if (ret == 0)
		ret = spec_values_measure(input, m, ret_field);
	return ret;
}

/* ---- second pass: copy --------------------------------------------------- */

char *cursor_put(struct cursor *to, const struct bytes *text)
{
	char *place = to->bytes;

	memcpy(place, text->bytes, text->size);
	place[text->size] = '\0';
	to->bytes += text->size + 1;
	return place;
}

static struct spec_program *copy_program(const struct spec_input *input,
					 const struct measure *m)
{
	size_t pointers = m->n_argv + m->n_candidates + 2;
	size_t strings = m->argv_bytes + m->candidate_bytes + input->cwd.size + 1;
	struct spec_program *program =
		mem_alloc(sizeof(*program) + pointers * sizeof(char *) + strings);
	struct cursor to = { .pointers = (char **)(program + 1) };

	if (!program)
		return NULL;
	*program = (struct spec_program){ .env = spec_env_take(input, m) };
	if (!program->env) {
		mem_free(program);
		return NULL;
	}
	program->envp = spec_env_vector(program->env);
	to.bytes = (char *)(to.pointers + pointers);
	spec_env_copy(program, input, m, &to);
	if (input->cwd.bytes)
		program->cwd = cursor_put(&to, &input->cwd);
	return program;
}

static struct spec *copy(const struct spec_input *input, const struct measure *m)
{
	struct spec *spec = mem_alloc(sizeof(*spec) + m->n_fds * sizeof(struct spec_fd) +
				      m->n_groups * sizeof(gid_t) + m->name.size + 1 +
				      m->fd_bytes + m->cgroup_bytes);
	struct cursor to = { .fds = (struct spec_fd *)(spec + 1) };

	if (!spec)
		return NULL;
	*spec = (struct spec){ .program = copy_program(input, m), .n_fds = m->n_fds };
	if (!spec->program) {
		mem_free(spec);
		return NULL;
	}
	to.groups = (gid_t *)(to.fds + m->n_fds);
	to.bytes = (char *)(to.groups + m->n_groups);
	spec->name = cursor_put(&to, &m->name);
	spec_values_copy(spec, input, &to);
	spec_fds_copy(spec, input, &to);
	return spec;
}

static int make(const struct spec_input *input, struct spec **ret_spec,
		const char **ret_field)
{
	struct measure m = { 0 };
	int ret = measure(input, &m, ret_field);
	struct spec *spec;

	if (ret < 0)
		return ret;
	spec = copy(input, &m);
	if (!spec)
		return -ENOMEM;
	*ret_spec = spec;
	return 0;
}

/* The same with the environment that the three lists give together. */
static int make_with_env(const struct spec_input *input, struct spec **ret_spec,
			 const char **ret_field)
{
	struct spec_input whole = *input;
	own_mem const char **vector = NULL;
	int ret = env_make(&input->env, &input->env_extend, &input->env_unset, &vector,
			   ret_field);

	if (ret < 0)
		return ret;
	whole.env = (struct strings){ .vector = vector };
	return make(&whole, ret_spec, ret_field);
}

int spec_new(const struct spec_input *input, struct spec **ret_spec,
	     const char **ret_field)
{
	bool changed =
		strings_given(&input->env_extend) || strings_given(&input->env_unset);
	const char *field = "";
	int ret = changed ? make_with_env(input, ret_spec, &field)
			  : make(input, ret_spec, &field);

	if (ret < 0) {
		spec_fds_close(input);
		*ret_field = field;
	}
	return ret;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	for (size_t i = 0; i < spec->n_fds; i++)
		sys_close(spec->fds[i].fd);
	spec_forget_program(spec);
	mem_free(spec);
}

void spec_forget_program(struct spec *spec)
{
	if (spec->program)
		spec_env_leave(spec->program->env);
	mem_free(spec->program);
	spec->program = NULL;
}
