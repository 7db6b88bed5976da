/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F1: the signal class, all that may be called in ISR context, and nothing
 * else. A handler needs no other header.
 *
 * ISR context is a signal handler, a hard handler wherever it runs (in an IRQ
 * thread; of a signal, where it is fired or unmasked), or a thread between
 * isr_enter() and isr_exit().
 * isrloop knows of its own ones only: a handler that the program installed
 * with sigaction(2) has to keep to this header by itself. Every function here
 * is async-signal-safe: it never blocks, never allocates, takes no lock and
 * leaves errno as it was.
 */
#ifndef ISRLOOP_ISR_H
#define ISRLOOP_ISR_H

#include <stdbool.h>
#include <stdint.h>

#include <isrloop/event.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

/** A flag's count saturates here (2^30 - 1 sets without one consumption). */
#define ISR_FLAG_COUNT_MAX ((1U << 30) - 1)

struct isr_button;
struct isr_byte_ring;
struct isr_counter;
struct isr_delay;
struct isr_encoder;
struct isr_flag;
struct isr_guard;
struct isr_hist;
struct isr_latch;
struct isr_loop;
struct isr_ring;
struct isr_source;
struct isr_switch;
struct isr_word;

/**
 * @brief Tell whether the caller runs in ISR context.
 * @context signal
 * @return true inside a signal handler of isrloop or a hard handler, and
 *         between isr_enter() and isr_exit().
 * @since 0.1
 */
ISR_API bool isr_in_context(void);

/**
 * @brief Read the default clock of events.
 * @context signal
 * @return CLOCK_MONOTONIC in ns.
 * @since 0.1
 */
ISR_API uint64_t isr_now_ns(void);

/**
 * @brief Count one more and wake the flag's loop if it sleeps.
 *
 * Any number of sets before the flag is consumed wake the loop once and
 * deliver their number. What the caller wrote before the set is visible to
 * whoever consumes it (release and acquire). A set on a finished flag, or on
 * one whose loop is gone, does nothing.
 *
 * @param flag  Initialised by isr_flag_init().
 * @context signal
 * @since 0.1
 */
ISR_API void isr_flag_set(struct isr_flag *flag);

/**
 * @brief What is left to do of a set that found the flag consumed, or full.
 *
 * For the inline form of isr_flag_set() below, not for programs.
 *
 * @param flag    Already counted one more.
 * @param before  Its word before that.
 * @context signal
 * @since 0.1
 */
ISR_API void isr_flag_set_rest(struct isr_flag *flag, uint32_t before);

#if defined(__GNUC__) && !defined(ISR_NO_INLINE)
/*
 * Nearly every set of a burst finds the flag set already and is done with one
 * locked add. It is inline because the call would cost half as much again.
 * What is frozen by it: a flag begins with its word, 1 is added, and words
 * from 1 to ISR_FLAG_COUNT_MAX - 1 need nothing more. (isr_flag_set) is the
 * function.
 */
static inline void isr_flag_set_inline(struct isr_flag *flag)
{
	uint32_t before;

	before = __atomic_fetch_add((uint32_t *)flag, 1, __ATOMIC_ACQ_REL);
	if (__builtin_expect(before - 1 >= ISR_FLAG_COUNT_MAX - 1, 0))
		isr_flag_set_rest(flag, before);
}
#define isr_flag_set(flag) isr_flag_set_inline(flag)
#endif

/**
 * @brief Read the count without consuming it.
 * @param flag  Initialised by isr_flag_init().
 * @context signal
 * @return Sets not yet consumed; saturates at ISR_FLAG_COUNT_MAX.
 * @since 0.1
 */
ISR_API uint32_t isr_flag_peek(const struct isr_flag *flag);

