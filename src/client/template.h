/*
 * Templates that the daemon keeps for this client.
 */
#ifndef CLIENT_TEMPLATE_H
#define CLIENT_TEMPLATE_H

#include <uringspawn/client.h>
#include "api/template.h"

extern const struct template_verbs client_template_verbs;

/* How a request names @kept.  Returns 0, or -EINVAL: it is another client's. */
int client_template_id(const struct usp_template *kept, const struct usp_client *client,
		       uint32_t *ret_id);

/* Tell a daemon that has just greeted of all of them.  Returns 0; -EMSGSIZE: they are
 * more than it takes; -ENOMEM. */
int client_templates_send(struct usp_client *client);

/* The client is freed before they are: nobody keeps them any more. */
void client_templates_orphan(struct usp_client *client);

/* It stays for a pool whose member is on top of it, also when the program frees it. */
void client_template_hold(struct usp_template *kept);
void client_template_drop(struct usp_template *kept);

#endif
