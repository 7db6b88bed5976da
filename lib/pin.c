/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: pin sources: the edges of a line, or of several lines of one request,
 * read by a thread or by the loop. "IRQ thread" below is the one that reads,
 * of hard handlers or of readers. What is missing is found in pin-order.c.
 *
 * A line that does not interrupt is watched by nobody: its level is all that
 * there is to ask for.
 *
 * A disarmed pin is not read at all: a line that floods costs nothing then.
 * What its FIFO holds, and what it lost meanwhile, is counted as discarded
 * when it is armed again, or when somebody asks for the account.
 *
 * LOCKING. What the reader writes is the IRQ thread's under its lock, so the
 * loop takes that lock to arm, disarm and account; with ISR_READER_LOOP all
 * of it is the loop's.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "chip.h"
#include "error.h"
#include "pin-order.h"
#include "pin.h"
#include "ring.h"
#include "source.h"
#include "watch.h"

struct isri_pin {
	struct isr_source source;

	/* constant while open */
	struct isri_pin_lines lines;
	enum isr_clock clock;

	/* the reader's */
	struct isri_watch watch;
	bool gone; /* the chip */
	struct isri_pin_order order;
	struct isr_event batch[ISRI_SOURCE_BATCH_EVENTS];
};

static struct isri_pin *to_pin(struct isr_source *source)
{
	return (struct isri_pin *)source;
}

/* Under the lock. */
static int start_reading(struct isri_pin *pin)
{
	return isri_watch_set(&pin->watch, ISR_FD_READ);
}

/* Under the lock. */
static void stop_reading(struct isri_pin *pin)
{
	isri_watch_set(&pin->watch, 0);
}

/* False: it is dropped, with nothing left to count. */
static bool follow(struct isri_pin *pin, struct isr_event *event,
		   uint32_t *ret_gap)
{
	if (!isri_pin_order_follow(&pin->order, event, ret_gap))
		return false;
	/* relaxed: a counter like the others */
	atomic_store_explicit(ATOMIC(&pin->source.stats.line_seq),
			      event->line_seq, memory_order_relaxed);
	event->source += pin->source.id;
	return true;
}

/* An edge of an armed pin. False: it is dropped. */
static bool follow_armed(struct isri_pin *pin, struct isr_event *event)
{
	if (!follow(pin, event, &event->lost))
		return false;
	if (event->lost)
		isri_source_count(&pin->source.stats.lost_kernel, event->lost);
	if (event->flags & ISR_EVENT_FLAG_MERGED)
		isri_source_count(&pin->source.stats.merged, 1);
	return true;
}

/* An edge of a disarmed pin, and those missing before it. */
static void follow_disarmed(struct isri_pin *pin, struct isr_event *event)
{
	uint32_t gap;

	if (follow(pin, event, &gap))
		isri_source_count(&pin->source.stats.discarded,
				  (uint64_t)gap + 1);
}

/*
 * The chip is gone, or reading fails in a way that will not end: told once,
 * and the descriptor is left alone, because it stays readable.
 */
static void lose_chip(struct isri_pin *pin, int error,
		      struct isr_event *ret_event)
{
	pin->gone = true;
	stop_reading(pin);
	*ret_event = (struct isr_event){
		.t_ns = isr_now_ns(),
		.line_seq = pin->order.next_seq - 1,
		.value = error,
		.kind = ISR_EVENT_CHIP_LOST,
	};
}

static int read_batch(struct isri_pin *pin)
{
	int n = isri_chip_request_read(pin->lines.request, pin->batch,
				       ISRI_SOURCE_BATCH_EVENTS);

	isri_pin_order_sort(&pin->order, pin->batch, n);
	return n;
}

/*
 * Under the lock, by the IRQ thread or in its place. Returns the number of
 * edges read; negative: the chip is gone.
 */
