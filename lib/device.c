/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: the stream of events that a device is fed.
 *
 * SILENCE. The alarm is set to the device's next deadline. When it rings,
 * edges from before the deadline may still be anywhere between the chip and
 * the loop: so the chip's FIFO is emptied, and only when nothing waits any
 * more, silence is fed, up to the time at which that began. The kernel stamps
 * an edge in its interrupt handler and stores it in a thread, a moment later:
 * grace_ns is allowed for that. An edge that took longer is late: the device
 * takes it as it comes.
 *
 * EVIDENCE. A device at rest is compared with its pin. A difference may be an
 * edge on its way; when it has not come after AUDIT_NS the kernel has merged
 * it with another one, and the level is fed.
 *
 * THE BEGIN. The first level has all that the line did before it was read, so
 * edges with an earlier stamp, of which there are many when the thread was
 * kept from running just then, are none of the device's.
 *
 * THE GAP. While the program has masked or disarmed the pin nothing is known
 * of the line, so no silence is fed. When the source tells that it goes on,
 * what waited is fed, then the silence that is due, and a device at rest is
 * compared with its pin.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "context.h"
#include "device.h"
#include "error.h"
#include "pin.h"
#include "size.h"
#include "source.h"

#define GRACE_NS 1000000
#define AUDIT_NS 2000000

static void set_alarm(struct isri_device *device, uint64_t due_ns)
{
	if (due_ns == ISRI_DEVICE_NEVER)
		isri_alarm_cancel(device->loop, &device->alarm);
	else if (!isri_alarm_is_set(&device->alarm) ||
		 device->alarm.due_ns != due_ns)
		isri_alarm_set(device->loop, &device->alarm, due_ns);
}

static void update_alarm(struct isri_device *device)
{
	uint64_t due_ns;

	if (!device->source)
		return;
	due_ns = isri_clock_add(device->ops->get_due_ns(device),
				device->grace_ns);
	if (device->suspect_ns)
		due_ns = isri_clock_min(due_ns, device->suspect_ns + AUDIT_NS);
	if (device->poll_ns)
		due_ns = isri_clock_min(due_ns, device->next_poll_ns);
	set_alarm(device, due_ns);
}

/*
 * Callbacks of the user's run between the two. They nest where the loop reads
 * the pin: leave_callbacks() is false, and passes it on, when the device was
 * closed inside.
 */
static bool *enter_callbacks(struct isri_device *device, bool *gone)
{
	bool *outer = device->gone;

	*gone = false;
	device->gone = gone;
	return outer;
}

static bool leave_callbacks(struct isri_device *device, const bool *gone,
			    bool *outer)
{
	if (!*gone) {
		device->gone = outer;
		return true;
	}
	if (outer)
		*outer = true;
	return false;
}

/* A program that feeds it may say any number. */
static const char *describe(int error)
{
	const char *text = strerrordesc_np(-error);

	return text ? text : "?";
}

static void log_end(struct isri_device *device, int error)
{
	struct isr_source *source = device->source;

	if (device->is_ended)
		return;
	device->is_ended = true;
	isri_loop_log(device->loop, ISR_LOG_WARNING,
		      "%s%s: its chip is gone (%s); it is followed no more",
		      source ? "line " : "a device without a line",
		      source ? isr_source_get_name(source) : "",
		      describe(error));
}

static bool feed_as_it_is(struct isri_device *device,
			  const struct isr_event *event, unsigned int line)
{
	bool gone, *outer = enter_callbacks(device, &gone);

	device->ops->feed(device, event, line);
	return leave_callbacks(device, &gone, outer);
}

/* No edge and no level: its losses are an event of their own, before it. */
static bool feed_report(struct isri_device *device, struct isr_event report,
			unsigned int line)
{
	struct isr_event loss = report;

	loss.kind = ISR_EVENT_LOST;
	loss.value = 0;
	if (report.lost && !feed_as_it_is(device, &loss, line))
		return false;
	report.lost = 0;
	if (report.kind == ISR_EVENT_CHIP_LOST) {
		/* A program that feeds it may have left the reason out. */
		if (report.value >= 0)
			report.value = -ENODEV;
		log_end(device, report.value);
	}
	return feed_as_it_is(device, &report, line);
}

static bool feed(struct isri_device *device, const struct isr_event *event,
		 unsigned int line)
{
	if (event->kind == ISR_EVENT_IDLE || event->kind == ISR_EVENT_CHIP_LOST)
		return feed_report(device, *event, line);
	return feed_as_it_is(device, event, line);
}

