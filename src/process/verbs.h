/*
 * The public usp_process_*() calls, for processes of an engine.
 */
#ifndef PROCESS_VERBS_H
#define PROCESS_VERBS_H

#include "api/handle.h"

extern const struct process_verbs process_verbs;

#endif
