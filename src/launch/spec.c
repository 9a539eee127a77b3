/*
 * What to run: checked and copied into one block of memory.
 *
 * The block is this struct, then the pointer arrays, then the strings.  First a
 * pass that checks and measures, then one allocation, then a pass that copies.
 */
#include "launch/spec.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include "base/alloc.h"
#include "base/annotate.h"
#include "base/clock.h"
#include "sys/fd.h"

/* The kernel's limit of one string, its NUL included: MAX_ARG_STRLEN, 32 pages. */
#define STRING_BYTES_MAX (128u << 10)

/* All strings together.  The kernel takes less (a quarter of the stack's limit, at
 * most 6 MiB) and says so at exec; this only bounds what is copied. */
#define STRINGS_BYTES_MAX (16u << 20)

/* What execvpe() searches when the environment has no PATH. */
static const char default_path[] = "/bin:/usr/bin";

#define GRACE_NS_DEFAULT (2 * NS_PER_S)

/* What the first pass found out. */
struct measure {
	size_t n_argv, argv_bytes;
	size_t n_env, env_bytes;
	struct bytes name;     /* the program as asked for */
	struct bytes elements; /* the PATH to search; NULL: the name is the file */
	size_t n_candidates, candidate_bytes;
};

/* The next free places of the block. */
struct cursor {
	char **pointers;
	char *bytes;
};

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

static int check_text(const struct bytes *text)
{
	if (!text->bytes)
		return 0;
	if (text->size == 0 || memchr(text->bytes, 0, text->size))
		return -EINVAL;
	return text->size >= STRING_BYTES_MAX ? -E2BIG : 0;
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

static int check_stdio(const struct usp_stdio *stdio)
{
	for (int i = 0; i < 3; i++) {
		switch (stdio[i].kind) {
		case USP_STDIO_DEFAULT:
		case USP_STDIO_NULL:
		case USP_STDIO_PIPE:
			break;
		case USP_STDIO_FD:
			if (stdio[i].fd < 0)
				return -EBADF;
			break;
		case USP_STDIO_DUP:
			if (stdio[i].fd < 0 || stdio[i].fd > 2 ||
			    stdio[stdio[i].fd].kind == USP_STDIO_DUP)
				return -EINVAL;
			break;
		default:
			return -EINVAL;
		}
	}
	return 0;
}

static bool is_signal(int signal)
{
	return signal > 0 && signal < NSIG;
}

static int check_values(const struct spec_input *input, const char **ret_field)
{
	int ret = check_stdio(input->options.stdio);

	*ret_field = "stdio";
	if (ret < 0)
		return ret;
	*ret_field = "group";
	if (input->options.group > USP_GROUP_SAME)
		return -EINVAL;
	*ret_field = "kill";
	if (input->options.kill.target > USP_TARGET_PROCESS)
		return -EINVAL;
	if (input->options.kill.signal && !is_signal(input->options.kill.signal))
		return -EINVAL;
	return 0;
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
	int ret;

	*ret_field = "argv";
	ret = measure_strings(&input->argv, &m->n_argv, &m->argv_bytes);
	if (ret < 0 || m->n_argv == 0)
		return ret < 0 ? ret : -EINVAL;
	*ret_field = "env";
	ret = measure_strings(&input->env, &m->n_env, &m->env_bytes);
	if (ret < 0)
		return ret;
	ret = check_texts(input, ret_field);
	if (ret < 0)
		return ret;
	ret = check_values(input, ret_field);
	if (ret < 0)
		return ret;
	*ret_field = "argv";
	m->name = input->path.bytes	? input->path
		  : input->search.bytes ? input->search
					: string_at(&input->argv, 0, 0);
	measure_candidates(input, m);
	return 0;
}

/* ---- second pass: copy --------------------------------------------------- */

static char *put(struct cursor *to, const struct bytes *text)
{
	char *place = to->bytes;

	memcpy(place, text->bytes, text->size);
	place[text->size] = '\0';
	to->bytes += text->size + 1;
	return place;
}

static char **put_strings(struct cursor *to, const struct strings *s, size_t count)
{
	char **array = to->pointers;
	size_t offset = 0;

	for (size_t i = 0; i < count; i++) {
		struct bytes string = string_at(s, offset, i);

		*to->pointers++ = put(to, &string);
		offset += string.size + 1;
	}
	*to->pointers++ = NULL;
	return array;
}

static char **put_candidates(struct cursor *to, const struct measure *m)
{
	char **array = to->pointers;

	if (!m->elements.bytes) {
		*to->pointers++ = put(to, &m->name);
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
		put(to, &m->name);
		at += element.size + 1;
	}
	*to->pointers++ = NULL;
	return array;
}

/* Nobody is to follow a pointer of the caller's. */
static void forget_pointers(struct usp_options *options)
{
	options->argv = options->envp = options->env_extend = options->env_unset = NULL;
	options->path = options->search = options->cwd = NULL;
	options->base = NULL;
}

static void set_values(struct spec *spec, const struct spec_input *input)
{
	struct usp_options *options = &spec->options;

	*options = input->options;
	forget_pointers(options);
	for (int i = 0; i < 3; i++)
		if (options->stdio[i].kind == USP_STDIO_DEFAULT)
			options->stdio[i].kind = i == 0 ? USP_STDIO_NULL : USP_STDIO_PIPE;
	if (!options->kill.signal)
		options->kill.signal = SIGTERM;
	if (!options->kill.grace_ns)
		options->kill.grace_ns = GRACE_NS_DEFAULT;
	if (options->group == USP_GROUP_SAME)
		options->kill.target = USP_TARGET_PROCESS;
}

static struct spec *copy(const struct spec_input *input, const struct measure *m)
{
	size_t pointers = m->n_argv + m->n_env + m->n_candidates + 3;
	size_t bytes = m->argv_bytes + m->env_bytes + m->candidate_bytes + m->name.size +
		       1 + input->cwd.size + 1;
	struct spec *spec = mem_alloc(sizeof(*spec) + pointers * sizeof(char *) + bytes);
	struct cursor to;

	if (!spec)
		return NULL;
	*spec = (struct spec){ 0 };
	to.pointers = (char **)(spec + 1);
	to.bytes = (char *)(to.pointers + pointers);
	spec->argv = put_strings(&to, &input->argv, m->n_argv);
	spec->envp = put_strings(&to, &input->env, m->n_env);
	spec->candidates = put_candidates(&to, m);
	spec->name = put(&to, &m->name);
	if (input->cwd.bytes)
		spec->cwd = put(&to, &input->cwd);
	set_values(spec, input);
	return spec;
}

static void close_fds(const struct usp_stdio *stdio)
{
	for (int i = 0; i < 3; i++)
		if (stdio[i].kind == USP_STDIO_FD)
			sys_close(stdio[i].fd);
}

int spec_new(const struct spec_input *input, struct spec **ret_spec,
	     const char **ret_field)
{
	struct measure m = { 0 };
	const char *field = "";
	struct spec *spec = NULL;
	int ret = measure(input, &m, &field);

	if (ret == 0) {
		spec = copy(input, &m);
		ret = spec ? 0 : -ENOMEM;
	}
	if (ret < 0) {
		close_fds(input->options.stdio);
		*ret_field = field;
		return ret;
	}
	*ret_spec = spec;
	return 0;
}

void spec_free(struct spec *spec)
{
	if (!spec)
		return;
	close_fds(spec->options.stdio);
	mem_free(spec);
}