static bool is_known(uint8_t kind)
{
	switch (kind) {
	case ISR_EVENT_RISING:
	case ISR_EVENT_FALLING:
	case ISR_EVENT_INITIAL:
	case ISR_EVENT_IDLE:
	case ISR_EVENT_LOST:
	case ISR_EVENT_CHIP_LOST:
		return true;
	default:
		return false;
	}
}

/* See THE BEGIN. */
static bool is_before(const struct isri_device *device,
		      const struct isr_event *event)
{
	return event->kind <= ISR_EVENT_FALLING &&
	       event->t_ns < device->begin_ns;
}

/* The pin's handler. */
static int on_event(struct isr_source *source, const struct isr_event *event,
		    void *arg)
{
	struct isri_device *device = arg;
	unsigned int line =
		(unsigned int)(event->source - isr_source_get_id(source));
	bool gone, *outer;
	int r = 0;

	if (device->raw_cb) {
		outer = enter_callbacks(device, &gone);
		r = device->raw_cb(source, event, device->raw_arg);
		if (!leave_callbacks(device, &gone, outer))
			return r;
	}
	device->suspect_ns = 0;
	if (is_known(event->kind) && line < device->n_lines &&
	    !is_before(device, event) && feed(device, event, line))
		update_alarm(device);
	return r;
}

static bool feed_idle(struct isri_device *device, uint64_t t_ns)
{
	const struct isr_event idle = {.kind = ISR_EVENT_IDLE, .t_ns = t_ns};

	return feed(device, &idle, 0);
}

static bool feed_levels(struct isri_device *device, unsigned int mask,
			unsigned int levels, uint64_t t_ns)
{
	struct isr_event level = {
		.kind = ISR_EVENT_INITIAL,
		.t_ns = t_ns,
		.flags = device->level_flags,
	};
	unsigned int line;

	for (line = 0; line < device->n_lines; line++) {
		if (!(mask & 1U << line))
			continue;
		level.value = levels >> line & 1;
		if (!feed(device, &level, line))
			return false;
	}
	return true;
}

/* Told once, and again when it could be read meanwhile. */
static int read_levels(struct isri_device *device, int *ret_levels)
{
	int r = isr_pin_get_value(device->source, ret_levels);

	/* That the chip is gone its edges tell. */
	if (r < 0 && r != -ENODEV && !device->is_unread)
		isri_loop_log(device->loop, ISR_LOG_WARNING,
			      "line %s: its level cannot be read (%s)",
			      isr_source_get_name(device->source), describe(r));
	device->is_unread = r < 0;
	return r;
}

static bool poll_levels(struct isri_device *device, uint64_t now_ns)
{
	int levels;

	if (!device->poll_ns || now_ns < device->next_poll_ns)
		return true;
	device->next_poll_ns = isri_clock_add(
		now_ns - (now_ns - device->next_poll_ns) % device->poll_ns,
		device->poll_ns);
	if (read_levels(device, &levels) < 0)
		return true;
	return feed_levels(device, ~0U, (unsigned int)levels, now_ns);
}

/* See EVIDENCE. */
static bool audit(struct isri_device *device)
{
	int believed = device->ops->get_levels(device), levels;
	uint64_t now_ns;

	if (believed < 0 || device->poll_ns ||
	    read_levels(device, &levels) < 0 || levels == believed) {
		device->suspect_ns = 0;
		return true;
	}
	now_ns = isr_now_ns();
	if (!device->suspect_ns) {
		device->suspect_ns = now_ns;
		return true;
	}
	if (now_ns - device->suspect_ns < AUDIT_NS)
		return true;
	device->suspect_ns = 0;
	return feed_levels(device, (unsigned int)(levels ^ believed),
			   (unsigned int)levels, now_ns);
}

static int collect(struct isri_device *device)
{
	bool gone, *outer = enter_callbacks(device, &gone);
	int r = isri_pin_collect(device->source);

	return leave_callbacks(device, &gone, outer) ? r : -ECANCELED;
}

/* Nothing waits: all until now_ns is known. False: it is closed. */
static bool settle(struct isri_device *device, uint64_t now_ns)
{
	if (!poll_levels(device, now_ns))
		return false;
	if (now_ns > device->grace_ns &&
	    !feed_idle(device, now_ns - device->grace_ns))
		return false;
	if (!audit(device))
		return false;
	update_alarm(device);
	return true;
}

