/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Which function of which file an address is in.
 *
 * dladdr(3) would tell, but takes the lock of the dynamic linker, and whoever
 * holds that may wait for the handler that we are in. _dl_find_object(3),
 * glibc 2.35, is async-signal-safe and finds the file; what it exports is
 * read from its own tables here. A static function has no name in these:
 * addr2line(1) knows it by the file and the offset.
 */
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include "guard.h"

/* The dynamic linker knows the program by no name. */
static char program[256];

void guard_place_init(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n > 0)
		program[n] = '\0';
}

/* The tables that name what a file exports. */
struct symbols {
	const ElfW(Sym) * table;
	const char *names;
	uint32_t count;
};

/* How many symbols there are: one more than the last that has a chain. */
static uint32_t count_symbols(const uint32_t *hash)
{
	uint32_t n_buckets = hash[0], first = hash[1], n_bloom = hash[2];
	const uint32_t *buckets, *chains;
	uint32_t last = 0;

	buckets = hash + 4 + n_bloom * (sizeof(ElfW(Addr)) / sizeof(*hash));
	chains = buckets + n_buckets;
	for (uint32_t i = 0; i < n_buckets; i++) {
		if (buckets[i] > last)
			last = buckets[i];
	}
	if (last < first)
		return 0;
	while (!(chains[last - first] & 1))
		last++;
	return last + 1;
}

/* Where the dynamic linker leaves them as they are, they are offsets. */
static const void *get_table(const struct link_map *map, ElfW(Addr) value)
{
	return (const void *)(value < map->l_addr ? map->l_addr + value
						  : value);
}

static void find_symbols(const struct link_map *map, struct symbols *ret)
{
	struct symbols found = {0};
	const ElfW(Dyn) * d;

	for (d = map->l_ld; d && d->d_tag != DT_NULL; d++) {
		const void *table = get_table(map, d->d_un.d_ptr);

		if (d->d_tag == DT_SYMTAB)
			found.table = table;
		else if (d->d_tag == DT_STRTAB)
			found.names = table;
		else if (d->d_tag == DT_GNU_HASH)
			found.count = count_symbols(table);
	}
	*ret = found;
}

static void find_function(const struct link_map *map, uintptr_t offset,
			  struct guard_place *place)
{
	struct symbols symbols;
	const ElfW(Sym) * s;

	find_symbols(map, &symbols);
	if (!symbols.table || !symbols.names)
		return;
	for (s = symbols.table; s < symbols.table + symbols.count; s++) {
		if (s->st_shndx == SHN_UNDEF || offset <= s->st_value ||
		    offset - s->st_value > s->st_size)
			continue;
		place->function = symbols.names + s->st_name;
		place->function_offset = offset - s->st_value;
		return;
	}
}

/* A return address may be the first one behind a function: look before it. */
void guard_locate(const void *address, struct guard_place *ret_place)
{
	struct guard_place place = {.module = ""};
	struct dl_find_object object;
	const struct link_map *map;

	if (address &&
	    _dl_find_object((char *)(uintptr_t)address - 1, &object) == 0) {
		map = object.dlfo_link_map;
		place.module =
			map->l_name && *map->l_name ? map->l_name : program;
		place.module_offset = (uintptr_t)address - map->l_addr;
		find_function(map, place.module_offset, &place);
	}
	*ret_place = place;
}
