/*
 * Templates of a client, found by the numbers that it gave them.
 *
 * There is no answer to a TEMPLATE, so what is wrong with one is kept in its place and
 * told to each job that names it.
 */
#include "daemon/templates.h"

#include <errno.h>
#include "base/alloc.h"
#include "daemon/daemon.h"
#include "daemon/input.h"
#include "daemon/session.h"
#include "engine/template.h"

struct kept {
	struct list link; /* session.templates */
	uint32_t id;
	size_t bytes; /* of its payload, as counted */
	struct template *template;
	int error; /* why there is none, and of which field */
	const char *field;
};

static struct kept *find(const struct session *s, uint32_t id)
{
	list_each(link, next, (struct list *)&s->templates) {
		struct kept *kept = container_of(link, struct kept, link);

		if (kept->id == id)
			return kept;
	}
	return NULL;
}

static void count(struct session *s, size_t bytes)
{
	s->template_bytes += bytes;
	s->bytes += bytes;
	s->daemon->request_bytes += bytes;
}

static void forget(struct session *s, struct kept *kept)
{
	list_remove(&kept->link);
	s->n_templates--;
	count(s, -kept->bytes);
	template_free(kept->template);
	mem_free(kept);
}

/* Returns whether one more of @bytes may be kept; else the session is over. */
static bool has_room(struct session *s, size_t bytes) REACTOR_ONLY
{
	const struct config_limits *limits = &s->daemon->limits;

	if (s->n_templates == USP_WIRE_TEMPLATES_MAX)
		session_fail(s, EDQUOT, "more than %u templates", USP_WIRE_TEMPLATES_MAX);
	else if (s->template_bytes + bytes > limits->frame_max)
		session_fail(s, EDQUOT, "templates of more than %u bytes",
			     limits->frame_max);
	else if (s->daemon->request_bytes + bytes > limits->bytes_max ||
		 s->bytes + bytes > limits->client_bytes_max)
		session_fail(s, ENOMEM, "no memory for a template of %zu bytes", bytes);
	else
		return true;
	return false;
}

/* Returns 0, or -errno with the field's name. */
static int decode(const struct frame *frame, struct template **ret_template,
		  const char **ret_field)
{
	struct request request;
	struct spec_input input;
	int ret =
		request_decode(frame->payload, frame->payload_bytes, &request, ret_field);

	if (ret < 0)
		return ret;
	*ret_field = "use_template";
	if (request.template_id)
		return -EINVAL;
	*ret_field = "stdio";
	if (request_fds(&request) > 0)
		return -EINVAL;
	input = input_of(&request);
	return template_new(&input, ret_template, ret_field);
}

static void keep(struct session *s, const struct frame *frame) REACTOR_ONLY
{
	struct kept *kept;

	if (!has_room(s, frame->payload_bytes))
		return;
	kept = mem_zalloc(sizeof(*kept));
	if (kept)
		kept->error = decode(frame, &kept->template, &kept->field);
	if (!kept || kept->error == -ENOMEM) {
		mem_free(kept);
		session_fail(s, ENOMEM, "no memory for template %u", frame->arg);
		return;
	}
	kept->id = frame->arg;
	kept->bytes = frame->payload_bytes;
	list_append(&s->templates, &kept->link);
	s->n_templates++;
	count(s, kept->bytes);
}

void templates_take(struct session *s, const struct frame *frame)
{
	struct kept *before = find(s, frame->arg);

	if (frame->arg == 0) {
		session_fail(s, EPROTO, "a template 0");
		return;
	}
	if (before)
		forget(s, before);
	if (frame->payload_bytes > 0)
		keep(s, frame);
}

int templates_apply(const struct session *s, uint32_t id, struct spec_input *input,
		    const char **ret_field)
{
	const struct kept *kept = find(s, id);

	*ret_field = "use_template";
	if (!kept)
		return -ENOENT;
	*ret_field = kept->field;
	if (kept->error)
		return kept->error;
	template_apply(kept->template, input);
	return 0;
}

void templates_done(struct session *s)
{
	struct list *link;

	while ((link = list_first(&s->templates)))
		forget(s, container_of(link, struct kept, link));
}