static void on_tick(struct isr_flag *tick, uint32_t count, void *arg)
{
	struct isri_device *device = arg;
	uint64_t now_ns = isr_now_ns();

	switch (collect(device)) {
	case 0:
		settle(device, now_ns);
		break;
	case 1:
		/* Behind what waits. */
		isr_flag_set(tick);
		break;
	default:
		/*
		 * It is masked or disarmed, and on_resumed() goes on; or the
		 * chip's end was fed, or the device is gone.
		 */
		break;
	}
}

/* See THE GAP. */
static void on_resumed(struct isr_source *source, void *arg)
{
	struct isri_device *device = arg;

	isr_flag_set(&device->tick);
}

bool isri_device_catch_up(struct isri_device *device)
{
	struct isri_frame frame;
	uint64_t now_ns;
	bool lives;
	int r;

	/* Nothing is handled in a critical section. */
	if (!device->source || device->gone || isri_context_is_masked())
		return true;
	/* A task may ask, and a callback must not wait as if it were one. */
	isri_context_enter(&frame, ISR_CONTEXT_LOOP, device->loop, NULL);
	now_ns = isr_now_ns();
	r = collect(device);
	lives = r != -ECANCELED && (r != 0 || settle(device, now_ns));
	isri_context_leave(&frame);
	return lives;
}

static void ring(struct isri_alarm *alarm)
{
	struct isri_device *device =
		(struct isri_device *)((char *)alarm -
				       offsetof(struct isri_device, alarm));

	isr_flag_set(&device->tick);
}

static void close_member(struct isri_loop_member *member)
{
	struct isri_device *device =
		(struct isri_device *)((char *)member -
				       offsetof(struct isri_device, member));

	device->ops->close(device);
}

/*
 * The memory itself cannot tell: it may never have been written. The loop
 * knows what is open in it.
 */
static bool is_open_in(struct isr_loop *loop, const void *memory, size_t size)
{
	const struct isri_loop_member *member;

	for (member = isri_loop_base(loop)->members; member;
	     member = member->next) {
		if ((uintptr_t)member - (uintptr_t)memory < size)
			return true;
	}
	return false;
}

int isri_device_check_open_for(const void *memory, size_t size,
			       struct isr_loop *loop, const void *config,
			       const char *function,
			       struct isr_error *reterr_error)
{
	int r;

	if (!memory || !loop || !config)
		return isri_error_copy(reterr_error, -EINVAL,
				       "a device needs memory, a loop and a "
				       "configuration");
	r = isri_loop_check_open_for(loop, function);
	if (r < 0)
		return isri_error_copy(reterr_error, r,
				       "a device belongs on the thread of a "
				       "loop that runs on, outside hard "
				       "handlers");
	if (is_open_in(loop, memory, size))
		return isri_error_copy(reterr_error, -EBUSY,
				       "this device is open: close it first, "
				       "or open another one");
	return 0;
}

int isri_device_check_config_of(const char *what, const void *config,
				size_t known_sz, const uint64_t *reserved,
				size_t n_reserved,
				struct isr_error *reterr_error)
{
	size_t sz = *(const size_t *)config; /* the first member of each */
	int r = isri_check_size(config, sz, known_sz);

	if (r == -EINVAL)
		return isri_error_set(reterr_error, r,
				      "the %s's configuration says that it has "
				      "%zu bytes; set sz to sizeof(struct "
				      "isr_%s_config)",
				      what, sz, what);
	if (r == 0)
		r = isri_check_reserved(reserved, n_reserved);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "the %s's configuration asks for "
				      "something that this version of "
				      "libisrloop does not know; update the "
				      "library",
				      what);
	return 0;
}

int isri_device_refuse(const char *what, const struct isr_pin_config *pin,
		       const char *fault, struct isr_error *reterr_error)
{
	return isri_error_set(reterr_error, -EINVAL, "%s %s: %s", what,
			      pin->line ? pin->line : "without a line", fault);
}

static const char *find_fault(const struct isri_device_setup *setup)
{
	const struct isr_pin_config *pin = setup->pin;

	if (!pin->line) {
		if (pin->chip)
			return "a chip, but no line of it";
		return setup->raw_cb ? "raw_cb is for a device with a line"
				     : NULL;
	}
	/* They would take the place of its own. */
	if (pin->n_more_lines != setup->n_lines - 1)
		return "pin.more_lines are not for devices";
	if (pin->source.hard)
		return "a device decides on the loop: no hard handler";
	if (pin->clock != ISR_CLOCK_MONOTONIC)
		return "a device compares stamps with the time: clock "
		       "monotonic";
	return NULL;
}

