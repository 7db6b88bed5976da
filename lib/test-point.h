/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: named places where a test may delay or stop a thread, one at each
 * ordering tag. Nothing at all unless configured with --enable-test-points.
 */
#ifndef ISRI_TEST_POINT_H
#define ISRI_TEST_POINT_H

#ifdef ISR_TEST_POINTS

typedef void isri_test_point_cb(const char *name);

/* Called at every point; NULL: none. Set it while no other thread runs. */
extern isri_test_point_cb *isri_test_point_hook;

#define ISR_TEST_POINT(name)                        \
	do {                                        \
		if (isri_test_point_hook)           \
			isri_test_point_hook(name); \
	} while (0)

#else

#define ISR_TEST_POINT(name) \
	do {                 \
	} while (0)

#endif

#endif /* ISRI_TEST_POINT_H */
