/*
 * A program's events become an answer: output as it comes, or how it ended.
 */
#include "program.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "answer.h"
#include "connection.h"

/* What a program may say before its client has taken any of it. */
#define WINDOW_BYTES (256u << 10)

static void answer_failure(struct connection *c, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "%.254s\n", text);
	answer_whole(c, 500, line);
}

/* ---- what is told -------------------------------------------------------- */

static void on_output(struct connection *c, const struct usp_output *output)
{
	/* What it complains of is nobody's here, and has to be taken all the same. */
	if (output->stream == 2) {
		usp_process_credit(c->process, 2, (uint32_t)output->size);
		c->server->engine_due = true;
		return;
	}
	c->owed_bytes += (uint32_t)output->size;
	answer_output(c, output->data, output->size);
}

/* It must not look complete when it is not. */
static void answer_exit(struct connection *c)
{
	char text[32];

	snprintf(text, sizeof(text), c->exit.signal ? "signal %d" : "exit %d",
		 c->exit.signal ? c->exit.signal : c->exit.code);
	if (c->answering)
		connection_break(c);
	else
		answer_failure(c, text);
}

static void on_end(struct connection *c)
{
	c->process = NULL;
	connection_due(c);
	if (c->failed)
		return;
	if (c->exit.code == 0)
		answer_end(c);
	else
		answer_exit(c);
}

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	struct connection *c = user;
	char text[256];

	(void)process;
	switch (event->kind) {
	case USP_EVENT_FAILED:
		c->failed = true;
		answer_failure(c, usp_failure_text(&event->failed, text, sizeof(text)));
		break;
	case USP_EVENT_OUTPUT:
		on_output(c, &event->output);
		break;
	case USP_EVENT_EXIT:
		c->exit = event->exit;
		break;
	case USP_EVENT_END:
		on_end(c);
		break;
	default:
		break;
	}
}

/* ---- routes -------------------------------------------------------------- */

static const struct route {
	const char *target, *program, *argument;
	const char *variable; /* of the environment, with the argument */
} routes[PROGRAM_ROUTES] = {
	{ .target = "/echo", .program = "echo", .argument = "hi" },
	{ .target = "/cat", .program = "cat", .variable = "BENCH_FILE" },
	{ .target = "/large", .program = "cat", .variable = "BENCH_LARGE" },
	{ .target = "/fail", .program = "false" },
	{ .target = "/sleep", .program = "sleep", .argument = "0.02" },
};

/* All that a program's start needs, but for whom it answers. */
static int open_route(struct server *server, int i)
{
	const char *argument = routes[i].argument;
	const char *argv[] = { routes[i].program, argument, NULL };
	const struct usp_options options =
		USP_OPTIONS(.argv = argv, .envp = (const char *const *)environ,
			    .group = USP_GROUP_SAME, .window_bytes = WINDOW_BYTES,
			    .kill = { .signal = SIGKILL }, .on_event = on_event);

	if (routes[i].variable) {
		argv[1] = getenv(routes[i].variable);
		if (!argv[1] || !*argv[1]) {
			fprintf(stderr, "server: %s is not set\n", routes[i].variable);
			return -EINVAL;
		}
	}
	return usp_template_new(server->engine, &options, &server->templates[i]);
}

int program_open_routes(struct server *server)
{
	int ret = 0;

	for (int i = 0; i < PROGRAM_ROUTES && ret == 0; i++)
		ret = open_route(server, i);
	return ret;
}

void program_close_routes(struct server *server)
{
	for (int i = 0; i < PROGRAM_ROUTES; i++)
		server->templates[i] = usp_template_free(server->templates[i]);
}

static const struct usp_template *find(const struct server *server, struct slice target)
{
	for (int i = 0; i < PROGRAM_ROUTES; i++)
		if (slice_is(target, routes[i].target))
			return server->templates[i];
	return NULL;
}

/* ---- what is asked for --------------------------------------------------- */

bool program_start(struct connection *c, struct slice target)
{
	struct usp_options options =
		USP_OPTIONS(.base = find(c->server, target), .user = c);
	int ret;

	if (!options.base)
		return false;
	c->answering = c->failed = false;
	c->exit = (struct usp_exit){ .code = -1 };
	c->owed_bytes = 0;
	ret = usp_spawn(c->server->engine, &options, &c->process);
	if (ret < 0)
		answer_failure(c, strerror(-ret));
	c->server->engine_due = true;
	return true;
}

void program_credit(struct connection *c)
{
	uint32_t waiting =
		c->out.size < c->owed_bytes ? (uint32_t)c->out.size : c->owed_bytes;
	uint32_t gone = c->owed_bytes - waiting;

	/* Not for each piece: credit is work for the engine. */
	if (gone < WINDOW_BYTES / 4)
		return;
	usp_process_credit(c->process, 1, gone);
	c->owed_bytes = waiting;
	c->server->engine_due = true;
}
