/*
 * The CPU time of the calling thread, in microseconds, for a bench: a runtime without
 * process.threadCpuUsage() tells of the whole process alone.
 */
#define NAPI_VERSION 8
#include <node_api.h>
#include <time.h>

static napi_value thread_cpu_us(napi_env env, napi_callback_info info)
{
	struct timespec now;
	napi_value number = NULL;

	(void)info;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	(void)napi_create_double(
		env, (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3, &number);
	return number;
}

NAPI_MODULE_INIT()
{
	napi_value function = NULL;

	if (napi_create_function(env, "threadCpuUs", NAPI_AUTO_LENGTH, thread_cpu_us,
				 NULL, &function) == napi_ok)
		(void)napi_set_named_property(env, exports, "threadCpuUs", function);
	return exports;
}