static int fire_batch(struct isri_pin *pin)
{
	int i, n;

	n = read_batch(pin);
	if (n < 0) {
		lose_chip(pin, n, &pin->batch[0]);
		isri_source_fire(&pin->source, ISR_CONTEXT_IRQ_THREAD,
				 &pin->batch[0]);
		return n;
	}

	for (i = 0; i < n && isri_source_is_armed(&pin->source); i++)
		if (follow_armed(pin, &pin->batch[i]))
			isri_source_fire(&pin->source, ISR_CONTEXT_IRQ_THREAD,
					 &pin->batch[i]);
	/* A hard handler failed: what came with that edge is discarded. */
	for (; i < n; i++)
		follow_disarmed(pin, &pin->batch[i]);
	if (!isri_source_is_armed(&pin->source))
		stop_reading(pin);
	return n;
}

/*
 * On the loop: what of the batch is not dropped. Returns false when the source
 * is gone.
 */
static bool deliver_batch(struct isri_pin *pin, int n)
{
	size_t n_events = 0;
	int i;

	for (i = 0; i < n; i++)
		if (follow_armed(pin, &pin->batch[i]))
			pin->batch[n_events++] = pin->batch[i];
	return isri_source_deliver(&pin->source, pin->batch, n_events);
}

/* On the loop. Returns false when the source is gone, as the chip is. */
static bool deliver_chip_lost(struct isri_pin *pin, int error)
{
	lose_chip(pin, error, &pin->batch[0]);
	return isri_source_deliver(&pin->source, pin->batch, 1);
}

/* On the loop: more may be read after a batch. */
static bool may_read_on(struct isri_pin *pin)
{
	return isri_source_is_armed(&pin->source) &&
	       isri_source_is_through(&pin->source) &&
	       isri_step_goes_on(pin->source.loop);
}

/* On the loop: false when there is no more, or the source is gone. */
static bool serve_batch(struct isri_pin *pin)
{
	int n;

	n = read_batch(pin);
	if (n < 0) {
		deliver_chip_lost(pin, n);
		return false;
	}
	/* Fewer than there is room for: that was all. */
	return deliver_batch(pin, n) && n == ISRI_SOURCE_BATCH_EVENTS &&
	       may_read_on(pin);
}

static void serve_on_loop(struct isri_pin *pin)
{
	int i;

	for (i = 0; i < ISRI_SOURCE_PASS_BATCHES; i++)
		if (!serve_batch(pin))
			return;
}

static void serve_watch(struct isri_watch *watch, unsigned int events)
{
	struct isri_pin *pin =
		(struct isri_pin *)((char *)watch -
				    offsetof(struct isri_pin, watch));

	if (watch->thread)
		fire_batch(pin);
	else
		serve_on_loop(pin);
}

/*
 * Under the lock, disarmed. Bounded by what the FIFO can hold: what comes
 * while this reads may stay.
 */
static void discard_pending(struct isri_pin *pin)
{
	uint32_t done = 0;
	int i, n;

	if (pin->gone)
		return;

	while (done < pin->lines.request->fifo_events) {
		n = read_batch(pin);
		/* An error comes again, to the reader, once it is armed. */
		if (n <= 0)
			return;
		for (i = 0; i < n; i++)
			follow_disarmed(pin, &pin->batch[i]);
		done += (uint32_t)n;
	}
}

/* Under the lock. */
static int start_armed(struct isri_pin *pin)
{
	int r;

	isri_source_set_armed(&pin->source, true);
	r = start_reading(pin);
	if (r < 0)
		isri_source_set_armed(&pin->source, false);
	return r;
}

static int arm_pin(struct isr_source *source)
{
	struct isri_pin *pin = to_pin(source);
	int r = -ENODEV;

	isri_watch_lock(&pin->watch);
	if (!pin->gone) {
		discard_pending(pin);
		r = start_armed(pin);
	}
	isri_watch_unlock(&pin->watch);
	return r;
}

static void account_pin(struct isr_source *source)
{
	struct isri_pin *pin = to_pin(source);

	isri_watch_lock(&pin->watch);
	discard_pending(pin);
	isri_watch_unlock(&pin->watch);
}

/* So that the handler may open them again. Legal twice. */
static void let_go_of_lines(struct isr_source *source)
{
	struct isri_pin *pin = to_pin(source);

	pin->gone = true;
	isri_watch_done(&pin->watch);
	isri_pin_lines_release(&pin->lines);
	memset(&pin->lines, 0, sizeof(pin->lines));
}

