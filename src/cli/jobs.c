#include "cli/jobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>

struct usp_client *jobs_connect(const char *socket)
{
	struct usp_client *client;
	int ret = usp_client_open(socket, &client);

	if (ret == 0)
		return client;
	fprintf(stderr, "uringspawn: cannot connect to %s: %s\n",
		socket ? socket : "the default socket", strerrordesc_np(-ret));
	return NULL;
}

/* ---- all pages ------------------------------------------------------------------ */

const char *jobs_what_name(enum jobs_what what)
{
	return what == JOBS_POOLS ? "pools" : "jobs";
}

static int ask_page(struct usp_client *client, struct jobs_question *question,
		    uint32_t after);

/* One page after the other, without a pause; of pools there is one. */
static void on_page(struct usp_client *client, const char *text, size_t size, void *user)
{
	struct jobs_question *question = user;
	json_t *answer = text ? json_loadb(text, size, 0, NULL) : NULL;
	json_t *items = json_object_get(answer, jobs_what_name(question->what));
	uint32_t next = (uint32_t)json_integer_value(json_object_get(answer, "next"));

	if (!json_is_array(items) || json_array_extend(question->items, items))
		question->error = -EPROTO;
	else if (next)
		question->error = ask_page(client, question, next);
	question->asked = next && !question->error;
	json_decref(answer);
}

static int ask_page(struct usp_client *client, struct jobs_question *question,
		    uint32_t after)
{
	return question->what == JOBS_POOLS
		       ? usp_client_pools(client, on_page, question)
		       : usp_client_jobs(client, after, on_page, question);
}

int jobs_ask(struct usp_client *client, enum jobs_what what,
	     struct jobs_question *question)
{
	*question = (struct jobs_question){ .what = what, .items = json_array() };
	if (!question->items)
		return -ENOMEM;
	question->error = ask_page(client, question, 0);
	question->asked = !question->error;
	return question->error;
}

json_t *jobs_answer(const struct usp_client *client, struct jobs_question *question)
{
	json_t *items = question->items;

	question->items = NULL;
	if (!question->error && !*usp_client_error(client))
		return items;
	fprintf(stderr, "uringspawn: the daemon did not list its %s: %s\n",
		jobs_what_name(question->what),
		*usp_client_error(client) ? usp_client_error(client)
					  : strerrordesc_np(-question->error));
	json_decref(items);
	return NULL;
}

json_t *jobs_list(struct usp_client *client, enum jobs_what what)
{
	struct jobs_question question;
	int ret = jobs_ask(client, what, &question);

	if (ret == 0)
		ret = usp_client_run(client);
	if (ret)
		question.error = ret;
	return jobs_answer(client, &question);
}

/* ---- as people read it ----------------------------------------------------------- */

double jobs_number(const json_t *item, const char *name)
{
	return json_number_value(json_object_get(item, name));
}

/* Of bytes that may be any. */
void jobs_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || (unsigned char)*text > '~')
			*text = '?';
}

void jobs_bytes_text(double bytes, char text[8])
{
	static const char units[] = "BKMGTP";
	unsigned unit = 0;

	for (; bytes >= 1000 && unit < sizeof(units) - 2; unit++)
		bytes /= 1024;
	snprintf(text, 8, unit && bytes < 10 ? "%.1f%c" : "%.0f%c", bytes, units[unit]);
}

void jobs_time_text(double seconds, char text[8])
{
	unsigned long s = (unsigned long)seconds;

	if (s < 10)
		snprintf(text, 8, "%.1fs", seconds);
	else if (s < 100 * 60)
		snprintf(text, 8, "%lu:%02lu", s / 60, s % 60);
	else if (s < 100 * 3600)
		snprintf(text, 8, "%luh%02lu", s / 3600, s / 60 % 60);
	else
		snprintf(text, 8, "%lud%lu", s / 86400 % 10000, s / 3600 % 24);
}
