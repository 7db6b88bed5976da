/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: pin sources: a line's edges, read by a thread or by the loop. "IRQ
 * thread" below is the one that reads, of hard handlers or of readers.
 *
 * The reader compares each edge with the one before. A gap in the chip's
 * sequence is edges that the chip's FIFO lost. The same edge twice without a
 * gap, on a line that reports both, is edges that merged below the sequence;
 * behind a gap nothing can be said. Numbers start at 1 with the request and
 * wrap at 2^32: differences are modular.
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
#include <stdlib.h>
#include <string.h>

#include "chip.h"
#include "error.h"
#include "size.h"
#include "source.h"
#include "watch.h"

struct isri_pin {
	struct isr_source source;

	/* constant while open */
	struct isr_chip *chip;
	struct isri_chip_request *request;
	struct isr_line_info line;
	enum isr_clock clock;
	bool both_edges;

	/* the reader's */
	struct isri_watch watch;
	bool gone; /* the chip */
	uint8_t last_kind;
	uint32_t next_seq;
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

/* Returns how many edges are missing before this one. */
static uint32_t follow(struct isri_pin *pin, struct isr_event *event)
{
	uint32_t gap = event->line_seq - pin->next_seq;

	if (pin->both_edges && gap == 0 && event->kind == pin->last_kind)
		event->flags |= ISR_EVENT_FLAG_MERGED;
	pin->last_kind = event->kind;
	pin->next_seq = event->line_seq + 1;

	/* relaxed: a counter like the others */
	atomic_store_explicit(ATOMIC(&pin->source.stats.line_seq),
			      event->line_seq, memory_order_relaxed);
	return gap;
}

/* An edge of an armed pin. */
static void follow_armed(struct isri_pin *pin, struct isr_event *event)
{
	event->lost = follow(pin, event);
	if (event->lost)
		isri_source_count(&pin->source.stats.lost_kernel, event->lost);
	if (event->flags & ISR_EVENT_FLAG_MERGED)
		isri_source_count(&pin->source.stats.merged, 1);
}

/* An edge of a disarmed pin, and those missing before it. */
static void follow_disarmed(struct isri_pin *pin, struct isr_event *event)
{
	isri_source_count(&pin->source.stats.discarded,
			  (uint64_t)follow(pin, event) + 1);
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
		.line_seq = pin->next_seq - 1,
		.value = error,
		.kind = ISR_EVENT_CHIP_LOST,
	};
}

static int read_batch(struct isri_pin *pin)
{
	return isri_chip_request_read(pin->request, pin->batch,
				      ISRI_SOURCE_BATCH_EVENTS);
}

/* In the IRQ thread, under its lock. */
static void serve_in_thread(struct isri_pin *pin)
{
	int i, n;

	n = read_batch(pin);
	if (n < 0) {
		lose_chip(pin, n, &pin->batch[0]);
		isri_source_fire(&pin->source, ISR_CONTEXT_IRQ_THREAD,
				 &pin->batch[0]);
		return;
	}

	for (i = 0; i < n && isri_source_is_armed(&pin->source); i++) {
		follow_armed(pin, &pin->batch[i]);
		isri_source_fire(&pin->source, ISR_CONTEXT_IRQ_THREAD,
				 &pin->batch[i]);
	}
	/* A hard handler failed: what came with that edge is discarded. */
	for (; i < n; i++)
		follow_disarmed(pin, &pin->batch[i]);
	if (!isri_source_is_armed(&pin->source))
		stop_reading(pin);
}

