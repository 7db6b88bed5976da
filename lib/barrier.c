/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1, loop class: membarrier(2). Its expedited form interrupts the CPUs that
 * run a thread of this process, and nobody else: some microseconds, or a
 * fraction of one when none does. glibc has no wrapper.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "barrier.h"
#include "test-point.h"

static int barrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) < 0 ? -errno : 0;
}

int isri_barrier_init(void)
{
	return barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
}

int isri_barrier_all(void)
{
	ISR_TEST_POINT("barrier:all");
	return barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
