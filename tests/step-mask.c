/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Interruption at every instruction: critical sections, the door in front of
 * handlers, threads that enter.
 */
#include <errno.h>
#include <stddef.h>

#include <isrloop/mask.h>

#include "context.h"
#include "irq-thread.h"
#include "loop.h"
#include "step.h"

enum {
	MASKED = 1,
	TWICE = 2,
	DEEP = 4,	/* more sections than call sites that are kept */
	SLOW = 8,	/* any section is too long */
	OTHERS = 16,	/* a handler in another thread is inside */
	ABANDONED = 32, /* a thread that had entered has ended */
	THREAD = 64,	/* the operation is another thread's */
	ENTERED = 128,
	SET = 256,    /* a callback waits that forgets to unmask */
	CLIENTS = 512 /* there are more that catch up */
};

#define SECTIONS (ISRI_MASK_SITES + 2)

static struct isri_mask_client client, quiet;
static struct isr_flag flag;
static int tokens[SECTIONS];
/* The operation is in a section: no handler may run. */
static volatile bool inside;
static bool threads_locked, other_inside;
/* Events: of handlers that found the door shut, and that were handled. */
static unsigned int waiting, ran[2], n_owner_dead;
static int result;

static bool is(int variant)
{
	return step_now->variant & variant;
}

static struct isr_loop *loop(void)
{
	return (struct isr_loop *)&step_head;
}

/* There are no IRQ threads, nor libev. */
void isri_irq_threads_hard_lock(struct isr_loop *of)
{
	step_expect(of == loop() && !threads_locked);
	threads_locked = true;
}

void isri_irq_threads_hard_unlock(struct isr_loop *of)
{
	step_expect(of == loop() && threads_locked);
	threads_locked = false;
}

int isri_loop_check_for(const struct isr_loop *of, const char *function)
{
	return of ? isri_wake_check_for(&step_wake, function) : -EINVAL;
}

int isri_loop_check_open_for(const struct isr_loop *of, const char *function)
{
	return of ? isri_wake_check_open(&step_wake, function) : -EINVAL;
}

int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
	int r = __real_pthread_mutex_lock(mutex);

	if (mutex != &step_head.mask.users || !n_owner_dead)
		return r;
	n_owner_dead = 0;
	return EOWNERDEAD;
}

/* As a signal source: an event that finds the door shut waits. */
static void handler_comes(void)
{
	if (!isri_door_enter(&step_head.mask.door)) {
		__atomic_fetch_add(&waiting, 1, __ATOMIC_ACQ_REL);
		return;
	}
	step_expect(!inside);
	ran[step_is_handler()]++;
	isri_door_leave(&step_head.mask.door);
}

static void catch_up(struct isri_mask_client *which)
{
	unsigned int n = __atomic_exchange_n(&waiting, 0, __ATOMIC_ACQ_REL);

	step_expect(which == &client);
	step_expect(!inside);
	ran[step_is_handler()] += n;
}

static void catch_up_nothing(struct isri_mask_client *which)
{
	step_expect(which == &quiet);
}

/* A handler in another thread is done. */
static void handler_leaves(void)
{
	if (__atomic_exchange_n(&other_inside, false, __ATOMIC_ACQ_REL))
		isri_door_leave(&step_head.mask.door);
}

static void on_flag(struct isr_flag *which, uint32_t count, void *arg)
{
	(void)which;
	(void)count;
	(void)arg;
	step_equal(isr_mask(loop()), 0);
}

static void mask_before(void)
{
	int i, n = is(DEEP) ? SECTIONS : is(TWICE) ? 2 : is(MASKED);

	for (i = 0; i < n; i++) {
		tokens[i] = isr_mask(loop());
		step_equal(tokens[i], i);
	}
	inside = n > 0;
}

static void reset(void)
{
	step_loop_init();
	isri_mask_init(loop(), is(SLOW) ? 1 : 0);
	client = (struct isri_mask_client){.catch_up = catch_up};
	quiet = (struct isri_mask_client){.catch_up = catch_up_nothing};
	if (is(CLIENTS))
		isri_mask_add(loop(), &quiet);
	isri_mask_add(loop(), &client);
	threads_locked = false;
	waiting = ran[0] = ran[1] = 0;
	n_owner_dead = is(ABANDONED);
	isr_flag_init(&flag, loop(), ISR_FLAG_AUTO);
	isr_flag_set_cb(&flag, on_flag, NULL);
	mask_before();
	other_inside = is(OTHERS);
	if (is(OTHERS))
		step_head.mask.door.word = 1;
	if (is(SET))
		(isr_flag_set)(&flag);
	if (is(THREAD))
		atomic_store(&step_wake.owner, &flag);
	if (is(ENTERED))
		step_equal(isr_enter(loop()), 0);
}

