/*
 * A client's program, and what it is told.
 */
#include "support/client.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void note(struct told *told,
						       const char *format, ...)
{
	size_t at = strlen(told->words);
	va_list args;

	va_start(args, format);
	vsnprintf(told->words + at, sizeof(told->words) - at, format, args);
	va_end(args);
}

void on_event(struct usp_process *process, const struct usp_event *event, void *user)
{
	struct told *told = user;

	cr_assert(not(told->ended), "an event after the end");
	cr_assert(process == told->process);
	if (told->words[0] && event->kind != USP_EVENT_OUTPUT)
		note(told, " ");
	switch (event->kind) {
	case USP_EVENT_STARTED:
		note(told, "started:%d", (int)event->started.pid);
		break;
	case USP_EVENT_FAILED:
		note(told, "failed:%s:%d:%s", usp_stage_name(event->failed.stage),
		     event->failed.error, event->failed.path);
		break;
	case USP_EVENT_OUTPUT:
		told->bytes += event->output.size;
		if (event->output.size < 20)
			note(told, " output:%d:%.*s", event->output.stream,
			     (int)event->output.size, (const char *)event->output.data);
		break;
	case USP_EVENT_EOF:
		note(told, "eof:%d", event->eof.stream);
		break;
	case USP_EVENT_WINDOW:
		if (event->window.stream)
			note(told, "window:%d:%u", event->window.stream,
			     event->window.bytes);
		else
			note(told, "window:%u", event->window.bytes);
		break;
	case USP_EVENT_EXIT:
		note(told, "exit:%d", event->exit.code);
		break;
	case USP_EVENT_END:
		note(told, "end:%s", usp_reason_name(event->end.reason));
		told->ended = true;
		break;
	}
	if (told->then)
		told->then(told, event);
}

const char *const argv_true[] = { "true", NULL };

int ask_with(struct fake *fake, struct told *told, struct usp_options options)
{
	told->fake = fake;
	options.size = sizeof(options);
	if (!options.argv)
		options.argv = argv_true;
	options.on_event = on_event;
	options.user = told;
	return usp_client_spawn(fake->client, &options, &told->process);
}

uint32_t ask(struct fake *fake, struct told *told, struct usp_options options)
{
	struct frame frame;

	cr_assert(eq(int, ask_with(fake, told, options), 0));
	cr_assert(eq(int, usp_client_turn(fake->client), 0));
	frame = fake_hear(fake, NULL);
	cr_assert(eq(u8, frame.type, USP_WIRE_SPAWN));
	return frame.job;
}

int turn(struct fake *fake)
{
	return usp_client_turn(fake->client);
}

void expect(const struct told *told, const char *words)
{
	cr_assert(eq(str, (char *)told->words, (char *)words));
}

void say_a_life(struct fake *fake, uint32_t job)
{
	fake_say(fake, USP_WIRE_STARTED, job, 0, 42);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "one", 3);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 2, 0, "two", 3);
	fake_say(fake, USP_WIRE_EOF, job, 2, 0);
	fake_say(fake, USP_WIRE_EXIT, job, USP_WIRE_EXIT_CODE, 3);
	fake_say_bytes(fake, USP_WIRE_OUTPUT, job, 1, 0, "late", 4);
	fake_say(fake, USP_WIRE_EOF, job, 1, 0);
	fake_say_end(fake, job, USP_REASON_EXITED);
}

const char a_life[] = "started:42 output:1:one output:2:two eof:2 exit:3 "
		      "output:1:late eof:1 end:exited";
