/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The daemon's socket.
 *
 * Who holds the lock on PATH.lock is the daemon for PATH. The kernel drops
 * the lock with its process, however that ends, and knows who holds it. The
 * socket itself cannot serve as that lock: between "nobody answers" and
 * "unlink and bind" a second starter would remove the first one's socket.
 *
 * The lock file is removed by its holder; so whoever gets the lock must see
 * that the file it locked is still the one at the path, else try again.
 *
 * What is found at PATH is removed only when it is a socket, is our user's,
 * and refuses connections.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listener.h"
#include "manager.h"

#define BACKLOG 128

static int fail(struct isr_error *ret_error, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct isr_error *ret_error, int error, const char *format, ...)
{
	va_list args;

	ret_error->code = error;
	va_start(args, format);
	vsnprintf(ret_error->message, sizeof(ret_error->message), format, args);
	va_end(args);
	return error;
}

/* @pid is 0 when it lives where we cannot see it. */
static int fail_running(struct isr_error *ret_error, const char *path,
			pid_t pid)
{
	if (pid > 0)
		return fail(ret_error, -EADDRINUSE,
			    "%s: already running (pid %d)", path, (int)pid);
	return fail(ret_error, -EADDRINUSE, "%s: already running", path);
}

/* Whether @fd is still the file at @path. */
static bool is_same_file(int fd, const char *path)
{
	struct stat opened, found;

	return fstat(fd, &opened) == 0 && lstat(path, &found) == 0 &&
	       opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

/* Returns 0; -EAGAIN when somebody removed the file meanwhile. */
static int try_lock(struct listener *listener, const char *path,
		    struct isr_error *ret_error)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd;

	fd = open(listener->lock_path,
		  O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (fd < 0)
		return fail(ret_error, -errno, "cannot create %s: %s",
			    listener->lock_path, strerror(errno));
	listener->lock_fd = fd;
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return is_same_file(fd, listener->lock_path) ? 0 : -EAGAIN;
	if (errno != EACCES && errno != EAGAIN)
		return fail(ret_error, -errno, "cannot lock %s: %s",
			    listener->lock_path, strerror(errno));
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return -EAGAIN;
	return fail_running(ret_error, path, lock.l_pid);
}

static int take_lock(struct listener *listener, const char *path,
		     struct isr_error *ret_error)
{
	int r;

	if (asprintf(&listener->lock_path, "%s.lock", path) < 0) {
		listener->lock_path = NULL;
		return fail(ret_error, -ENOMEM, "out of memory");
	}
	while ((r = try_lock(listener, path, ret_error)) == -EAGAIN) {
		close(listener->lock_fd);
		listener->lock_fd = -1;
	}
	/* A lock that is not ours is not ours to remove. */
	if (r < 0 && listener->lock_fd >= 0) {
		close(listener->lock_fd);
		listener->lock_fd = -1;
	}
	return r;
}

static int make_socket(struct isr_error *ret_error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd
		       : fail(ret_error, -errno, "cannot make a socket: %s",
			      strerror(errno));
}

static void fill_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	/* config-key.c saw to it that it fits. */
	memcpy(address->sun_path, path, strlen(path));
}

/* Somebody holds no lock but listens: another program, or a manager. */
static int fail_answered(struct isr_error *ret_error, const char *path, int fd)
{
	struct ucred peer = {0};
	socklen_t length = sizeof(peer);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length);
	return fail_running(ret_error, path, peer.pid);
}

/* Returns 0 when nobody listens at @path. */
static int check_unanswered(const char *path, struct isr_error *ret_error)
{
	struct sockaddr_un address;
	int fd, r = 0;

	fd = make_socket(ret_error);
	if (fd < 0)
		return fd;
	fill_address(&address, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		r = fail_answered(ret_error, path, fd);
	else if (errno == EAGAIN)
		r = fail_running(ret_error, path, 0);
	else if (errno != ECONNREFUSED)
		r = fail(ret_error, -errno, "cannot tell who listens at %s: %s",
			 path, strerror(errno));
	close(fd);
	return r;
}

static int remove_stale(const char *path, struct isr_error *ret_error)
{
	struct stat found;
	int r;

	if (lstat(path, &found) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail(ret_error, -errno, "cannot look at %s: %s", path,
			    strerror(errno));
	}
	if (!S_ISSOCK(found.st_mode))
		return fail(
			ret_error, -EEXIST,
			"%s exists and is not a socket; remove it or set another socket",
			path);
	r = check_unanswered(path, ret_error);
	if (r < 0)
		return r;
	if (found.st_uid != geteuid())
		return fail(
			ret_error, -EEXIST,
			"%s was left behind by another user (uid %u); remove it or set another socket",
			path, (unsigned int)found.st_uid);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(ret_error, -errno, "cannot remove the stale %s: %s",
			    path, strerror(errno));
	return 0;
}

static int set_group(const char *path, const char *name,
		     struct isr_error *ret_error)
{
	const struct group *group = getgrnam(name);

	if (!group)
		return fail(ret_error, -EINVAL,
			    "there is no group %s (socket-group)", name);
	if (lchown(path, (uid_t)-1, group->gr_gid) < 0)
		return fail(
			ret_error, -errno,
			"cannot give %s to the group %s (is this user a member?): %s",
			path, name, strerror(errno));
	return 0;
}

/*
 * Nobody can connect before listen(), so there is no moment at which the
 * wrong people may.
 */
static int bind_socket(struct listener *listener,
		       const struct config_daemon *config,
		       struct isr_error *ret_error)
{
	struct sockaddr_un address;
	mode_t mask;
	int r;

	fill_address(&address, config->socket);
	mask = umask(0177);
	r = bind(listener->fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (r < 0)
		return fail(ret_error, -errno, "cannot bind %s: %s",
			    config->socket, strerror(errno));
	listener->path = config->socket;
	if (config->socket_group) {
		r = set_group(config->socket, config->socket_group, ret_error);
		if (r < 0)
			return r;
	}
	if (chmod(config->socket, config->socket_mode) < 0 ||
	    listen(listener->fd, BACKLOG) < 0)
		return fail(ret_error, -errno, "cannot listen at %s: %s",
			    config->socket, strerror(errno));
	return 0;
}

int listener_open(struct listener *listener, const struct config_daemon *config,
		  struct isr_error *ret_error)
{
	int r;

	r = manager_take_socket(&listener->fd);
	if (r < 0)
		return fail(
			ret_error, r,
			"the service manager did not hand over exactly one listening unix stream socket");
	if (listener->fd >= 0)
		return 0;
	r = take_lock(listener, config->socket, ret_error);
	if (r < 0)
		return r;
	r = remove_stale(config->socket, ret_error);
	if (r < 0)
		return r;
	r = make_socket(ret_error);
	if (r < 0)
		return r;
	listener->fd = r;
	return bind_socket(listener, config, ret_error);
}

void listener_close(struct listener *listener)
{
	if (listener->path)
		unlink(listener->path);
	if (listener->fd >= 0)
		close(listener->fd);
	/* Last, and the file before the lock: see the head of this file. */
	if (listener->lock_fd >= 0) {
		unlink(listener->lock_path);
		close(listener->lock_fd);
	}
	free(listener->lock_path);
	*listener = LISTENER_NONE;
}
