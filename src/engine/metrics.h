/*
 * What has become of an engine's processes, in numbers: ends by their reason,
 * failures by their stage, and how long the phases took.
 */
#ifndef ENGINE_METRICS_H
#define ENGINE_METRICS_H

#include <uringspawn/spawn.h>
#include "base/annotate.h"

struct metrics {
	uint64_t ended[USP_STATS_REASONS]; /* by enum usp_reason */
	uint64_t failed[USP_STATS_STAGES]; /* by enum usp_stage */
	uint64_t bytes[3];		   /* of the standard streams */
	struct usp_histogram queue, launch, run, drain;
};

/*
 * One process more has ended.
 *
 * What was never let in counts as no launch, and what was refused at once as no wait;
 * runs and drains are those of programs that ran.
 *
 * @failed: the stage that it failed at, or USP_STAGE_NONE
 */
void metrics_count(struct metrics *m, const struct usp_end *end,
		   enum usp_stage failed) REACTOR_ONLY;

void histogram_add(struct usp_histogram *h, uint64_t ns);

#endif
