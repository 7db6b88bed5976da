/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F5: encoders, loop class. What the edges say is decided in encoder-core.c,
 * what it makes of the value in encoder-scale.c; here is what is told, and
 * when. The value is read in encoder.c.
 *
 * Time is that of the stream: the latest stamp. Two deadlines are decided
 * before an event that comes at, or after, them: the end of a window in which
 * changes are told together, and that the shaft has come to a standstill.
 * The latter is also when the levels are compared with the lines'.
 *
 * A standstill is told where it makes what was told last untrue, which is where
 * that had a velocity. It ends a window: nothing more is to come of it.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "device.h"
#include "encoder-core.h"
#include "encoder-scale.h"
#include "encoder.h"
#include "error.h"

#define STEPS_DEFAULT ISRI_ENCODER_CYCLE
#define STOP_NS_DEFAULT 100000000

/* In rest: what the public header cannot name. */
struct rest {
	struct isri_device device; /* first: see to_encoder() */
	/* constant while open */
	isr_encoder_cb *cb;
	void *arg;
	uint64_t report_ns, stop_ns;
	bool tell_stop;

	uint64_t now_ns;
	uint64_t window_ns; /* its end; ISRI_DEVICE_NEVER: there is none */
	uint64_t still_ns;  /* when it stands still; NEVER: it does */
	int64_t told;	    /* the value */
	uint32_t lost;	    /* since then */
	uint8_t flags;
	uint8_t origin_flags; /* of the latest, which a standstill has too */
	bool must_tell;	      /* whatever the value */
	bool told_moving;     /* with a velocity */
	struct isri_encoder_core core;
	struct isri_encoder_scale scale;
	struct isri_encoder_speed speed;
	struct isr_encoder_stats stats; /* uncertain: but for core.pending */
};

_Static_assert(sizeof(struct rest) <= sizeof(((struct isr_encoder *)0)->rest),
	       "an ABI: it grows through a new type");

static struct rest *rest_of(const struct isr_encoder *encoder)
{
	return (struct rest *)encoder->rest.bytes;
}

static struct isr_encoder *to_encoder(const struct isri_device *device)
{
	return (struct isr_encoder *)((char *)device -
				      offsetof(struct isr_encoder, rest));
}

static uint64_t get_uncertain(const struct rest *rest)
{
	return rest->stats.uncertain +
	       isri_encoder_core_get_pending(&rest->core);
}

/* As of rest->now_ns. */
static double get_velocity(const struct rest *rest)
{
	return isri_encoder_speed_get(&rest->speed, &rest->scale, rest->now_ns,
				      rest->core.pending);
}

