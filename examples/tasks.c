/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Four tasks work all the time, 5, 3, 2.5 and 1 ms at a time; a fifth waits
 * for an interrupt. When it comes, the fifth runs as soon as the step that
 * runs just then is over, and not after all four, which are always ready.
 *
 * The handler itself does not wait for any of them: it runs in a thread.
 *
 * usage: tasks [INTERRUPTS]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <isrloop.h>

#define N_WORKERS 4

static const struct {
	const char *name;
	uint64_t ns;
} kinds[N_WORKERS] = {
	{"draw", 5000000},
	{"compute", 3000000},
	{"encode", 2500000},
	{"count", 1000000},
};

static struct isr_loop *loop;
static struct isr_source *timer;
static struct isr_task *workers[N_WORKERS];
static struct isr_flag interrupt;
static struct isr_word interrupt_ns;
/* How many steps the workers have begun, and had at the last interrupt. */
static struct isr_word begun, begun_before;

static int on_timer(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	isr_word_store(&interrupt_ns, (int64_t)isr_now_ns());
	isr_word_store(&begun_before, isr_word_load(&begun));
	isr_flag_set(&interrupt);
	return 0;
}

/* Nobody else runs between two yields: that is what a step is. */
static int work(void *arg)
{
	const uint64_t *ns = arg;
	uint64_t end_ns;

	do {
		isr_word_add(&begun, 1);
		end_ns = isr_now_ns() + *ns;
		while (isr_now_ns() < end_ns)
			;
	} while (isr_yield() == 0);
	return 0;
}

static void end_workers(void)
{
	struct isr_task_stats stats;
	int i;

	for (i = 0; i < N_WORKERS; i++) {
		isr_cancel(workers[i]);
		isr_task_get_stats(workers[i], &stats);
		printf("%s: %" PRIu64 " steps, %zu of %zu bytes of stack\n",
		       stats.name, stats.steps, stats.stack_used_max,
		       stats.stack_bytes);
		isr_join(workers[i], NULL, ISR_FOREVER);
	}
}

/* The fifth task. */
static int react(void *arg)
{
	int64_t left = *(const int *)arg, waited_ns, max_ns = 0;
	int64_t behind, behind_max = 0;

	while (left-- > 0) {
		/* 17 ms from now, in the middle of somebody's step. */
		isr_timer_set(timer, 17000000, 0);
		if (isr_wait(&interrupt, ISR_FOREVER) < 0)
			return 0;
		waited_ns =
			(int64_t)isr_now_ns() - isr_word_load(&interrupt_ns);
		behind = isr_word_load(&begun) - isr_word_load(&begun_before);
		if (waited_ns > max_ns)
			max_ns = waited_ns;
		if (behind > behind_max)
			behind_max = behind;
	}
	printf("waited for %.1f ms at most, %" PRId64 " more steps began\n",
	       (double)max_ns / 1e6, behind_max);
	end_workers();
	isr_loop_stop(loop);
	return 0;
}

static int spawn_all(int *interrupts)
{
	struct isr_task_config config = {.sz = sizeof(config)};
	int i, r;

	for (i = 0; i < N_WORKERS; i++) {
		config.name = kinds[i].name;
		r = isr_spawn(loop, &config, work, (void *)&kinds[i].ns,
			      &workers[i]);
		if (r < 0)
			return r;
	}
	return isr_spawn(loop, NULL, react, interrupts, NULL);
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.hard = true};
	int interrupts = argc > 1 ? atoi(argv[1]) : 20, r;

	if (isr_loop_new(NULL, &loop) < 0)
		return 1;
	r = isr_flag_init(&interrupt, loop, ISR_FLAG_AUTO);
	if (r == 0)
		r = isr_timer_open(loop, 0, 0, &options, on_timer, NULL,
				   &timer);
	if (r == 0)
		r = spawn_all(&interrupts);
	if (r == 0)
		r = isr_loop_run(loop);
	isr_loop_free(loop);
	return r ? 1 : 0;
}
