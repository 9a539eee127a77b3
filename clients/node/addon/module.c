/*
 * uringspawn.node: descriptors over a Unix socket, for lib/transport_addon.js and
 * lib/fork.js.
 *
 * Nothing here is shared by two environments of a process: what there is belongs to one of
 * them, or to the link that open() made, so that each worker thread may load this as often as it likes.
 */
#include "descriptor.h"
#include "environment.h"
#include "link.h"

NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports);

NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	if (!descriptor_export(env, exports) || !environment_export(env, exports) ||
	    !link_export(env, exports))
		return NULL;
	return exports;
}