/**
 * @brief Store one event and wake the ring's loop if it sleeps.
 *
 * Never waits for another producer or the consumer. A handler may interrupt
 * a put in its own thread and put as well.
 *
 * @param ring   Initialised by isr_ring_init().
 * @param event  Copied; its seq is the ring's to write. A non-zero lost is
 *               carried on, so that losses upstream stay counted.
 * @context signal (any number of producers)
 * @return 0 stored; 1 stored and the oldest record lost (DROP_OLD);
 *         -ENOSPC dropped and counted. A loss is told in band, as lost of
 *         the next record stored.
 * @since 0.1
 */
ISR_API int isr_ring_put(struct isr_ring *ring, const struct isr_event *event);

/**
 * @brief Count of all records this ring ever lost, told or not.
 * @param ring  Initialised by isr_ring_init().
 * @context signal
 * @return The count.
 * @since 0.1
 */
ISR_API uint64_t isr_ring_get_lost_total(const struct isr_ring *ring);

/** A call that isr_schedule() has made; runs on the loop's thread. */
typedef void isr_schedule_cb(void *arg);

/**
 * @brief Have the loop call a function once, soon.
 *
 * Calls are made in the order of the posts, never inside another callback of
 * the loop; one that a callback posts is made after that returned. A loop
 * that sleeps wakes up. What still waits when the loop is freed is not made.
 *
 * @param loop  Not freed.
 * @param cb    Everything is legal in it.
 * @param arg   Handed to @cb; stays the caller's.
 * @context signal
 * @return 0; -EAGAIN when schedule_depth calls wait: refused and counted, see
 *         isr_loop_get_stats(), and an emergency record once a second; -EINVAL
 *         for NULL; -EPERM in a forked child.
 * @since 0.1
 */
ISR_API int isr_schedule(struct isr_loop *loop, isr_schedule_cb *cb, void *arg);

/**
 * @brief Make a copy of a value the latest one.
 *
 * Never waits for the reader. One writer at a time, which may be another
 * thread or handler each time: a store inside or beside another one is
 * refused. If the latch has a loop, its updated flag is set after it.
 *
 * @param latch  Initialised by isr_latch_init().
 * @param value  Copied; as many bytes as the latch was made for.
 * @context signal
 * @return 0; -EBUSY another store is half-way: refused and counted, the other
 *         one is the latest.
 * @since 0.1
 */
ISR_API int isr_latch_store(struct isr_latch *latch, const void *value);

/**
 * @brief Copy the latest value, as a whole.
 *
 * Never waits for the writer. One reader at a time, which may be another
 * thread or handler each time.
 *
 * @param latch           Initialised by isr_latch_init().
 * @param ret_value       Room for a value.
 * @param ret_generation  How many stores there were up to that value, modulo
 *                        2^32: a step of more than 1 tells how many values
 *                        nobody loaded. May be NULL.
 * @context signal
 * @return 1 the value is new since the last load; 0 it is the same again;
 *         -ENODATA nothing was stored yet; -EBUSY another load is half-way.
 * @since 0.1
 */
ISR_API int isr_latch_load(struct isr_latch *latch, void *ret_value,
			   uint32_t *ret_generation);

/**
 * @brief Count of the stores that were refused.
 * @param latch  Initialised by isr_latch_init().
 * @context signal
 * @return The count since init.
 * @since 0.1
 */
ISR_API uint64_t isr_latch_get_refused(const struct isr_latch *latch);

/**
 * @brief Take a guard if nobody has it; never wait.
 *
 * Whoever is refused skips what it would have done, and leaves a trace: the
 * count that isr_guard_drop() returns, a flag, or a record on a ring.
 *
 * @param guard  Initialised.
 * @context signal
 * @return true taken: give it back with isr_guard_release(); false somebody
 *         has it, and one more try is counted as refused.
 * @since 0.1
 */
ISR_API bool isr_guard_try(struct isr_guard *guard);

/**
 * @brief Give back a guard that isr_guard_try() took.
 * For whoever got true, and nobody else. What another thread took stays as it
 * is, and so does what isr_guard_hold() took; but a handler that was refused
 * because it interrupted the one that has it, in the same thread, would give
 * that one's away.
 *
 * @param guard  Taken by the caller.
 * @context signal
 * @since 0.1
 */
