/*
 * The jobs of a daemon, or its pools, as it lists them.
 */
#ifndef CLI_JOBS_H
#define CLI_JOBS_H

#include <jansson.h>
#include <stdbool.h>

struct usp_client;

/* Connect.  Returns NULL when that fails: why was said. */
struct usp_client *jobs_connect(const char *socket);

enum jobs_what { JOBS_JOBS, JOBS_POOLS };

/* "jobs". */
const char *jobs_what_name(enum jobs_what what);

/* Wait for all of them: an array, the caller's, or NULL: why was said. */
json_t *jobs_list(struct usp_client *client, enum jobs_what what);

/* The same for who has more to do: ask, and turn the client until it is asked no more. */
struct jobs_question {
	enum jobs_what what;
	json_t *items; /* all until now */
	bool asked;
	int error;
};

/* Returns 0, or -errno: then there is only jobs_answer() to be called. */
int jobs_ask(struct usp_client *client, enum jobs_what what,
	     struct jobs_question *question);

/* As jobs_list(). */
json_t *jobs_answer(const struct usp_client *client, struct jobs_question *question);

/* A number of a job or a pool, 0 when it is not known. */
double jobs_number(const json_t *item, const char *name);

/* What a terminal would obey is replaced. */
void jobs_clean(char *text);

/* "1.5M", in 4 characters and a NUL; "3:07", "2d4h": in 5 and a NUL. */
void jobs_bytes_text(double bytes, char text[8]);
void jobs_time_text(double seconds, char text[8]);

#endif
