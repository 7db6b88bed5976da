/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * The matrix: every public function, called with valid arguments in every
 * context, gives what is documented. The calls are written from the public
 * headers by tests/matrix-gen; tests/matrix.list has what they do not say.
 *
 * A call is legal or refused, by the function's class. Legal: its result is
 * the documented one, it did what it says, and no record tells of misuse.
 * Refused: -EPERM, NULL, 0 or nothing; the loop, its sources and all objects
 * are bit for bit as they were; and exactly one record names the function,
 * and the source in whose handler it was called.
 */
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix-objects.h"

/* No errno of the system. */
#define ERRNO_MARK 4711

struct matrix_context {
	const char *name;
	void (*make_call)(struct matrix_world *w);
	enum isr_context_kind kind;
	bool in_callback; /* of the loop's, or a task */
	bool in_task;
	bool on_loop;
	bool is_child;
	void (*open_caller)(struct matrix_world *w);
};

/* All that a refused call must leave alone. */
struct state {
	struct matrix_objects objects;
	struct isri_loop_base base;
	struct isr_source timer;
	struct isr_source fd_source;
	struct isr_source pin;
	struct isr_task task;
	struct isr_chip chip;
	int level;
	struct isr_loop_stats loop_stats;
	struct isr_source_stats caller_stats;
};

#define FAULT_BYTES 160

/* In memory that Check's processes share. */
static int *n_right;

static struct matrix_world world;
static struct state before, after;
static sem_t called;
static struct isr_emerg records[4];
static unsigned int n_records;

void matrix_emerg_cb(const struct isr_emerg *record, void *arg)
{
	if (n_records < sizeof(records) / sizeof(records[0]))
		records[n_records] = *record;
	n_records++;
}

/* One that was made somewhere, perhaps on a thread that has ended. */
void matrix_end_loop(struct matrix_world *w)
{
	struct isr_loop *made = *(struct isr_loop **)w->objects.scratch[0];

	xt_ok(isr_loop_dispatch(made));
	xt_ok(isr_loop_free(made));
}

/* The call itself; nothing of Check in here. */
static void make_call(struct matrix_world *w)
{
	w->tid = gettid();
	errno = ERRNO_MARK;
	w->function->call(w);
	w->error = errno;
	w->n_calls++;
	w->function->leave(w);
}

static int call_in_handler(struct isr_source *source,
			   const struct isr_event *event, void *arg)
{
	make_call(arg);
	sem_post(&called);
	return 0;
}

static void open_signal(struct matrix_world *w)
{
	xt_ok(isr_signal_open(loop, SIGUSR1, &xt_hard, call_in_handler, w,
			      &w->caller));
}

static void open_pin(struct matrix_world *w)
{
	struct isr_pin_config config = xt_pin("D", XT_HARD);

	xt_ok(isr_pin_open(loop, &config, call_in_handler, w, &w->caller,
			   NULL));
}

static void call_in_signal(struct matrix_world *w)
{
	raise(SIGUSR1);
}

static void call_in_irq_thread(struct matrix_world *w)
{
	xt_toggle(3);
	while (sem_wait(&called) < 0)
		;
}

static void *thread_call(void *arg)
{
	make_call(arg);
	return NULL;
}

static void *thread_raise(void *arg)
{
	call_in_signal(arg);
	return NULL;
}

static void *thread_enter(void *arg)
{
	/* A test that fails in here would not end the thread. */
	if (isr_enter(loop) == 0) {
		make_call(arg);
		isr_exit(loop);
	}
	return NULL;
}

static void run_thread(struct matrix_world *w, void *(*run)(void *arg))
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, w), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static void call_in_thread(struct matrix_world *w)
{
	run_thread(w, thread_call);
}

static void call_in_entered_thread(struct matrix_world *w)
{
	run_thread(w, thread_enter);
}

static void call_in_signal_on_thread(struct matrix_world *w)
{
	run_thread(w, thread_raise);
}

/*
 * But for the loop's records, the list that tells it of them, and the lock
 * that an entered thread has had.
 */
static void take_base(struct isri_loop_base *ret_base)
{
	memcpy((void *)ret_base, (void *)isri_loop_base(loop),
	       sizeof(*ret_base));
	memset((void *)&ret_base->head.emerg, 0, sizeof(ret_base->head.emerg));
	memset((void *)&ret_base->head.wake.pending, 0,
	       sizeof(ret_base->head.wake.pending));
	memset(&ret_base->head.mask.users, 0,
	       sizeof(ret_base->head.mask.users));
}

