/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: the loop. The only file that knows libev.
 *
 * Flags are delivered in an ev_check of the highest priority, that is right
 * after the loop woke and before it has read its eventfd; an ev_prepare arms
 * the wake (see wake.c) just before the loop blocks. An ev_idle that is
 * active makes libev not block.
 *
 * For a program with another loop, an epoll descriptor of ours watches
 * duplicates of the same descriptors; outside isr_loop_dispatch() the loop
 * counts as asleep.
 */
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <isrloop/event.h>
#include <isrloop/loop.h>

#include "context.h"
#include "loop.h"
#include "wake.h"

#define LOG_BYTES 600

struct isr_loop {
	/* First: F1 finds it there, isri_wake_of(). */
	struct isri_wake wake;
	struct ev_loop *ev;
	bool own_ev;
	bool running;
	/* Callbacks of ours on the stack. */
	unsigned int depth;
	bool freed;
	struct ev_prepare prepare;
	struct ev_check check;
	struct ev_idle idle;
	struct ev_io wake_io;
	struct isr_flag stop;
	bool stopped;
	/* For a foreign loop; -1 until isr_loop_get_fd(). */
	int outer_fd;
	struct isri_loop_fd *watches;
	struct isri_loop_member *members;
	struct isri_irq_thread *irq_thread;
	/* One bit each that is taken; id 0 is never given. */
	uint8_t source_ids[(UINT16_MAX + 1) / 8];
	isr_log_cb *log_cb;
	void *log_arg;
	uint64_t wakeups;
	uint64_t passes;
};

_Static_assert(offsetof(struct isr_loop, wake) == 0, "see isri_wake_of()");

/* libev's part of a struct isri_loop_fd. */
struct loop_io {
	struct ev_io ev;
	/* Watched by outer_fd; -1 when there is none. */
	int outer_fd;
	struct isri_loop_fd *next;
	struct isri_loop_fd **prev;
};

static void loop_destroy(struct isr_loop *loop);

/*
 * Brackets around every callback from libev into the program. The loop may
 * be freed in between; then the last bracket ends it, unless a caller of
 * libev further out is ours and will.
 */
static void callback_enter(struct isr_loop *loop)
{
	loop->depth++;
}

static void callback_leave(struct isr_loop *loop)
{
	loop->depth--;
	if (loop->freed && loop->depth == 0 && !loop->running)
		loop_destroy(loop);
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *prepare,
		       int revents)
{
	struct isr_loop *loop = prepare->data;

	loop->passes++;
	if (loop->wake.ready || !isri_wake_arm(&loop->wake))
		ev_idle_start(ev, &loop->idle);
}

static void on_check(struct ev_loop *ev, struct ev_check *check, int revents)
{
	struct isr_loop *loop = check->data;

	ev_idle_stop(ev, &loop->idle);
	isri_wake_disarm(&loop->wake);
	/* A stop ended the run that it halted, also one that is not ours. */
	loop->wake.halted = loop->freed;
	callback_enter(loop);
	isri_wake_deliver(&loop->wake);
	callback_leave(loop);
}

static void on_idle(struct ev_loop *ev, struct ev_idle *idle, int revents)
{
	/* It is active only to keep libev from blocking. */
}

static void on_wake(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct isr_loop *loop = io->data;
	uint64_t count;

	if (read(io->fd, &count, sizeof(count)) == sizeof(count))
		loop->wakeups++;
}

static void on_stop(struct isr_flag *flag, uint32_t count, void *arg)
{
	struct isr_loop *loop = arg;

	loop->stopped = true;
	loop->wake.halted = true;
	ev_break(loop->ev, EVBREAK_ONE);
}

static void watchers_start(struct isr_loop *loop)
{
	ev_prepare_init(&loop->prepare, on_prepare);
	ev_check_init(&loop->check, on_check);
	ev_idle_init(&loop->idle, on_idle);
	ev_io_init(&loop->wake_io, on_wake, loop->wake.fd, EV_READ);
	/* The prepare last, so that it arms after others have set flags. */
	ev_set_priority(&loop->prepare, EV_MINPRI);
	ev_set_priority(&loop->check, EV_MAXPRI);
	ev_set_priority(&loop->idle, EV_MINPRI);
	loop->prepare.data = loop;
	loop->check.data = loop;
	loop->wake_io.data = loop;

	/* One active watcher, the eventfd, keeps the libev loop running. */
	ev_prepare_start(loop->ev, &loop->prepare);
	ev_unref(loop->ev);
	ev_check_start(loop->ev, &loop->check);
	ev_unref(loop->ev);
	ev_io_start(loop->ev, &loop->wake_io);
}

