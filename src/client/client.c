/*
 * Opening, turning and closing a connection to a daemon.
 */
#include "client/client.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uringspawn/version.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "client/inbox.h"
#include "client/pool.h"
#include "client/remote.h"
#include "client/stats.h"
#include "client/template.h"
#include "sys/fd.h"
#include "sys/sock.h"
#include "wire/request.h"

/* A daemon greets at once; one that does not in this time is no daemon. */
#define GREETING_LIMIT_NS (5 * NS_PER_S)

/* Between two attempts to find a daemon again: at first, and at most. */
#define REOPEN_PAUSE_NS	    (10 * NS_PER_MS)
#define REOPEN_PAUSE_MAX_NS NS_PER_S

/* Below this a daemon's own HELLO says nonsense. */
#define FRAME_BYTES_MIN 4096u

void client_fail(struct usp_client *client, int error, const char *format, ...)
{
	va_list args;

	if (client->error)
		return;
	client->error = error;
	va_start(args, format);
	vsnprintf(client->why, sizeof(client->why), format, args);
	va_end(args);
}

void client_post(struct usp_client *client, const struct frame *frame)
{
	if (sendq_put(&client->out, frame, NULL))
		client->post_error = -ENOMEM;
}

/* ---- opening ------------------------------------------------------------- */

static int send_hello(struct usp_client *client)
{
	static const char name[] = "liburingspawn " USP_VERSION;
	struct hello hello = {
		.version_min = USP_WIRE_VERSION_MIN,
		.version_max = USP_WIRE_VERSION_MAX,
		.frame_bytes = CLIENT_FRAME_BYTES_MAX,
		.jobs = UINT32_MAX,
		.window_bytes = USP_WIRE_WINDOW_BYTES,
		.stdin_window_bytes = USP_WIRE_STDIN_WINDOW_BYTES,
		.name = { name, sizeof(name) - 1 },
	};
	struct frame frame = { .type = USP_WIRE_HELLO };
	int ret;

	buf_consume(&client->payload, buf_size(&client->payload));
	ret = hello_encode(&hello, &client->payload);
	if (ret)
		return ret;
	frame.payload = buf_bytes(&client->payload);
	frame.payload_bytes = (uint32_t)buf_size(&client->payload);
	ret = sendq_put(&client->out, &frame, NULL);
	if (ret)
		return ret;
	/* A daemon that refuses may have closed already: its reason is still there
	 * to be read. */
	(void)sendq_send(&client->out, client->fd);
	return 0;
}

static int greet(struct usp_client *client)
{
	struct hello hello;
	int ret;

	ret = send_hello(client);
	if (ret)
		return ret;
	ret = inbox_greeting(client, clock_now_ns() + GREETING_LIMIT_NS, &hello);
	if (ret)
		return ret;
	if (hello.frame_bytes < FRAME_BYTES_MIN || hello.window_bytes == 0)
		return -EPROTO;
	client->limits = (struct client_limits){
		.frame_bytes = hello.frame_bytes,
		.window_bytes = hello.window_bytes,
		.stdin_window_bytes = hello.stdin_window_bytes,
	};
	if (client->limits.frame_bytes > USP_WIRE_FRAME_BYTES_MAX)
		client->limits.frame_bytes = USP_WIRE_FRAME_BYTES_MAX;
	client->payload.max = client->limits.frame_bytes;
	client->strings.max = client->limits.frame_bytes;
	return 0;
}

static struct usp_client *new_client(const char *socket)
{
	struct usp_client *client = mem_zalloc(sizeof(*client));
	size_t size = strlen(socket) + 1;

	if (!client)
		return NULL;
	client->socket = mem_alloc(size);
	if (!client->socket) {
		mem_free(client);
		return NULL;
	}
	memcpy(client->socket, socket, size);
	client->fd = -1;
	inbox_init(client);
	buf_init(&client->payload, USP_WIRE_FRAME_BYTES_MAX);
	buf_init(&client->strings, USP_WIRE_FRAME_BYTES_MAX);
	sendq_init(&client->out);
	table_init(&client->jobs);
	list_init(&client->remotes);
	list_init(&client->refused);
	list_init(&client->templates);
	list_init(&client->pools);
	return client;
}

/* Nothing that belonged to the connection is left. */
static void disconnect(struct usp_client *client)
{
	sys_close(client->fd);
	client->fd = -1;
	sendq_done(&client->out);
	inbox_done(client);
	inbox_init(client);
	client->undispatched = false;
	client->post_error = 0;
}

/* One attempt. */
static int connect_once(struct usp_client *client)
{
	int ret = sys_socket_connect(client->socket);

	if (ret < 0)
		return ret;
	client->fd = ret;
	client->error = 0;
	client->why[0] = '\0';
	ret = greet(client);
	if (!ret)
		ret = client_templates_send(client);
	if (!ret)
		ret = client_pools_send(client);
	if (ret) {
		disconnect(client);
		client->error = -EPIPE;
	}
	return ret;
}

int usp_client_open(const char *socket, struct usp_client **ret_client)
{
	struct usp_client *client;
	char path[PATH_MAX];
	int ret;

	if (!socket) {
		ret = socket_default(path, sizeof(path));
		if (ret)
			return ret;
		socket = path;
	}
	client = new_client(socket);
	if (!client)
		return -ENOMEM;
	ret = connect_once(client);
	if (ret) {
		usp_client_free(client);
		return ret;
	}
	*ret_client = client;
	return 0;
}

