/*
 * The metrics over HTTP.
 *
 * A visit is a connection: it is read until its request is whole, answered, and
 * closed.
 */
#include "daemon/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/http_request.h"
#include "daemon/stat.h"
#include "sys/fd.h"
#include "sys/tcp.h"

#define BACKLOG	   16
#define RETRY_NS   (100 * NS_PER_MS)
#define HEAD_BYTES 512 /* of an answer, at most */

struct visit {
	struct owner owner;
	struct http *http;
	struct list link; /* http.visits */
	int slot;
	struct op recv, send;
	struct timer limit;
	struct buf answer; /* empty: the request is not whole */
	struct iovec iov;
	struct msghdr message;
	size_t size;
	char request[HTTP_REQUEST_BYTES];
};

/* ---- the end of a visit -------------------------------------------------- */

static void on_visit_drained(struct owner *owner) REACTOR_ONLY
{
	struct visit *v = container_of(owner, struct visit, owner);

	reactor_slot_drop(v->http->daemon->reactor, v->slot);
	v->http->n_sockets--;
	buf_done(&v->answer);
	mem_free(v);
}

/* It may be gone when this returns, and is not to be touched. */
static void visit_close(struct visit *v) REACTOR_ONLY
{
	struct reactor *r = v->http->daemon->reactor;

	if (v->owner.closing)
		return;
	list_remove(&v->link);
	v->http->n_visits--;
	timer_cancel(r, &v->limit);
	reactor_cancel(r, &v->recv);
	reactor_cancel(r, &v->send);
	owner_close(&v->owner);
}

static void on_limit(struct timer *timer) REACTOR_ONLY
{
	visit_close(container_of(timer, struct visit, limit));
}

/* ---- answers ------------------------------------------------------------- */

static void send_rest(struct visit *v) REACTOR_ONLY
{
	v->iov = (struct iovec){ buf_bytes(&v->answer), buf_size(&v->answer) };
	v->message = (struct msghdr){ .msg_iov = &v->iov, .msg_iovlen = 1 };
	reactor_send(v->http->daemon->reactor, &v->send, v->slot, &v->message);
}

static void on_sent(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct visit *v = container_of(op, struct visit, send);

	if (v->owner.closing)
		return;
	if (done->res > 0)
		buf_consume(&v->answer, (size_t)done->res);
	if (done->res <= 0 || buf_size(&v->answer) == 0)
		visit_close(v);
	else
		send_rest(v);
}

/* @more: header fields, each with its end. */
static int write_head(struct buf *out, const char *status, const char *more,
		      size_t body_size)
{
	char head[HEAD_BYTES];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\n"
			 "%s"
			 "Content-Length: %zu\r\n"
			 "Connection: close\r\n"
			 "\r\n",
			 status, more, body_size);

	return buf_append(out, head, (size_t)n);
}

static int write_error(struct buf *out, const char *status, const char *more)
{
	char body[64];
	int n = snprintf(body, sizeof(body), "%s\n", status);
	int ret = write_head(out, status, more, (size_t)n);

	return ret < 0 ? ret : buf_append(out, body, (size_t)n);
}

static int write_metrics(const struct daemon *d, struct buf *out,
			 bool body_too) REACTOR_ONLY
{
	struct buf body;
	int ret;

	buf_init(&body, STAT_BYTES_MAX);
	ret = stat_write(d, false, &body);
	if (ret == 0)
		ret = write_head(out, "200 OK",
				 "Content-Type: text/plain; version=0.0.4; "
				 "charset=utf-8\r\n",
				 buf_size(&body));
	if (ret == 0 && body_too)
		ret = buf_append(out, buf_bytes(&body), buf_size(&body));
	buf_done(&body);
	return ret;
}

static bool is_metrics(const struct http_request *request)
{
	static const char path[] = "/metrics";

	return request->path_size == sizeof(path) - 1 &&
	       memcmp(request->path, path, sizeof(path) - 1) == 0;
}