ISR_API void isr_guard_release(struct isr_guard *guard);

/**
 * @brief Read a word.
 * @param word  Initialised.
 * @context signal
 * @return The value; what its writer did before is visible.
 * @since 0.1
 */
ISR_API int64_t isr_word_load(const struct isr_word *word);

/**
 * @brief Write a word.
 * @param word   Initialised.
 * @param value  What comes before is visible to whoever reads it.
 * @context signal
 * @since 0.1
 */
ISR_API void isr_word_store(struct isr_word *word, int64_t value);

/**
 * @brief Read, add and write in one step.
 * @param word   Initialised.
 * @param delta  May be negative; the sum wraps.
 * @context signal
 * @return The sum.
 * @since 0.1
 */
ISR_API int64_t isr_word_add(struct isr_word *word, int64_t delta);

/**
 * @brief Read and write in one step.
 * @param word   Initialised.
 * @param value  Written.
 * @context signal
 * @return The value before.
 * @since 0.1
 */
ISR_API int64_t isr_word_exchange(struct isr_word *word, int64_t value);

/**
 * @brief Write, if the value is what the caller believes, in one step.
 * @param word      Initialised.
 * @param expected  What it should be; what was found, afterwards.
 * @param desired   Written then.
 * @context signal
 * @return true written; false it was another value, and stays.
 * @since 0.1
 */
ISR_API bool isr_word_compare_exchange(struct isr_word *word, int64_t *expected,
				       int64_t desired);

/**
 * @brief Append bytes to a byte ring, as many as fit.
 *
 * Never waits for the reader. One writer at a time, which may be another
 * thread or handler each time. If the ring has a loop, its ready flag is set
 * after the bytes, when there were any.
 *
 * @param ring  Initialised by isr_byte_ring_init().
 * @param data  Copied; not NULL.
 * @param n     How many bytes. What does not fit stays the caller's, and is
 *              counted.
 * @context signal
 * @return The number stored, 0 when it is full; -EBUSY another write is
 *         half-way: all refused and counted.
 * @since 0.1
 */
ISR_API int isr_byte_ring_write(struct isr_byte_ring *ring, const void *data,
				uint32_t n);

/**
 * @brief Take the oldest bytes of a byte ring, in order.
 *
 * Never waits for the writer. One reader at a time, which may be another
 * thread or handler each time.
 *
 * @param ring      Initialised by isr_byte_ring_init().
 * @param ret_data  Room for @max bytes; not NULL.
 * @param max       At most this many.
 * @context signal
 * @return The number read, 0 when it is empty; -EBUSY another read is
 *         half-way.
 * @since 0.1
 */
ISR_API int isr_byte_ring_read(struct isr_byte_ring *ring, void *ret_data,
			       uint32_t max);

/**
 * @brief How many bytes there are to read.
 * @param ring  Initialised by isr_byte_ring_init().
 * @context signal
 * @return The count; to the reader at least as many, to the writer at most.
 * @since 0.1
 */
ISR_API uint32_t isr_byte_ring_get_count(const struct isr_byte_ring *ring);

/**
 * @brief How many bytes were refused since init.
 * @param ring  Initialised by isr_byte_ring_init().
 * @context signal
 * @return The count.
 * @since 0.1
 */
ISR_API uint64_t isr_byte_ring_get_refused(const struct isr_byte_ring *ring);

/**
 * @brief Have a delay expire after a while, instead of when it would have.
 *
 * The last trigger counts, be it later or sooner: it expires once, when that
 * much time has passed without another. From a callback or a task of the loop
 * it also forgets an expiry that is on its way, of which nobody knows yet.
 *
 * @param delay     Initialised by isr_delay_init().
 * @param delay_ns  From now; 0: as soon as the loop looks.
 * @context signal
 * @return 0; -EINVAL for NULL, zeroed memory or a finished delay.
 * @since 0.1
 */
