/*
 * Descriptors and processes as such: what a stream socket needs before it is watched.
 */
#ifndef ADDON_DESCRIPTOR_H
#define ADDON_DESCRIPTOR_H

#include "value.h"

/** Put connect, socketpair, dup, setBlocking, closeFd, peer, getpgid and umask there. */
bool descriptor_export(napi_env env, napi_value exports);

#endif
