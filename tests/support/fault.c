/*
 * The functions that the linker puts before those of fault_points.h.
 */
#include "support/fault.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <stddef.h>

#include "base/alloc.h"
#include "reactor/reactor.h"
#include "sys/cgroup.h"
#include "sys/clone3.h"
#include "sys/fd.h"
#include "sys/map.h"
#include "sys/pty.h"
#include "sys/pidfd.h"
#include "sys/proc.h"
#include "sys/pollset.h"
#include "sys/sock.h"

struct fault {
	unsigned left; /* calls until the fault, that one included; 0: none */
	unsigned calls;
	int error;
	bool fired;
};

static _Thread_local bool is_home; /* this thread arms faults */
static _Thread_local struct fault here;
static struct fault elsewhere; /* for all that are not at home */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void arm(struct fault *fault, unsigned n, int error)
{
	*fault = (struct fault){ .left = n, .error = error };
}

void fault_at(unsigned n, int error)
{
	is_home = true;
	arm(&here, n, error);
}

void fault_elsewhere_at(unsigned n, int error)
{
	is_home = true;
	pthread_mutex_lock(&lock);
	arm(&elsewhere, n, error);
	pthread_mutex_unlock(&lock);
}

bool fault_fired(void)
{
	here.left = 0;
	return here.fired;
}

bool fault_elsewhere_fired(void)
{
	bool fired;

	pthread_mutex_lock(&lock);
	elsewhere.left = 0;
	fired = elsewhere.fired;
	pthread_mutex_unlock(&lock);
	return fired;
}

void fault_off(void)
{
	fault_at(0, 0);
}

unsigned fault_calls(void)
{
	return here.calls;
}

/* 0, or the error that the call is to fail with. */
static int count(struct fault *fault)
{
	fault->calls++;
	if (fault->left == 0 || --fault->left > 0)
		return 0;
	fault->fired = true;
	return fault->error;
}

static int fails(void)
{
	int error;

	if (is_home)
		return count(&here);
	pthread_mutex_lock(&lock);
	error = count(&elsewhere);
	pthread_mutex_unlock(&lock);
	return error;
}

#define WRAP(type, name, parameters, arguments, failure)                                 \
	type __real_##name parameters;                                                   \
	type __wrap_##name parameters;                                                   \
	type __wrap_##name parameters                                                    \
	{                                                                                \
		int error_of_fault = fails();                                            \
                                                                                         \
		if (error_of_fault)                                                      \
			return failure;                                                  \
		return __real_##name arguments;                                          \
	}

#define FAULT_MEM(type, name, parameters, arguments)                                     \
	WRAP(type, name, parameters, arguments, NULL)
#define FAULT_SYS(type, name, parameters, arguments)                                     \
	WRAP(type, name, parameters, arguments, -error_of_fault)
#define FAULT_PTHREAD(type, name, parameters, arguments)                                 \
	WRAP(type, name, parameters, arguments, error_of_fault)

#include "support/fault_points.h"