static void watchers_stop(struct isr_loop *loop)
{
	ev_io_stop(loop->ev, &loop->wake_io);
	ev_idle_stop(loop->ev, &loop->idle);
	ev_ref(loop->ev);
	ev_check_stop(loop->ev, &loop->check);
	ev_ref(loop->ev);
	ev_prepare_stop(loop->ev, &loop->prepare);
}

static int fork_watch = -ENOMEM;

static void watch_forks(void)
{
	fork_watch = -pthread_atfork(NULL, NULL, isri_context_forked);
}

static int loop_new(struct ev_loop *ev, bool own_ev, struct isr_loop **ret_loop)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct isr_loop *loop;
	int fd, r;

	pthread_once(&once, watch_forks);
	if (fork_watch < 0)
		return fork_watch;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;

	loop = aligned_alloc(_Alignof(struct isr_loop), sizeof(*loop));
	if (!loop) {
		close(fd);
		return -ENOMEM;
	}
	*loop = (struct isr_loop){.ev = ev, .own_ev = own_ev, .outer_fd = -1};
	isri_wake_init(&loop->wake, fd);
	/* Refused in ISR context, the one thing that can be wrong with it. */
	r = isr_flag_init(&loop->stop, loop, ISR_FLAG_AUTO);
	if (r < 0) {
		close(fd);
		free(loop);
		return r;
	}
	isr_flag_set_cb(&loop->stop, on_stop, loop);
	watchers_start(loop);

	*ret_loop = loop;
	return 0;
}

int isr_loop_new(struct isr_loop **ret_loop)
{
	struct ev_loop *ev;
	int r;

	if (!ret_loop)
		return -EINVAL;
	ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
	if (!ev)
		return -ENOMEM;

	r = loop_new(ev, true, ret_loop);
	if (r < 0)
		ev_loop_destroy(ev);
	return r;
}

int isr_loop_attach(struct ev_loop *ev, struct isr_loop **ret_loop)
{
	if (!ev || !ret_loop)
		return -EINVAL;
	return loop_new(ev, false, ret_loop);
}

static void loop_destroy(struct isr_loop *loop)
{
	watchers_stop(loop);
	if (loop->own_ev)
		ev_loop_destroy(loop->ev);
	if (loop->outer_fd >= 0)
		close(loop->outer_fd);
	close(loop->wake.fd);
	free(loop);
}

int isr_loop_free(struct isr_loop *loop)
{
	int r;

	if (!loop)
		return 0;
	r = isri_loop_check(loop);
	if (r < 0)
		return r;
	if (loop->freed)
		return 0;

	/* Sources first: nobody sets a flag that is being finished. */
	while (loop->members)
		loop->members->close(loop->members);
	isri_wake_finish_flags(&loop->wake);

	loop->freed = true;
	loop->wake.halted = true;
	if (loop->running)
		ev_break(loop->ev, EVBREAK_ONE);
	else if (loop->depth == 0)
		loop_destroy(loop);
	return 0;
}

/* The foreign loop waits for us: asleep, or due again at once. */
static void outer_sleep(struct isr_loop *loop)
{
	if (!isri_wake_arm(&loop->wake) || loop->wake.ready)
		isri_wake_kick(&loop->wake);
}

static int run(struct isr_loop *loop, int flags)
{
	if (!loop)
		return -EINVAL;
	if (isr_in_context() || !isri_wake_is_at_home(&loop->wake))
		return -EPERM;
	if (loop->running || loop->depth)
		return -EBUSY;

	isri_wake_claim(&loop->wake);
	loop->running = true;
	loop->stopped = false;
	loop->wake.halted = false;
	ev_run(loop->ev, flags);
	loop->running = false;
	isri_wake_disarm(&loop->wake);

	if (loop->freed) {
		loop_destroy(loop);
		return -ECANCELED;
	}
	if (loop->outer_fd >= 0)
		outer_sleep(loop);
	return loop->stopped;
}

