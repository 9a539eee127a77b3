/*
 * The commands of `uringspawn`.  Each is given its own name as argv[0] and
 * returns the exit code.
 */
#ifndef CLI_CMD_H
#define CLI_CMD_H

int cmd_run(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_ps(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_kill(int argc, char **argv);
int cmd_pool(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_stat(int argc, char **argv);
int cmd_trace(int argc, char **argv);

#endif