ISR_API int isr_delay_trigger(struct isr_delay *delay, uint64_t delay_ns);

/**
 * @brief Tell whether a delay will expire if nothing else happens.
 * @param delay  Initialised by isr_delay_init(), or finished.
 * @context signal
 * @return true from a trigger until it has expired or was stopped.
 * @since 0.1
 */
ISR_API bool isr_delay_is_running(const struct isr_delay *delay);

/**
 * @brief Tell whether a switch is closed, as it was told last.
 * @param sw  Open, or closed by isr_switch_close(); or NULL.
 * @context signal
 * @return true closed; false open.
 * @since 0.1
 */
ISR_API bool isr_switch_is_closed(const struct isr_switch *sw);

/**
 * @brief The value of an encoder now: one atomic load.
 *
 * Of all edges that the loop has handled, told or not: report_ns delays events,
 * not this.
 *
 * @param encoder  Opened by isr_encoder_open(); or closed: the last value.
 * @context signal
 * @return The value; what the loop did before is visible.
 * @since 0.1
 */
ISR_API int64_t isr_encoder_get_value(const struct isr_encoder *encoder);

/**
 * @brief Pulses of a counter, since it was opened or the last exchange.
 * @param counter  Opened by isr_counter_open(), or closed.
 * @context signal
 * @return The count; past INT64_MAX it goes on at INT64_MIN.
 * @since 0.1
 */
ISR_API int64_t isr_counter_get_count(const struct isr_counter *counter);

/**
 * @brief Read the count of a counter and write another one, in one step.
 *
 * No pulse is counted twice or not at all: the sum of what exchanges with 0
 * return, and of the count at last, is the number of pulses.
 *
 * @param counter  Opened by isr_counter_open(), or closed.
 * @param value    Counted on from there.
 * @context signal
 * @return The count before.
 * @since 0.1
 */
ISR_API int64_t isr_counter_exchange(struct isr_counter *counter,
				     int64_t value);

/**
 * @brief Tell whether a button is pressed, as its contact was told last.
 * @param button  Open, or closed by isr_button_close(); or NULL.
 * @context signal
 * @return true pressed; false released.
 * @since 0.1
 */
ISR_API bool isr_button_is_pressed(const struct isr_button *button);

/**
 * @brief Interrupt by program: have a source's handler run for an event.
 *
 * A soft handler runs on the loop, a hard one in the source's IRQ thread, each
 * in turn with the source's other events; that of a hard signal source runs at
 * once, in the caller, unless it is running already: then after that.
 *
 * @param source  Any kind; not closed meanwhile.
 * @param event   Copied; kind, value and flags are the caller's, and t_ns
 *                when it is not 0. Not a report (ISR_EVENT_LOST,
 *                ISR_EVENT_CHIP_LOST). NULL: an ISR_EVENT_USER.
 * @context signal
 * @return 0 taken (when the source is masked, for later); -EPERM it is
 *         disarmed: counted as discarded; -ENOSPC no room: counted as lost;
 *         -EINVAL for NULL, or another kind of event; -EPERM in a forked child.
 * @since 0.1
 */
ISR_API int isr_source_fire(struct isr_source *source,
			    const struct isr_event *event);

/**
 * @brief The source's number, as in isr_event.source; 1 and up.
 * @param source  Open.
 * @context signal
 * @return The number.
 * @since 0.1
 */
ISR_API uint16_t isr_source_get_id(const struct isr_source *source);

/**
 * @brief The source's name, as in records and messages.
 * @param source  Open.
 * @context signal
 * @return Its options' name, or one made up; lives with the source.
 * @since 0.1
 */
ISR_API const char *isr_source_get_name(const struct isr_source *source);

/**
 * @brief Tell whose handler, hard or soft, the caller is in.
 * @context signal
 * @return The source; NULL outside handlers of sources.
 * @since 0.1
 */
