/*
 * From a request on the wire to what a spec is made of.
 */
#ifndef DAEMON_INPUT_H
#define DAEMON_INPUT_H

#include "engine/engine.h"
#include "wire/request.h"

/* Put @fds, as many as request_fds() says, in their places. */
void input_place_fds(struct request *request, const int *fds);

/* What @request says, borrowed from it. */
struct spec_input input_of(const struct request *request);

/* How many descriptors STARTED is to bring for it. */
unsigned input_given(const struct spec_input *input);

#endif
