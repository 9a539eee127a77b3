#include "uringspawn-trace/privilege.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t capabilities(void)
{
	unsigned long long effective = 0;
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];

	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %llx", &effective) == 1)
			break;
	fclose(status);
	return effective;
}

bool privilege_has(enum capability capability)
{
	return capabilities() >> capability & 1;
}

bool privilege_bpf(char *ret_missing, size_t size)
{
	bool bpf = privilege_has(CAPABILITY_BPF);
	bool perfmon = privilege_has(CAPABILITY_PERFMON);

	if (privilege_has(CAPABILITY_SYS_ADMIN) || (bpf && perfmon))
		return true;
	snprintf(ret_missing, size, "%s%s%s", bpf ? "" : "CAP_BPF",
		 !bpf && !perfmon ? " and " : "", perfmon ? "" : "CAP_PERFMON");
	return false;
}

bool privilege_lockdown(char *ret_mode, size_t size)
{
	FILE *file = fopen("/sys/kernel/security/lockdown", "re");
	char line[128] = "", *mode;

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	mode = strchr(line, '[');
	if (!mode)
		return false;
	snprintf(ret_mode, size, "%.*s", (int)strcspn(mode + 1, "]"), mode + 1);
	return strcmp(ret_mode, "confidentiality") == 0;
}