static int check_setup(const struct isri_device_setup *setup,
		       struct isr_error *reterr_error)
{
	const char *fault = find_fault(setup);

	if (fault)
		return isri_error_set(
			reterr_error, -EINVAL, "line %s: %s",
			setup->pin->line ? setup->pin->line : "(none)", fault);
	return 0;
}

/*
 * The level and the time at which it was read are to be of one moment, more or
 * less: an edge in between is known by its level only.
 */
static int read_first(struct isri_device *device, int *ret_levels,
		      uint64_t *ret_t_ns)
{
	unsigned int tries = 3;
	int r;

	do {
		device->begin_ns = isr_now_ns();
		r = isr_pin_get_value(device->source, ret_levels);
		*ret_t_ns = isr_now_ns();
	} while (r == 0 && *ret_t_ns - device->begin_ns > GRACE_NS && --tries);
	return r;
}

static int open_pin(struct isri_device *device,
		    const struct isr_pin_config *config,
		    struct isr_error *reterr_error)
{
	struct isr_pin_info info;
	uint64_t now_ns;
	int r, levels;

	r = isr_pin_open(device->loop, config, on_event, device,
			 &device->source, reterr_error);
	if (r < 0)
		return r;
	device->source->resumed = on_resumed;
	/* Its time is that after it: what it has told has no later stamp. */
	r = read_first(device, &levels, &now_ns);
	if (r < 0) {
		isri_error_set(reterr_error, r,
			       "line %s: cannot read its "
			       "level: %s",
			       config->line, describe(r));
		isr_source_close(device->source);
		return r;
	}
	isr_pin_get_info(device->source, &info);
	device->level_flags = info.simulated ? ISR_EVENT_FLAG_SIMULATED : 0;
	/* What a simulated chip has stamped it has stored. */
	device->grace_ns = info.simulated ? 0 : GRACE_NS;
	device->next_poll_ns = isri_clock_add(now_ns, device->poll_ns);
	/* The first level is no event: nobody is called. */
	feed_levels(device, ~0U, (unsigned int)levels, now_ns);
	update_alarm(device);
	return 0;
}

int isri_device_open(struct isri_device *device,
		     const struct isri_device_setup *setup,
		     struct isr_error *reterr_error)
{
	int r = check_setup(setup, reterr_error);

	if (r < 0)
		return r;
	memset(device, 0, sizeof(*device));
	device->ops = setup->ops;
	device->loop = setup->loop;
	device->raw_cb = setup->raw_cb;
	device->raw_arg = setup->raw_arg;
	device->poll_ns = setup->poll_ns;
	device->n_lines = setup->n_lines;
	device->alarm.ring = ring;
	/* Neither can fail: the loop was checked. */
	isr_flag_init(&device->tick, device->loop, ISR_FLAG_AUTO);
	isr_flag_set_cb(&device->tick, on_tick, device);
	if (setup->pin->line)
		r = open_pin(device, setup->pin, reterr_error);
	if (r < 0) {
		isr_flag_done(&device->tick);
		device->ops = NULL;
		return r;
	}
	isri_loop_member_add(device->loop, &device->member, close_member);
	return 0;
}

void isri_device_close(struct isri_device *device)
{
	if (!isri_device_is_open(device))
		return;
	if (device->gone)
		*device->gone = true;
	isri_loop_member_remove(&device->member);
	isri_alarm_cancel(device->loop, &device->alarm);
	isr_flag_done(&device->tick);
	isr_source_close(device->source);
	device->source = NULL;
	device->ops = NULL;
}

int isri_device_check_for(const struct isri_device *device,
			  const char *function)
{
	if (!isri_device_is_open(device))
		return -EINVAL;
	return isri_loop_check_for(device->loop, function);
}

int isri_device_feed_for(struct isri_device *device,
			 const struct isr_event *event, const char *function)
{
	int r = isri_device_check_for(device, function);

	if (r < 0)
		return r;
	if (!event || !is_known(event->kind) ||
	    event->source >= device->n_lines)
		return -EINVAL;
	if (device->source || device->gone)
		return -EBUSY;
	feed(device, event, event->source);
	return 0;
}
