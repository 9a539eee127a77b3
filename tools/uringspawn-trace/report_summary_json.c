/*
 * The summary as one JSON object.
 */
#include <jansson.h>
#include "base/clock.h"
#include "uringspawn-trace/report.h"

static json_t *phase_json(const struct histogram *h)
{
	if (!h->n)
		return json_null();
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "n", (json_int_t)h->n,
			 "sum_ns", (json_int_t)h->sum_ns, "p50_ns",
			 (json_int_t)histogram_percentile(h, 0.5), "p90_ns",
			 (json_int_t)histogram_percentile(h, 0.9), "p99_ns",
			 (json_int_t)histogram_percentile(h, 0.99), "max_ns",
			 (json_int_t)h->max_ns);
}

static json_t *histogram_json(const struct histogram *h)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < 40; i++) {
		uint64_t n = histogram_between(h, i, NS_PER_US);

		if (n)
			json_array_append_new(
				all,
				json_pack("{s:I, s:I, s:I}", "lo_us",
					  (json_int_t)(i ? INT64_C(1) << i : 0), "hi_us",
					  (json_int_t)((INT64_C(2) << i) - 1), "count",
					  (json_int_t)n));
	}
	return all;
}

static json_t *tally_json(const struct tally *t)
{
	json_t *phases = json_object();

	for (enum phase i = 0; i < PHASE_COUNT; i++)
		json_object_set_new(phases, phase_names[i].name, phase_json(&t->ns[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "spawns", (json_int_t)t->spawns, "forks", (json_int_t)t->forks,
			 "vforks", (json_int_t)t->vforks, "shared", (json_int_t)t->shared,
			 "executed_nothing", (json_int_t)t->no_exec, "exec_failed",
			 (json_int_t)t->exec_failed, "clone_failed",
			 (json_int_t)t->clone_failed, "sync", (json_int_t)t->sync,
			 "fork_bytes", (json_int_t)tally_fork_bytes(t), "phases", phases,
			 "histogram", histogram_json(&t->ns[PHASE_BLOCKED]));
}

static json_t *processes_json(const struct summary *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_processes; i++) {
		const struct summary_process *p = &s->processes[i];
		json_t *name = json_string(p->name);

		json_array_append_new(
			all, json_pack("{s:i, s:o, s:I, s:I, s:I, s:I, s:I}", "tgid",
				       (int)p->tgid, "name", name ? name : json_null(),
				       "main_spawns", (json_int_t)p->by_main,
				       "main_blocked_ns", (json_int_t)p->main_ns,
				       "main_sync_ns", (json_int_t)p->main_sync_ns,
				       "other_spawns", (json_int_t)p->by_others,
				       "other_blocked_ns", (json_int_t)p->others_ns));
	}
	return all;
}

static json_t *threads_json(const struct summary *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->n_threads; i++) {
		json_t *one = tally_json(s->threads[i].tally);

		json_object_set_new(one, "tgid", json_integer(s->threads[i].tgid));
		json_object_set_new(one, "tid", json_integer(s->threads[i].tid));
		json_array_append_new(all, one);
	}
	return all;
}

void report_summary_json(FILE *to, const struct summary *s)
{
	json_t *o = tally_json(&s->all);

	json_object_set_new(o, "type", json_string("summary"));
	json_object_set_new(o, "backend", json_string(s->backend));
	json_object_set_new(o, "jobs", json_integer((json_int_t)s->jobs));
	json_object_set_new(o, "wall_ns",
			    json_integer((json_int_t)(s->to_ns - s->from_ns)));
	json_object_set_new(o, "processes", processes_json(s));
	if (s->by_thread)
		json_object_set_new(o, "threads", threads_json(s));
	json_object_set_new(o, "lost_records",
			    json_integer((json_int_t)s->losses.records));
	json_object_set_new(o, "lost_threads",
			    json_integer((json_int_t)s->losses.threads));
	json_dumpf(o, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(o);
}
