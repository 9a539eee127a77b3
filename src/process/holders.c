/*
 * Who still holds the pipes of a process that has exited.
 */
#include "process/holders.h"

#include <string.h>
#include "base/alloc.h"
#include "sys/proc.h"

_Static_assert(sizeof(((struct usp_holder *)0)->name) == PROC_COMM_BYTES, "the same");

/* ---- in the janitor's thread --------------------------------------------- */

static bool is_known(const struct holders *h, pid_t pid)
{
	for (unsigned i = 0; i < h->n; i++)
		if (h->found[i].pid == pid)
			return true;
	return false;
}

static void add(struct holders *h, const struct proc_holder *holder)
{
	struct usp_holder *place = &h->found[h->n];

	if (h->n == HOLDERS_MAX || is_known(h, holder->pid))
		return;
	place->pid = holder->pid;
	memcpy(place->name, holder->comm, sizeof(place->name));
	h->n++;
}

/* Those that have no place are counted for the pipe that has most of them. */
static int look(struct errand *errand)
{
	struct holders *h = container_of(errand, struct holders, errand);
	struct proc_holder found[HOLDERS_MAX];

	for (unsigned i = 0; i < h->n_links; i++) {
		int n = sys_proc_holders(h->links[i], found, HOLDERS_MAX);

		for (int k = 0; k < n && k < (int)HOLDERS_MAX; k++)
			add(h, &found[k]);
		if (n > 0 && (uint32_t)n > h->seen)
			h->seen = (uint32_t)n;
	}
	if (h->n > h->seen)
		h->seen = h->n;
	return 0;
}

/* ---- in the reactor's ---------------------------------------------------- */

static void on_back(struct errand *errand, int res) REACTOR_ONLY
{
	struct holders *h = container_of(errand, struct holders, errand);

	(void)res;
	h->on_found(h);
}

struct holders *holders_new(struct owner *owner, holders_fn *on_found, void *user)
{
	struct holders *h = mem_zalloc(sizeof(*h));

	if (!h)
		return NULL;
	h->on_found = on_found;
	h->user = user;
	errand_init(&h->errand, owner, look, on_back);
	return h;
}

static bool has_link(const struct holders *h, const char *link)
{
	for (unsigned i = 0; i < h->n_links; i++)
		if (strcmp(h->links[i], link) == 0)
			return true;
	return false;
}

bool holders_ask(struct holders *h, struct janitor *janitor, const struct channels *c)
{
	for (unsigned i = 0; i < c->n && h->n_links < HOLDERS_LINKS_MAX; i++) {
		const char *link = channels_link(c, i);

		if (link && !has_link(h, link))
			strcpy(h->links[h->n_links++], link);
	}
	return h->n_links > 0 && janitor_post(janitor, &h->errand) == 0;
}

void holders_free(struct holders *h)
{
	mem_free(h);
}
