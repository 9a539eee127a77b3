/*
 * Whether the environment of the process has changed, without a look at it by JavaScript.
 */
#ifndef ADDON_ENVIRONMENT_H
#define ADDON_ENVIRONMENT_H

#include "value.h"

/** Put environmentVersion there. */
bool environment_export(napi_env env, napi_value exports);

#endif
