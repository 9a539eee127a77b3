/*
 * Run a shell command, feed it a line, print what it says and how it ends:
 *     cc spawn.c $(pkg-config --cflags --libs liburingspawn) && ./a.out
 */
#include <stdio.h>
#include <string.h>
#include <uringspawn/spawn.h>

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	char text[256];

	(void)user;
	switch (event->kind) {
	case USP_EVENT_STARTED:
		printf("started: process %d\n", (int)event->started.pid);
		usp_process_write(process, "hello\n", 6);
		usp_process_close_stdin(process);
		break;
	case USP_EVENT_FAILED:
		printf("failed: %s\n",
		       usp_failure_text(&event->failed, text, sizeof(text)));
		break;
	case USP_EVENT_OUTPUT:
		printf("stream %d: ", event->output.stream);
		fwrite(event->output.data, 1, event->output.size, stdout);
		break;
	case USP_EVENT_EXIT:
		printf("exit: code %d\n", event->exit.code);
		break;
	case USP_EVENT_END:
		printf("end: %s\n", usp_reason_name(event->end.reason));
		break;
	default:
		break;
	}
}

int main(void)
{
	const char *const argv[] = { "sh", "-c", "tr a-z A-Z; exit 3", NULL };
	const char *const envp[] = { "PATH=/usr/bin:/bin", NULL };
	struct usp_options options =
		USP_OPTIONS(.argv = argv, .envp = envp, .on_event = on_event);
	struct usp_process *process;
	struct usp_engine *engine;
	int ret = usp_engine_new(NULL, &engine);

	options.stdio[0].kind = USP_STDIO_PIPE;
	if (ret == 0) {
		ret = usp_spawn(engine, &options, &process);
		if (ret == 0)
			ret = usp_engine_run(engine);
		usp_engine_free(engine);
	}
	if (ret < 0)
		fprintf(stderr, "uringspawn: %s\n", strerror(-ret));
	return ret < 0;
}
