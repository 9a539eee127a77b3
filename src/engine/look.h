/*
 * What one process is doing, for who lists them.
 */
#ifndef ENGINE_LOOK_H
#define ENGINE_LOOK_H

#include "process/verbs.h"

void engine_look(const struct usp_process *process, struct look *ret_look) REACTOR_ONLY;

#endif
