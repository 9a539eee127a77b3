#include "uringspawn-trace/failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "uringspawn-trace/privilege.h"

int failure_set(struct failure *why, int code, const char *format, ...)
{
	va_list args;

	why->code = code;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return code;
}

int failure_of_errno(struct failure *why, int error, const char *what)
{
	char lockdown[32];

	switch (-error) {
	case EPERM:
	case EACCES:
		if (privilege_lockdown(lockdown, sizeof(lockdown)))
			return failure_set(why, CODE_DENIED,
					   "%s is refused: kernel lockdown is '%s', and "
					   "only 'none' or 'integrity' let BPF read",
					   what, lockdown);
		return failure_set(why, CODE_DENIED,
				   "%s is refused (%s) although the capabilities are "
				   "there: a sandbox or the kernel's own policy forbids "
				   "it",
				   what, strerrorname_np(-error));
	case ENOENT:
	case ESRCH:
	case EOPNOTSUPP:
	case ENOSYS:
	case EINVAL:
		return failure_set(why, CODE_KERNEL,
				   "this kernel has no %s (%s); Linux 5.15 with BTF and "
				   "tracepoints is needed",
				   what, strerrorname_np(-error));
	}
	return failure_set(why, CODE_KERNEL, "%s: %s", what, strerrordesc_np(-error));
}
