/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* The service manager, by libsystemd. */
#ifdef HAVE_SYSTEMD

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "manager.h"

void manager_notify(const char *format, ...)
{
	char state[512];
	va_list args;

	va_start(args, format);
	vsnprintf(state, sizeof(state), format, args);
	va_end(args);
	/* Fails when the manager is gone: then nobody needs to know. */
	sd_notify(0, state);
}

int manager_take_socket(int *ret_fd)
{
	int fd = SD_LISTEN_FDS_START, flags, n;

	n = sd_listen_fds(1);
	*ret_fd = -1;
	if (n <= 0)
		return n;
	if (n > 1 || sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) <= 0)
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

#else

#include "manager.h"

void manager_notify(const char *format, ...)
{
}

int manager_take_socket(int *ret_fd)
{
	*ret_fd = -1;
	return 0;
}

#endif