/* What a child sees as well. */
static void take_memory(struct matrix_world *w, struct state *ret_state)
{
	memset((void *)ret_state, 0, sizeof(*ret_state));
	memcpy(&ret_state->objects, &w->objects, sizeof(w->objects));
	memset(&ret_state->objects.error, 0, sizeof(w->objects.error));
	take_base(&ret_state->base);
	memcpy(&ret_state->timer, w->timer, sizeof(*w->timer));
	memcpy(&ret_state->fd_source, w->fd_source, sizeof(*w->fd_source));
	memcpy(&ret_state->pin, w->pin, sizeof(*w->pin));
	memcpy((void *)&ret_state->task, (void *)w->task, sizeof(*w->task));
	memcpy((void *)&ret_state->chip, (void *)chip.chip, sizeof(*chip.chip));
}

static void take_state(struct matrix_world *w, struct state *ret_state)
{
	take_memory(w, ret_state);
	xt_ok(isr_pin_get_value(w->pin, &ret_state->level));
	xt_ok(isr_loop_get_stats(loop, &ret_state->loop_stats));
	if (w->caller)
		ret_state->caller_stats = xt_stats(w->caller);
}

static bool is_same_state(void)
{
	return !memcmp((void *)&before, (void *)&after, sizeof(before));
}

static bool is_refused_rightly(const struct matrix_world *w)
{
	switch (w->function->kind) {
	case MATRIX_INT:
		return w->result == -EPERM;
	case MATRIX_POINTER:
	case MATRIX_NUMBER:
		return w->result == 0;
	case MATRIX_VOID:
		return true;
	}
	return false;
}

/* Of the call alone; empty: none. */
static void find_fault(struct matrix_world *w, bool is_legal, char *ret_fault)
{
	const struct matrix_function *function = w->function;
	const char *fault = "";

	if (w->n_calls != 1)
		fault = "was not called";
	else if (is_legal && !function->is_right(w))
		fault = "is legal, and returns";
	else if (is_legal && !function->has_effect(w))
		fault = "does not do what it says, and returns";
	else if (!is_legal && !is_refused_rightly(w))
		fault = "is to be refused, and returns";
	else if (!is_legal && function->has_error &&
		 (w->objects.error.code != -EPERM ||
		  !*w->objects.error.message))
		fault = "does not say why it is refused, and returns";
	else if ((!is_legal || function->class == MATRIX_SIGNAL) &&
		 w->error != ERRNO_MARK)
		fault = "changes errno, and returns";
	snprintf(ret_fault, FAULT_BYTES, *fault ? "%s %jd" : "%s", fault,
		 w->result);
}

static _Noreturn void be_child(struct matrix_world *w, int fd)
{
	bool is_legal = w->function->is_legal(w);
	char fault[FAULT_BYTES];

	w->function->before(w);
	take_memory(w, &before);
	make_call(w);
	take_memory(w, &after);

	find_fault(w, is_legal, fault);
	if (!is_legal && !*fault && !is_same_state())
		strcpy(fault, "is refused, and changes something");
	_exit(write(fd, fault, sizeof(fault)) == sizeof(fault) ? 0 : 1);
}

