/*
 * usp_template_free(), for every kind of template.
 */
#include "api/template.h"

#include <stddef.h>

struct usp_template *usp_template_free(struct usp_template *kept)
{
	if (kept)
		kept->verbs->free(kept);
	return NULL;
}
