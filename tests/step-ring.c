/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: rings. */
#include <errno.h>
#include <string.h>

#include "context.h"
#include "ring.h"
#include "step.h"

enum {
	DROP_OLD = 1,
	POLLED = 2,  /* no loop */
	FENCED = 4,  /* no membarrier at init */
	REFUSED = 8, /* no membarrier since */
	ARMED = 16,  /* the loop sleeps, or is about to */
	TWO = 32,    /* records are there */
	FULL = 64,
	LOST = 128,	/* some were lost, and nobody was told */
	UPSTREAM = 256, /* records say that some were lost before them */
	HALF = 512,	/* the oldest is being put, by another thread */
	WRAP = 1024,	/* places are about to wrap around */
	WAITED = 2048	/* a thread waits for room */
};

#define SLOTS 4

enum who { BEFORE, OPERATION, HANDLER, OTHER, AFTER, WHO_MAX };

static struct isr_ring ring;
static struct isr_event slots[SLOTS], got[2 * SLOTS];
/* By each producer: put, refused, put for an evicted one; lost upstream. */
static uint32_t puts[WHO_MAX], refused[WHO_MAX], evicting[WHO_MAX];
static uint32_t upstream[WHO_MAX];
/* The consumer's: the last of each, how many, how many lost were told. */
static uint32_t last[WHO_MAX], last_seq, n_got, told;
static bool any_seq, half;
static uint32_t half_place;
static int result;
static uint32_t taken;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static struct isr_event make(enum who who)
{
	uint32_t id = (uint32_t)who << 24 | ++puts[who];

	return (struct isr_event){
		.t_ns = id * 0x100000001ULL,
		.seq_high = ~id,
		.line_seq = id,
		.value = (int32_t)(id * 3),
		.source = (uint16_t)(id + 1),
		.kind = ISR_EVENT_RISING,
		.flags = ISR_EVENT_FLAG_MERGED,
	};
}

static void put(enum who who)
{
	struct isr_event event = make(who);
	int r;

	if (is(UPSTREAM)) {
		event.lost = 3;
		upstream[who] += 3;
	}
	r = isr_ring_put(&ring, &event);
	refused[who] += r == -ENOSPC;
	evicting[who] += r == 1;
	step_expect(r == 0 || r == -ENOSPC || (is(DROP_OLD) && r == 1));
}

/* One record came out: whole, in order, once. */
static void take(const struct isr_event *event)
{
	uint32_t id = event->line_seq;
	enum who who = id >> 24;

	step_expect(who < WHO_MAX);
	if (who >= WHO_MAX)
		return;
	step_equal(event->t_ns, id * 0x100000001ULL);
	step_equal(event->seq_high, ~id);
	step_equal(event->value, (int32_t)(id * 3));
	step_equal(event->source, (uint16_t)(id + 1));
	step_equal(event->kind, ISR_EVENT_RISING);
	step_equal(event->flags, ISR_EVENT_FLAG_MERGED);
	step_expect((id & 0xffffff) > last[who]);
	last[who] = id & 0xffffff;

	if (any_seq && !is(DROP_OLD))
		step_equal(event->seq, last_seq + 1);
	if (any_seq)
		step_expect((int32_t)(event->seq - last_seq) > 0);
	last_seq = event->seq;
	any_seq = true;
	n_got++;
	told += event->lost;
}

static int get(size_t max)
{
	int i, n;

	memset(got, 0xee, sizeof(got));
	n = isr_ring_get(&ring, got, max);
	step_expect(n >= 0);
	for (i = 0; i < n; i++)
		take(&got[i]);
	return n;
}

static void get_all(void)
{
	int n;

	for (n = 0; n < 100; n++) {
		if (get(SLOTS) == 0)
			return;
	}
	step_expect(!"the ring gets empty");
}

static void on_ready(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)count;
	(void)arg;
	get_all();
}

/* As put() of ring.c, cut in two. */
static void begin_half_put(void)
{
	half_place = ring.head++;
	half = true;
}

static void end_half_put(void)
{
	struct isr_event *slot = isri_ring_slot(&ring, half_place);
	struct isr_event event;

	if (!half)
		return;
	half = false;
	event = make(OTHER);
	event.seq = slot->seq;
	*slot = event;
	__atomic_store_n(&slot->seq, half_place + 1, __ATOMIC_SEQ_CST);
	if (ring.ready.wake && !isr_flag_peek(&ring.ready))
		(isr_flag_set)(&ring.ready);
}