static void call_in_child(struct matrix_world *w)
{
	char fault[FAULT_BYTES];
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		be_child(w, ends[1]);
	close(ends[1]);
	n = read(ends[0], fault, sizeof(fault));
	close(ends[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(n == sizeof(fault) && status == 0,
		      "%s() ends its process: status %d", w->function->name,
		      status);
	ck_assert_msg(!*fault, "%s() %s", w->function->name, fault);
}

/* Exactly the one that a refusal leaves; of a legal call none of its kind. */
static void check_records(struct matrix_world *w, bool is_legal)
{
	const char *name = w->function->name;
	char message[ISR_EMERG_TEXT_BYTES];
	unsigned int i;

	for (i = 0; is_legal && i < n_records; i++)
		ck_assert_msg(records[i].kind != ISR_EMERG_MISUSE,
			      "%s() is legal, and recorded: \"%s\"", name,
			      records[i].message);
	if (is_legal)
		return;

	ck_assert_msg(n_records == (w->is_child ? 0 : 1),
		      "%s() is refused, and leaves %u records", name,
		      n_records);
	if (w->is_child)
		return;
	snprintf(message, sizeof(message), "%s() %s", w->function->record_name,
		 w->in_isr ? "in ISR context" : "off the loop's thread");
	ck_assert_str_eq(records[0].message, message);
	ck_assert_int_eq(records[0].kind, ISR_EMERG_MISUSE);
	ck_assert_int_eq(records[0].code, -EPERM);
	ck_assert_int_eq(records[0].context, w->context->kind);
	ck_assert_int_eq(records[0].tid, w->tid);
	ck_assert_int_eq(records[0].source, w->caller ? w->caller->id : 0);
	ck_assert_str_eq(records[0].source_name,
			 w->caller ? w->caller->name : "");
}

static void take_records(void)
{
	struct isr_emerg record;

	while (loop && isr_emerg_take(loop, &record) == 1)
		matrix_emerg_cb(&record, NULL);
}

/* On the loop's thread. */
static void measure(struct matrix_world *w)
{
	char fault[FAULT_BYTES] = "";
	bool is_legal;

	if (!w->is_child)
		w->function->before(w);
	is_legal = w->function->is_legal(w);
	take_state(w, &before);

	w->context->make_call(w);

	if (!w->is_child)
		find_fault(w, is_legal, fault);
	ck_assert_msg(!*fault, "%s() %s", w->function->name, fault);
	if (!is_legal || w->is_child) {
		take_state(w, &after);
		/* The handler that has called. */
		before.caller_stats.delivered += w->caller ? 1 : 0;
		before.caller_stats.line_seq += w->caller ? 1 : 0;
		ck_assert_msg(is_same_state(),
			      "%s() is refused, and changes something",
			      w->function->name);
	} else {
		w->function->after(w);
	}
	take_records();
	check_records(w, is_legal);
}

static void on_callback(struct isr_flag *flag, uint32_t count, void *arg)
{
	measure(arg);
	isr_loop_stop(loop);
}

static void measure_in_callback(struct matrix_world *w)
{
	static struct isr_flag flag;
	int r;

	xt_ok(isr_flag_init(&flag, loop, ISR_FLAG_AUTO));
	xt_ok(isr_flag_set_cb(&flag, on_callback, w));
	isr_flag_set(&flag);
	r = isr_loop_run(loop);
	ck_assert_int_eq(r, loop ? 0 : -ECANCELED);
}

static int in_task(void *arg)
{
	measure(arg);
	isr_loop_stop(loop);
	return 0;
}

static void measure_in_task(struct matrix_world *w)
{
	const struct isr_task_config config = {
		.sz = sizeof(config),
		.stack_bytes = 256 * 1024,
	};
	int r;

	xt_ok(isr_spawn(loop, &config, in_task, w, NULL));
	r = isr_loop_run(loop);
	ck_assert_int_eq(r, loop ? 0 : -ECANCELED);
}

static void make_sources(struct matrix_world *w)
{
	struct isr_pin_config config = xt_pin("C", XT_LOOP);

	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ck_assert_int_ge(w->fd, 0);
	xt_ok(isr_stream_init(&w->objects.stream, w->fd,
			      w->objects.stream_bytes, 8));
	xt_ok(isr_timer_open(loop, 0, 0, NULL, isr_to_flag, &w->objects.flag,
			     &w->timer));
	xt_ok(isr_fd_open(loop, w->fd, ISR_FD_READ, NULL, isr_to_flag,
			  &w->objects.flag, &w->fd_source));
	xt_ok(isr_pin_open(loop, &config, isr_to_flag, &w->objects.flag,
			   &w->pin, NULL));
	if (w->context->open_caller)
		w->context->open_caller(w);
}

static void set_up(struct matrix_world *w)
{
	xt_chip_setup();
	xt_ok(isr_emerg_set_cb(loop, matrix_emerg_cb, NULL));
	xt_ok(isr_loop_new(NULL, &w->other));
	w->ev = isr_loop_get_ev(w->other);
	w->flags[0] = &w->objects.flag;
	matrix_make_objects(&w->objects);
	matrix_make_devices(w);
	make_sources(w);
	matrix_prepare(w);
	xt_ok(isr_spawn(loop, &w->task_config, matrix_task_cb, NULL, &w->task));
	w->spare_chip = isr_chip_ref(chip.chip);
	w->n_specs = isr_chip_list(&w->specs);
	xt_ok(w->n_specs);
	w->pin_config = xt_pin("A", XT_LOOP);
	ck_assert_int_eq(sem_init(&called, 0, 0), 0);
	n_records = 0;
}

static void tear_down(struct matrix_world *w)
{
	xt_ok(isr_crash_uninstall());
	xt_chip_teardown();
	xt_ok(isr_loop_free(w->other));
	matrix_close(w);
	isr_chip_unref(w->spare_chip);
	isr_chip_list_free(w->specs);
	sem_destroy(&called);
}

static void try_cell(int function, const struct matrix_context *context)
{
	struct matrix_world *w = &world;

	*w = (struct matrix_world){
		.function = &matrix_functions[function],
		.context = context,
		.in_isr = context->kind >= ISR_CONTEXT_SIGNAL,
		.in_callback = context->in_callback,
		.in_task = context->in_task,
		.on_loop = context->on_loop,
		.is_child = context->is_child,
	};
	set_up(w);
	if (context->in_task)
		measure_in_task(w);
	else if (context->in_callback)
		measure_in_callback(w);
	else
		measure(w);
	tear_down(w);
	__atomic_fetch_add(n_right, 1, __ATOMIC_RELAXED);
}

static const struct matrix_context contexts[] = {
	{
		.name = "callback",
		.make_call = make_call,
		.kind = ISR_CONTEXT_LOOP,
		.in_callback = true,
		.on_loop = true,
	},
	{
		.name = "loop's thread",
		.make_call = make_call,
		.kind = ISR_CONTEXT_THREAD,
		.on_loop = true,
	},
	{
		.name = "signal",
		.make_call = call_in_signal,
		.open_caller = open_signal,
		.kind = ISR_CONTEXT_SIGNAL,
		.on_loop = true,
	},
	{
		.name = "signal in a callback",
		.make_call = call_in_signal,
		.open_caller = open_signal,
		.kind = ISR_CONTEXT_SIGNAL,
		.in_callback = true,
		.on_loop = true,
	},
	{
		.name = "task",
		.make_call = make_call,
		.kind = ISR_CONTEXT_TASK,
		.in_callback = true,
		.in_task = true,
		.on_loop = true,
	},
	{
		.name = "signal in a task",
		.make_call = call_in_signal,
		.open_caller = open_signal,
		.kind = ISR_CONTEXT_SIGNAL,
		.in_callback = true,
		.in_task = true,
		.on_loop = true,
	},
	{
		.name = "signal on a thread",
		.make_call = call_in_signal_on_thread,
		.open_caller = open_signal,
		.kind = ISR_CONTEXT_SIGNAL,
	},
	{
		.name = "IRQ thread",
		.make_call = call_in_irq_thread,
		.open_caller = open_pin,
		.kind = ISR_CONTEXT_IRQ_THREAD,
	},
	{
		.name = "entered thread",
		.make_call = call_in_entered_thread,
		.kind = ISR_CONTEXT_USER_THREAD,
	},
	{
		.name = "thread",
		.make_call = call_in_thread,
		.kind = ISR_CONTEXT_THREAD,
	},
	{
		.name = "child",
		.make_call = call_in_child,
		.kind = ISR_CONTEXT_THREAD,
		.on_loop = true,
		.is_child = true,
	},
};

#define N_CONTEXTS ((int)(sizeof(contexts) / sizeof(contexts[0])))

/* Loops over the functions of one context after the other. */
START_TEST(call_does_what_is_documented)
{
	try_cell(_i % matrix_n_functions, &contexts[_i / matrix_n_functions]);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("matrix");
	int i;

	for (i = 0; i < N_CONTEXTS; i++) {
		TCase *tcase = xt_case(suite, contexts[i].name);

		tcase_add_loop_test(tcase, call_does_what_is_documented,
				    i * matrix_n_functions,
				    (i + 1) * matrix_n_functions);
	}
	return suite;
}

int main(void)
{
	int n = N_CONTEXTS * matrix_n_functions;
	int status;

	n_right = mmap(NULL, sizeof(*n_right), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (n_right == MAP_FAILED)
		return EXIT_FAILURE;
	status = xt_main(make_suite());
	printf("matrix: %d of %d\n", *n_right, n);
	return *n_right == n ? status : EXIT_FAILURE;
}
