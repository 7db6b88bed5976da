/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * link-first FUNCTION: a program that calls a function for the first time in a
 * signal handler which interrupted malloc(3). What the dynamic linker puts off
 * until then, and what threads set up at a first access, happens there.
 *
 * Exits 0 when the call did what it is for, and malloc went on.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The function itself, not what the header puts in its place. */
#define ISR_NO_INLINE
#include <isrloop.h>

#define SIGNALS 500
#define BLOCKS 64

static struct isr_loop *loop;
static struct isr_flag flag;
static struct isr_ring ring;
static struct isr_event slots[16];
static struct isr_latch latch;
static int values[3];
static struct isr_byte_ring bytes;
static unsigned char room[16];
static struct isr_word word;
static unsigned int n_scheduled;

/* Either is made once at least: 1 when it went well. */
static int set_flag(void)
{
	isr_flag_set(&flag);
	return 1;
}

static int got_flag(void)
{
	return isr_flag_take(&flag) >= 1;
}

static int put_ring(void)
{
	const struct isr_event event = {.kind = ISR_EVENT_USER, .value = 7};
	int r = isr_ring_put(&ring, &event);

	return r == 0 || r == -ENOSPC;
}

static int got_ring(void)
{
	struct isr_event event;

	return isr_ring_get(&ring, &event, 1) == 1 && event.value == 7;
}

static int store_latch(void)
{
	const int value = 7;

	return isr_latch_store(&latch, &value) == 0;
}

static int got_latch(void)
{
	int value;

	return isr_latch_load(&latch, &value, NULL) == 1 && value == 7;
}

static void count(void *arg)
{
	(void)arg;
	n_scheduled++;
}

static int schedule(void)
{
	int r = isr_schedule(loop, count, NULL);

	return r == 0 || r == -EAGAIN;
}

static int got_schedule(void)
{
	return isr_loop_dispatch(loop) == 0 && n_scheduled > 0;
}

static int fail(void)
{
	return isr_fail(-EIO, "no cause") == -EIO;
}

static int got_fail(void)
{
	struct isr_emerg record;

	return isr_emerg_take(loop, &record) == 1 && record.code == -EIO;
}

static int get_time(void)
{
	return isr_now_ns() > 0;
}

static int write_bytes(void)
{
	return isr_byte_ring_write(&bytes, "x", 1) >= 0;
}

static int got_bytes(void)
{
	return isr_byte_ring_get_count(&bytes) > 0;
}

static int add_word(void)
{
	return isr_word_add(&word, 1) > 0;
}

static int got_word(void)
{
	return isr_word_load(&word) > 0;
}

static int ask_context(void)
{
	return isr_in_context() && isr_context_get_source();
}

static int got_nothing(void)
{
	return 1;
}

static const struct {
	const char *name;
	int (*call)(void);
	int (*got)(void);
} functions[] = {
	{"isr_flag_set", set_flag, got_flag},
	{"isr_ring_put", put_ring, got_ring},
	{"isr_latch_store", store_latch, got_latch},
	{"isr_schedule", schedule, got_schedule},
	{"isr_fail", fail, got_fail},
	{"isr_now_ns", get_time, got_nothing},
	{"isr_byte_ring_write", write_bytes, got_bytes},
	{"isr_word_add", add_word, got_word},
	{"isr_in_context", ask_context, got_nothing},
};
#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static int (*call)(void);
static int (*got)(void);
static volatile sig_atomic_t in_malloc;
static atomic_uint n_interrupted, n_wrong;
static timer_t timer;

/* One, so that malloc goes on before the next, however slow all this is. */
static int send_next(void)
{
	const struct itimerspec soon = {.it_value.tv_nsec = 50000};

	return timer_settime(timer, 0, &soon, NULL);
}

static int on_signal(struct isr_source *source, const struct isr_event *event,
		     void *arg)
{
	(void)source;
	(void)event;
	(void)arg;
	/* Not before: the first call has to be one from there. */
	if (in_malloc) {
		if (!call())
			n_wrong++;
		n_interrupted++;
	}
	return send_next();
}

static int open_all(void)
{
	const struct isr_source_options options = {
		.hard = true,
		.on_fail = ISR_ON_FAIL_KEEP,
	};
	struct isr_source *source;

	if (isr_loop_new(NULL, &loop) < 0 ||
	    isr_flag_init(&flag, loop, ISR_FLAG_AUTO) < 0 ||
	    isr_ring_init(&ring, loop, slots, 16, ISR_RING_DROP_NEW) < 0 ||
	    isr_latch_init(&latch, loop, values, sizeof(values[0])) < 0 ||
	    isr_byte_ring_init(&bytes, loop, room, sizeof(room)) < 0)
		return -1;
	return isr_signal_open(loop, SIGUSR1, &options, on_signal, NULL,
			       &source);
}

static int start_timer(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGUSR1};

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
		return -1;
	return send_next();
}

/* Sizes that come from every part of the allocator. */
static void allocate(void)
{
	static const size_t sizes[] = {16, 200, 3000, 40000, 200000};
	static void *blocks[BLOCKS];
	static unsigned int n;
	unsigned int i = n++ % BLOCKS;

	in_malloc = 1;
	free(blocks[i]);
	blocks[i] = malloc(sizes[n % 5]);
	in_malloc = 0;
	if (!blocks[i])
		abort();
	memset(blocks[i], 7, sizes[n % 5] / 4);
}

int main(int argc, char **argv)
{
	unsigned int i;

	for (i = 0; i < FUNCTIONS; i++) {
		if (argc == 2 && strcmp(argv[1], functions[i].name) == 0) {
			call = functions[i].call;
			got = functions[i].got;
		}
	}
	if (!call || open_all() < 0 || start_timer() < 0) {
		fprintf(stderr, "link-first: cannot begin\n");
		return 2;
	}

	while (n_interrupted < SIGNALS)
		allocate();
	timer_delete(timer);

	if (n_wrong || !got()) {
		fprintf(stderr, "link-first: %u calls went wrong\n", n_wrong);
		return 1;
	}
	return isr_loop_free(loop) < 0;
}