static uint32_t cut(uint64_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/*
 * What is told.
 */

/* False: the callback has closed the encoder. */
static bool tell(struct isr_encoder *encoder, uint64_t t_ns)
{
	struct rest *rest = rest_of(encoder);
	const bool *gone = isri_device_get_gone(&rest->device);
	int64_t value = isri_encoder_scale_get(&rest->scale);
	struct isr_encoder_event event = {
		.t_ns = t_ns,
		.value = value,
		.delta = (int64_t)((uint64_t)value - (uint64_t)rest->told),
		.velocity = get_velocity(rest),
		.lost = rest->lost,
		.uncertain = cut(get_uncertain(rest)),
		.flags = rest->flags | rest->origin_flags,
	};

	rest->told = value;
	rest->lost = 0;
	rest->flags = 0;
	rest->must_tell = false;
	rest->told_moving = event.velocity != 0;
	rest->stats.events++;
	isr_flag_set(&encoder->changed);
	if (rest->cb)
		rest->cb(encoder, &event, rest->arg);
	return !*gone;
}

static bool has_news(const struct rest *rest)
{
	return rest->must_tell ||
	       isri_encoder_scale_get(&rest->scale) != rest->told;
}

static bool end_window(struct isr_encoder *encoder)
{
	struct rest *rest = rest_of(encoder);
	uint64_t t_ns = rest->window_ns;

	rest->window_ns = ISRI_DEVICE_NEVER;
	return !has_news(rest) || tell(encoder, t_ns);
}

/* After an event. */
static bool tell_news(struct isr_encoder *encoder)
{
	struct rest *rest = rest_of(encoder);

	if (rest->window_ns != ISRI_DEVICE_NEVER || !has_news(rest))
		return true;
	if (!rest->report_ns)
		return tell(encoder, rest->now_ns);
	rest->window_ns = isri_clock_add(rest->now_ns, rest->report_ns);
	return true;
}

/*
 * The stream.
 */

static uint64_t get_due(const struct rest *rest)
{
	return isri_clock_min(rest->window_ns, rest->still_ns);
}

/* The shaft stands still, since then. */
static bool stop(struct isr_encoder *encoder, uint64_t t_ns)
{
	struct rest *rest = rest_of(encoder);

	rest->still_ns = ISRI_DEVICE_NEVER;
	isri_encoder_speed_stop(&rest->speed);
	if (!rest->tell_stop || !rest->told_moving)
		return true;
	rest->window_ns = ISRI_DEVICE_NEVER;
	return tell(encoder, t_ns);
}

/* All that is due by then, in order; see the head. */
static bool advance(struct isr_encoder *encoder, uint64_t t_ns)
{
	struct rest *rest = rest_of(encoder);
	uint64_t due_ns;

	while ((due_ns = get_due(rest)) <= t_ns &&
	       due_ns != ISRI_DEVICE_NEVER) {
		rest->now_ns = isri_clock_max(rest->now_ns, due_ns);
		if (due_ns == rest->still_ns ? !stop(encoder, due_ns)
					     : !end_window(encoder))
			return false;
	}
	rest->now_ns = isri_clock_max(rest->now_ns, t_ns);
	return true;
}

static void move_by(struct rest *rest, const struct isri_encoder_move *move)
{
	if (move->past)
		isri_encoder_scale_shift(&rest->scale, move->resync);
	else
		isri_encoder_scale_move(&rest->scale, move->resync);
	isri_encoder_scale_move(&rest->scale, move->step);
	rest->stats.position += move->resync + move->step;
}

static void account(struct rest *rest, const struct isr_event *event,
		    const struct isri_encoder_move *move)
{
	struct isr_encoder_stats *stats = &rest->stats;

	stats->edges += event->kind == ISR_EVENT_RISING ||
			event->kind == ISR_EVENT_FALLING;
	stats->steps += move->step != 0;
	stats->lost += move->lost;
	stats->resyncs += move->resynced;
	stats->invalid += move->invalid;
	stats->corrected += move->corrected;
	stats->uncertain += move->error;

	rest->lost = cut((uint64_t)rest->lost + move->lost);
	rest->flags |= event->flags &
		       (ISR_EVENT_FLAG_MERGED | ISR_EVENT_FLAG_SIMULATED);
	if (event->kind != ISR_EVENT_LOST)
		rest->origin_flags = event->flags & ISR_EVENT_FLAG_SIMULATED;
	if (move->invalid || move->corrected)
		rest->flags |= ISR_EVENT_FLAG_MERGED;
	if (move->lost || move->error)
		rest->must_tell = true;
}

/* An edge, a level or a loss, at rest->now_ns. */
static bool handle(struct isr_encoder *encoder, const struct isr_event *event,
		   unsigned int line)
{
	struct rest *rest = rest_of(encoder);
	struct isri_encoder_move move;

	move = isri_encoder_core_feed(&rest->core, event, line);
	account(rest, event, &move);
	move_by(rest, &move);
	if (move.resync || move.step)
		isri_encoder_speed_add(&rest->speed, rest->now_ns,
				       rest->stats.position);
	if (event->kind != ISR_EVENT_INITIAL || move.resync)
		rest->still_ns = isri_clock_add(rest->now_ns, rest->stop_ns);
	isri_encoder_put_value(encoder, isri_encoder_scale_get(&rest->scale));
	return tell_news(encoder);
}

/* No silence is told any more: all that is due is due now. */
static bool end(struct isr_encoder *encoder, int error)
{
	struct rest *rest = rest_of(encoder);

	rest->stats.chip_error = error;
	if (!stop(encoder, rest->now_ns))
		return false;
	if (rest->window_ns == ISRI_DEVICE_NEVER)
		return true;
	rest->window_ns = rest->now_ns;
	return end_window(encoder);
}

static bool feed(struct isri_device *device, const struct isr_event *event,
		 unsigned int line)
{
	struct isr_encoder *encoder = to_encoder(device);
	struct rest *rest = rest_of(encoder);

	if (!advance(encoder, event->t_ns))
		return false;
	if (event->kind == ISR_EVENT_IDLE || rest->stats.chip_error)
		return true;
	if (event->kind == ISR_EVENT_CHIP_LOST)
		return end(encoder, event->value);
	return handle(encoder, event, line);
}

static uint64_t get_due_ns(const struct isri_device *device)
{
	return get_due(rest_of(to_encoder(device)));
}

static int get_levels(const struct isri_device *device)
{
	const struct rest *rest = rest_of(to_encoder(device));

	if (rest->still_ns != ISRI_DEVICE_NEVER)
		return -1;
	return isri_encoder_core_get_levels(&rest->core);
}

static void close_encoder(struct isri_device *device)
{
	struct isr_encoder *encoder = to_encoder(device);

	isri_device_close(device);
	isr_flag_done(&encoder->changed);
}

static const struct isri_device_ops ops = {
	.feed = feed,
	.get_due_ns = get_due_ns,
	.get_levels = get_levels,
	.close = close_encoder,
};

/*
 * The API.
 */

static bool is_limited(const struct isr_encoder_config *config)
{
	return config->min != config->max;
}

static bool is_outside(const struct isr_encoder_config *config)
{
	return is_limited(config) &&
	       (config->initial < config->min || config->initial > config->max);
}

static const char *find_fault_of_pin(const struct isr_encoder_config *config)
{
	if (!config->pin.line != !config->line_b)
		return "it has two lines, pin.line and line_b, or none and is "
		       "fed";
	if (config->pin.more_lines || config->pin.n_more_lines)
		return "it has no more_lines: line_b is the other one";
	if (config->pin.edge != ISR_EDGE_BOTH)
		return "it needs both edges; leave pin.edge 0";
	if (config->pin.debounce_ns)
		return "it does not want its lines debounced: their order "
		       "would be lost, and bounce adds up to nothing";
	return NULL;
}

static const char *find_fault(const struct isr_encoder_config *config)
{
	if (config->steps == 3 || config->steps > ISRI_ENCODER_CYCLE)
		return "steps must be 1, 2 or 4";
	if (config->min > config->max)
		return "min must not be greater than max";
	if (config->modulo < 0)
		return "modulo must not be negative";
	if (is_outside(config))
		return "the initial value is outside of its limits";
	return find_fault_of_pin(config);
}

static int check_config(const struct isr_encoder_config *config,
			struct isr_error *reterr_error)
{
	const char *fault;
	int r = isri_device_check_config("encoder", config, reterr_error);

	if (r < 0)
		return r;
	fault = find_fault(config);
	return fault ? isri_device_refuse("encoder", &config->pin, fault,
					  reterr_error)
		     : 0;
}

static void init_rest(struct rest *rest,
		      const struct isr_encoder_config *config)
{
	bool limited = is_limited(config);

	rest->cb = config->cb;
	rest->arg = config->arg;
	rest->report_ns = config->report_ns;
	rest->stop_ns = isri_clock_or(config->stop_ns, STOP_NS_DEFAULT);
	rest->tell_stop = config->tell_stop;
	rest->window_ns = ISRI_DEVICE_NEVER;
	rest->still_ns = ISRI_DEVICE_NEVER;
	rest->scale = (struct isri_encoder_scale){
		.quarters = ISRI_ENCODER_CYCLE /
			    (config->steps ? config->steps : STEPS_DEFAULT),
		.divider = config->divider ? config->divider : 1,
		.min = limited ? config->min : INT64_MIN,
		.max = limited ? config->max : INT64_MAX,
		.modulo = config->modulo,
	};
	isri_encoder_scale_init(&rest->scale, config->initial);
	rest->told = isri_encoder_scale_get(&rest->scale);
}

int isr_encoder_open(struct isr_encoder *encoder, struct isr_loop *loop,
		     const struct isr_encoder_config *config,
		     struct isr_error *reterr_error)
{
	struct isri_device_setup setup = {
		.ops = &ops,
		.loop = loop,
		.n_lines = 2,
	};
	struct isr_pin_config pin;
	struct rest *rest;
	int r;

	r = isri_device_check_open(encoder, loop, config, reterr_error);
	if (r < 0)
		return r;
	r = check_config(config, reterr_error);
	if (r < 0)
		return r;
	pin = config->pin;
	pin.more_lines = &config->line_b;
	pin.n_more_lines = 1;
	setup.pin = &pin;
	setup.raw_cb = config->raw_cb;
	setup.raw_arg = config->raw_arg;
	r = isr_flag_init(&encoder->changed, loop, config->flag_mode);
	if (r < 0)
		return isri_error_copy(reterr_error, r,
				       "no such mode of an encoder's flag");

	memset(&encoder->rest, 0, sizeof(encoder->rest));
	rest = rest_of(encoder);
	init_rest(rest, config);
	isri_encoder_put_value(encoder, rest->told);
	r = isri_device_open(&rest->device, &setup, reterr_error);
	if (r < 0)
		isr_flag_done(&encoder->changed);
	return r;
}

static int check(const struct isr_encoder *encoder, const char *function)
{
	if (!encoder)
		return -EINVAL;
	return isri_device_check_for(&rest_of(encoder)->device, function);
}

int isr_encoder_close(struct isr_encoder *encoder)
{
	int r = check(encoder, __func__);

	if (r == 0)
		close_encoder(&rest_of(encoder)->device);
	return r == -EINVAL ? 0 : r;
}

int isr_encoder_feed(struct isr_encoder *encoder, const struct isr_event *event)
{
	if (!encoder)
		return -EINVAL;
	return isri_device_feed(&rest_of(encoder)->device, event);
}

int isr_encoder_set_value(struct isr_encoder *encoder, int64_t value)
{
	struct rest *rest;
	int r = check(encoder, __func__);

	if (r < 0)
		return r;
	rest = rest_of(encoder);
	if (!isri_encoder_scale_set(&rest->scale, value))
		return -EINVAL;
	rest->stats.uncertain = 0;
	isri_encoder_core_set(&rest->core);
	rest->told = isri_encoder_scale_get(&rest->scale);
	isri_encoder_put_value(encoder, rest->told);
	return 0;
}

int isr_encoder_read_velocity(struct isr_encoder *encoder, double *ret_velocity)
{
	struct rest *rest;
	int r = check(encoder, __func__);

	if (r < 0)
		return r;
	if (!ret_velocity)
		return -EINVAL;
	rest = rest_of(encoder);
	if (!isri_device_catch_up(&rest->device))
		return -ECANCELED;
	*ret_velocity = get_velocity(rest);
	return 0;
}

int isr_encoder_get_stats(const struct isr_encoder *encoder,
			  struct isr_encoder_stats *ret_stats)
{
	const struct rest *rest;
	int r = check(encoder, __func__);

	if (r < 0)
		return r;
	if (!ret_stats)
		return -EINVAL;
	rest = rest_of(encoder);
	*ret_stats = rest->stats;
	ret_stats->uncertain = get_uncertain(rest);
	return 0;
}

struct isr_source *isr_encoder_get_source(const struct isr_encoder *encoder)
{
	return check(encoder, __func__) == 0 ? rest_of(encoder)->device.source
					     : NULL;
}
