#include "cli/jobs_table.h"

#include "cli/jobs.h"

void jobs_table_heading(FILE *to, int width)
{
	fprintf(to, "%.*s", width,
		"    JOB  CLIENT    UID     PID STATE       AGE   CPU  MEM  OUT PROGRAM");
}

/* What it is not is left empty. */
static void usage_text(const json_t *job, char cpu[8], char memory[8])
{
	cpu[0] = memory[0] = '\0';
	if (json_is_number(json_object_get(job, "cpu_seconds")))
		jobs_time_text(jobs_number(job, "cpu_seconds"), cpu);
	if (json_is_number(json_object_get(job, "memory_bytes")))
		jobs_bytes_text(jobs_number(job, "memory_bytes"), memory);
}

void jobs_table_job(FILE *to, const json_t *job, int width)
{
	const char *state = json_string_value(json_object_get(job, "state"));
	const char *program = json_string_value(json_object_get(job, "program"));
	char age[8], cpu[8], memory[8], output[8], line[512];

	jobs_time_text(jobs_number(job, "age_seconds"), age);
	jobs_bytes_text(jobs_number(job, "output_bytes"), output);
	usage_text(job, cpu, memory);
	snprintf(line, sizeof(line), "%7.0f %7.0f%c %5.0f %7.0f %-9s %5s %5s %4s %4s %s",
		 jobs_number(job, "job"), jobs_number(job, "client"),
		 json_is_true(json_object_get(job, "client_gone")) ? '-' : ' ',
		 jobs_number(job, "uid"), jobs_number(job, "pid"), state ? state : "?",
		 age, cpu, memory, output, program ? program : "?");
	jobs_clean(line);
	fprintf(to, "%.*s", width, line);
}