/* ---- opening anew ----------------------------------------------------------- */

/* May a daemon be there in a moment? */
static bool may_come(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -EAGAIN ||
	       error == -ETIMEDOUT || error == -EBUSY;
}

static void wait_ns(uint64_t ns)
{
	const struct timespec pause = {
		.tv_sec = (time_t)(ns / NS_PER_S),
		.tv_nsec = (long)(ns % NS_PER_S),
	};

	nanosleep(&pause, NULL);
}

int usp_client_reopen(struct usp_client *client, uint64_t limit_ns)
{
	uint64_t end_ns = clock_now_ns() + limit_ns, pause_ns = REOPEN_PAUSE_NS;
	int ret;

	assert(!client->turning && !client->freeing);
	if (!client->error)
		return -EISCONN;
	client_pools_tell(client);
	disconnect(client);
	for (;;) {
		uint64_t now_ns;

		ret = connect_once(client);
		now_ns = clock_now_ns();
		if (!may_come(ret) || now_ns >= end_ns)
			return ret;
		wait_ns(pause_ns < end_ns - now_ns ? pause_ns : end_ns - now_ns);
		if (pause_ns < REOPEN_PAUSE_MAX_NS)
			pause_ns *= 2;
	}
}

/* ---- closing ------------------------------------------------------------- */

/* A callback may ask for one more process, but not be given it, so this ends. */
static void lose_all(struct usp_client *client, enum usp_reason reason, int error,
		     const char *path)
{
	struct list *link;

	while ((link = list_first(&client->refused)))
		remote_tell_refusal(container_of(link, struct remote, link));
	while ((link = list_first(&client->remotes)))
		remote_lose(container_of(link, struct remote, link), reason, error, path);
	if (client->freeing) {
		client_pools_end(client);
		return;
	}
	client_pools_lose(client);
	(void)stats_tell(client, NULL, 0); /* if somebody asked */
	(void)stats_tell_killed(client, 0, -EPIPE);
}

struct usp_client *usp_client_free(struct usp_client *client)
{
	if (!client)
		return NULL;
	assert(!client->turning);
	client->freeing = true;
	sys_close(client->fd);
	lose_all(client, USP_REASON_CLIENT_GONE, ECANCELED, "");
	client_pools_orphan(client);
	client_templates_orphan(client);
	sendq_done(&client->out);
	inbox_done(client);
	buf_done(&client->payload);
	buf_done(&client->strings);
	table_done(&client->jobs);
	mem_free(client->socket);
	mem_free(client);
	return NULL;
}

/* ---- turning ------------------------------------------------------------- */

int usp_client_fd(const struct usp_client *client)
{
	return client->fd;
}

short usp_client_poll_events(const struct usp_client *client)
{
	bool wants = !sendq_empty(&client->out) || !list_empty(&client->refused) ||
		     client->undispatched;

	return wants ? POLLIN | POLLOUT : POLLIN;
}

const char *usp_client_error(const struct usp_client *client)
{
	return client->why;
}

/* Those refused from inside these callbacks wait for the next turn. */
static void tell_refused(struct usp_client *client)
{
	struct list *last = client->refused.prev;

	while (!list_empty(&client->refused)) {
		struct list *link = list_first(&client->refused);
		bool was_last = link == last;

		remote_tell_refusal(container_of(link, struct remote, link));
		if (was_last)
			return;
	}
}

/* When a send fails, what the daemon said before it closed is still to be told. */
static void exchange(struct usp_client *client)
{
	int sent = sendq_send(&client->out, client->fd);

	if (inbox_turn(client, sent != 0))
		return;
	if (client->post_error)
		client_fail(client, client->post_error, "no memory for a frame");
	else if (!sent)
		(void)sendq_send(&client->out,
				 client->fd); /* the next turn sees why not */
	else if (!client->undispatched)
		client_fail(client, -EPIPE, "the daemon at %s closed the connection: %s",
			    client->socket, strerrordesc_np(-sent));
}

int usp_client_turn(struct usp_client *client)
{
	assert(!client->turning && !client->freeing);
	if (client->error) {
		client_pools_tell(client);
		return client->error;
	}
	client->turning = true;
	tell_refused(client);
	exchange(client);
	if (client->error)
		lose_all(client, USP_REASON_STATUS_LOST, ECONNRESET, client->socket);
	client->turning = false;
	return client->error;
}

static bool has_work(const struct usp_client *client)
{
	return !client->stop &&
	       (!list_empty(&client->remotes) || !list_empty(&client->refused) ||
		client->on_stats || client->on_killed || client_pools_wait(client));
}

int usp_client_run(struct usp_client *client)
{
	int ret = client->error;

	client->running = true;
	while (!ret && has_work(client)) {
		struct pollfd p = { .fd = client->fd };

		ret = usp_client_turn(client);
		if (ret || !has_work(client))
			break;
		p.events = usp_client_poll_events(client);
		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			ret = -errno;
	}
	client->running = false;
	client->stop = false;
	return ret;
}

void usp_client_stop(struct usp_client *client)
{
	client->stop = true;
}
