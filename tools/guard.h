/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrmon guard: run a program under libisrloop-guard.so. */
#ifndef ISRMON_GUARD_H
#define ISRMON_GUARD_H

/**
 * Becomes the program that the command line names; returns only when there
 * is none, with the status to exit with. argv[0] is "guard".
 */
int guard_run(int argc, char **argv);

/** The library to preload, as the environment or the build names it. */
const char *guard_library(void);

#endif /* ISRMON_GUARD_H */
