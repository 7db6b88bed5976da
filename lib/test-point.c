/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: the hook of the test points. */
#include "test-point.h"

#ifdef ISR_TEST_POINTS
isri_test_point_cb *isri_test_point_hook;
#else
extern int isri_test_points_are_not_built;
#endif
