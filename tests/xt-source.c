/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Helpers of the tests of sources. */

#include <ev.h>

#include "xt-source.h"

const struct isr_source_options xt_hard = {.hard = true};
struct isr_loop *loop;
struct xt_sink sink;

void xt_loop_setup(void)
{
	xt_ok(isr_loop_new(&xt_patient, &loop));
	xt_ok(isr_loop_set_log_cb(loop, xt_log, NULL));
	memset(&sink, 0, sizeof(sink));
	sink.loop = loop;
}

void xt_loop_teardown(void)
{
	xt_ok(isr_loop_free(loop));
}

int xt_sink(struct isr_source *source, const struct isr_event *event, void *arg)
{
	struct xt_sink *s = arg;

	unsigned int n = atomic_load(&s->n);

	s->in_isr = isr_in_context();
	s->thread = pthread_self();
	s->lost += event->lost;
	if (event->kind == ISR_EVENT_LOST ||
	    event->kind == ISR_EVENT_CHIP_LOST) {
		s->n_reports++;
		s->last_report = *event;
		return s->result;
	}

	if (n < XT_SINK_EVENTS)
		s->events[n] = *event;
	/* Either we see stop_at, or whoever set it sees n. */
	atomic_store(&s->n, ++n);
	if (n == atomic_load(&s->stop_at))
		isr_loop_stop(s->loop);
	return s->result;
}

static void give_up(struct ev_loop *ev, ev_timer *timer, int revents)
{
	isr_loop_stop(timer->data);
}

/* A blocked loop must end when nothing more comes: to be told, not to hang. */
void xt_sink_run(struct xt_sink *s, unsigned int n)
{
	struct ev_loop *ev = isr_loop_get_ev(s->loop);
	uint64_t since_ns = xt_now_ns();
	ev_timer timer;

	ev_now_update(ev);
	ev_timer_init(&timer, give_up, XT_IN_VAIN_S, XT_IN_VAIN_S);
	timer.data = s->loop;
	ev_timer_start(ev, &timer);
	atomic_store(&s->stop_at, n);
	while (atomic_load(&s->n) < n && !xt_is_in_vain(since_ns))
		xt_ok(isr_loop_run(s->loop));
	ev_timer_stop(ev, &timer);

	ck_assert_uint_eq(atomic_load(&s->n), n);
	/* Not by that timer, which also wakes a loop that nobody woke. */
	ck_assert(!xt_is_in_vain(since_ns));
}

static void stop(struct isr_flag *flag, uint32_t count, void *arg)
{
	isr_loop_stop(arg);
}

void xt_settle(void)
{
	struct isr_flag flag;
	int i;

	/* More than once: what one pass makes ready, the next delivers. */
	for (i = 0; i < 3; i++) {
		xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
		xt_ok(isr_flag_set_cb(&flag, stop, loop));
		isr_flag_set(&flag);
		xt_ok(isr_loop_run(loop));
		xt_ok(isr_flag_done(&flag));
		/* Descriptors that are ready get their turn as well. */
		xt_ok(isr_loop_dispatch(loop));
	}
}

void xt_wait_failed(struct isr_source *source)
{
	const struct isr_flag *failed = isr_source_get_failed_flag(source);

	xt_wait_until((xt_settle(), isr_flag_peek(failed)));
}

struct isr_source_stats xt_stats(struct isr_source *source)
{
	struct isr_source_stats stats;

	xt_ok(isr_source_get_stats(source, &stats));
	return stats;
}

void xt_wait_read(struct isr_source *source, uint32_t line_seq)
{
	xt_wait_until(xt_stats(source).line_seq == line_seq);
}

uint64_t xt_stamped(struct isr_source *source)
{
	struct isr_source_stats stats = xt_stats(source);

	return stats.delivered + stats.lost_kernel + stats.lost_ring +
	       stats.discarded;
}