static void prepare(void)
{
	int i;

	if (is(WRAP))
		ring.head = ring.tail = ring.tail_cached = ring.next =
			UINT32_MAX - 1;
	if (is(LOST)) {
		ring.unreported = 2;
		ring.lost_total = 2;
		puts[BEFORE] = 2;
		refused[BEFORE] = 2;
	}
	if (is(WAITED))
		ring.waiting = 1;
	if (is(HALF))
		begin_half_put();
	for (i = is(HALF); i < (is(FULL) ? SLOTS : is(TWO) ? 2 : 0); i++)
		put(BEFORE);
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	memset(puts, 0, sizeof(puts));
	memset(refused, 0, sizeof(refused));
	memset(evicting, 0, sizeof(evicting));
	memset(upstream, 0, sizeof(upstream));
	memset(last, 0, sizeof(last));
	n_got = told = taken = 0;
	any_seq = half = false;
	ring.slots = NULL;
	step_barrier_refused = is(FENCED);
	isr_ring_init(&ring, is(POLLED) ? NULL : loop, slots, SLOTS,
		      is(DROP_OLD) ? ISR_RING_DROP_OLD : ISR_RING_DROP_NEW);
	step_barrier_refused = is(REFUSED);
	step_equal(ring.fenced, is(FENCED));
	if (!is(POLLED))
		isr_flag_set_cb(&ring.ready, on_ready, NULL);
	prepare();
	if (is(ARMED) && is(TWO | FULL | HALF))
		step_loop_turn();
	else if (is(ARMED))
		step_loop_arm();
}

static uint32_t sum(const uint32_t *of)
{
	uint32_t total = 0;
	int i;

	for (i = 0; i < WHO_MAX; i++)
		total += of[i];
	return total;
}

/* Delivered and lost are exactly what was put; each loss is told once. */
static void check_sums(void)
{
	uint32_t lost = 0;

	if (!ring.ready.wake)
		get_all();
	else
		step_loop_settle();
	step_equal(isr_ring_take_lost(&ring, &lost), 0);
	taken += lost;
	step_equal(n_got + isr_ring_get_lost_total(&ring), sum(puts));
	step_equal(n_got + told + taken, sum(puts) + sum(upstream));
	if (is(DROP_OLD))
		step_expect(isr_ring_get_lost_total(&ring) >=
			    sum(evicting) + sum(refused));
	else
		step_equal(isr_ring_get_lost_total(&ring), sum(refused));
}

static void check(void)
{
	uint32_t before;
	int i;

	if (half)
		end_half_put();
	check_sums();

	/* It still works, and has nothing left to tell. */
	before = told;
	for (i = 0; i < SLOTS; i++)
		put(AFTER);
	check_sums();
	step_equal(last[AFTER], SLOTS);
	step_equal(told - before, upstream[AFTER]);
}

static void handler_puts(void)
{
	put(HANDLER);
}

/* More than there is room for: it comes around. */
static void handler_floods(void)
{
	int i;

	for (i = 0; i < SLOTS + 1; i++)
		put(HANDLER);
}

/* The half-done one is done, and evicted. */
static void handler_ends_and_floods(void)
{
	end_half_put();
	handler_floods();
}

static void handler_gets(void)
{
	get_all();
}

/* Other producers and the consumer move on, by more than a round. */
static void handler_goes_round(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		handler_floods();
		get_all();
	}
}

static void run_put(void)
{
	put(OPERATION);
}

static void run_get(void)
{
	get(SLOTS);
}

static void run_get_one(void)
{
	get(1);
}

static void run_take_lost(void)
{
	isr_ring_take_lost(&ring, &taken);
}

#define check_put check
#define check_get check
#define check_get_one check
#define check_take_lost check

