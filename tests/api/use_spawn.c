/*
 * Every declaration of spawn.h and client.h, used as an embedder would.  Only
 * compiled, never run; valid C99, C17 and C++17.
 */
#include <uringspawn/client.h>
#include <uringspawn/spawn.h>
#include <uringspawn/version.h>
#include <uringspawn/wire.h>

#include <string.h>

int use_engine(const char *const *argv, usp_event_fn *on_event);
int use_client(const char *const *argv, usp_event_fn *on_event);
void use_process(struct usp_process *process);
const char *use_words(const struct usp_event *event, char *text, size_t size);

static void describe(struct usp_options *options, const char *const *argv,
		     usp_event_fn *on_event)
{
	memset(options, 0, sizeof(*options));
	options->size = sizeof(*options);
	options->argv = argv;
	options->stdio[1].kind = USP_STDIO_PIPE;
	options->stdio[2].kind = USP_STDIO_DUP;
	options->stdio[2].fd = 1;
	options->group = USP_GROUP_SESSION;
	options->kill.target = USP_TARGET_PROCESS;
	options->flags = USP_FLAG_RUN;
	options->on_event = on_event;
}

int use_engine(const char *const *argv, usp_event_fn *on_event)
{
	struct usp_engine_stats stats;
	struct usp_process *process;
	struct usp_engine *engine;
	struct usp_options options;
	int ret = usp_engine_new(NULL, &engine);

	if (ret < 0)
		return ret;
	describe(&options, argv, on_event);
#ifndef __cplusplus
	options = USP_OPTIONS(.argv = argv, .on_event = on_event);
#endif
	ret = usp_spawn(engine, &options, &process);
	if (ret == 0 && usp_engine_fd(engine) >= 0)
		ret = usp_engine_turn(engine);
	if (ret == 0)
		ret = usp_engine_run(engine);
	usp_engine_stop(engine);
	usp_engine_stats(engine, &stats);
	engine = usp_engine_free(engine);
	return engine ? -1 : ret;
}

int use_client(const char *const *argv, usp_event_fn *on_event)
{
	struct usp_process *process;
	struct usp_client *client;
	struct usp_options options;
	int ret = usp_client_open("@name", &client);

	if (ret < 0)
		return ret;
	describe(&options, argv, on_event);
	ret = usp_client_spawn(client, &options, &process);
	if (ret == 0 && usp_client_fd(client) >= 0 && usp_client_poll_events(client))
		ret = usp_client_turn(client);
	if (ret == 0)
		ret = usp_client_run(client);
	usp_client_stop(client);
	if (usp_client_error(client)[0])
		ret = -1;
	client = usp_client_free(client);
	return client ? -1 : ret;
}

void use_process(struct usp_process *process)
{
	if (usp_process_pid(process) == 0 || usp_process_write(process, "x", 1) < 0)
		return;
	usp_process_close_stdin(process);
	usp_process_credit(process, 1, USP_WIRE_WINDOW_BYTES);
	usp_process_signal(process, 15, USP_TARGET_GROUP);
	usp_process_kill(process);
}

const char *use_words(const struct usp_event *event, char *text, size_t size)
{
	switch (event->kind) {
	case USP_EVENT_FAILED:
		return usp_failure_text(&event->failed, text, size);
	case USP_EVENT_END:
		if (usp_shell_code(&event->end, NULL, NULL) == 0)
			return usp_reason_name(event->end.reason);
		break;
	default:
		break;
	}
	return usp_stage_name(USP_STAGE_NONE);
}
