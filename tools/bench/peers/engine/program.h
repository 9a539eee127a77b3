/*
 * The programs that answer: which there are, and how their events become an answer.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "request.h"
#include "server.h"

struct connection;

/** Keep a template for each route.  @return 0 or -errno */
int program_open_routes(struct server *server);

void program_close_routes(struct server *server);

/**
 * Start the program of @target; what it says is the connection's answer.
 *
 * @return whether there is one
 */
bool program_start(struct connection *connection, struct slice target);

/** Let the connection's program say as much as has left for the client. */
void program_credit(struct connection *connection);

#endif
