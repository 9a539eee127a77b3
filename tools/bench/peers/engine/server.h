/*
 * What the parts of the server share: one thread, one epoll set, one engine.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <sys/queue.h>
#include <uringspawn/spawn.h>

struct connection;

/** Whom the epoll set tells that a descriptor is ready. */
struct watch {
	void (*on_ready)(void *owner, uint32_t events);
	void *owner;
};

#define PROGRAM_ROUTES 5

struct server {
	struct usp_engine *engine;
	int epoll_fd, listen_fd, signal_fd;
	struct watch listener, signals, engine_work;
	bool listening;	 /**< false: there are as many connections as there may be */
	bool engine_due; /**< the engine has work, or was asked for something */
	bool stopping;
	struct usp_template *templates[PROGRAM_ROUTES];
	unsigned n_connections;
	LIST_HEAD(, connection) connections;
	STAILQ_HEAD(, connection) due; /**< those to step before the next wait */
	void *ballast;
	time_t date_s;
	char date[32]; /**< as an answer's Date has it, at date_s */
};

/** Watch @fd for @events, which are epoll's.  @return 0 or -errno */
int server_watch(struct server *server, int fd, uint32_t events, struct watch *watch);

/** Accept connections on a free port of 127.0.0.1, and print it.  @return 0 or -errno */
int server_listen(struct server *server);

/** One connection less: there is room for another one. */
void server_left(struct server *server);

#endif
