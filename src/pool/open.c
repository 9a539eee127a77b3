/*
 * A pool from a caller's options, and what is told of it.
 */
#include "pool/pool_parts.h"

#include <errno.h>
#include "api/options.h"

const struct usp_pool_options *pool_options(const struct usp_pool *handle)
{
	return &((const struct pool *)handle)->o;
}

bool pool_is_closing(const struct usp_pool *handle)
{
	return ((const struct pool *)handle)->closing;
}

void pool_each_member(const struct usp_pool *handle,
		      void (*tell)(const struct pool_member_look *member, void *user),
		      void *user)
{
	static const char *const states[MEMBER_STATES] = {
		[MEMBER_STARTING] = "starting",	  [MEMBER_IDLE] = "idle",
		[MEMBER_TAKEN] = "busy",	  [MEMBER_BUSY] = "busy",
		[MEMBER_RESETTING] = "resetting", [MEMBER_PINGING] = "pinging",
		[MEMBER_ENDING] = "ending",
	};
	const struct pool *pool = (const struct pool *)handle;
	uint64_t now_ns = reactor_now_ns(pool->reactor);

	list_each(link, next, &pool->members) {
		struct member *m = container_of(link, struct member, link);
		const struct pool_member_look look = {
			.pid = m->process->pid,
			.state = states[m->state],
			.uses = m->uses,
			.age_ns = m->started_ns && now_ns > m->started_ns
					  ? now_ns - m->started_ns
					  : 0,
			.rss_bytes = stats_look(m),
		};

		tell(&look, user);
	}
}

/* What a member says of who is told of it, and of its engine's options. */
static int wrong_in_public(const struct usp_options *member, const char **ret_field)
{
	*ret_field = "on_event";
	if (member->on_event)
		return -EINVAL;
	*ret_field = "base";
	return member->base && member->base->verbs != &engine_template_verbs ? -EINVAL
									     : 0;
}

static int read_public(const struct usp_pool_options *given, struct usp_pool_options *o,
		       struct usp_options *member, const char **ret_field)
{
	int ret = given ? options_copy(o, sizeof(*o), given, given->size) : -EINVAL;

	*ret_field = "size";
	if (ret < 0)
		return ret;
	*ret_field = "member";
	if (!o->member)
		return -EINVAL;
	ret = options_copy(member, sizeof(*member), o->member, o->member->size);
	if (ret < 0)
		return ret;
	return wrong_in_public(member, ret_field);
}

int usp_pool_open(struct usp_engine *engine, const struct usp_pool_options *options,
		  struct usp_pool **ret_pool, const char **ret_field)
{
	struct usp_pool_options o;
	struct usp_options member;
	struct spec_input input;
	const char *field = "";
	int ret = read_public(options, &o, &member, &field);

	enter_reactor();
	if (ret == 0) {
		input = engine_input(&member);
		if (member.base)
			template_apply(template_of(member.base), &input);
		ret = pool_new(engine,
			       &(struct pool_setup){ .options = &o, .member = &input },
			       ret_pool, &field);
	}
	if (ret < 0 && ret_field)
		*ret_field = field;
	return ret;
}
