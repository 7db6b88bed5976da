/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* isrmon doctor: what of this machine isrloop depends on. */
#ifndef ISRMON_DOCTOR_H
#define ISRMON_DOCTOR_H

/**
 * Looks at the machine and tells, a line each; changes nothing. argv[0] is
 * "doctor". Returns the status to exit with.
 */
int doctor_run(int argc, char **argv);

#endif /* ISRMON_DOCTOR_H */