static void release_pin(struct isr_source *source)
{
	let_go_of_lines(source);
	isri_source_done(source);
	free(source);
}

static const struct isri_source_ops pin_ops = {
	.arm = arm_pin,
	.disarm = isri_watch_disarm,
	.account = account_pin,
	.let_go = let_go_of_lines,
	.release = release_pin,
};

static int init_watch(struct isri_pin *pin, enum isr_reader reader)
{
	enum isri_watch_by by = ISRI_WATCH_BY_LOOP;

	if (reader == ISR_READER_THREAD)
		by = pin->source.hard ? ISRI_WATCH_BY_IRQ
				      : ISRI_WATCH_BY_READER;
	return isri_watch_init(&pin->watch, &pin->source,
			       pin->lines.request->fd, by, serve_watch);
}

static int init_pin(struct isri_pin *pin, struct isr_loop *loop,
		    const struct isr_pin_config *config,
		    isr_handler_cb *handler, void *arg,
		    struct isr_error *reterr_error)
{
	struct isri_source_setup setup = {
		.ops = &pin_ops,
		.loop = loop,
		.options = &config->source,
		.kind = config->line,
		.number = -1,
		.n_ids = (uint16_t)(1 + config->n_more_lines),
		.handler = handler,
		.arg = arg,
	};
	int r;

	pin->source.watch = &pin->watch;
	pin->clock = config->clock;
	isri_pin_order_init(&pin->order, setup.n_ids,
			    config->edge == ISR_EDGE_BOTH);
	pin->source.measured = config->clock == ISR_CLOCK_MONOTONIC;
	if (config->reader == ISR_READER_THREAD && !config->source.hard &&
	    config->edge != ISR_EDGE_NONE) {
		setup.ring_policy = ISR_RING_DROP_OLD;
		setup.ring_events = config->ring_events
					    ? config->ring_events
					    : ISR_SOURCE_RING_EVENTS;
	}

	r = isri_source_init(&pin->source, &setup);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "line %s: no memory for its events",
				      config->line);
	r = isri_pin_lines_request(&pin->lines, config, reterr_error);
	if (r < 0 || config->edge == ISR_EDGE_NONE)
		return r;
	r = init_watch(pin, config->reader);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "line %s: cannot read its events: %s",
				      config->line, strerrordesc_np(-r));
	return 0;
}

static int refuse_loop(int r, struct isr_error *reterr_error)
{
	if (r == -ECANCELED)
		return isri_error_copy(reterr_error, r,
				       "isr_pin_open() on a loop that was "
				       "freed");
	return isri_error_copy(reterr_error, r,
			       "isr_pin_open() belongs on the loop's thread, "
			       "outside hard handlers");
}

int isr_pin_open(struct isr_loop *loop, const struct isr_pin_config *config,
		 isr_handler_cb *handler, void *arg,
		 struct isr_source **ret_source, struct isr_error *reterr_error)
{
	struct isri_pin *pin;
	int r;

	if (!loop || !config || !handler || !ret_source)
		return isri_error_copy(reterr_error, -EINVAL,
				       "isr_pin_open() needs a loop, a "
				       "configuration and a handler");
	r = isri_loop_check_open(loop);
	if (r < 0)
		return refuse_loop(r, reterr_error);
	r = isri_pin_check_config(config, reterr_error);
	if (r < 0)
		return r;

	pin = isri_source_alloc(sizeof(*pin));
	if (!pin)
		return isri_error_set(reterr_error, -ENOMEM, "out of memory");
	r = init_pin(pin, loop, config, handler, arg, reterr_error);
	if (r < 0)
		goto out;

	/*
	 * Edges since the request are the caller's already, so nothing is
	 * discarded here; and a hard handler may run once the lock is back.
	 */
	isri_watch_lock(&pin->watch);
	r = start_armed(pin);
	if (r == 0)
		*ret_source = &pin->source;
	isri_watch_unlock(&pin->watch);
	if (r == 0)
		return 0;
	isri_error_set(reterr_error, r, "line %s: cannot watch it: %s",
		       config->line, strerrordesc_np(-r));

out:
	release_pin(&pin->source);
	return r;
}

