#include "engine/look.h"

#include "process/process.h"
#include "reactor/reactor.h"

static const char *const states[PROCESS_STATES] = {
	[PROCESS_QUEUED] = "queued",   [PROCESS_LAUNCHING] = "launching",
	[PROCESS_RUNNING] = "running", [PROCESS_DRAINING] = "draining",
	[PROCESS_ENDED] = "ended",
};

void engine_look(const struct usp_process *process, struct look *ret_look)
{
	const struct process *p = container_of(process, struct process, handle);
	uint64_t now = reactor_now_ns(p->host->reactor);

	*ret_look = (struct look){
		.state = states[p->state],
		.name = p->spec && p->spec->name ? p->spec->name : "",
		.pid = p->started && !p->exited ? p->plan.pid : 0,
		.age_ns = now > p->queued_ns ? now - p->queued_ns : 0,
	};
	for (unsigned i = 0; i < p->channels.n; i++)
		if (p->channel[i].is_read)
			ret_look->output_bytes += p->channel[i].stream.total_bytes;
}
