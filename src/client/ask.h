/*
 * Requests in the making: options become the payload of a frame, and descriptors.
 */
#ifndef CLIENT_ASK_H
#define CLIENT_ASK_H

#include <uringspawn/client.h>
#include "wire/request.h"

/* What leaves in one frame: client.payload is it. */
struct ask {
	struct usp_client *client;
	int fds[USP_WIRE_FDS_MAX]; /* duplicates */
	unsigned n_fds;
	struct request request; /* scratch */
};

void ask_begin(struct ask *ask, struct usp_client *client);

/*
 * Append the fields of @options to the payload, and their descriptors.
 *
 * @param template_id  0: none
 * @param ret_refusal  a stage: it has no form on the wire, or its descriptors cannot
 *                     be had, and nothing was appended
 * @return 0, or -EMSGSIZE: longer than a frame may be; -ENOMEM
 */
int ask_add(struct ask *ask, const struct usp_options *options, uint32_t template_id,
	    struct usp_failure *ret_refusal);

/* The same for a use of a pool. */
int ask_add_use(struct ask *ask, const struct usp_options *options, uint32_t pool_id,
		struct usp_failure *ret_refusal);

/* The same for a pool of @member; its size, name and calls are not the wire's to copy. */
int ask_add_pool(struct ask *ask, const struct usp_pool_options *options,
		 const struct usp_options *member, uint32_t template_id,
		 struct usp_failure *ret_refusal);

/* Close the descriptors that were not taken. */
void ask_drop(struct ask *ask);

#endif
