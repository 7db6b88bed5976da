/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Read, modify, write: a handler and the program count with the same word.
 * Written as a load and a store, what the handler counted in between is lost;
 * isr_word_add() is one step. (A plain int would be undefined as well.)
 *
 * usage: count [SIGNALS]
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <isrloop.h>

static struct isr_word in_two_steps, in_one_step, handled;

static int on_signal(struct isr_source *signal, const struct isr_event *event,
		     void *arg)
{
	isr_word_add(&in_two_steps, 1);
	isr_word_add(&in_one_step, 1);
	isr_word_add(&handled, 1);
	return 0;
}

/* A signal of the kernel, every 50 us, wherever this thread is then. */
static int start_signals(timer_t *ret_timer)
{
	const struct itimerspec spec = {
		.it_value.tv_nsec = 50000,
		.it_interval.tv_nsec = 50000,
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL,
		.sigev_signo = SIGUSR1,
	};

	if (timer_create(CLOCK_MONOTONIC, &event, ret_timer) < 0)
		return -1;
	return timer_settime(*ret_timer, 0, &spec, NULL);
}

int main(int argc, char **argv)
{
	const struct isr_source_options options = {.hard = true};
	int64_t signals = argc > 1 ? atoll(argv[1]) : 2000, counted = 0;
	struct isr_source *source;
	struct isr_loop *loop;
	timer_t timer;

	if (isr_loop_new(NULL, &loop) < 0 ||
	    isr_signal_open(loop, SIGUSR1, &options, on_signal, NULL, &source) <
		    0 ||
	    start_signals(&timer) < 0)
		return 1;

	while (isr_word_load(&handled) < signals) {
		int64_t value = isr_word_load(&in_two_steps);

		isr_word_store(&in_two_steps, value + 1);
		isr_word_add(&in_one_step, 1);
		counted++;
	}
	timer_delete(timer);
	isr_loop_free(loop);

	counted += isr_word_load(&handled);
	printf("in two steps: %" PRId64 " lost\n",
	       counted - isr_word_load(&in_two_steps));
	printf("in one step: %" PRId64 " lost\n",
	       counted - isr_word_load(&in_one_step));
	return 0;
}
