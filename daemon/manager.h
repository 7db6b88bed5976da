/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The service manager. Without one, or built without libsystemd, there is
 * nobody to tell and nothing is handed over.
 */
#ifndef DAEMON_MANAGER_H
#define DAEMON_MANAGER_H

/* As for sd_notify(3): "READY=1" and the like, one a line. */
void manager_notify(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * The listening socket that the manager opened for us (socket activation).
 * Returns 0 with ret_fd -1 when it did not; -EINVAL when what it handed over
 * is not one listening unix stream socket.
 */
int manager_take_socket(int *ret_fd);

#endif /* DAEMON_MANAGER_H */