/* All is open, every event was handled, and it works again. */
static void check(void)
{
	struct isr_emerg record;
	int m;

	atomic_store(&step_wake.owner, isri_context_thread());
	step_expect(!isri_context_get_frame());
	step_expect(!threads_locked);
	step_equal(step_head.mask.depth, 0);
	step_equal(step_head.mask.door.word, 0);
	step_equal(waiting, 0);
	if (step_now->handler == handler_comes)
		step_equal(ran[0] + ran[1], step_handled());
	while (isr_emerg_take(loop(), &record) == 1)
		step_expect(record.kind == ISR_EMERG_MASK ||
			    record.kind == ISR_EMERG_MISUSE);

	m = isr_mask(loop());
	step_equal(m, 0);
	handler_comes();
	step_equal(waiting, 1);
	step_equal(isr_unmask(loop(), m), 0);
	step_equal(waiting, 0);
	step_equal(pthread_mutex_trylock(&step_head.mask.users), 0);
	pthread_mutex_unlock(&step_head.mask.users);
}

static void run_section(void)
{
	int m = isr_mask(loop());

	inside = true;
	tokens[0] = m;
	inside = false;
	result = isr_unmask(loop(), m);
}

static void check_section(void)
{
	handler_leaves();
	step_equal(tokens[0], 0);
	step_equal(result, 0);
	step_equal(step_head.mask.masks, 1);
	check();
}

static void run_unmask(void)
{
	inside = false;
	result = isr_unmask(loop(), tokens[0]);
}

static void check_unmask(void)
{
	step_equal(result, 0);
	check();
}

/* Of the outer section: it is still masked after it. */
static void run_unmask_inner(void)
{
	result = isr_unmask(loop(), tokens[1]);
}

static void check_unmask_inner(void)
{
	step_equal(result, 0);
	step_equal(step_head.mask.depth, 1);
	inside = false;
	step_equal(isr_unmask(loop(), tokens[0]), 0);
	check();
}

/* The token of another section: refused, and masked as before. */
static void run_unmask_wrong(void)
{
	result = isr_unmask(loop(), tokens[0]);
}

static void check_unmask_wrong(void)
{
	int i, n = is(DEEP) ? SECTIONS : 2;

	step_equal(result, -EINVAL);
	step_equal(step_head.mask.depth, n);
	for (i = n - 1; i > 0; i--)
		step_equal(isr_unmask(loop(), tokens[i]), 0);
	inside = false;
	step_equal(isr_unmask(loop(), tokens[0]), 0);
	step_equal(isr_unmask(loop(), tokens[0]), -EINVAL);
	check();
}

/* A section within a section. */
static void run_mask(void)
{
	result = isr_mask(loop());
}

static void check_mask(void)
{
	int i, n = is(DEEP) ? SECTIONS : 1;

	step_equal(result, n);
	for (i = n; i > 0; i--)
		step_equal(isr_unmask(loop(), i), 0);
	inside = false;
	step_equal(isr_unmask(loop(), 0), 0);
	check();
}

/* A callback returns while masked: the loop ends the section. */
static void run_deliver(void)
{
	isri_wake_deliver(&step_wake);
}

#define check_deliver check

/* Handlers that nest: the inner one is of a higher priority. */
static void run_handler(void)
{
	handler_comes();
}

static void check_handler(void)
{
	unsigned int m = is(MASKED);

	if (m) {
		step_equal(waiting, 1 + step_handled());
		inside = false;
		step_equal(isr_unmask(loop(), tokens[0]), 0);
	}
	/* The operation is a handler as well. */
	step_equal(ran[0] + ran[1], 1 + step_handled());
	ran[0]--;
	check();
}

