/*
 * A socket that the event loop of one JavaScript environment watches.
 */
#ifndef ADDON_LINK_H
#define ADDON_LINK_H

#include "value.h"

/** Put open, setSpace, receive, write, wait, wantWritable, ref, unref and close there. */
bool link_export(napi_env env, napi_value exports);

#endif
