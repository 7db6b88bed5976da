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
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <isrloop/event.h>
#include <isrloop/loop.h>

#include "context.h"
#include "loop.h"
#include "slow.h"
#include "wake.h"

struct isr_loop {
	/* First: who does not know libev finds it there. */
	struct isri_loop_base base;
	struct ev_loop *ev;
	bool own_ev;
	bool running;
	/* Callbacks of ours on the stack. */
	unsigned int depth;
	/* In isr_loop_dispatch(): it does not block. */
	bool is_foreign;
	struct ev_prepare prepare;
	struct ev_check check;
	struct ev_idle idle;
	struct ev_io wake_io;
	struct isr_flag stop;
	bool stopped;
	/* For a foreign loop; -1 until isr_loop_get_fd(). */
	int outer_fd;
	struct isri_loop_fd *watches;
};

_Static_assert(offsetof(struct isr_loop, base) == 0, "see isri_loop_base()");

/* libev's part of a struct isri_loop_fd. */
struct loop_io {
	struct ev_io ev;
	struct isri_loop_fd *watch;
	/* The callback, with these ISR_FD_* bits, found in this pass. */
	struct isri_step step;
	unsigned int ready;
	uint64_t ready_pass;
	struct isri_loop_fd *next;
	struct isri_loop_fd **prev;
};

static void loop_destroy(struct isr_loop *loop);

/*
 * Brackets around every callback from libev into the program. The loop may
 * be freed in between; then the last bracket ends it, unless a caller of
 * libev further out is ours and will.
 */
static void callback_enter(struct isr_loop *loop, struct isri_frame *frame)
{
	loop->depth++;
	isri_context_enter(frame, ISR_CONTEXT_LOOP, loop, NULL);
}

static void callback_leave(struct isr_loop *loop,
			   const struct isri_frame *frame)
{
	isri_context_leave(frame);
	isri_loop_check_mask(loop);
	loop->depth--;
	if (isri_wake_of(loop)->ended && loop->depth == 0 && !loop->running)
		loop_destroy(loop);
}

/* True: it shall not block, and has looked for a set instead. */
static bool spin(struct isr_loop *loop)
{
	uint64_t until_ns, found_ns;
	struct isri_frame frame;

	if (loop->is_foreign || isri_steps_are_due(loop))
		return false;
	until_ns = isri_pass_spin_until(loop);
	if (!until_ns)
		return false;
	found_ns = isri_pass_spin(loop, until_ns);
	callback_enter(loop, &frame);
	/* Without a look at the descriptors: that takes time. */
	if (found_ns)
		isri_pass_run(loop, found_ns, false);
	/* Not before: a step that runs libev stops it. */
	ev_idle_start(loop->ev, &loop->idle);
	callback_leave(loop, &frame);
	return true;
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *prepare,
		       int revents)
{
	struct isr_loop *loop = prepare->data;

	loop->base.passes++;
	/* Freed in an inner run of libev, which alone was broken. */
	if (isri_wake_of(loop)->ended && loop->running)
		ev_break(ev, EVBREAK_ONE);
	/* Left so by a callback that is libev's. */
	isri_loop_check_mask(loop);
	if (spin(loop))
		return;
	if (isri_steps_are_due(loop) || !isri_wake_arm(isri_wake_of(loop)))
		ev_idle_start(ev, &loop->idle);
	else
		isri_alarms_prepare(loop);
}

static void on_check(struct ev_loop *ev, struct ev_check *check, int revents)
{
	struct isr_loop *loop = check->data;
	struct isri_frame frame;

	ev_idle_stop(ev, &loop->idle);
	isri_wake_disarm(isri_wake_of(loop));
	/* A stop ended the run that it halted, also one that is not ours. */
	isri_wake_of(loop)->halted = isri_wake_of(loop)->ended;
	callback_enter(loop, &frame);
	isri_pass_run(loop, 0, loop->is_foreign);
	callback_leave(loop, &frame);
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
		loop->base.wakeups++;
}

static void on_stop(struct isr_flag *flag, uint32_t count, void *arg)
{
	struct isr_loop *loop = arg;

	loop->stopped = true;
	isri_wake_of(loop)->halted = true;
	ev_break(loop->ev, EVBREAK_ONE);
}

