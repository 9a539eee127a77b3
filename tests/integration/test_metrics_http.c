/*
 * The metrics over HTTP: what is answered, and what visitors cannot do.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/http.h"
#include "support/daemon.h"
#include "support/peer.h"
#include "support/tmpdir.h"
#include "support/wait.h"

TestSuite(metrics_http, .fini = tmpdir_done, .timeout = 120);

static struct running_daemon daemon_run;
static int port;
static char answer[128 << 10];

static void start(void)
{
	const char *const args[] = { "--metrics", "127.0.0.1:0", NULL };
	const char *text;

	daemon_start(&daemon_run, args);
	text = strstr(daemon_run.said, "metrics on port ");
	cr_assert(ne(ptr, (void *)text, NULL), "the daemon says: %s", daemon_run.said);
	port = atoi(text + strlen("metrics on port "));
}

static int visit(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(int, connect(fd, (const struct sockaddr *)&address, sizeof(address)),
		     0));
	return fd;
}

static void say(int fd, const void *bytes, size_t size)
{
	cr_assert(eq(long, send(fd, bytes, size, MSG_NOSIGNAL), (long)size));
}

/* Everything until the daemon closes; returns whether it did so in order. */
static bool hear(int fd)
{
	size_t n = 0;
	ssize_t ret;

	do {
		cr_assert(wait_fd(fd, POLLIN, WAIT_MS), "no answer");
		ret = recv(fd, answer + n, sizeof(answer) - 1 - n, 0);
		if (ret > 0)
			n += (size_t)ret;
	} while (ret > 0);
	answer[n] = 0;
	close(fd);
	return ret == 0;
}

static void ask(const char *request)
{
	int fd = visit();

	say(fd, request, strlen(request));
	cr_assert(hear(fd));
}

static void expect_status(const char *status)
{
	cr_expect(eq(int, strncmp(answer, status, strlen(status)), 0), "%.80s", answer);
}

#define GET_METRICS "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* ---- answers ------------------------------------------------------------- */

Test(metrics_http, the_numbers_are_there)
{
	const char *body, *length;

	start();
	daemon_expect_service(daemon_run.socket);
	ask(GET_METRICS);

	expect_status("HTTP/1.1 200 OK\r\n");
	cr_expect(
		ne(ptr, strstr(answer, "Content-Type: text/plain; version=0.0.4"), NULL));
	cr_expect(ne(ptr,
		     strstr(answer, "\nuringspawn_ended_total{reason=\"exited\"} 1\n"),
		     NULL));
	body = strstr(answer, "\r\n\r\n");
	length = strstr(answer, "Content-Length: ");
	cr_assert(body && length);
	cr_expect(eq(sz, strlen(body + 4), (size_t)atol(length + 16)));
	daemon_stop(&daemon_run);
}

Test(metrics_http, head_has_no_body)
{
	start();
	ask("HEAD /metrics HTTP/1.1\r\n\r\n");
	expect_status("HTTP/1.1 200 OK\r\n");
	cr_expect(eq(str, strstr(answer, "\r\n\r\n"), "\r\n\r\n"));
	cr_expect(eq(ptr, strstr(answer, "Content-Length: 0\r\n"), NULL));
	daemon_stop(&daemon_run);
}

Test(metrics_http, what_is_not_there_is_said_to_be_so)
{
	start();
	ask("GET / HTTP/1.1\r\n\r\n");
	expect_status("HTTP/1.1 404 Not Found\r\n");
	ask("GET /metricsx HTTP/1.1\r\n\r\n");
	expect_status("HTTP/1.1 404 Not Found\r\n");
	ask("POST /metrics HTTP/1.1\r\n\r\n");
	expect_status("HTTP/1.1 405 Method Not Allowed\r\n");
	cr_expect(ne(ptr, strstr(answer, "\r\nAllow: GET, HEAD\r\n"), NULL));
	ask("GET /metrics\r\n\r\n");
	expect_status("HTTP/1.1 400 Bad Request\r\n");
	daemon_stop(&daemon_run);
}

Test(metrics_http, a_request_in_single_bytes_is_one)
{
	int fd;

	start();
	fd = visit();
	for (const char *at = GET_METRICS; *at; at++)
		say(fd, at, 1);
	cr_assert(hear(fd));
	expect_status("HTTP/1.1 200 OK\r\n");
	daemon_stop(&daemon_run);
}

/* ---- bounds -------------------------------------------------------------- */

Test(metrics_http, a_request_that_is_too_long_is_refused)
{
	static char request[HTTP_REQUEST_BYTES];
	int fd;

	start();
	fd = visit();
	memset(request, 'x', sizeof(request));
	memcpy(request, "GET /", 5);
	say(fd, request, sizeof(request));
	cr_assert(hear(fd));
	expect_status("HTTP/1.1 431 ");
	daemon_stop(&daemon_run);
}

Test(metrics_http, one_that_says_nothing_is_closed_in_time)
{
	int fd;

	start();
	fd = visit();
	say(fd, "GET /met", 8);
	cr_assert(hear(fd), "not closed in order");
	cr_expect(eq(str, answer, ""));
	daemon_stop(&daemon_run);
}

/* The oldest makes room, so that silent ones keep nobody out. */
Test(metrics_http, silent_ones_keep_nobody_out)
{
	int fds[3 * HTTP_VISITS_MAX];
	int before;

	start();
	before = daemon_open_fds(&daemon_run);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		fds[i] = visit();
	ask(GET_METRICS);
	expect_status("HTTP/1.1 200 OK\r\n");
	cr_expect(le(int, daemon_open_fds(&daemon_run), before + HTTP_VISITS_MAX));
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	daemon_expect_service(daemon_run.socket);
	daemon_stop(&daemon_run);
}

/* Stopping does not wait for visitors. */
Test(metrics_http, a_visitor_does_not_keep_the_daemon)
{
	int fd;

	start();
	fd = visit();
	ask(GET_METRICS);
	daemon_stop(&daemon_run);
	close(fd);
}

Test(metrics_http, where_others_could_come_it_does_not_listen)
{
	const char *const args[] = { "--metrics", "0.0.0.0:9100", NULL };
	char text[512];

	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 2));
	cr_expect(ne(ptr, strstr(text, "not an address of loopback"), NULL), "%s", text);
}

Test(metrics_http, a_port_that_is_taken_is_told)
{
	char address[32], text[512];
	const char *const args[] = { "--socket", tmpdir_path("other"), "--metrics",
				     address, NULL };

	start();
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	cr_expect(eq(int, daemon_try(args, text, sizeof(text)), 1));
	cr_expect(ne(ptr, strstr(text, "cannot listen for --metrics"), NULL), "%s", text);
	daemon_stop(&daemon_run);
}