int isr_loop_run(struct isr_loop *loop)
{
	int r = run(loop, 0);

	return r < 0 ? r : 0;
}

int isr_loop_dispatch(struct isr_loop *loop)
{
	return run(loop, EVRUN_NOWAIT);
}

int isri_loop_check(const struct isr_loop *loop)
{
	if (!loop)
		return -EINVAL;
	return isri_wake_check(&loop->wake);
}

struct isri_wake *isri_loop_get_wake(struct isr_loop *loop)
{
	return &loop->wake;
}

void isr_loop_stop(struct isr_loop *loop)
{
	if (loop)
		isr_flag_set(&loop->stop);
}

struct ev_loop *isr_loop_get_ev(struct isr_loop *loop)
{
	return isri_loop_check(loop) < 0 ? NULL : loop->ev;
}

int isr_loop_set_log_cb(struct isr_loop *loop, isr_log_cb *cb, void *arg)
{
	int r = isri_loop_check(loop);

	if (r < 0)
		return r;
	loop->log_cb = cb;
	loop->log_arg = arg;
	return 0;
}

void isri_loop_log(struct isr_loop *loop, enum isr_log_level level,
		   const char *format, ...)
{
	char message[LOG_BYTES];
	va_list ap;

	if (!loop->log_cb)
		return;
	va_start(ap, format);
	vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	loop->log_cb(level, message, loop->log_arg);
}

int isr_loop_get_stats(const struct isr_loop *loop,
		       struct isr_loop_stats *ret_stats)
{
	int r = isri_loop_check(loop);

	if (r < 0)
		return r;
	if (!ret_stats)
		return -EINVAL;
	*ret_stats = (struct isr_loop_stats){
		.wakeups = loop->wakeups,
		.passes = loop->passes,
		.deliveries = loop->wake.deliveries,
	};
	return 0;
}

void isri_loop_member_add(struct isr_loop *loop,
			  struct isri_loop_member *member,
			  void (*close)(struct isri_loop_member *member))
{
	member->close = close;
	member->next = loop->members;
	member->prev = &loop->members;
	if (member->next)
		member->next->prev = &member->next;
	loop->members = member;
}

void isri_loop_member_remove(struct isri_loop_member *member)
{
	if (!member->prev)
		return;
	*member->prev = member->next;
	if (member->next)
		member->next->prev = member->prev;
	*member = (struct isri_loop_member){0};
}

struct isri_irq_thread **isri_loop_get_irq_thread(struct isr_loop *loop)
{
	return &loop->irq_thread;
}

int isri_loop_take_source_id(struct isr_loop *loop)
{
	int id;

	for (id = 1; id <= UINT16_MAX; id++) {
		uint8_t *byte = &loop->source_ids[id / 8];
		uint8_t bit = (uint8_t)(1U << (id % 8));

		if (!(*byte & bit)) {
			*byte |= bit;
			return id;
		}
	}
	return -EMFILE;
}

void isri_loop_put_source_id(struct isr_loop *loop, int id)
{
	loop->source_ids[id / 8] &= (uint8_t) ~(1U << (id % 8));
}

static int to_libev(unsigned int events)
{
	return ((events & ISR_FD_READ) ? EV_READ : 0) |
	       ((events & ISR_FD_WRITE) ? EV_WRITE : 0);
}

static void on_fd(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct isri_loop_fd *watch = io->data;
	struct isr_loop *loop = watch->loop;
	unsigned int events = ((revents & EV_READ) ? ISR_FD_READ : 0) |
			      ((revents & EV_WRITE) ? ISR_FD_WRITE : 0);

	/* Stopped in this pass: it is level triggered and comes again. */
	if (loop->wake.halted)
		return;
	callback_enter(loop);
	watch->cb(watch, events);
	callback_leave(loop);
}