/* What a wrong caller gets: nothing changes. */
static void run_refused(void)
{
	struct isr_ring zeroed = {.slots = NULL};
	struct isri_frame frame;
	uint32_t lost;
	int sum_ = 0;

	sum_ += isr_ring_get(NULL, got, 1) == -EINVAL;
	sum_ += isr_ring_get(&zeroed, got, 1) == -EINVAL;
	sum_ += isr_ring_get(&ring, NULL, 1) == -EINVAL;
	sum_ += isr_ring_get(&ring, got, 0) == 0;
	sum_ += isr_ring_take_lost(NULL, &lost) == -EINVAL;
	sum_ += isr_ring_take_lost(&ring, NULL) == -EINVAL;
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, NULL, NULL);
	sum_ += isr_ring_get(&ring, got, 1) == -EPERM;
	sum_ += isr_ring_take_lost(&ring, &lost) == -EPERM;
	isri_context_leave(&frame);
	sum_ += isr_ring_get_lost_total(&ring) < 100;
	result = sum_;
}

static void check_refused(void)
{
	step_equal(result, 9);
	check();
}

static void run_get_much(void)
{
	/* More than there can be. */
	get(2 * SLOTS);
}

#define check_get_much check

static void run_get_none(void)
{
	get(0);
}

#define check_get_none check

/* Of a thread that would wait for room: not lost when there is none. */
static void run_try_put(void)
{
	struct isr_event event = make(OPERATION);

	result = isri_ring_try_put(&ring, &event);
	evicting[OPERATION] += result == 1;
	if (result == -ENOSPC)
		puts[OPERATION]--;
}

static void check_try_put(void)
{
	step_expect(result == -ENOSPC || result == is(DROP_OLD) || result == 0);
	check();
}

static void check_told(void)
{
	step_expect(ring.room > 0);
	check();
}

#define run_told run_get

/* The loop ends under a producer; what it put can still be read. */
static void run_end(void)
{
	isri_wake_finish_flags(&step_wake);
}

static void check_end(void)
{
	int i;

	step_expect(!ring.ready.wake && ring.ended && ring.room > 0);
	for (i = 0; i < SLOTS; i++)
		put(AFTER);
	check_sums();
}

#define SCENARIO(text, operation, what, ...)                                   \
	{                                                                      \
		.name = "ring: " text, .reset = reset, .run = run_##operation, \
		.check = check_##operation, .variant = (what), __VA_ARGS__     \
	}
#define PUT_OVER(text, operation, what) \
	SCENARIO("put over " text, operation, what, .handler = handler_puts)
#define FLOOD_OVER(text, operation, what) \
	SCENARIO("puts over " text, operation, what, .handler = handler_floods)
#define LOOP_OVER(text, operation, what)             \
	SCENARIO("loop over " text, operation, what, \
		 .handler = step_loop_turn, .is_thread = true)
#define GET_OVER(text, operation, what)                                      \
	SCENARIO("get over " text, operation, what, .handler = handler_gets, \
		 .is_thread = true)
#define ROUND_OVER(text, operation, what)               \
	SCENARIO("a round over " text, operation, what, \
		 .handler = handler_goes_round, .is_thread = true)
#define END_OVER(text, operation, what)                          \
	SCENARIO("the end of a put over " text, operation, what, \
		 .handler = end_half_put, .is_thread = true)

