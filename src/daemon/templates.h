/*
 * The templates of one client.
 */
#ifndef DAEMON_TEMPLATES_H
#define DAEMON_TEMPLATES_H

#include <stdint.h>
#include "base/annotate.h"

struct frame;
struct session;
struct spec_input;

/* Keep, replace or forget what a TEMPLATE names, or end the session. */
void templates_take(struct session *s, const struct frame *frame) REACTOR_ONLY;

/*
 * Let @input have what it does not say and the template @id does; it borrows from it.
 * Returns 0, or -ENOENT, or what is wrong with the template, with the field's name.
 */
int templates_apply(const struct session *s, uint32_t id, struct spec_input *input,
		    const char **ret_field);

/* Forget all. */
void templates_done(struct session *s);

#endif