static void outer_remove(struct isr_loop *loop, struct loop_io *io)
{
	if (io->outer_fd < 0)
		return;
	/* A close is not enough: the entry lives while the file is open. */
	epoll_ctl(loop->outer_fd, EPOLL_CTL_DEL, io->outer_fd, NULL);
	close(io->outer_fd);
	io->outer_fd = -1;
}

/*
 * The foreign loop's view of one watch. A duplicate, because epoll takes a
 * descriptor once only and two watches may share one.
 */
static int outer_update(struct isr_loop *loop, struct isri_loop_fd *watch)
{
	struct epoll_event event = {
		.events = ((watch->events & ISR_FD_READ) ? EPOLLIN : 0) |
			  ((watch->events & ISR_FD_WRITE) ? EPOLLOUT : 0),
	};
	struct loop_io *io = watch->io;

	outer_remove(loop, io);
	if (loop->outer_fd < 0 || !watch->events)
		return 0;

	io->outer_fd = fcntl(watch->fd, F_DUPFD_CLOEXEC, 0);
	if (io->outer_fd < 0)
		return -errno;
	if (epoll_ctl(loop->outer_fd, EPOLL_CTL_ADD, io->outer_fd, &event) < 0)
		return -errno;
	return 0;
}

static void watch_apply(struct isri_loop_fd *watch)
{
	struct isr_loop *loop = watch->loop;

	ev_io_stop(loop->ev, &watch->io->ev);
	ev_io_set(&watch->io->ev, watch->fd, to_libev(watch->events));
	if (watch->events)
		ev_io_start(loop->ev, &watch->io->ev);
}

int isri_loop_fd_add(struct isr_loop *loop, struct isri_loop_fd *watch, int fd,
		     unsigned int events, isri_loop_fd_cb *cb)
{
	struct loop_io *io;
	int r;

	io = calloc(1, sizeof(*io));
	if (!io)
		return -ENOMEM;
	*watch = (struct isri_loop_fd){
		.fd = fd, .events = events, .cb = cb, .loop = loop, .io = io};
	io->outer_fd = -1;
	io->next = loop->watches;
	io->prev = &loop->watches;
	if (io->next)
		io->next->io->prev = &io->next;
	loop->watches = watch;

	ev_init(&io->ev, on_fd);
	io->ev.data = watch;
	r = outer_update(loop, watch);
	if (r < 0) {
		isri_loop_fd_remove(watch);
		return r;
	}
	watch_apply(watch);
	return 0;
}

int isri_loop_fd_set(struct isri_loop_fd *watch, unsigned int events)
{
	int r;

	if (watch->events == events)
		return 0;
	watch->events = events;
	r = outer_update(watch->loop, watch);
	if (r < 0) {
		/* Neither loop sees it then, and the next call tries again. */
		watch->events = 0;
		outer_remove(watch->loop, watch->io);
	}
	watch_apply(watch);
	return r;
}

void isri_loop_fd_remove(struct isri_loop_fd *watch)
{
	struct loop_io *io = watch->io;

	if (!io)
		return;
	ev_io_stop(watch->loop->ev, &io->ev);
	outer_remove(watch->loop, io);
	*io->prev = io->next;
	if (io->next)
		io->next->io->prev = io->prev;
	free(io);
	*watch = (struct isri_loop_fd){.fd = -1};
}

int isr_loop_get_fd(struct isr_loop *loop)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct isri_loop_fd *watch;
	int fd, r;

	r = isri_loop_check(loop);
	if (r < 0)
		return r;
	if (!loop->own_ev)
		return -EINVAL;
	if (loop->outer_fd >= 0)
		return loop->outer_fd;

	fd = epoll_create1(EPOLL_CLOEXEC);
	if (fd < 0)
		return -errno;
	loop->outer_fd = fd;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, loop->wake.fd, &event) < 0)
		goto out_errno;
	for (watch = loop->watches; watch; watch = watch->io->next) {
		r = outer_update(loop, watch);
		if (r < 0)
			goto out_close;
	}

	/* From here on the loop is asleep unless it dispatches. */
	outer_sleep(loop);
	return fd;

out_errno:
	r = -errno;
out_close:
	loop->outer_fd = -1;
	for (watch = loop->watches; watch; watch = watch->io->next)
		outer_update(loop, watch);
	close(fd);
	return r;
}
