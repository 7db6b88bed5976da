/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F3: signal sources: opening, arming and closing. What runs in the handler is
 * in signal-handler.c.
 *
 * A disarmed source keeps its handler installed: a program that disarms
 * SIGTERM does not want to die of the next one. The disposition that was
 * found comes back with close, unless the program has put its own over ours.
 *
 * While a handler runs, its thread blocks the signals of all sources that are
 * not of a higher priority: the dispositions say so, and are written anew when
 * a source comes or goes.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

#include "nap.h"
#include "signal-handler.h"
#include "source.h"

/* A handler in another thread may be inside. It is short. */
static void wait_until_quiet(int signo)
{
	while (!isri_signal_is_quiet(signo))
		isri_nap();
}

void isri_signal_hold(struct isri_signal *sig)
{
	if (sig->held++)
		return;
	/* Whoever else wants it leaves its event in the ring. */
	while (!isri_turn_try(&sig->turn))
		isri_nap();
}

void isri_signal_let_go(struct isri_signal *sig)
{
	if (!--sig->held)
		isri_signal_resume(sig);
}

static void mask_signal(struct isr_source *source, bool masked)
{
	if (!source->hard)
		return;
	if (masked)
		isri_signal_hold(isri_signal_of(source));
	else
		isri_signal_let_go(isri_signal_of(source));
}

static void catch_up(struct isri_mask_client *client)
{
	struct isri_signal *sig =
		(struct isri_signal *)((char *)client -
				       offsetof(struct isri_signal, client));

	isri_signal_enter(sig->signo);
	isri_signal_catch_up(sig);
	isri_signal_leave(sig->signo);
}

static void handle_rest(struct isr_flag *rest, uint32_t count, void *arg)
{
	struct isri_signal *sig = arg;

	catch_up(&sig->client);
}

/* Hard handlers run in turn, and wait for the end of critical sections. */
static int init_turn(struct isri_signal *sig)
{
	struct isr_loop *loop = sig->source.loop;
	int r;

	sig->door = &isri_loop_head_of(loop)->mask.door;
	sig->client.priority = sig->source.priority;
	sig->client.catch_up = catch_up;
	r = isr_flag_init(&sig->rest, loop, ISR_FLAG_AUTO);
	if (r < 0)
		return r;
	isri_mask_add(loop, &sig->client);
	return isr_flag_set_cb(&sig->rest, handle_rest, sig);
}

static int arm_signal(struct isr_source *source)
{
	struct isri_signal *sig = isri_signal_of(source);

	/* What was done with the source meanwhile, the next turn sees. */
	if (source->hard)
		catch_up(&sig->client);
	isri_source_set_armed(source, true);
	return 0;
}

static void disarm_signal(struct isr_source *source)
{
	isri_source_set_armed(source, false);
	if (isri_signal_of(source)->installed)
		wait_until_quiet(isri_signal_of(source)->signo);
}

static struct {
	pthread_mutex_t lock;
	/* Under the lock: of each signal with a source, of whatever loop. */
	bool has_source[NSIG];
	int priority[NSIG];
} installed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct sigaction get_action(int priority)
{
	struct sigaction action = {
		.sa_sigaction = isri_signal_handler,
		.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK,
	};
	int signo;

	sigemptyset(&action.sa_mask);
	for (signo = 1; signo < NSIG; signo++)
		if (installed.has_source[signo] &&
		    installed.priority[signo] <= priority)
			sigaddset(&action.sa_mask, signo);
	return action;
}

/* False once the program has put a handler of its own over it. */
static bool is_ours(int signo)
{
	struct sigaction found;

	return sigaction(signo, NULL, &found) == 0 &&
	       found.sa_sigaction == isri_signal_handler;
}

static void install_anew(void)
{
	struct sigaction action;
	int signo;

	for (signo = 1; signo < NSIG; signo++) {
		if (!installed.has_source[signo] || !is_ours(signo))
			continue;
		action = get_action(installed.priority[signo]);
		sigaction(signo, &action, NULL);
	}
}

static void uninstall(struct isri_signal *sig)
{
	pthread_mutex_lock(&installed.lock);
	if (is_ours(sig->signo))
		sigaction(sig->signo, &sig->found, NULL);
	installed.has_source[sig->signo] = false;
	install_anew();
	pthread_mutex_unlock(&installed.lock);
}

static void release_signal(struct isr_source *source)
{
	struct isri_signal *sig = isri_signal_of(source);

	if (sig->installed) {
		uninstall(sig);
		isri_signal_unclaim(sig->signo);
		wait_until_quiet(sig->signo);
	}
	isri_mask_remove(source->loop, &sig->client);
	isr_flag_done(&sig->rest);
	isri_source_done(source);
	free(sig);
}

static const struct isri_source_ops signal_ops = {
	.arm = arm_signal,
	.disarm = disarm_signal,
	.release = release_signal,
	.fire = isri_signal_fire,
	.mask = mask_signal,
};

/* Faults cannot be watched: returning from them runs them again. */
static bool is_watchable(int signo)
{
	switch (signo) {
	case SIGKILL:
	case SIGSTOP:
	case SIGSEGV:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGTRAP:
	case SIGSYS:
		return false;
	default:
		/* between the two are the C library's own */
		return (signo > 0 && signo < 32) ||
		       (signo >= SIGRTMIN && signo <= SIGRTMAX);
	}
}

/* Under the lock. */
static int install_locked(struct isri_signal *sig)
{
	struct sigaction action = get_action(sig->source.priority);

	if (sigaction(sig->signo, &action, &sig->found) < 0)
		return -errno;
	installed.has_source[sig->signo] = true;
	installed.priority[sig->signo] = sig->source.priority;
	sig->installed = true;
	install_anew();
	return 0;
}

static int install(struct isri_signal *sig)
{
	int r;

	if (!isri_signal_claim(sig->signo, &sig->source))
		return -EBUSY;

	pthread_mutex_lock(&installed.lock);
	r = install_locked(sig);
	pthread_mutex_unlock(&installed.lock);
	if (r < 0)
		isri_signal_unclaim(sig->signo);
	return r;
}

int isr_signal_open(struct isr_loop *loop, int signo,
		    const struct isr_source_options *options,
		    isr_handler_cb *handler, void *arg,
		    struct isr_source **ret_source)
{
	const struct isri_source_setup setup = {
		.ops = &signal_ops,
		.loop = loop,
		.options = options,
		.kind = "signal",
		.number = signo,
		.ring_events = ISR_SOURCE_RING_EVENTS,
		.ring_policy = ISR_RING_DROP_OLD,
		.handler = handler,
		.arg = arg,
	};
	struct isri_signal *sig;
	int r;

	if (!is_watchable(signo))
		return -EINVAL;
	r = isri_source_check_setup(&setup, ret_source);
	if (r < 0)
		return r;

	sig = isri_source_alloc(sizeof(*sig));
	if (!sig)
		return -ENOMEM;
	sig->signo = signo;
	sig->source.measured = true;

	r = isri_source_init(&sig->source, &setup);
	if (r == 0 && sig->source.hard)
		r = init_turn(sig);
	if (r < 0)
		goto out;
	r = install(sig);
	if (r < 0)
		goto out;

	/* Before the first handler, which may run at once. */
	*ret_source = &sig->source;
	return arm_signal(&sig->source);

out:
	release_signal(&sig->source);
	return r;
}
