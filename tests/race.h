/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Races, made to happen: at a test point the other side of the race runs,
 * mostly in the same thread, as a signal handler there would.
 */
#ifndef RACE_H
#define RACE_H

#include <poll.h>
#include <stdatomic.h>

#include "test-point.h"
#include "xt.h"

#ifdef ISR_TEST_POINTS

/* What happens at a point, once; two threads may have one point each. */
static struct race {
	const char *point;
	_Atomic(void (*)(void)) other_side;
} races[2];
static atomic_uint n_raced;

static inline void run_race(const char *point)
{
	void (*other_side)(void);
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!races[i].point || strcmp(races[i].point, point) != 0)
			continue;
		other_side = atomic_exchange(&races[i].other_side, NULL);
		if (other_side) {
			n_raced++;
			other_side();
		}
	}
}

static inline void race_at(unsigned int i, const char *point,
			   void (*other_side)(void))
{
	races[i].point = point;
	races[i].other_side = other_side;
	isri_test_point_hook = run_race;
}

static inline void assert_raced(unsigned int n)
{
	isri_test_point_hook = NULL;
	ck_assert_uint_eq(n_raced, n);
}

static inline void forget_races(void)
{
	isri_test_point_hook = NULL;
	memset(races, 0, sizeof(races));
	n_raced = 0;
}

/*
 * The tests look at the loop as a foreign loop does, and do not run it: so a
 * wake-up that is lost is a failure at once, and no hang.
 */
static inline bool is_due(struct isr_loop *loop)
{
	struct pollfd p = {.fd = isr_loop_get_fd(loop), .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static inline void dispatch_while_due(struct isr_loop *loop)
{
	unsigned int i;

	for (i = 0; i < 10 && is_due(loop); i++)
		xt_ok(isr_loop_dispatch(loop));
}

#endif

#endif /* RACE_H */
