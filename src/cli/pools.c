#include "cli/pools.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/jobs.h"

/* In JSON each byte of a name is a character. */
static bool is_name(const char *told, const char *name)
{
	for (; *told && *name; told++, name++) {
		unsigned c = (unsigned char)*told;

		if (c >= 0xc0 && told[1])
			c = (c & 3) << 6 | ((unsigned char)*++told & 0x3f);
		if (c != (unsigned char)*name)
			return false;
	}
	return *told == *name;
}

const json_t *pools_find(const json_t *pools, const char *name)
{
	const json_t *pool, *found = NULL;
	size_t i;

	json_array_foreach(pools, i, pool)
	{
		const char *its = json_string_value(json_object_get(pool, "name"));

		if (!its || !*its || !is_name(its, name) ||
		    json_is_true(json_object_get(pool, "closing")))
			continue;
		if (jobs_number(pool, "uid") == (double)geteuid())
			return pool;
		if (!found)
			found = pool;
	}
	return found;
}

static int no_such_pool(const char *name)
{
	fprintf(stderr,
		"uringspawn: no pool '%s'; 'uringspawn pool ls' shows those there are\n",
		name);
	return -ENOENT;
}

json_t *pools_look(struct usp_client *client, const char *name)
{
	json_t *pools = jobs_list(client, JOBS_POOLS);
	json_t *pool = json_incref((json_t *)pools_find(pools, name));

	if (pools && !pool)
		(void)no_such_pool(name);
	json_decref(pools);
	return pool;
}

/* ---- opened ------------------------------------------------------------------------ */

struct opened {
	bool told;
	int error;
	char field[64];
};

static void on_opened(struct usp_pool *pool, int error, const char *field, void *user)
{
	struct opened *opened = user;

	(void)pool;
	opened->told = true;
	opened->error = error;
	snprintf(opened->field, sizeof(opened->field), "%s", field);
}

static int complain(const char *name, int error, const char *field)
{
	if (error == -ENOENT)
		return no_such_pool(name);
	if (error == -EACCES)
		fprintf(stderr,
			"uringspawn: pool '%s' is of other groups than this user has\n",
			name);
	else if (error == -EAGAIN)
		fprintf(stderr,
			"uringspawn: cannot open pool '%s': the daemon has as many as it "
			"may (%s)\n",
			name, field);
	else
		fprintf(stderr, "uringspawn: cannot open pool '%s': %s%s%s\n", name,
			field, *field ? ": " : "", strerrordesc_np(-error));
	return error;
}

static int lost(struct usp_client *client)
{
	fprintf(stderr, "uringspawn: lost the daemon: %s\n", usp_client_error(client));
	return -EPIPE;
}

int pools_open(struct usp_client *client, const struct usp_pool_options *options,
	       struct usp_pool **ret_pool)
{
	struct usp_pool_options asked = *options;
	struct opened opened = { 0 };
	const char *field = "";
	int ret;

	asked.on_opened = on_opened;
	asked.user = &opened;
	ret = usp_client_pool_open(client, &asked, ret_pool, &field);
	if (ret)
		return complain(asked.name, ret, ret == -EINVAL ? field : "");
	ret = usp_client_run(client);
	if (ret || !opened.told)
		return lost(client);
	return opened.error ? complain(asked.name, opened.error, opened.field) : 0;
}

int pools_share(struct usp_client *client, const char *name, struct usp_pool **ret_pool)
{
	return pools_open(client, &USP_POOL_OPTIONS(.name = name), ret_pool);
}
