/*
 * New limits hold for what comes: nobody loses what he has.
 *
 * Reading the file is the one thing that the reactor waits for a disk for: an operator
 * asked, and it is short.
 */
#include "daemon/reload.h"

#include "daemon/admit.h"
#include "daemon/daemon.h"
#include "daemon/limits.h"
#include "daemon/notify.h"

void reload(struct daemon *d)
{
	struct config_limits limits;
	struct config_error error;

	if (!d->config->file || d->phase != DAEMON_SERVING)
		return;
	notify_reloading();
	if (config_reload(d->argc, d->argv, d->config, &limits, &error) < 0) {
		log_say(LOG_LEVEL_ERROR, "the limits stay as they are: %s", error.text);
	} else {
		limits_set(d, &limits);
		log_say(LOG_LEVEL_NOTICE, "limits read from %s", d->config->file);
	}
	notify_ready();
}
