/*
 * What an engine is made of, for the files of this folder.
 */
#ifndef ENGINE_ENGINE_PARTS_H
#define ENGINE_ENGINE_PARTS_H

#include "engine/admission.h"
#include "engine/engine.h"
#include "engine/metrics.h"
#include "launch/janitor.h"
#include "process/process.h"

struct usp_engine {
	struct process_host host; /* its reactor is there when all of it is */
	struct reactor *reactor;
	struct launchers *launchers;
	struct janitor *janitor;
	struct cgroups *cgroups;
	struct admission admission;
	struct admission_owner own; /* of what its program asks for */
	struct metrics metrics;
	struct spec_env *last_env; /* shared by those that wait with the same */
	struct list processes;	   /* all, of process.link */
	struct list parts;	   /* of engine_part.link */
	unsigned held;		   /* by them */
	struct deferred pump;
	struct timer patience; /* with those that do not end, when it is freed */
	bool lost_patience;
	bool stopping; /* the current run */
	bool closing;  /* for good */
	struct usp_engine *next_left;
};

#endif
