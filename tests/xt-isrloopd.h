/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isrmon as a child whose isrloopd the test plays, so that losses, merged
 * edges and refusals come when the test wants them.
 */
#ifndef XT_ISRLOOPD_H
#define XT_ISRLOOPD_H

#include <jansson.h>

#include "xt.h"

#define TEXT_BYTES 8192

#define LINES_REPLY                                                           \
	"{\"parameters\":{\"lines\":["                                        \
	"{\"name\":\"BTN\",\"chip\":\"gpiochip0\",\"offset\":17,"             \
	"\"gpio_name\":\"GPIO17\",\"clock\":\"monotonic\","                   \
	"\"simulated\":false},"                                               \
	"{\"name\":\"DOOR\",\"chip\":\"sim:\",\"offset\":2,"                  \
	"\"gpio_name\":\"\",\"clock\":\"realtime\",\"simulated\":true},"      \
	"{\"name\":\"KEY\",\"chip\":\"gpiochip0\",\"offset\":5,"              \
	"\"gpio_name\":\"\",\"clock\":\"monotonic\",\"device\":\"button\"},"  \
	"{\"name\":\"KNOB\",\"chip\":\"gpiochip0\",\"offset\":6,"             \
	"\"gpio_name\":\"\",\"clock\":\"monotonic\",\"device\":\"encoder\"}," \
	"{\"name\":\"METER\",\"chip\":\"gpiochip0\",\"offset\":7,"            \
	"\"gpio_name\":\"\",\"clock\":\"monotonic\",\"device\":\"counter\"}," \
	"{\"name\":\"STAMPED\",\"chip\":\"gpiochip0\",\"offset\":8,"          \
	"\"gpio_name\":\"\",\"clock\":\"hte\",\"edges\":\"rising\"}"          \
	"]}}"

#define EVENT(line, kind, edge, value, t_ns, seq, line_seq, lost, client,   \
	      merged)                                                       \
	"{\"line\":\"" line "\",\"kind\":\"" kind "\",\"edge\":" edge       \
	",\"value\":" #value ",\"t_ns\":" #t_ns ",\"clock\":\"monotonic\"," \
	"\"seq\":" #seq ",\"line_seq\":" #line_seq ",\"lost\":" #lost       \
	",\"lost_client\":" #client ",\"merged\":" #merged                  \
	",\"debounced\":false,\"simulated\":false,\"new_field\":[1]}"

/* A record of a device; members are what it has beside. */
#define DEVICE(line, kind, value, t_ns, members)                            \
	"{\"line\":\"" line "\",\"kind\":\"" kind "\",\"edge\":null"        \
	",\"value\":" #value ",\"t_ns\":" #t_ns ",\"clock\":\"monotonic\"," \
	"\"seq\":90,\"line_seq\":9,\"lost\":0,\"lost_client\":0,"           \
	"\"merged\":false,\"debounced\":false,\"simulated\":false" members "}"

/* An edge of an encoder's input. */
#define INPUT(input, edge, value, t_ns)                                 \
	"{\"line\":\"KNOB\",\"kind\":\"edge\",\"edge\":\"" edge         \
	"\",\"value\":" #value ",\"t_ns\":" #t_ns                       \
	",\"clock\":\"monotonic\",\"seq\":1,\"line_seq\":1,\"lost\":0," \
	"\"lost_client\":0,\"merged\":false,\"debounced\":false,"       \
	"\"simulated\":false,\"input\":" input "}"

#define REPLY(events) \
	"{\"continues\":true,\"parameters\":{\"events\":[" events "]}}"

#define INITIAL \
	REPLY(EVENT("BTN", "initial", "null", 0, 1000, 40, 7, 0, 0, false))

/* What isrmon wrote, after isrmon_finish(). */
extern char isrmon_out[TEXT_BYTES], isrmon_err[TEXT_BYTES];

/* A checked fixture. */
void isrloopd_setup(void);
void isrloopd_teardown(void);

/* Up to four arguments, NULL for none. */
void isrmon_start(const char *a, const char *b, const char *c, const char *d);

/* Its end, with this status. */
void isrmon_finish(int expected_status);
void isrmon_kill(void);

/* This is part of what it wrote on stderr. */
void isrmon_expect_error(const char *part);

/* A reply, which may be none of varlink's. */
void isrloopd_answer(const char *text);
/* The same, unless the program has ended meanwhile. */
void isrloopd_offer(const char *text);

/* The next call, which must be this one; free its parameters. */
json_t *isrloopd_expect_call(const char *method);

/* Says which lines there are; the Subscribe's parameters, to be freed. */
json_t *isrloopd_expect_subscribe(void);

/* Everything up to the first record after the initial ones. */
void isrloopd_serve_start(void);
/* The same, of a client that wants these records; "": it does not say. */
void isrloopd_serve_start_of(const char *records);

void isrloopd_hang_up(void);

#endif /* XT_ISRLOOPD_H */
