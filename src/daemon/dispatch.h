/*
 * What a client asks for, frame by frame.
 */
#ifndef DAEMON_DISPATCH_H
#define DAEMON_DISPATCH_H

#include "base/annotate.h"

struct frame;
struct session;

/* Do what @frame asks, or end the session that breaks the protocol. */
void dispatch_frame(struct session *s, const struct frame *frame) REACTOR_ONLY;

/* The header of a frame that is longer than allowed: end the session. */
void dispatch_too_long(struct session *s, const struct frame *frame) REACTOR_ONLY;

#endif