/* On the loop: false when there is no more, or the source is gone. */
static bool serve_batch(struct isri_pin *pin)
{
	int i, n;

	n = read_batch(pin);
	if (n < 0) {
		lose_chip(pin, n, &pin->batch[0]);
		isri_source_deliver(&pin->source, pin->batch, 1);
		return false;
	}

	for (i = 0; i < n; i++)
		follow_armed(pin, &pin->batch[i]);
	/* Fewer than there is room for: that was all. */
	return isri_source_deliver(&pin->source, pin->batch, (size_t)n) &&
	       n == ISRI_SOURCE_BATCH_EVENTS &&
	       isri_source_is_armed(&pin->source) &&
	       isri_source_is_through(&pin->source) &&
	       isri_step_goes_on(pin->source.loop);
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
		serve_in_thread(pin);
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

	while (done < pin->request->fifo_events) {
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

static void release_pin(struct isr_source *source)
{
	struct isri_pin *pin = to_pin(source);

	isri_watch_done(&pin->watch);
	isri_chip_request_release(pin->request);
	isri_source_done(source);
	isr_chip_unref(pin->chip);
	free(pin);
}

static const struct isri_source_ops pin_ops = {
	.arm = arm_pin,
	.disarm = isri_watch_disarm,
	.account = account_pin,
	.release = release_pin,
};

static int check_size(const struct isr_pin_config *config,
		      struct isr_error *reterr_error)
{
	int r = isri_check_size(config, config->sz, sizeof(*config));

	if (r == -EINVAL)
		return isri_error_set(reterr_error, r,
				      "the pin's configuration says that it "
				      "has %zu bytes; set sz to sizeof(struct "
				      "isr_pin_config)",
				      config->sz);
	if (r == 0)
		r = isri_source_check_options(&config->source);
	if (r == -E2BIG)
		return isri_error_set(reterr_error, r,
				      "the pin's configuration asks for "
				      "something that this version of "
				      "libisrloop does not know; update the "
				      "library");
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "unknown on_fail, or priority, of the "
				      "source; the highest is %d",
				      ISR_PRIORITY_MAX);
	return 0;
}

static bool is_ring_size(uint32_t n)
{
	return n >= 2 && n <= ISR_RING_SLOTS_MAX && !(n & (n - 1));
}

static const char *find_fault(const struct isr_pin_config *config)
{
	if (!config->line || !*config->line)
		return "no line is named; give its name or offset";
	if (config->edge > ISR_EDGE_FALLING)
		return "unknown edge";
	if (config->bias > ISR_BIAS_PULL_DOWN)
		return "unknown bias";
	if (config->clock > ISR_CLOCK_HTE)
		return "unknown event clock";
	if (config->reader > ISR_READER_LOOP)
		return "unknown reader";
	if (config->find_flags &
	    ~(uint32_t)(ISR_LINE_FIND_BY_NAME | ISR_LINE_FIND_STRICT))
		return "unknown find flags";
	if (config->source.hard && config->reader == ISR_READER_LOOP)
		return "a hard handler runs in the IRQ thread; use "
		       "ISR_READER_THREAD";
	if (config->ring_events && !is_ring_size(config->ring_events))
		return "ring_events is a power of two, 2 to 2^24, or 0";
	return NULL;
}

static int check_config(const struct isr_pin_config *config,
			struct isr_error *reterr_error)
{
	const char *fault;
	int r;

	r = check_size(config, reterr_error);
	if (r < 0)
		return r;

	fault = find_fault(config);
	if (fault)
		return isri_error_set(reterr_error, -EINVAL, "line %s: %s",
				      config->line ? config->line : "", fault);
	return 0;
}

static int request_line(struct isri_pin *pin,
			const struct isr_pin_config *config,
			struct isr_error *reterr_error)
{
	struct isri_chip_request_config request = {
		.edge = config->edge,
		.bias = config->bias,
		.clock = config->clock,
		.active_low = config->active_low,
		.debounce_ns = config->debounce_ns,
		.fifo_events = config->fifo_events,
		.consumer = config->consumer,
	};
	int r;

	r = isr_line_find(config->chip, config->line, config->find_flags,
			  &pin->chip, &request.offset, reterr_error);
	if (r < 0)
		return r;
	r = isri_chip_request(pin->chip, &request, &pin->request, reterr_error);
	if (r < 0)
		return r;

	/* Only for its name; without one it has none. */
	if (isr_chip_get_line_info(pin->chip, request.offset, &pin->line) < 0)
		pin->line.offset = request.offset;
	return 0;
}

static int init_watch(struct isri_pin *pin, enum isr_reader reader)
{
	enum isri_watch_by by = ISRI_WATCH_BY_LOOP;

	if (reader == ISR_READER_THREAD)
		by = pin->source.hard ? ISRI_WATCH_BY_IRQ
				      : ISRI_WATCH_BY_READER;
	return isri_watch_init(&pin->watch, &pin->source, pin->request->fd, by,
			       serve_watch);
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
		.handler = handler,
		.arg = arg,
	};
	int r;

	pin->source.watch = &pin->watch;
	pin->clock = config->clock;
	pin->both_edges = config->edge == ISR_EDGE_BOTH;
	pin->next_seq = 1;
	pin->source.measured = config->clock == ISR_CLOCK_MONOTONIC;
	if (config->reader == ISR_READER_THREAD && !config->source.hard) {
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
	r = request_line(pin, config, reterr_error);
	if (r < 0)
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
	r = check_config(config, reterr_error);
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

/* 0 when the caller may use it as a pin. */
static int check_pin_for(const struct isr_source *source, const char *function)
{
	if (!source || source->ops != &pin_ops)
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
		.chip_name = isr_chip_get_name(pin->chip),
		.chip_label = isr_chip_get_label(pin->chip),
		.line_name = pin->line.name,
		.offset = pin->line.offset,
		.fifo_events = pin->request->fifo_events,
		.simulated = isr_chip_is_simulated(pin->chip),
		.clock = pin->clock,
	};
	return 0;
}

int isr_pin_get_value(struct isr_source *source, int *ret_value)
{
	int r;

	r = check_pin(source);
	if (r < 0)
		return r;
	if (!ret_value)
		return -EINVAL;

	return isri_chip_request_get_value(to_pin(source)->request, ret_value);
}