static void watchers_start(struct isr_loop *loop)
{
	ev_prepare_init(&loop->prepare, on_prepare);
	ev_check_init(&loop->check, on_check);
	ev_idle_init(&loop->idle, on_idle);
	ev_io_init(&loop->wake_io, on_wake, isri_wake_of(loop)->fd, EV_READ);
	/* The prepare last, so that it arms after others have set flags. */
	ev_set_priority(&loop->prepare, EV_MINPRI);
	ev_set_priority(&loop->check, EV_MAXPRI - 1);
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

static int init_flags(struct isr_loop *loop)
{
	int r;

	r = isri_emerg_start(loop);
	if (r < 0)
		return r;
	r = isri_mask_init(loop, loop->base.config.mask_warn_ns);
	if (r < 0)
		return r;
	r = isr_flag_init(&loop->stop, loop, ISR_FLAG_AUTO);
	if (r < 0)
		return r;
	isr_flag_set_cb(&loop->stop, on_stop, loop);
	loop->base.head.schedule.goes_on = isri_step_goes_on;
	return isri_schedule_init(&loop->base.head.schedule, loop,
				  loop->base.config.schedule_depth);
}

static int loop_new(struct ev_loop *ev, bool own_ev,
		    const struct isr_loop_config *config,
		    struct isr_loop **ret_loop)
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
	*loop = (struct isr_loop){
		.ev = ev,
		.own_ev = own_ev,
		.outer_fd = -1,
	};
	isri_wake_init(isri_wake_of(loop), fd);
	isri_steps_init(&loop->base.steps);
	isri_loop_take_config(loop, config);
	r = init_flags(loop);
	if (r == 0)
		r = isri_alarms_init(loop);
	if (r < 0) {
		isri_schedule_done(&loop->base.head.schedule);
		isri_mask_done(loop);
		close(fd);
		free(loop);
		return r;
	}
	watchers_start(loop);

	*ret_loop = loop;
	return 0;
}

int isr_loop_new(const struct isr_loop_config *config,
		 struct isr_loop **ret_loop)
{
	struct ev_loop *ev;
	int r;

	if (!ret_loop)
		return -EINVAL;
	r = isri_loop_check_config(config, __func__);
	if (r < 0)
		return r;
	ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
	if (!ev)
		return -ENOMEM;

	r = loop_new(ev, true, config, ret_loop);
	if (r < 0)
		ev_loop_destroy(ev);
	return r;
}

int isr_loop_attach(struct ev_loop *ev, const struct isr_loop_config *config,
		    struct isr_loop **ret_loop)
{
	int r;

	if (!ev || !ret_loop)
		return -EINVAL;
	r = isri_loop_check_config(config, __func__);
	if (r < 0)
		return r;
	return loop_new(ev, false, config, ret_loop);
}

static void loop_destroy(struct isr_loop *loop)
{
	/* Those of the callback that freed it, whose source may have failed. */
	loop->depth++;
	isri_emerg_stop(loop);
	isri_alarms_done(loop);
	watchers_stop(loop);
	if (loop->own_ev)
		ev_loop_destroy(loop->ev);
	if (loop->outer_fd >= 0)
		close(loop->outer_fd);
	close(isri_wake_of(loop)->fd);
	isri_mask_done(loop);
	isri_schedule_done(&loop->base.head.schedule);
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
	if (isri_wake_of(loop)->ended)
		return 0;

	/* A callback that gets the last records may call this again. */
	isri_wake_of(loop)->ended = true;
	isri_wake_of(loop)->halted = true;
	/* Nor does one that runs libev itself end it. */
	loop->depth++;
	isri_mask_stop(loop);
	isri_slow_free(loop->base.steps.slow);
	loop->base.steps.slow = NULL;
	/* They may have sources of their own, which they close. */
	if (loop->base.tasks)
		loop->base.end_tasks(loop);
	/* Threads of a pool, which is joined. */
	isri_wake_let_go(isri_wake_of(loop));
	/* Sources first: nobody sets a flag that is being finished. */
	while (loop->base.members)
		loop->base.members->close(loop->base.members);
	isri_emerg_stop(loop);
	isri_wake_finish_flags(isri_wake_of(loop));
	loop->depth--;

	if (loop->running)
		ev_break(loop->ev, EVBREAK_ONE);
	else if (loop->depth == 0)
		loop_destroy(loop);
	return 0;
}

/* The foreign loop waits for us: asleep, or due again at once. */
static void outer_sleep(struct isr_loop *loop)
{
	isri_alarms_prepare(loop);
	if (!isri_wake_arm(isri_wake_of(loop)) || isri_steps_are_due(loop))
		isri_wake_kick(isri_wake_of(loop));
}

