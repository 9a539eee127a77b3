#include "uringspawn-trace/function.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file of the machine's own class, in memory.  Whatever it says is checked against its
 * size. */
struct image {
	const char *bytes;
	size_t size;
};

static const void *at(const struct image *image, uint64_t offset, uint64_t size)
{
	if (offset > image->size || size > image->size - offset)
		return NULL;
	return image->bytes + offset;
}

static const Elf64_Ehdr *head_of(const struct image *image)
{
	const Elf64_Ehdr *head = at(image, 0, sizeof(*head));

	if (!head || memcmp(head->e_ident, ELFMAG, SELFMAG) ||
	    head->e_ident[EI_CLASS] != ELFCLASS64)
		return NULL;
	return head;
}

/* Where in the file the byte is that is loaded at @address. */
static bool offset_of(const struct image *image, uint64_t address, uint64_t *ret_offset)
{
	const Elf64_Ehdr *head = head_of(image);
	const Elf64_Phdr *part =
		at(image, head->e_phoff, (uint64_t)head->e_phnum * sizeof(*part));

	for (unsigned i = 0; part && i < head->e_phnum; i++) {
		if (part[i].p_type != PT_LOAD || address < part[i].p_vaddr ||
		    address - part[i].p_vaddr >= part[i].p_filesz)
			continue;
		*ret_offset = address - part[i].p_vaddr + part[i].p_offset;
		return true;
	}
	return false;
}

static void add(struct function *function, uint64_t offset)
{
	for (size_t i = 0; i < function->n; i++)
		if (function->offsets[i] == offset)
			return;
	if (function->n < FUNCTION_VERSIONS_MAX)
		function->offsets[function->n++] = offset;
}

static void search_table(struct function *function, const struct image *image,
			 const Elf64_Shdr *table, const Elf64_Shdr *strings)
{
	const Elf64_Sym *symbols = at(image, table->sh_offset, table->sh_size);
	const char *names = at(image, strings->sh_offset, strings->sh_size);
	size_t size = strlen(function->symbol) + 1;
	uint64_t offset;

	if (!symbols || !names)
		return;
	for (uint64_t i = 0; i < table->sh_size / sizeof(*symbols); i++) {
		const Elf64_Sym *s = &symbols[i];

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC && s->st_value &&
		    s->st_name < strings->sh_size &&
		    size <= strings->sh_size - s->st_name &&
		    memcmp(names + s->st_name, function->symbol, size) == 0 &&
		    offset_of(image, s->st_value, &offset))
			add(function, offset);
	}
}

static int search(struct function *function, const struct image *image)
{
	const Elf64_Ehdr *head = head_of(image);
	const Elf64_Shdr *sections;

	if (!head)
		return -ENOEXEC;
	sections = at(image, head->e_shoff, (uint64_t)head->e_shnum * sizeof(*sections));
	for (unsigned i = 0; sections && i < head->e_shnum; i++) {
		const Elf64_Shdr *table = &sections[i];

		if ((table->sh_type == SHT_DYNSYM || table->sh_type == SHT_SYMTAB) &&
		    table->sh_link < head->e_shnum)
			search_table(function, image, table, &sections[table->sh_link]);
	}
	return function->n ? 0 : -ENOENT;
}

static int search_file(struct function *function)
{
	int fd = open(function->path, O_RDONLY | O_CLOEXEC), ret = -EINVAL;
	struct image image = { 0 };
	struct stat info;
	void *bytes;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0) {
		image.size = (size_t)info.st_size;
		bytes = mmap(NULL, image.size, PROT_READ, MAP_PRIVATE, fd, 0);
		ret = bytes == MAP_FAILED ? -errno : 0;
		image.bytes = bytes;
	}
	close(fd);
	if (ret)
		return ret;
	ret = search(function, &image);
	munmap((void *)image.bytes, image.size);
	return ret;
}

int function_find(struct function *function, const char *text, const char *program,
		  struct failure *why)
{
	const char *colon = strrchr(text, ':');
	int ret;

	*function = (struct function){ .symbol = colon ? colon + 1 : text };
	if (colon)
		snprintf(function->path, sizeof(function->path), "%.*s",
			 (int)(colon - text), text);
	else
		snprintf(function->path, sizeof(function->path), "%s", program);
	ret = search_file(function);
	if (ret == -ENOENT && access(function->path, F_OK) == 0)
		return failure_set(why, CODE_USAGE, "--func: no function '%s' in %s",
				   function->symbol, function->path);
	if (ret == -ENOEXEC)
		return failure_set(why, CODE_USAGE,
				   "--func: %s is no ELF file of 64 bits",
				   function->path);
	if (ret)
		return failure_set(why, CODE_USAGE, "--func: %s: %s", function->path,
				   strerrordesc_np(-ret));
	return 0;
}
