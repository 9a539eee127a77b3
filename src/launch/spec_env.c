/*
 * What a spec executes: its argv and environment, and the files to try.
 */
#include "launch/spec_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include "base/alloc.h"

/* All strings together.  The kernel takes less (a quarter of the stack's limit, at
 * most 6 MiB) and says so at exec; this only bounds what is copied. */
#define STRINGS_BYTES_MAX (16u << 20)

/* Behind it are its pointers, and behind those its strings, one after the other. */
struct spec_env {
	struct spec_env **last; /* as in the input; it may stand there */
	unsigned users;
	size_t n, bytes;
};

/* What execvpe() searches when the environment has no PATH. */
static const char default_path[] = "/bin:/usr/bin";

/* ---- first pass: check and measure --------------------------------------- */

static int measure_strings(const struct strings *s, size_t *ret_count, size_t *ret_bytes)
{
	size_t count = 0, total = 0, size;

	if (!s->packed && !s->vector)
		return 0;
	for (;; count++, total += size) {
		const char *string = s->packed ? s->packed + total : s->vector[count];

		if (s->packed ? total == s->packed_bytes : !string)
			break;
		if (s->packed) {
			const char *nul = memchr(string, 0, s->packed_bytes - total);

			if (!nul)
				return -EINVAL;
			size = (size_t)(nul - string) + 1;
		} else {
			size = strlen(string) + 1;
		}
		if (size > STRING_BYTES_MAX || total + size > STRINGS_BYTES_MAX)
			return -E2BIG;
	}
	*ret_count = count;
	*ret_bytes = total;
	return 0;
}

/* The string at the start of @s, or the one at @offset, @index of a vector. */
static struct bytes string_at(const struct strings *s, size_t offset, size_t index)
{
	const char *string = s->packed ? s->packed + offset : s->vector[index];

	return (struct bytes){ string, strlen(string) };
}

/* The value of PATH in the child's own environment. */
static struct bytes find_path(const struct strings *env, size_t n_env)
{
	size_t offset = 0;

	for (size_t i = 0; i < n_env; i++) {
		struct bytes string = string_at(env, offset, i);

		if (string.size >= 5 && memcmp(string.bytes, "PATH=", 5) == 0)
			return (struct bytes){ string.bytes + 5, string.size - 5 };
		offset += string.size + 1;
	}
	return (struct bytes){ default_path, sizeof(default_path) - 1 };
}

/* The element of a PATH at @offset; -1 steps past the last one. */
static struct bytes path_element(const struct bytes *path, size_t offset)
{
	const char *start = path->bytes + offset;
	const char *colon = memchr(start, ':', path->size - offset);

	return (struct bytes){ start,
			       colon ? (size_t)(colon - start) : path->size - offset };
}

/* An empty element means the working directory: the bare name. */
static size_t candidate_size(const struct bytes *element, const struct bytes *name)
{
	return (element->size ? element->size + 1 : 0) + name->size + 1;
}

/* As execvpe() decides: a name with a slash, an empty one, or a path, is not searched for. */
static void measure_candidates(const struct spec_input *input, struct measure *m)
{
	m->n_candidates = 1;
	m->candidate_bytes = m->name.size + 1;
	if (input->path.bytes || m->name.size == 0 ||
	    memchr(m->name.bytes, '/', m->name.size))
		return;
	m->elements = find_path(&input->env, m->n_env);
	m->n_candidates = m->candidate_bytes = 0;
	for (size_t at = 0; at <= m->elements.size;) {
		struct bytes element = path_element(&m->elements, at);

		m->n_candidates++;
		m->candidate_bytes += candidate_size(&element, &m->name);
		at += element.size + 1;
	}
}

char **spec_env_vector(struct spec_env *env)
{
	return (char **)(env + 1);
}

static bool is_same(struct spec_env *env, const struct strings *s)
{
	char **vector = spec_env_vector(env);
	size_t i = 0;

	if (s->packed)
		return s->packed_bytes == env->bytes &&
		       memcmp(s->packed, vector + env->n + 1, env->bytes) == 0;
	if (!s->vector)
		return env->n == 0;
	while (i < env->n && s->vector[i] && strcmp(s->vector[i], vector[i]) == 0)
		i++;
	return i == env->n && !s->vector[i];
}

/* One that is there was checked when it came. */
static int measure_env(const struct spec_input *input, struct measure *m)
{
	struct spec_env *last = input->last_env ? *input->last_env : NULL;

	if (!last || !is_same(last, &input->env))
		return measure_strings(&input->env, &m->n_env, &m->env_bytes);
	m->env = last;
	m->n_env = last->n;
	return 0;
}

int spec_env_measure(const struct spec_input *input, struct measure *m,
		     const char **ret_field)
{
	int ret;

	*ret_field = "argv";
	ret = measure_strings(&input->argv, &m->n_argv, &m->argv_bytes);
	if (ret < 0 || m->n_argv == 0)
		return ret < 0 ? ret : -EINVAL;
	*ret_field = "env";
	ret = measure_env(input, m);
	if (ret < 0)
		return ret;
	m->name = input->path.bytes	? input->path
		  : input->search.bytes ? input->search
					: string_at(&input->argv, 0, 0);
	measure_candidates(input, m);
	return 0;
}

/* ---- second pass: copy --------------------------------------------------- */

static char **put_strings(struct cursor *to, const struct strings *s, size_t count)
{
	char **array = to->pointers;
	size_t offset = 0;

	for (size_t i = 0; i < count; i++) {
		struct bytes string = string_at(s, offset, i);

		*to->pointers++ = cursor_put(to, &string);
		offset += string.size + 1;
	}
	*to->pointers++ = NULL;
	return array;
}

static char **put_candidates(struct cursor *to, const struct measure *m)
{
	char **array = to->pointers;

	if (!m->elements.bytes) {
		*to->pointers++ = cursor_put(to, &m->name);
		*to->pointers++ = NULL;
		return array;
	}
	for (size_t at = 0; at <= m->elements.size;) {
		struct bytes element = path_element(&m->elements, at);

		*to->pointers++ = to->bytes;
		if (element.size) {
			memcpy(to->bytes, element.bytes, element.size);
			to->bytes += element.size;
			*to->bytes++ = '/';
		}
		cursor_put(to, &m->name);
		at += element.size + 1;
	}
	*to->pointers++ = NULL;
	return array;
}

void spec_env_copy(struct spec_program *program, const struct spec_input *input,
		   const struct measure *m, struct cursor *to)
{
	program->argv = put_strings(to, &input->argv, m->n_argv);
	program->candidates = put_candidates(to, m);
}

struct spec_env *spec_env_take(const struct spec_input *input, const struct measure *m)
{
	struct spec_env *env = m->env;
	struct cursor to;

	if (env) {
		env->users++;
		return env;
	}
	env = mem_alloc(sizeof(*env) + (m->n_env + 1) * sizeof(char *) + m->env_bytes);
	if (!env)
		return NULL;
	*env = (struct spec_env){ input->last_env, 1, m->n_env, m->env_bytes };
	to.pointers = spec_env_vector(env);
	to.bytes = (char *)(to.pointers + m->n_env + 1);
	put_strings(&to, &input->env, m->n_env);
	if (env->last)
		*env->last = env;
	return env;
}

void spec_env_leave(struct spec_env *env)
{
	if (--env->users > 0)
		return;
	if (env->last && *env->last == env)
		*env->last = NULL;
	mem_free(env);
}
