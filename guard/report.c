/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Reports: each place that calls a trapped function from a source is
 * reported once; again is only counted, because a handler may run 100 000
 * times a second and must not fill a disk. A place is the function, its
 * caller and the caller's caller (who called strdup(3), which called
 * malloc(3)), and the name of the source. No more callers: behind them is
 * what the signal interrupted, which is another one each time.
 *
 * The table of places is claimed by compare and exchange: handlers of
 * several threads, and one that interrupts another, report at once.
 */
#include <execinfo.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

#define PLACES 512
#define SOURCE_NAME_BYTES 32
#define FRAMES_SHOWN 12
#define FRAMES_OURS 8 /* at most, above the caller */

const char *const guard_names[GUARD_TRAPS] = {
#define TRAP_OWN(family, name) #name,
#include "trapped.h"
};

enum family { MEMORY, STDIO, LOCK, WAIT, STATE };

static const char *const reasons[] = {
	[MEMORY] = "uses the heap",	      [STDIO] = "is standard I/O",
	[LOCK] = "may wait for a thread",     [WAIT] = "waits",
	[STATE] = "uses data of the process",
};

static const unsigned char families[GUARD_TRAPS] = {
#define TRAP_OWN(family, name) family,
#include "trapped.h"
};

struct site {
	uint64_t key;	/* 0: free */
	uint32_t calls; /* 0: not described yet */
	enum guard_trap trap;
	const void *caller;
	char source[SOURCE_NAME_BYTES];
};

static struct site sites[PLACES];
static uint64_t total;
static uint64_t elsewhere; /* calls at places that found no room */

void guard_report_init(void)
{
	void *frames[2];

	/* It loads libgcc_s, and that allocates. */
	(void)backtrace(frames, 2);
}

/* FNV-1a */
static uint64_t hash(uint64_t h, const void *data, size_t n)
{
	const unsigned char *p = data;

	while (n--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h;
}

/* Index of the caller among the frames; 0 when it is not there. */
static int find_frame(void *const *frames, int n, const void *caller)
{
	for (int i = 0; i < n; i++) {
		if (frames[i] == caller)
			return i;
	}
	return 0;
}

static uint64_t make_key(enum guard_trap trap, const void *caller,
			 const char *source)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	void *frames[FRAMES_OURS + 1];
	int n, at;

	n = backtrace(frames, FRAMES_OURS + 1);
	at = find_frame(frames, n, caller);
	h = hash(h, &trap, sizeof(trap));
	h = hash(h, &caller, sizeof(caller));
	if (at > 0 && at + 1 < n)
		h = hash(h, &frames[at + 1], sizeof(frames[0]));
	h = hash(h, source, strlen(source));
	return h ? h : 1;
}

/* The place of this key; *ret_new: nobody was here before. NULL: no room. */
static struct site *find_site(uint64_t key, bool *ret_new)
{
	uint64_t found;

	for (size_t i = 0; i < PLACES; i++) {
		struct site *site = &sites[(key + i) % PLACES];

		found = 0;
		if (__atomic_compare_exchange_n(&site->key, &found, key, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			*ret_new = true;
			return site;
		}
		if (found == key) {
			*ret_new = false;
			return site;
		}
	}
	return NULL;
}

static void put_call(struct guard_text *text, enum guard_trap trap,
		     const char *source)
{
	guard_put(text, guard_names[trap]);
	guard_put(text, "() in ISR context of ");
	if (*source) {
		guard_put(text, "source \"");
		guard_put(text, source);
		guard_put(text, "\"");
	} else {
		guard_put(text, "no source");
	}
}

static void write_report(enum guard_trap trap, const void *caller,
			 const char *source)
{
	void *frames[FRAMES_OURS + FRAMES_SHOWN];
	struct guard_text text;
	int n, i;

	n = backtrace(frames, FRAMES_OURS + FRAMES_SHOWN);
	guard_begin(&text);
	put_call(&text, trap, source);
	guard_put(&text, ", thread ");
	guard_put_number(&text, syscall(SYS_gettid));
	guard_put(&text, ": ");
	guard_put(&text, reasons[families[trap]]);
	guard_put(&text, "\n");

	i = find_frame(frames, n, caller);
	if (i + FRAMES_SHOWN < n)
		n = i + FRAMES_SHOWN;
	for (; i < n; i++) {
		guard_put(&text, "\tat ");
		guard_put_place(&text, frames[i], false);
		guard_put(&text, "\n");
	}
	/* A message that was cut has room for this one. */
	if (text.length == sizeof(text.bytes) - 1)
		text.bytes[text.length++] = '\n';
	guard_write(&text);
}

/* What is told again at the end has to outlive the source. */
static void describe(struct site *site, enum guard_trap trap,
		     const void *caller, const char *source)
{
	site->trap = trap;
	site->caller = caller;
	strncpy(site->source, source, sizeof(site->source) - 1);
}

void guard_report(enum guard_trap trap, const void *caller,
		  const struct isr_source *source)
{
	const char *name = "";
	struct site *site;
	bool is_new = false;

	if (source)
		name = isr_source_get_name ? isr_source_get_name(source) : "?";
	__atomic_add_fetch(&total, 1, __ATOMIC_RELAXED);
	site = find_site(make_key(trap, caller, name), &is_new);
	if (!site) {
		__atomic_add_fetch(&elsewhere, 1, __ATOMIC_RELAXED);
		return;
	}
	if (is_new) {
		describe(site, trap, caller, name);
		write_report(trap, caller, name);
	}
	/* release: whoever sees a call counted sees which one it is */
	__atomic_add_fetch(&site->calls, 1, __ATOMIC_RELEASE);
}

static void summarize_site(const struct site *site)
{
	uint32_t calls = __atomic_load_n(&site->calls, __ATOMIC_ACQUIRE);
	struct guard_text text;

	if (calls < 2)
		return;
	guard_begin(&text);
	guard_put(&text, "again: ");
	put_call(&text, site->trap, site->source);
	guard_put(&text, " at ");
	guard_put_place(&text, site->caller, true);
	guard_put(&text, ": ");
	guard_put_number(&text, calls - 1);
	guard_put(&text, calls > 2 ? " times\n" : " time\n");
	guard_write(&text);
}

void guard_summarize(void)
{
	struct guard_text text;

	if (!total)
		return;
	for (size_t i = 0; i < PLACES; i++)
		summarize_site(&sites[i]);
	guard_begin(&text);
	guard_put_number(&text, total);
	guard_put(&text, total > 1 ? " calls" : " call");
	guard_put(&text, " trapped in ISR context");
	if (elsewhere) {
		guard_put(&text, ", ");
		guard_put_number(&text, elsewhere);
		guard_put(&text, " of them at more places than are reported");
	}
	guard_put(&text, "\n");
	guard_write(&text);
}

void guard_forget(void)
{
	memset(sites, 0, sizeof(sites));
	total = 0;
	elsewhere = 0;
}
