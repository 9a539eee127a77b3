/*
 * Datagrams to the service manager.
 */
#include "daemon/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/clock.h"
#include "base/err.h"
#include "daemon/log.h"
#include "sys/fd.h"
#include "sys/sock.h"

static struct {
	struct sockaddr_un addr;
	socklen_t size; /* 0: nobody wants to know */
} manager;

void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	if (name && *name &&
	    (strchr("/@", *name) == NULL ||
	     socket_address(name, &manager.addr, &manager.size) < 0))
		log_say(LOG_LEVEL_WARNING,
			"NOTIFY_SOCKET is not a path or an abstract name");
	unsetenv("NOTIFY_SOCKET");
}

static int send_text(const char *text)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = fd < 0 ? -errno : 0;

	if (fd >= 0 && sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			      (const struct sockaddr *)&manager.addr, manager.size) < 0)
		ret = -errno;
	sys_close(fd);
	return ret;
}

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	char text[128];
	va_list args;
	int ret;

	if (manager.size == 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	ret = send_text(text);
	if (ret < 0)
		log_say(LOG_LEVEL_WARNING, "the service manager cannot be told: %s",
			err_name(-ret));
}

void notify_ready(void)
{
	tell("READY=1");
}

void notify_reloading(void)
{
	tell("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_now_ns() / NS_PER_US);
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

void notify_replaced(pid_t pid)
{
	tell("MAINPID=%d", (int)pid);
	manager.size = 0;
}
