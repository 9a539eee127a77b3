/*
 * Gives each file named on the command line to a fuzz target, so that the
 * corpus is replayed by any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The copy has exactly the size of the input: a read past its end is seen. */
static int replay(const char *path)
{
	FILE *file = fopen(path, "rbe");
	long size = -1;

	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size < 0) {
		perror(path);
		return 1;
	}
	rewind(file);

	uint8_t *bytes = malloc((size_t)size);
	size_t n_read = bytes ? fread(bytes, 1, (size_t)size, file) : 0;

	fclose(file);
	if (n_read == (size_t)size)
		LLVMFuzzerTestOneInput(bytes, n_read);
	else
		perror(path);
	free(bytes);
	return n_read != (size_t)size;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed += replay(argv[i]);
	printf("%s: %d inputs\n", argv[0], argc - 1 - failed);
	return failed || argc < 2 ? EXIT_FAILURE : EXIT_SUCCESS;
}
