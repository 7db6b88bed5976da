/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Critical sections and IRQ threads. */
#include <signal.h>

#include "xt-pin.h"

START_TEST(mask_edges_wait)
{
	int token;

	(void)xt_pin_open("A", XT_HARD);

	token = isr_mask(loop);
	xt_edges(0, 100);
	ck_assert_uint_eq(sink.n, 0);
	xt_ok(isr_unmask(loop, token));
	xt_wait_until(sink.n >= 100);

	ck_assert_uint_eq(sink.lost, 0);
}
END_TEST

START_TEST(mask_ends_with_its_loop)
{
	struct isr_source *sig;

	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, xt_sink, &sink, &sig));
	(void)xt_pin_open("A", XT_HARD);
	xt_ok(isr_mask(loop));
	raise(SIGUSR1);

	xt_ok(isr_loop_free(loop));

	loop = NULL;
	ck_assert_uint_eq(sink.n, 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mask-pin");
	TCase *tcase;

	tcase = xt_case(suite, "mask");
	tcase_add_checked_fixture(tcase, xt_chip_setup, xt_chip_teardown);
	tcase_add_test(tcase, mask_edges_wait);
	tcase_add_test(tcase, mask_ends_with_its_loop);

	return xt_main(suite);
}
