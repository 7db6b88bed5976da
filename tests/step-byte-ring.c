/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/* Interruption at every instruction: byte rings. */
#include <errno.h>
#include <string.h>

#include "byte-ring.h"
#include "step.h"

enum {
	LOOP = 1,
	ARMED = 2, /* the loop sleeps, or is about to */
	SOME = 4,  /* bytes are there */
	FULL = 8,
	WRAP = 16,    /* the end of the array comes next */
	WRITING = 32, /* another thread is in a write */
	READING = 64  /* or in a read */
};

#define BYTES 8
#define CHUNK 3

/* Whose byte it is, and its number. */
enum who { BEFORE, OPERATION, HANDLER, WHO_MAX };

static struct isr_byte_ring ring;
static unsigned char bytes[BYTES];
/* Accepted and read, of each. */
static unsigned int written[WHO_MAX], got[WHO_MAX];
static unsigned int refused[WHO_MAX], sets[WHO_MAX], delivered;
static int result;
/* The operation has read it, and not looked at it yet. */
static unsigned char in_hand[BYTES];

static bool is(int variant)
{
	return step_now->variant & variant;
}

static void on_ready(struct isr_flag *flag, uint32_t count, void *arg)
{
	(void)flag;
	(void)arg;
	delivered += count;
}

static void write_bytes(enum who who, unsigned int n)
{
	unsigned char data[BYTES + 1];
	unsigned int i;
	int r;

	for (i = 0; i < n; i++)
		data[i] = (unsigned char)(who << 6 | (written[who] + i) % 64);
	r = isr_byte_ring_write(&ring, data, n);
	step_expect(r == -EBUSY || (r >= 0 && r <= (int)n));
	if (r < 0) {
		refused[who] += n;
		return;
	}
	refused[who] += n - (unsigned int)r;
	written[who] += (unsigned int)r;
	sets[who] += r > 0;
}

/* Those of each writer, in order, none twice, none left out. */
static void look_at(const unsigned char *data, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		enum who who = data[i] >> 6;

		step_expect(who < WHO_MAX);
		if (who >= WHO_MAX)
			return;
		step_equal(data[i] % 64, got[who] % 64);
		got[who]++;
	}
}

static void read_bytes(unsigned int max)
{
	unsigned char data[BYTES + 1];
	int r;

	memset(data, 0xff, sizeof(data));
	r = isr_byte_ring_read(&ring, data, max);
	step_expect(r == -EBUSY || (r >= 0 && r <= (int)max));
	if (r > 0)
		look_at(data, r);
}

static void reset(void)
{
	struct isr_loop *loop = step_loop_init();

	memset(written, 0, sizeof(written));
	memset(got, 0, sizeof(got));
	memset(refused, 0, sizeof(refused));
	memset(sets, 0, sizeof(sets));
	delivered = 0;
	result = 0;
	ring.bytes = NULL;
	isr_byte_ring_init(&ring, is(LOOP) ? loop : NULL, bytes, BYTES);
	if (is(LOOP))
		isr_flag_set_cb(&ring.ready, on_ready, NULL);
	if (is(WRAP))
		ring.head = ring.tail = UINT32_MAX - 1;
	if (is(SOME))
		write_bytes(BEFORE, CHUNK);
	if (is(FULL))
		write_bytes(BEFORE, BYTES);
	ring.writing = is(WRITING);
	ring.reading = is(READING);
	if (is(ARMED))
		step_loop_turn();
}

static unsigned int sum(const unsigned int *of)
{
	return of[BEFORE] + of[OPERATION] + of[HANDLER];
}

/* What was accepted comes out, and what was refused was counted. */
static void check(void)
{
	int i;

	ring.writing = ring.reading = 0;
	read_bytes(BYTES);
	for (i = 0; i < WHO_MAX; i++)
		step_equal(got[i], written[i]);
	step_equal(isr_byte_ring_get_refused(&ring), sum(refused));
	step_equal(isr_byte_ring_get_count(&ring), 0);
	if (is(LOOP)) {
		step_loop_settle();
		step_equal(delivered, sum(sets));
	}

	/* All of it can be used. */
	refused[BEFORE] = 0;
	write_bytes(BEFORE, BYTES);
	step_equal(refused[BEFORE], 0);
	step_equal(isr_byte_ring_get_count(&ring), BYTES);
	read_bytes(BYTES);
	step_equal(got[BEFORE], written[BEFORE]);
}

static void handler_writes(void)
{
	write_bytes(HANDLER, CHUNK);
}

static void handler_writes_much(void)
{
	write_bytes(HANDLER, BYTES);
}

static void handler_reads(void)
{
	read_bytes(BYTES);
}

static void handler_reads_and_writes(void)
{
	read_bytes(BYTES);
	write_bytes(HANDLER, CHUNK);
}

static void run_write(void)
{
	write_bytes(OPERATION, CHUNK);
}

#define check_write check

/* Its bytes are older than what a handler reads after it. */
static void run_read(void)
{
	result = isr_byte_ring_read(&ring, in_hand, BYTES);
}

static void check_read(void)
{
	step_expect(is(READING) ? result == -EBUSY : result >= 0);
	if (result > 0)
		look_at(in_hand, result);
	check();
}

static void run_count(void)
{
	result = (int)isr_byte_ring_get_count(&ring);
}

/* Never more than fits, whatever came in between. */
static void check_count(void)
{
	step_expect(result >= 0 && result <= BYTES);
	if (!step_handled())
		step_equal(result, written[BEFORE]);
	check();
}

static void run_get_refused(void)
{
	result = (int)isr_byte_ring_get_refused(&ring);
}

static void check_get_refused(void)
{
	step_expect(result <= (int)sum(refused));
	check();
}

#define SCENARIO(text, operation, by, what)                      \
	{                                                        \
		.name = "byte-ring: " text, .reset = reset,      \
		.run = run_##operation, .handler = handler_##by, \
		.check = check_##operation, .variant = (what)    \
	}

const struct step_scenario step_byte_ring_scenarios[] = {
	SCENARIO("write over write", write, writes, 0),
	SCENARIO("write over write, wrap", write, writes, WRAP),
	SCENARIO("write over write, with a loop", write, writes, LOOP),
	SCENARIO("write over write, armed", write, writes, LOOP | ARMED),
	SCENARIO("write over write, some", write, writes_much, SOME),
	SCENARIO("write over write, full", write, writes, FULL),
	SCENARIO("write over write, refused", write, writes, SOME | WRITING),
	SCENARIO("read over write", write, reads, SOME),
	SCENARIO("read over write, full", write, reads, FULL | WRAP),
	SCENARIO("read and write over write", write, reads_and_writes, FULL),
	SCENARIO("write over read, empty", read, writes, 0),
	SCENARIO("write over read", read, writes, SOME | WRAP),
	SCENARIO("write over read, full", read, writes_much, FULL | WRAP),
	SCENARIO("write over read, refused", read, writes, SOME | READING),
	SCENARIO("read and write over get_count", count, reads_and_writes,
		 SOME | WRAP),
	SCENARIO("read and write over get_count, full", count, reads_and_writes,
		 FULL),
	SCENARIO("write over get_count", count, writes, SOME),
	SCENARIO("write over get_refused", get_refused, writes_much, SOME),
	{.name = NULL},
};
