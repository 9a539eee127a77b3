/*
 * The thread roles that annotate.h names.  Nobody reads or locks them.
 */
#include "base/annotate.h"

struct thread_role on_reactor, on_launcher, on_janitor;