static int run(struct isr_loop *loop, int flags, const char *function)
{
	int r;

	if (!loop)
		return -EINVAL;
	if (!isri_wake_is_at_home(isri_wake_of(loop)))
		return -EPERM;
	r = isri_context_refuse_isr(function);
	if (r < 0)
		return r;
	if (loop->base.head.mask.depth)
		return -EDEADLK;
	if (loop->running || loop->depth)
		return -EBUSY;

	if (loop->base.tasks && !isri_wake_is_owner(isri_wake_of(loop)))
		loop->base.move_tasks(loop);
	isri_wake_claim(isri_wake_of(loop));
	loop->running = true;
	loop->stopped = false;
	isri_wake_of(loop)->halted = false;
	loop->is_foreign = flags & EVRUN_NOWAIT;
	ev_run(loop->ev, flags);
	loop->is_foreign = false;
	loop->running = false;
	isri_wake_disarm(isri_wake_of(loop));

	if (isri_wake_of(loop)->ended) {
		loop_destroy(loop);
		return -ECANCELED;
	}
	if (loop->outer_fd >= 0)
		outer_sleep(loop);
	return loop->stopped;
}

int isr_loop_run(struct isr_loop *loop)
{
	int r = run(loop, 0, __func__);

	return r < 0 ? r : 0;
}

int isr_loop_dispatch(struct isr_loop *loop)
{
	return run(loop, EVRUN_NOWAIT, __func__);
}

int isri_loop_check_for(const struct isr_loop *loop, const char *function)
{
	if (!loop)
		return -EINVAL;
	return isri_wake_check_for(&loop->base.head.wake, function);
}

int isri_loop_check_open_for(const struct isr_loop *loop, const char *function)
{
	if (!loop)
		return -EINVAL;
	return isri_wake_check_open(&loop->base.head.wake, function);
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

static int to_libev(unsigned int events)
{
	return ((events & ISR_FD_READ) ? EV_READ : 0) |
	       ((events & ISR_FD_WRITE) ? EV_WRITE : 0);
}

static void on_fd(struct ev_loop *ev, struct ev_io *io, int revents)
{
	struct isri_loop_fd *watch = io->data;
	struct isr_loop *loop = watch->loop;

	if (!watch->cb)
		return;
	/* It is awake: to queue a step needs no kick. */
	isri_wake_disarm(isri_wake_of(loop));
	watch->io->ready = ((revents & EV_READ) ? ISR_FD_READ : 0) |
			   ((revents & EV_WRITE) ? ISR_FD_WRITE : 0);
	watch->io->ready_pass = loop->base.passes;
	isri_step_queue(loop, &watch->io->step, watch->band);
}

static void serve_fd(struct isri_step *step)
{
	struct loop_io *io = (struct loop_io *)((char *)step -
						offsetof(struct loop_io, step));
	struct isri_loop_fd *watch = io->watch;

	/* It is level triggered: what is ready was found again since. */
	if (io->ready_pass == watch->loop->base.passes)
		watch->cb(watch, io->ready);
}

static void watch_apply(struct isri_loop_fd *watch)
{
	struct isr_loop *loop = watch->loop;

	isri_step_unqueue(loop, &watch->io->step);
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
		.fd = fd,
		.events = events,
		.band = ISRI_BAND_ORDINARY,
		.cb = cb,
		.outer_fd = -1,
		.loop = loop,
		.io = io,
	};
	io->next = loop->watches;
	io->prev = &loop->watches;
	if (io->next)
		io->next->io->prev = &io->next;
	loop->watches = watch;

	io->watch = watch;
	io->step.run = serve_fd;
	io->step.name = "descriptor";
	ev_init(&io->ev, on_fd);
	ev_set_priority(&io->ev, EV_MAXPRI);
	io->ev.data = watch;
	r = isri_loop_outer_update(loop->outer_fd, watch);
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
	r = isri_loop_outer_update(watch->loop->outer_fd, watch);
	if (r < 0) {
		/* Neither loop sees it then, and the next call tries again. */
		watch->events = 0;
		isri_loop_outer_remove(watch->loop->outer_fd, watch);
	}
	watch_apply(watch);
	return r;
}

void isri_loop_fd_remove(struct isri_loop_fd *watch)
{
	struct loop_io *io = watch->io;

	if (!io)
		return;
	isri_step_unqueue(watch->loop, &io->step);
	ev_io_stop(watch->loop->ev, &io->ev);
	isri_loop_outer_remove(watch->loop->outer_fd, watch);
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

	r = isri_loop_check_open(loop);
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
	if (epoll_ctl(fd, EPOLL_CTL_ADD, isri_wake_of(loop)->fd, &event) < 0)
		goto out_errno;
	for (watch = loop->watches; watch; watch = watch->io->next) {
		r = isri_loop_outer_update(loop->outer_fd, watch);
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
		isri_loop_outer_update(loop->outer_fd, watch);
	close(fd);
	return r;
}
