/*
 * Stages, reasons and failures as words for people, and ends as exit codes for
 * shells.  Opens nothing: what it says, it says from the event alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <uringspawn/spawn.h>
#include "base/annotate.h"

static const char *const stage_names[] = {
	[USP_STAGE_NONE] = "none",	     [USP_STAGE_VALIDATE] = "validate",
	[USP_STAGE_ADMISSION] = "admission", [USP_STAGE_FDS] = "fds",
	[USP_STAGE_CLONE] = "clone",	     [USP_STAGE_STDIO] = "stdio",
	[USP_STAGE_SESSION] = "session",     [USP_STAGE_LIMITS] = "limits",
	[USP_STAGE_CHDIR] = "chdir",	     [USP_STAGE_SIGNALS] = "signals",
	[USP_STAGE_EXEC] = "exec",	     [USP_STAGE_INTERPRETER] = "interpreter",
	[USP_STAGE_CGROUP] = "cgroup",	     [USP_STAGE_CREDENTIALS] = "credentials",
	[USP_STAGE_READY] = "ready",
};

static const char *const reason_names[] = {
	[USP_REASON_EXITED] = "exited",
	[USP_REASON_SIGNALLED] = "signalled",
	[USP_REASON_FAILED] = "failed",
	[USP_REASON_TIMEOUT] = "timeout",
	[USP_REASON_LAUNCH_TIMEOUT] = "launch-timeout",
	[USP_REASON_KILLED] = "killed",
	[USP_REASON_CLIENT_GONE] = "client-gone",
	[USP_REASON_STATUS_LOST] = "status-lost",
	[USP_REASON_IDLE_TIMEOUT] = "idle-timeout",
	[USP_REASON_QUEUE_TIMEOUT] = "queue-timeout",
	[USP_REASON_OUTPUT_LIMIT] = "output-limit",
	[USP_REASON_CGROUP_OOM] = "cgroup-oom",
	[USP_REASON_RELEASED] = "released",
};

const char *usp_stage_name(enum usp_stage stage)
{
	return (size_t)stage < ARRAY_SIZE(stage_names) ? stage_names[stage] : "unknown";
}

const char *usp_policy_name(enum usp_policy policy)
{
	static const char *const names[] = {
		[USP_POLICY_SHARED] = "shared",
		[USP_POLICY_ROUND_ROBIN] = "round-robin",
		[USP_POLICY_LEAST_LOADED] = "least-loaded",
		[USP_POLICY_RANDOM] = "random",
	};

	return (unsigned)policy < ARRAY_SIZE(names) ? names[policy] : NULL;
}

const char *usp_reason_name(enum usp_reason reason)
{
	const char *name =
		(size_t)reason < ARRAY_SIZE(reason_names) ? reason_names[reason] : NULL;

	return name ? name : "unknown";
}

/* A text that is cut, never overrun. */
struct text {
	char *bytes;
	size_t size;
};

static __attribute__((format(printf, 2, 3))) void say(struct text *out,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(out->bytes, out->size, format, args);
	va_end(args);
}

/* Unlike strerror() this is the same in every thread and every locale. */
static const char *why(int error)
{
	const char *words = strerrordesc_np(error);

	return words ? words : "Unknown error";
}

static void say_signal(struct text *out, const struct usp_failure *f)
{
	const char *name = sigabbrev_np(f->signal);
	char number[16];

	snprintf(number, sizeof(number), "%d", f->signal);
	say(out, "signal %s%s ended the child before it ran%s%s%s (stage %s)",
	    name ? "SIG" : "", name ? name : number, *f->path ? " '" : "", f->path,
	    *f->path ? "'" : "", usp_stage_name(f->stage));
}

static void say_validate(struct text *out, const struct usp_failure *f)
{
	const char *what = *f->path ? f->path : "the request";

	if (f->error == E2BIG)
		say(out, "the request was refused: %s is longer than the kernel takes",
		    what);
	else
		say(out, "the request was refused: %s is not valid: %s", what,
		    why(f->error));
}

static void say_busy(struct text *out, const struct usp_failure *f)
{
	const char *limit = *f->path ? f->path : "what may run";

	if (f->retry_ms)
		say(out, "cannot start: limit of %s reached, try again in %u ms", limit,
		    f->retry_ms);
	else
		say(out, "cannot start: limit of %s reached, try again later", limit);
}

static void say_admission(struct text *out, const struct usp_failure *f)
{
	bool named = *f->path;

	switch (f->error) {
	case EPIPE:
	case ECONNRESET:
		say(out, "cannot start: the connection to the daemon%s%s%s was lost",
		    named ? " at '" : "", f->path, named ? "'" : "");
		break;
	case ECANCELED:
		say(out, "not started: it was ended while it waited for a place");
		break;
	case ETIMEDOUT:
		say(out, "not started: it waited for a place for as long as it was to");
		break;
	case ESHUTDOWN:
		say(out, "cannot start: no more programs are taken, this is the end");
		break;
	case EBUSY:
	case EAGAIN:
	case ENOSPC:
	case EDQUOT:
		say_busy(out, f);
		break;
	case EMFILE:
		say(out, "cannot start: it needs more than there are%s%s",
		    named ? " of " : "", f->path);
		break;
	default:
		say(out, "cannot start%s%s%s: %s", named ? " (" : "", f->path,
		    named ? ")" : "", why(f->error));
	}
}

static void say_clone(struct text *out, const struct usp_failure *f)
{
	if (f->error == EAGAIN && *f->path)
		say(out, "cannot make a process: the limit %s is reached", f->path);
	else if (f->error == EAGAIN)
		say(out,
		    "cannot make a process: %s (a limit on processes: RLIMIT_NPROC or the "
		    "cgroup's pids.max)",
		    why(f->error));
	else
		say(out, "cannot make a process: %s", why(f->error));
}