/* @parsed: what http_request_parse() said, or -EMSGSIZE. */
static int write_answer(const struct visit *v, int parsed,
			const struct http_request *request, struct buf *out) REACTOR_ONLY
{
	if (parsed == -EMSGSIZE)
		return write_error(out, "431 Request Header Fields Too Large", "");
	if (parsed < 0)
		return write_error(out, "400 Bad Request", "");
	if (!is_metrics(request))
		return write_error(out, "404 Not Found", "");
	if (request->method == HTTP_OTHER)
		return write_error(out, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
	return write_metrics(v->http->daemon, out, request->method == HTTP_GET);
}

static void answer(struct visit *v, int parsed,
		   const struct http_request *request) REACTOR_ONLY
{
	reactor_cancel(v->http->daemon->reactor, &v->recv);
	if (write_answer(v, parsed, request, &v->answer) < 0)
		visit_close(v);
	else
		send_rest(v);
}

/* ---- requests ------------------------------------------------------------ */

static void receive(struct visit *v) REACTOR_ONLY
{
	reactor_recv(v->http->daemon->reactor, &v->recv, v->slot);
}

static void take(struct visit *v, const char *bytes, size_t size) REACTOR_ONLY
{
	size_t room = sizeof(v->request) - v->size;
	size_t part = size < room ? size : room;
	struct http_request request;
	int parsed;

	memcpy(v->request + v->size, bytes, part);
	v->size += part;
	parsed = http_request_parse(v->request, v->size, &request);
	if (parsed == 0 && v->size == sizeof(v->request))
		parsed = -EMSGSIZE;
	if (parsed)
		answer(v, parsed, &request);
}

/* Descriptors cannot come over TCP, so the buffer's are not looked at. */
static void on_recv(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct visit *v = container_of(op, struct visit, recv);

	if (v->owner.closing || buf_size(&v->answer) > 0)
		return;
	if (done->res > 0)
		take(v, buffer_bytes(done->buffer), (size_t)done->res);
	else if (done->res != -ENOBUFS && done->res != -EINTR && done->res != -EAGAIN)
		visit_close(v);
	if (!v->owner.closing && buf_size(&v->answer) == 0 && !op_armed(op))
		receive(v);
}

static void visit_new(struct http *h, int slot, int fd) REACTOR_ONLY
{
	struct reactor *r = h->daemon->reactor;
	struct visit *v = mem_zalloc(sizeof(*v));

	if (!v) {
		sys_close(fd);
		reactor_slot_drop(r, slot);
		return;
	}
	reactor_slot_fill(r, slot, fd);
	v->http = h;
	v->slot = slot;
	v->owner.on_drained = on_visit_drained;
	v->limit.on_fire = on_limit;
	op_init(&v->recv, &v->owner, on_recv);
	op_init(&v->send, &v->owner, on_sent);
	buf_init(&v->answer, STAT_BYTES_MAX + HEAD_BYTES);
	list_append(&h->visits, &v->link);
	h->n_visits++;
	h->n_sockets++;
	timer_arm(r, &v->limit, reactor_now_ns(r) + HTTP_LIMIT_NS);
	receive(v);
}

/* ---- accepting ----------------------------------------------------------- */

static void admit(struct http *h, int fd) REACTOR_ONLY
{
	int slot;

	if (h->n_visits == HTTP_VISITS_MAX)
		visit_close(container_of(list_first(&h->visits), struct visit, link));
	slot = reactor_slot_take(h->daemon->reactor);
	if (slot < 0)
		sys_close(fd);
	else
		visit_new(h, slot, fd);
}

static void on_accept(struct op *op, const struct completion *done) REACTOR_ONLY
{
	struct http *h = container_of(op, struct http, accept);
	struct reactor *r = h->daemon->reactor;

	if (done->res >= 0 && h->stopped)
		sys_close(done->res);
	else if (done->res >= 0)
		admit(h, done->res);
	if (h->stopped || op_armed(op))
		return;
	if (done->res >= 0 || done->res == -EINTR || done->res == -ECONNABORTED ||
	    done->res == -EAGAIN)
		reactor_accept(r, op, h->slot);
	else
		timer_arm(r, &h->retry, reactor_now_ns(r) + RETRY_NS);
}

static void on_retry(struct timer *timer) REACTOR_ONLY
{
	struct http *h = container_of(timer, struct http, retry);

	reactor_accept(h->daemon->reactor, &h->accept, h->slot);
}

static void on_drained(struct owner *owner) REACTOR_ONLY
{
	struct http *h = container_of(owner, struct http, owner);

	reactor_slot_drop(h->daemon->reactor, h->slot);
	h->open = false;
}

int http_open(struct http *h, struct daemon *d, const struct tcp_address *address)
{
	int slot = reactor_slot_take(d->reactor);
	int fd;

	if (slot < 0)
		return slot;
	fd = sys_tcp_listen(address, BACKLOG);
	if (fd < 0) {
		reactor_slot_drop(d->reactor, slot);
		return fd;
	}
	*h = (struct http){ .daemon = d, .slot = slot, .open = true };
	h->port = sys_tcp_port(fd);
	h->owner.on_drained = on_drained;
	h->retry.on_fire = on_retry;
	list_init(&h->visits);
	reactor_slot_fill(d->reactor, slot, fd);
	op_init(&h->accept, &h->owner, on_accept);
	reactor_accept(d->reactor, &h->accept, slot);
	return 0;
}

void http_stop(struct http *h)
{
	if (!h->open || h->stopped)
		return;
	h->stopped = true;
	timer_cancel(h->daemon->reactor, &h->retry);
	reactor_cancel(h->daemon->reactor, &h->accept);
	list_each(link, next, &h->visits)
		visit_close(container_of(link, struct visit, link));
	owner_close(&h->owner);
}
