/*
 * A template: a part of a spec's input that many have in common, kept.
 */
#ifndef ENGINE_TEMPLATE_H
#define ENGINE_TEMPLATE_H

#include "api/template.h"
#include "launch/spec.h"

struct template;

extern const struct template_verbs engine_template_verbs;

/*
 * Keep @input, which is copied; it has no descriptor of kind FD.
 *
 * @param ret_field  on failure, the name of the field at fault
 * @return 0, or -EINVAL; -E2BIG: more than a spec may have; -ENOMEM
 */
int template_new(const struct spec_input *input, struct template **ret_template,
		 const char **ret_field);
void template_free(struct template *t); /* NULL is fine */

/* Let @input have what it does not say and @t does; it borrows from @t. */
void template_apply(const struct template *t, struct spec_input *input);

/* The template behind a handle of usp_template_new(). */
const struct template *template_of(const struct usp_template *handle);

#endif