static void say_exec(struct text *out, const struct usp_failure *f)
{
	switch (f->error) {
	case ENOENT:
		say(out, "cannot run '%s': no such program", f->path);
		break;
	case EACCES:
		say(out, "cannot run '%s': it is a directory or may not be executed: %s",
		    f->path, why(f->error));
		break;
	case ENOEXEC:
		say(out,
		    "cannot run '%s': it is no program of this machine and has no #! "
		    "line",
		    f->path);
		break;
	case E2BIG:
		say(out, "cannot run '%s': its arguments and environment are too long",
		    f->path);
		break;
	default:
		say(out, "cannot run '%s': %s", f->path, why(f->error));
	}
}

static void say_interpreter(struct text *out, const struct usp_failure *f)
{
	if (f->error == ENOENT)
		say(out,
		    "'%s' is there, but the interpreter or loader that it names is not",
		    f->path);
	else
		say(out,
		    "'%s' is there, but the interpreter or loader that it names does not "
		    "run: %s",
		    f->path, why(f->error));
}

static void say_ready(struct text *out, const struct usp_failure *f)
{
	if (f->error == ETIMEDOUT)
		say(out, "'%s' runs, and did not become ready in time", f->path);
	else if (f->error == ECHILD)
		say(out, "'%s' ended before it was ready", f->path);
	else
		say(out, "'%s' did not become ready: %s", f->path, why(f->error));
}

/* Stages with one sentence for each errno. */
static void say_stage(struct text *out, const struct usp_failure *f)
{
	static const char *const tries[] = {
		[USP_STAGE_FDS] = "get descriptors",
		[USP_STAGE_STDIO] = "open",
		[USP_STAGE_SESSION] = "make a session or process group",
		[USP_STAGE_LIMITS] = "set a resource limit",
		[USP_STAGE_CHDIR] = "enter directory",
		[USP_STAGE_SIGNALS] = "set signals",
		[USP_STAGE_CGROUP] = "enter a cgroup",
		[USP_STAGE_CREDENTIALS] = "become another user",
	};
	const char *what = (size_t)f->stage < ARRAY_SIZE(tries) ? tries[f->stage] : NULL;
	bool named = *f->path;

	say(out, "cannot %s%s%s%s: %s", what ? what : "start", named ? " '" : "", f->path,
	    named ? "'" : "", why(f->error));
}

const char *usp_failure_text(const struct usp_failure *failure, char *text, size_t size)
{
	struct text out = { .bytes = text, .size = size };
	struct usp_failure f = *failure;

	if (!f.path)
		f.path = "";
	if (f.signal)
		say_signal(&out, &f);
	else if (f.stage == USP_STAGE_VALIDATE)
		say_validate(&out, &f);
	else if (f.stage == USP_STAGE_ADMISSION)
		say_admission(&out, &f);
	else if (f.stage == USP_STAGE_CLONE)
		say_clone(&out, &f);
	else if (f.stage == USP_STAGE_EXEC)
		say_exec(&out, &f);
	else if (f.stage == USP_STAGE_INTERPRETER)
		say_interpreter(&out, &f);
	else if (f.stage == USP_STAGE_READY)
		say_ready(&out, &f);
	else
		say_stage(&out, &f);
	return text;
}

enum {
	CODE_TIMEOUT = 124,
	CODE_OURS = 125,
	CODE_NOT_EXECUTABLE = 126,
	CODE_NOT_FOUND = 127,
	CODE_SIGNAL = 128,
};

static int failed_code(const struct usp_failure *failed)
{
	if (failed->signal)
		return CODE_OURS;
	if (failed->stage != USP_STAGE_EXEC && failed->stage != USP_STAGE_INTERPRETER)
		return CODE_OURS;
	return failed->error == ENOENT ? CODE_NOT_FOUND : CODE_NOT_EXECUTABLE;
}

static int exited_code(const struct usp_exit *exit)
{
	if (exit->signal)
		return CODE_SIGNAL + exit->signal;
	return exit->code < 0 ? CODE_OURS : exit->code;
}

/* A kill plan that a program obeyed by returning 0 has cut it off all the same. */
static int killed_code(const struct usp_exit *exit, const struct usp_failure *failed)
{
	if (failed)
		return failed->signal ? CODE_SIGNAL + failed->signal
				      : failed_code(failed);
	if (!exit)
		return CODE_OURS;
	return exited_code(exit) ? exited_code(exit) : CODE_SIGNAL + SIGTERM;
}

int usp_shell_code(const struct usp_end *end, const struct usp_exit *exit,
		   const struct usp_failure *failed)
{
	switch (end->reason) {
	case USP_REASON_TIMEOUT:
	case USP_REASON_LAUNCH_TIMEOUT:
	case USP_REASON_IDLE_TIMEOUT:
	case USP_REASON_QUEUE_TIMEOUT:
		return CODE_TIMEOUT;
	case USP_REASON_STATUS_LOST:
	case USP_REASON_CLIENT_GONE:
		return CODE_OURS;
	case USP_REASON_KILLED:
	case USP_REASON_OUTPUT_LIMIT:
	case USP_REASON_CGROUP_OOM:
		return killed_code(exit, failed);
	case USP_REASON_FAILED:
		return failed ? failed_code(failed) : CODE_OURS;
	case USP_REASON_RELEASED:
		return 0;
	case USP_REASON_EXITED:
	case USP_REASON_SIGNALLED:
		break;
	}
	return exit ? exited_code(exit) : CODE_OURS;
}
