/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* F1: one thread pays for the full barriers of all. */
#ifndef ISRI_BARRIER_H
#define ISRI_BARRIER_H

/*
 * Ask the kernel for it, once before the first isri_barrier_all(). 0, or
 * -errno: this kernel, or a filter of system calls, does not give it. Blocks
 * for some milliseconds the first time when there are threads already.
 */
int isri_barrier_init(void);

/*
 * Between call and return every running thread of the process passed a full
 * barrier; one that does not run passed it when it stopped. 0 or -errno.
 */
int isri_barrier_all(void);

#endif /* ISRI_BARRIER_H */
