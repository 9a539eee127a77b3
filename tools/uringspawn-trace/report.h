/*
 * What people and programs read: lines for spawns, and the summary.
 */
#ifndef TRACE_REPORT_H
#define TRACE_REPORT_H

#include <stdio.h>
#include "uringspawn-trace/options.h"
#include "uringspawn-trace/summary.h"

/* The heading of the lines that report_event() writes. */
void report_events_head(FILE *to, const struct options *options);
void report_event(FILE *to, const struct options *options, const struct record *r);
void report_event_json(FILE *to, const struct record *r);
void report_function_json(FILE *to, const struct trace_function *function);

void report_summary(FILE *to, const struct options *options, const struct summary *s);
void report_summary_json(FILE *to, const struct summary *s);

/* The one line that says what to do about it; nothing when there is nothing to say. */
void report_advice(FILE *to, const struct tally *tally);

#endif
