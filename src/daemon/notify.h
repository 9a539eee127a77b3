/*
 * What the service manager is told: the NOTIFY_SOCKET protocol of sd_notify(3).
 * Without a manager that wants to know, nothing happens.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <sys/types.h>

/* Take NOTIFY_SOCKET out of the environment. */
void notify_open(void);

void notify_ready(void);     /* it serves */
void notify_reloading(void); /* until it is ready again */
void notify_stopping(void);

/* Another process is the service from here on: nothing more is told. */
void notify_replaced(pid_t pid);

#endif