static void run_refused(void)
{
	struct isri_frame frame;
	int n = 0;

	n += isr_mask(NULL) == -EINVAL;
	n += isr_unmask(NULL, 0) == -EINVAL;
	n += isr_unmask(loop(), 0) == -EINVAL;
	isri_context_enter(&frame, ISR_CONTEXT_SIGNAL, loop(), NULL);
	n += isr_mask(loop()) == -EPERM;
	n += isr_unmask(loop(), 0) == -EPERM;
	n += isr_enter(loop()) == -EPERM;
	n += isr_exit(loop()) == -EPERM;
	isri_context_leave(&frame);
	n += isr_enter(NULL) == -EINVAL;
	n += isr_exit(NULL) == -EINVAL;
	n += isr_enter(loop()) == -EDEADLK;
	n += isr_exit(loop()) == -EINVAL;
	step_wake.generation++;
	n += isr_enter(loop()) == -EPERM;
	n += isr_exit(loop()) == -EPERM;
	step_wake.generation--;
	result = n;
}

static void check_refused(void)
{
	step_equal(result, 13);
	check();
}

/* In another thread: twice in, once out. */
static void run_enter(void)
{
	struct isri_loop_head *other = &step_head + 1;

	result = isr_enter(loop()) == 0;
	result += isr_enter((struct isr_loop *)other) < 0;
	result += isr_enter(loop()) == 0;
	result += isr_exit((struct isr_loop *)other) < 0;
	result += isr_exit(loop()) == 0;
	result += isr_in_context();
}

static void check_enter(void)
{
	step_equal(result, 6);
	step_equal(isr_exit(loop()), 0);
	check();
}

/* A callback of a loop is no thread of its own. */
static void run_enter_in_frame(void)
{
	struct isri_frame frame;

	isri_context_enter(&frame, ISR_CONTEXT_LOOP, loop(), NULL);
	result = isr_enter(loop());
	isri_context_leave(&frame);
}

static void check_enter_in_frame(void)
{
	step_equal(result, -EBUSY);
	check();
}

/* A section of a loop of its own. */
static void run_enter_in_section(void)
{
	isri_context_section_begun();
	result = isr_enter(loop());
	isri_context_section_ended();
}

static void check_enter_in_section(void)
{
	step_equal(result, -EDEADLK);
	check();
}

static void run_exit(void)
{
	result = isr_exit(loop());
}

static void check_exit(void)
{
	step_equal(result, 0);
	check();
}

/* What a handler does meanwhile: it knows where it is, and tells. */
static void handler_looks(void)
{
	step_expect(isr_in_context());
	isri_emerg_record(loop(), ISR_EMERG_MASK, -EIO, 0, NULL, NULL);
}

#define SCENARIO(text, operation, by, what, ...)                               \
	{                                                                      \
		.name = "mask: " text, .reset = reset, .run = run_##operation, \
		.handler = handler_##by, .check = check_##operation,           \
		.variant = (what), __VA_ARGS__                                 \
	}

const struct step_scenario step_mask_scenarios[] = {
	SCENARIO("handler over a section", section, comes, 0),
	SCENARIO("handler over a section that is slow", section, comes, SLOW),
	SCENARIO("handler over a section, a thread has ended", section, comes,
		 ABANDONED),
	SCENARIO("handler over mask within mask", mask, comes, MASKED),
	SCENARIO("handler over mask within many", mask, comes, DEEP),
	SCENARIO("handler over unmask", unmask, comes, MASKED | CLIENTS),
	SCENARIO("handler over unmask of the inner one", unmask_inner, comes,
		 TWICE),
	SCENARIO("handler over unmask without its token", unmask_wrong, comes,
		 TWICE),
	SCENARIO("handler over unmask without its token, many", unmask_wrong,
		 comes, DEEP),
	SCENARIO("handler over a callback that forgets", deliver, comes, SET),
	SCENARIO("another thread's handler ends over a section", section,
		 leaves, OTHERS, .is_thread = true, .nap = handler_leaves),
	SCENARIO("handler over a handler", handler, comes, 0),
	SCENARIO("handler over a handler, masked", handler, comes, MASKED),
	SCENARIO("handler over what is refused", refused, looks, 0),
	SCENARIO("handler over enter", enter, looks, THREAD),
	SCENARIO("handler over enter, a thread has ended", enter, looks,
		 THREAD | ABANDONED),
	SCENARIO("handler over enter in a callback", enter_in_frame, looks,
		 THREAD),
	SCENARIO("handler over enter in a section", enter_in_section, looks,
		 THREAD),
	SCENARIO("handler over exit", exit, looks, THREAD | ENTERED),
	{.name = NULL},
};
