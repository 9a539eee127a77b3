/*
 * Let a running daemon start three programs at once, and print what they say.
 *
 *     cc client.c $(pkg-config --cflags --libs liburingspawn)
 *     uringspawnd --socket /tmp/spawn.sock & ./a.out /tmp/spawn.sock
 */
#include <stdio.h>
#include <string.h>
#include <uringspawn/client.h>

static void on_event(struct usp_process *process, const struct usp_event *event,
		     void *user)
{
	const char *name = user;
	char text[256];

	(void)process;
	if (event->kind == USP_EVENT_FAILED)
		printf("%s: %s\n", name,
		       usp_failure_text(&event->failed, text, sizeof(text)));
	if (event->kind == USP_EVENT_OUTPUT)
		printf("%s: %.*s", name, (int)event->output.size,
		       (const char *)event->output.data);
	if (event->kind == USP_EVENT_END)
		printf("%s: %s\n", name, usp_reason_name(event->end.reason));
}

int main(int argc, char **argv)
{
	const char *const commands[][4] = {
		{ "sh", "-c", "echo hello", NULL },
		{ "sh", "-c", "echo goodbye", NULL },
		{ "no-such-program", NULL },
	};
	const char *const envp[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	static char names[][8] = { "first", "second", "third" };
	struct usp_process *process;
	struct usp_client *client;
	int ret = usp_client_open(argc > 1 ? argv[1] : NULL, &client);

	if (ret < 0) {
		fprintf(stderr, "no daemon: %s\n", strerror(-ret));
		return 1;
	}
	for (int i = 0; i < 3 && ret == 0; i++) {
		struct usp_options options =
			USP_OPTIONS(.argv = commands[i], .envp = envp, .cwd = "/",
				    .on_event = on_event, .user = names[i]);

		ret = usp_client_spawn(client, &options, &process);
	}
	if (ret == 0)
		ret = usp_client_run(client);
	if (ret < 0)
		fprintf(stderr, "lost: %s\n", usp_client_error(client));
	usp_client_free(client);
	return ret < 0;
}