const struct step_scenario step_ring_scenarios[] = {
	PUT_OVER("put", put, 0),
	PUT_OVER("put, armed", put, ARMED),
	PUT_OVER("put, polled", put, POLLED),
	PUT_OVER("put, fenced", put, FENCED),
	PUT_OVER("put, fenced and armed", put, FENCED | ARMED),
	PUT_OVER("put, full", put, FULL),
	PUT_OVER("put, full of losses upstream", put, FULL | UPSTREAM),
	PUT_OVER("put, losses to tell", put, LOST | UPSTREAM),
	FLOOD_OVER("put, losses to tell", put, TWO | LOST),
	PUT_OVER("put, wrap", put, WRAP | TWO),
	FLOOD_OVER("put", put, 0),
	FLOOD_OVER("put, two", put, TWO),
	PUT_OVER("put, drop old", put, DROP_OLD),
	PUT_OVER("put, drop old and full", put, DROP_OLD | FULL),
	PUT_OVER("put, drop old, full of losses upstream", put,
		 DROP_OLD | FULL | UPSTREAM),
	FLOOD_OVER("put, drop old", put, DROP_OLD),
	FLOOD_OVER("put, drop old and full", put, DROP_OLD | FULL),
	FLOOD_OVER("put, drop old, full of losses upstream", put,
		   DROP_OLD | FULL | UPSTREAM | WRAP),
	END_OVER("put, drop old and full", put, DROP_OLD | FULL | HALF),
	PUT_OVER("put, the oldest half-way", put, DROP_OLD | FULL | HALF),
	LOOP_OVER("put", put, 0),
	LOOP_OVER("put, armed", put, ARMED),
	LOOP_OVER("put, two", put, TWO),
	LOOP_OVER("put, full", put, FULL),
	LOOP_OVER("put, fenced and armed", put, FENCED | ARMED),
	LOOP_OVER("put, barrier refused", put, REFUSED | ARMED),
	LOOP_OVER("put, drop old and full", put, DROP_OLD | FULL),
	LOOP_OVER("put, drop old and armed", put, DROP_OLD | ARMED),
	GET_OVER("put, polled", put, POLLED),
	GET_OVER("put, polled and full", put, POLLED | FULL),
	GET_OVER("put, polled, drop old and full", put,
		 POLLED | DROP_OLD | FULL),
	ROUND_OVER("put, polled", put, POLLED),
	ROUND_OVER("put, polled and full", put, POLLED | FULL),
	ROUND_OVER("put, polled, drop old and full", put,
		   POLLED | DROP_OLD | FULL),
	PUT_OVER("get, empty", get, 0),
	PUT_OVER("get, two", get, TWO),
	PUT_OVER("get, full", get_much, FULL),
	PUT_OVER("get, one of two", get_one, TWO),
	PUT_OVER("get, polled", get, POLLED | TWO),
	PUT_OVER("get, fenced", get, FENCED | TWO),
	FLOOD_OVER("get, two", get, TWO),
	FLOOD_OVER("get, full, losses to tell", get, FULL | LOST),
	PUT_OVER("get, half a put", get, HALF),
	END_OVER("get, half a put", get, HALF),
	END_OVER("get, half a put, barrier refused", get, HALF | REFUSED),
	END_OVER("get, half a put, drop old", get, HALF | DROP_OLD),
	SCENARIO("the end of a put and puts over get, drop old", get,
		 HALF | DROP_OLD, .handler = handler_ends_and_floods,
		 .is_thread = true),
	PUT_OVER("get, drop old, empty", get, DROP_OLD),
	PUT_OVER("get, drop old, none of two", get_none, DROP_OLD | TWO),
	PUT_OVER("get, drop old, two", get, DROP_OLD | TWO),
	PUT_OVER("get, drop old, full", get, DROP_OLD | FULL),
	PUT_OVER("get, drop old, full of losses upstream", get,
		 DROP_OLD | FULL | UPSTREAM),
	FLOOD_OVER("get, drop old, empty", get, DROP_OLD),
	FLOOD_OVER("get, drop old, one of two", get_one, DROP_OLD | TWO),
	FLOOD_OVER("get, drop old, full", get, DROP_OLD | FULL),
	FLOOD_OVER("get, drop old, full of losses upstream", get,
		   DROP_OLD | FULL | UPSTREAM),
	PUT_OVER("get, somebody waits", told, FULL | WAITED),
	PUT_OVER("get, fenced, somebody waits", told, FULL | WAITED | FENCED),
	PUT_OVER("try_put", try_put, LOST),
	PUT_OVER("try_put, armed", try_put, ARMED),
	PUT_OVER("try_put, fenced", try_put, FENCED),
	PUT_OVER("try_put, polled", try_put, POLLED),
	PUT_OVER("try_put, full", try_put, FULL),
	FLOOD_OVER("try_put, drop old and full", try_put, DROP_OLD | FULL),
	PUT_OVER("try_put, drop old, full of losses upstream", try_put,
		 DROP_OLD | FULL | UPSTREAM),
	PUT_OVER("try_put, the oldest half-way", try_put,
		 DROP_OLD | FULL | HALF),
	ROUND_OVER("try_put, polled and full", try_put, POLLED | FULL),
	ROUND_OVER("try_put, polled, drop old and full", try_put,
		   POLLED | DROP_OLD | FULL),
	PUT_OVER("the end of the loop", end, TWO | WAITED),
	PUT_OVER("take_lost", take_lost, LOST),
	PUT_OVER("take_lost, full", take_lost, FULL | LOST),
	PUT_OVER("what is refused", refused, TWO),
	{.name = NULL},
};
