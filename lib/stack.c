/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, any class: the stacks of tasks.
 *
 * What was used is found by what is not zero: the kernel gives zeroed pages,
 * and what goes back to the pool is zeroed as far as it was used. A page that
 * was never touched is not looked at, which would bring it into memory; the
 * kernel says which are there. One that it has swapped out counts as not
 * there: then a stack seems less used, and the next one that gets it more.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sanitize.h"
#include "stack.h"

#ifdef ISRI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef HAVE_VALGRIND_MEMCHECK_H
#include <valgrind/memcheck.h>
#endif

/* Pages asked about at once. */
#define PAGES 64

/*
 * Room below a stack: what a large array that nobody writes to in order jumps
 * over. Addresses cost nothing, where there are enough of them.
 */
#define GUARD_BYTES (sizeof(void *) > 4 ? (size_t)64 * 1024 : (size_t)4096)

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t map_bytes(const struct isri_stack *stack)
{
	return stack->guard_bytes + stack->bytes + sizeof(*stack);
}

/*
 * Address sanitizer marks what is between the variables of who runs on it,
 * also of those who never returned; what it finds leaks is what no stack that
 * it knows leads to. valgrind's memcheck takes what is below the stack pointer
 * for gone, and a switch between stacks that it does not know for a large
 * frame.
 */
static void forget_marks(const struct isri_stack *stack)
{
#ifdef ISRI_ASAN
	ASAN_UNPOISON_MEMORY_REGION(isri_stack_low(stack), stack->bytes);
#endif
#ifdef HAVE_VALGRIND_MEMCHECK_H
	VALGRIND_MAKE_MEM_DEFINED(isri_stack_low(stack), stack->bytes);
#endif
}

static void tell_made(struct isri_stack *stack)
{
#ifdef ISRI_ASAN
	__lsan_register_root_region(isri_stack_low(stack), stack->bytes);
#endif
#ifdef HAVE_VALGRIND_MEMCHECK_H
	stack->valgrind_id = VALGRIND_STACK_REGISTER(isri_stack_low(stack),
						     isri_stack_low(stack) +
							     stack->bytes - 1);
#endif
}

static void tell_gone(const struct isri_stack *stack)
{
#ifdef ISRI_ASAN
	__lsan_unregister_root_region(isri_stack_low(stack), stack->bytes);
#endif
#ifdef HAVE_VALGRIND_MEMCHECK_H
	VALGRIND_STACK_DEREGISTER(stack->valgrind_id);
#endif
}

/* What is looked at for having been used may be gone, or was never written. */
static void begin_look(void)
{
#ifdef HAVE_VALGRIND_MEMCHECK_H
	VALGRIND_DISABLE_ERROR_REPORTING;
#endif
}

static void end_look(void)
{
#ifdef HAVE_VALGRIND_MEMCHECK_H
	VALGRIND_ENABLE_ERROR_REPORTING;
#endif
}

static size_t whole_pages(size_t bytes)
{
	return (bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}

static int stack_new(size_t asked_bytes, struct isri_stack **ret_stack)
{
	size_t guard = whole_pages(GUARD_BYTES);
	size_t bytes = whole_pages(asked_bytes + sizeof(struct isri_stack));
	struct isri_stack *stack;
	unsigned char *map;

	map = mmap(NULL, guard + bytes, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1,
		   0);
	if (map == MAP_FAILED)
		return -ENOMEM;
	if (mprotect(map, guard, PROT_NONE) < 0) {
		munmap(map, guard + bytes);
		return -ENOMEM;
	}
	bytes -= sizeof(*stack);
	stack = (struct isri_stack *)(map + guard + bytes);
	*stack = (struct isri_stack){
		.guard = map,
		.guard_bytes = guard,
		.bytes = bytes,
		.asked_bytes = asked_bytes,
	};
	tell_made(stack);
	*ret_stack = stack;
	return 0;
}

static void stack_free(struct isri_stack *stack)
{
	forget_marks(stack);
	tell_gone(stack);
	munmap(stack->guard, map_bytes(stack));
}

int isri_stack_get(struct isri_stacks *stacks, size_t bytes, const char *name,
		   struct isri_stack **ret_stack)
{
	struct isri_stack *stack, **link;
	int r;

	if (bytes < ISRI_STACK_MIN_BYTES || bytes > ISRI_STACK_MAX_BYTES)
		return -EINVAL;
	for (link = &stacks->free; *link; link = &(*link)->next)
		if ((*link)->asked_bytes == bytes)
			break;
	stack = *link;
	if (stack) {
		*link = stack->next;
		stacks->n_free--;
	} else {
		r = stack_new(bytes, &stack);
		if (r < 0)
			return r;
	}
	stack->name = name;
	*ret_stack = stack;
	return 0;
}

/* The first page from `from` on that is in memory; end: none. */
static unsigned char *first_resident(unsigned char *from, unsigned char *end)
{
	size_t page = page_bytes();
	unsigned char there[PAGES];
	size_t i, n;

	while (from < end) {
		n = ((size_t)(end - from) + page - 1) / page;
		n = n < PAGES ? n : PAGES;
		/* It says what it knows, or that all are: they can be read. */
		if (mincore(from, n * page, there) < 0)
			return from;
		for (i = 0; i < n; i++)
			if (there[i] & 1)
				return from + i * page;
		from += n * page;
	}
	return end;
}

/* Marks of the sanitizer are not what is looked for. */
__attribute__((no_sanitize_address,
	       no_sanitize_thread)) static const uintptr_t *
first_not_zero(const uintptr_t *from, const uintptr_t *end)
{
	while (from < end && *from == 0)
		from++;
	return from;
}

/* The lowest word that was ever written to. */
static const unsigned char *used_from(const struct isri_stack *stack)
{
	unsigned char *low = isri_stack_low(stack), *end = low + stack->bytes;
	unsigned char *from = low, *page_end;
	const unsigned char *found;

	while ((from = first_resident(from, end)) < end) {
		page_end = from + page_bytes();
		if (page_end > end)
			page_end = end;
		found = (const unsigned char *)first_not_zero(
			(const uintptr_t *)from, (const uintptr_t *)page_end);
		if (found < page_end)
			return found;
		from = page_end;
	}
	return end;
}

size_t isri_stack_get_used(const struct isri_stack *stack)
{
	const unsigned char *from;

	begin_look();
	from = used_from(stack);
	end_look();
	return (size_t)(isri_stack_low(stack) + stack->bytes - from);
}

void isri_stack_put(struct isri_stacks *stacks, struct isri_stack *stack)
{
	size_t used;

	if (!stack)
		return;
	if (stacks->n_free >= stacks->n_max) {
		stack_free(stack);
		return;
	}
	forget_marks(stack);
	used = isri_stack_get_used(stack);
	memset(isri_stack_low(stack) + stack->bytes - used, 0, used);
	stack->name = "";
	stack->next = stacks->free;
	stacks->free = stack;
	stacks->n_free++;
}

void isri_stacks_done(struct isri_stacks *stacks)
{
	struct isri_stack *stack;

	while ((stack = stacks->free)) {
		stacks->free = stack->next;
		stack_free(stack);
	}
	stacks->n_free = 0;
}