/* 0 when the caller may use it as a pin; -EINVAL: its handler has closed it. */
static int check_pin_for(const struct isr_source *source, const char *function)
{
	if (!source || source->ops != &pin_ops || source->closing)
		return -EINVAL;
	return isri_loop_check_for(source->loop, function);
}
#define check_pin(source) check_pin_for(source, __func__)

int isr_pin_get_info(const struct isr_source *source,
		     struct isr_pin_info *ret_info)
{
	const struct isri_pin *pin = (const struct isri_pin *)source;
	int r;

	r = check_pin(source);
	if (r < 0)
		return r;
	if (!ret_info)
		return -EINVAL;

	*ret_info = (struct isr_pin_info){
		.chip_name = isr_chip_get_name(pin->lines.chip),
		.chip_label = isr_chip_get_label(pin->lines.chip),
		.line_name = pin->lines.first.name,
		.offset = pin->lines.first.offset,
		.fifo_events = pin->lines.request->fifo_events,
		.simulated = isr_chip_is_simulated(pin->lines.chip),
		.clock = pin->clock,
		.n_lines = pin->lines.n_lines,
	};
	return 0;
}

int isr_pin_get_line_info(const struct isr_source *source, uint32_t index,
			  struct isr_line_info *ret_info)
{
	const struct isri_pin *pin = (const struct isri_pin *)source;
	int r;

	r = check_pin(source);
	if (r < 0)
		return r;
	if (!ret_info || index >= pin->lines.n_lines)
		return -EINVAL;

	return isr_chip_get_line_info(pin->lines.chip,
				      pin->lines.offsets[index], ret_info);
}

int isr_pin_get_value(struct isr_source *source, int *ret_value)
{
	int r;

	r = check_pin(source);
	if (r < 0)
		return r;
	if (!ret_value)
		return -EINVAL;

	return isri_chip_request_get_values(to_pin(source)->lines.request,
					    ret_value);
}

/*
 * Collecting.
 */

static bool is_batch_left(const struct isri_pin *pin)
{
	return pin->source.next != pin->source.end;
}

/* In the reader's place: it may have been told of the edges, but not yet run.
 */
static int collect_into_ring(struct isri_pin *pin)
{
	uint32_t done = 0;
	int n;

	isri_watch_lock(&pin->watch);
	do {
		n = pin->gone ? -ENODEV : fire_batch(pin);
		done += n > 0 ? (uint32_t)n : 0;
		/* What the FIFO held at first has gone through by then. */
	} while (n > 0 && done < pin->lines.request->fifo_events);
	isri_watch_unlock(&pin->watch);
	if (is_batch_left(pin) || !isri_ring_seems_empty(&pin->source.ring))
		return 1;
	return n < 0 ? -ENODEV : 0;
}

static int has_stored(const struct isri_pin *pin)
{
	struct pollfd pollfd = {
		.fd = pin->lines.request->fd,
		.events = POLLIN,
	};

	return poll(&pollfd, 1, 0) > 0;
}

static int collect_on_loop(struct isri_pin *pin)
{
	uint32_t done = 0;
	int n;

	if (is_batch_left(pin))
		return 1;
	if (pin->gone)
		return -ENODEV;
	if (pin->source.running)
		return has_stored(pin);

	while (done < pin->lines.request->fifo_events) {
		n = read_batch(pin);
		if (n < 0)
			return deliver_chip_lost(pin, n) ? -ENODEV : -ECANCELED;
		if (n == 0)
			return 0;
		done += (uint32_t)n;
		if (!deliver_batch(pin, n))
			return -ECANCELED;
		if (!isri_source_is_armed(&pin->source) || pin->source.masked)
			return -EAGAIN;
		if (!may_read_on(pin))
			return is_batch_left(pin) || has_stored(pin);
	}
	return 0;
}

int isri_pin_collect(struct isr_source *source)
{
	struct isri_pin *pin = to_pin(source);

	if (source->ops != &pin_ops || source->hard)
		return -EINVAL;
	if (source->closing)
		return -ECANCELED;
	if (source->masked || !isri_source_is_armed(source))
		return -EAGAIN;
	return pin->watch.thread ? collect_into_ring(pin)
				 : collect_on_loop(pin);
}
