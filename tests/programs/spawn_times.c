/*
 * Spawns in one of several ways, and says how long each took: "PID NANOSECONDS" in a
 * line, once all is over.  What a tracer says of the same can be held against it.
 *
 *   spawn_times WAY COUNT
 *
 *   fork        a pipe, fork(), and the read that ends when the child has executed
 *   vfork       posix_spawn()
 *   missing     as fork, but there is no such program
 *   threads     as fork, by four threads at a time
 *   output      fork() and exec, then the read of what the program says: no handshake
 *   popen       popen(), what it says, pclose()
 *   worker      fork() alone; the child says that it is ready, and is read
 *   system      system()
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4096, THREADS = 4 };

struct took {
	pid_t pid;
	unsigned long long ns;
};

extern char **environ;
static struct took took[THREADS][MOST];
static int count;

static unsigned long long now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000000 +
	       (unsigned long long)ts.tv_nsec;
}

static struct took by_fork(const char *program)
{
	unsigned long long start = now();
	struct took one;
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	one.pid = fork();
	if (one.pid == 0) {
		execl(program, program, "hi", NULL);
		error = errno;
		_exit(write(ends[1], &error, sizeof(error)) < 0 ? 126 : 127);
	}
	close(ends[1]);
	while (read(ends[0], &error, sizeof(error)) > 0)
		;
	one.ns = now() - start;
	close(ends[0]);
	waitpid(one.pid, NULL, 0);
	return one;
}

static struct took by_vfork(void)
{
	char *argv[] = { "true", NULL };
	unsigned long long start = now();
	struct took one;

	if (posix_spawn(&one.pid, "/bin/true", NULL, NULL, argv, environ))
		exit(1);
	one.ns = now() - start;
	waitpid(one.pid, NULL, 0);
	return one;
}

/* The time is that of fork() alone. */
static struct took by_output(int executes)
{
	unsigned long long start = now();
	char text[64];
	struct took one;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		exit(1);
	one.pid = fork();
	if (one.pid == 0) {
		if (!executes)
			_exit(write(ends[1], "ready", 5) != 5);
		dup2(ends[1], 1);
		execl("/bin/echo", "echo", "hi", NULL);
		_exit(127);
	}
	one.ns = now() - start;
	close(ends[1]);
	while (read(ends[0], text, sizeof(text)) > 0)
		;
	close(ends[0]);
	waitpid(one.pid, NULL, 0);
	return one;
}

static struct took by_popen(void)
{
	struct took one = { 0 };
	char text[64];
	FILE *said = popen("echo hi", "re");

	while (said && fgets(text, sizeof(text), said))
		;
	if (!said || pclose(said))
		exit(1);
	return one;
}

static struct took by_system(void)
{
	struct took one = { 0 };

	if (system("true"))
		exit(1);
	return one;
}

static struct took spawn_once(const char *way)
{
	if (strcmp(way, "vfork") == 0)
		return by_vfork();
	if (strcmp(way, "missing") == 0)
		return by_fork("/nothing/is/here");
	if (strcmp(way, "output") == 0)
		return by_output(1);
	if (strcmp(way, "worker") == 0)
		return by_output(0);
	if (strcmp(way, "popen") == 0)
		return by_popen();
	if (strcmp(way, "system") == 0)
		return by_system();
	return by_fork("/bin/true");
}

static void *thread(void *mine)
{
	for (int i = 0; i < count; i++)
		((struct took *)mine)[i] = spawn_once("fork");
	return NULL;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 && strcmp(argv[1], "threads") == 0 ? THREADS : 1;
	pthread_t running[THREADS];

	count = argc > 2 ? atoi(argv[2]) : 0;
	if (count < 1 || count > MOST)
		return 2;
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_create(&running[i], NULL, thread, took[i]);
	for (int i = 0; threads > 1 && i < threads; i++)
		pthread_join(running[i], NULL);
	for (int i = 0; threads == 1 && i < count; i++)
		took[0][i] = spawn_once(argv[1]);
	for (int t = 0; t < threads; t++)
		for (int i = 0; i < count; i++)
			printf("%d %llu\n", (int)took[t][i].pid, took[t][i].ns);
	return 0;
}
