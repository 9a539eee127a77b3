/*
 * `uringspawn-trace`, which `uringspawn trace` is: what spawns cost programs that run,
 * whatever they are written in.
 */
#include "uringspawn-trace/check.h"
#include "uringspawn-trace/options.h"
#include "uringspawn-trace/session.h"

int main(int argc, char **argv)
{
	struct options options;
	int code = options_read(&options, argc, argv);

	if (code >= 0)
		return code;
	return options.check ? check_run() : session_run(&options);
}
