/*
 * What every struct usp_template starts with, whoever keeps it.
 */
#ifndef API_TEMPLATE_H
#define API_TEMPLATE_H

#include <stdbool.h>
#include <uringspawn/spawn.h>

struct template_verbs {
	void (*free)(struct usp_template *kept);
};

/* Embedded as the first member of an engine's template and of a client's. */
struct usp_template {
	const struct template_verbs *verbs;
	bool has_argv;
	/* What it says, but for strings and what is made of them: those are for who
	 * keeps it, and not to be followed here. */
	struct usp_options options;
};

#endif