ISR_API struct isr_source *isr_context_get_source(void);

/**
 * @brief Say what went wrong, where nobody can print.
 *
 * Leaves an emergency record (isrloop/emerg.h) with the caller's source,
 * thread, place and stack. In a handler it also counts as a failure, as if
 * the handler returned @code: its source's on_fail says what follows. Outside
 * handlers and callbacks of a loop nothing is recorded. isr_fail() fills in
 * the place:
 *
 *     return isr_fail(-EIO, "the sensor did not answer");
 *
 * @param code     A negative errno.
 * @param message  Copied, up to 63 bytes.
 * @param where    Copied; where the caller is, or NULL.
 * @context signal
 * @return @code
 * @since 0.1
 */
ISR_API int isr_fail_at(int code, const char *message, const char *where);
#define isr_fail(code, message) isr_fail_at(code, message, ISR_HERE)

/**
 * @brief Count of emergency records that found no room.
 * @param loop  A loop.
 * @context signal
 * @return The count since the loop was made; 0 for NULL.
 * @since 0.1
 */
ISR_API uint64_t isr_emerg_get_lost(const struct isr_loop *loop);

/**
 * @brief A handler that sets a flag once an event.
 *
 * For any source, hard or soft. Reports (ISR_EVENT_LOST and
 * ISR_EVENT_CHIP_LOST) are no events and set nothing.
 *
 * @param source  Not used.
 * @param event   What happened.
 * @param arg     The struct isr_flag.
 * @context signal
 * @return 0
 * @since 0.1
 */
ISR_API int isr_to_flag(struct isr_source *source,
			const struct isr_event *event, void *arg);

/**
 * @brief A handler that puts every event, and report, on a ring.
 *
 * For any source, hard or soft. What the ring refuses is counted there.
 *
 * @param source  Not used.
 * @param event   What happened.
 * @param arg     The struct isr_ring.
 * @context signal
 * @return 0
 * @since 0.1
 */
ISR_API int isr_to_ring(struct isr_source *source,
			const struct isr_event *event, void *arg);

/**
 * @brief A handler that stores the latest event in a latch.
 *
 * For any source, hard or soft. Reports are not stored. What the latch
 * refuses is counted there.
 *
 * @param source  Not used.
 * @param event   What happened.
 * @param arg     The struct isr_latch, made for values of struct isr_event.
 * @context signal
 * @return 0; -EINVAL the latch is for values of another size.
 * @since 0.1
 */
ISR_API int isr_to_latch(struct isr_source *source,
			 const struct isr_event *event, void *arg);

/**
 * @brief Make isr_loop_run() return after the step that runs now.
 *
 * A step is one callback of a flag, or one batch of a source's events: those
 * that were read together with the present one are still delivered.
 *
 * Idempotent: any number of stops ends one run. A stop while the loop does
 * not run ends the next run at once.
 *
 * @param loop  NULL is legal and does nothing.
 * @context signal
 * @since 0.1
 */
ISR_API void isr_loop_stop(struct isr_loop *loop);

/**
 * @brief Count one duration.
 * @param hist      Zeroed or initialised.
 * @param value_ns  The duration in ns.
 * @context signal
 * @since 0.1
 */
ISR_API void isr_hist_record(struct isr_hist *hist, uint64_t value_ns);

/**
 * @brief Count of durations recorded.
 * @param hist  Zeroed or initialised.
 * @context signal
 * @return The count.
 * @since 0.1
 */
ISR_API uint64_t isr_hist_get_count(const struct isr_hist *hist);

/**
 * @brief The longest duration, exactly.
 * @param hist  Zeroed or initialised.
 * @context signal
 * @return ns; 0 when nothing was recorded.
 * @since 0.1
 */
ISR_API uint64_t isr_hist_get_max_ns(const struct isr_hist *hist);

ISR_END_DECLS

#endif /* ISRLOOP_ISR_H */
