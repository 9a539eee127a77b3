#include "cli/run_use.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "cli/jobs.h"
#include "cli/pools.h"
#include "cli/run_options.h"

enum { CHANNEL_DEFAULT = 3 };

static int complain(const char *option, const char *kind, const struct run_use *use)
{
	fprintf(stderr, "uringspawn: %s means nothing for pool '%s', which is of %s\n",
		option, use->name, kind);
	return -EINVAL;
}

static int check(const struct run_use *use, const struct run_options *options)
{
	const struct usp_options *asked = &options->asked;

	if (!use->worker)
		return options->has_answer
			       ? complain("--answer", "standby processes", use)
			       : 0;
	if (asked->output_max_bytes)
		return complain("--output-max", "workers", use);
	if (asked->drain_ns)
		return complain("--drain", "workers", use);
	return asked->gone ? complain("--gone", "workers", use) : 0;
}

/* What the daemon lists of it. */
static void learn(struct run_use *use, const json_t *pool)
{
	const char *kind = json_string_value(json_object_get(pool, "kind"));
	int channel = (int)jobs_number(pool, "channel");

	use->worker = kind && strcmp(kind, usp_pool_kind_name(USP_POOL_WORKER)) == 0;
	use->channel = !use->worker ? 0 : channel ? channel : CHANNEL_DEFAULT;
}

int run_use_open(struct run_use *use, struct usp_client *client,
		 const struct run_options *options, struct run_relay *relay)
{
	json_t *listed = pools_look(client, options->pool);
	struct usp_pool *pool;
	int ret;

	if (!listed)
		return -ENOENT;
	*use = (struct run_use){ .name = options->pool };
	learn(use, listed);
	json_decref(listed);
	ret = check(use, options);
	if (ret)
		return ret;
	use->by_lines = use->worker && !options->until_exit;
	relay->stream = use->channel;
	relay->at_end = use->by_lines ? RUN_RELAY_NEWLINE : RUN_RELAY_CLOSE;
	ret = pools_share(client, use->name, &pool);
	if (!ret)
		use->pool = pool;
	return ret;
}

int run_use_spawn(const struct run_use *use, struct usp_client *client,
		  const struct run_options *options, usp_event_fn *on_event, void *user,
		  struct usp_process **ret_process)
{
	struct usp_options asked = options->asked;

	asked.size = sizeof(asked);
	asked.pool = use->pool;
	asked.on_event = on_event;
	asked.user = user;
	return usp_client_spawn(client, &asked, ret_process);
}

void run_use_hear(struct run_use *use, const struct usp_output *output)
{
	const char *data = output->data;

	for (size_t i = 0; use->by_lines && i < output->size; i++)
		use->answered += data[i] == '\n';
}

static bool is_answered(const struct run_use *use, const struct run_relay *relay)
{
	return relay->eof && relay->n_typed == 0 && use->answered >= relay->lines;
}

/* Who has no channel any more will neither answer nor serve anybody else. */
void run_use_eof(struct run_use *use, struct usp_process *process)
{
	if (!use->by_lines || use->over)
		return;
	use->over = true;
	(void)usp_process_discard(process);
}

void run_use_look(struct run_use *use, const struct run_relay *relay,
		  struct usp_process *process)
{
	if (!use->by_lines || use->over || !is_answered(use, relay))
		return;
	use->over = true;
	(void)usp_process_release(process, (unsigned)relay->lines);
}

bool run_use_complain(const struct run_use *use, const struct run_relay *relay)
{
	if (!use->by_lines || is_answered(use, relay))
		return false;
	fprintf(stderr,
		"uringspawn: the worker did not answer all: %" PRIu64
		" lines of an answer to %" PRIu64 "\n",
		use->answered, relay->lines);
	return true;
}
