/*
 * From a request on the wire to what a spec is made of.
 */
#include "daemon/input.h"

void input_place_fds(struct request *request, const int *fds)
{
	for (int i = 0; i < 3; i++)
		if (request->options.stdio[i].kind == USP_STDIO_FD)
			request->options.stdio[i].fd = *fds++;
	for (size_t i = 0; i < request->options.n_fds; i++)
		if (request->fds[i].stdio.kind == USP_STDIO_FD)
			request->fds[i].stdio.fd = *fds++;
}

static struct strings as_strings(const struct packed *packed)
{
	return (struct strings){ .packed = packed->bytes, .packed_bytes = packed->size };
}

static struct bytes as_bytes(const struct text *text)
{
	return (struct bytes){ .bytes = text->bytes, .size = text->size };
}

struct spec_input input_of(const struct request *request)
{
	return (struct spec_input){
		.argv = as_strings(&request->argv),
		.env = as_strings(&request->env),
		.env_extend = as_strings(&request->env_extend),
		.env_unset = as_strings(&request->env_unset),
		.path = as_bytes(&request->path),
		.search = as_bytes(&request->search),
		.cwd = as_bytes(&request->cwd),
		.options = request->options,
	};
}

unsigned input_given(const struct spec_input *input)
{
	const struct usp_options *options = &input->options;
	unsigned count = options->flags & USP_FLAG_PIDFD ? 1 : 0;

	for (int i = 0; i < 3; i++)
		count += options->stdio[i].kind == USP_STDIO_HANDOVER;
	for (size_t i = 0; i < options->n_fds; i++)
		count += options->fds[i].stdio.kind == USP_STDIO_HANDOVER;
	return count;
}
