/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * isr_chip: where edges come from, by a spec string that every tool takes:
 *
 *   gpiochip0, 0, /dev/gpiochip0, LABEL   the kernel's chips
 *   sim:, sim:FILE                        simulated in this process
 *
 * This header is for looking at chips and lines; isr_pin_open() watches one.
 * All of it is refused in ISR context, with an emergency record.
 */
#ifndef ISRLOOP_CHIP_H
#define ISRLOOP_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <isrloop/error.h>
#include <isrloop/macros.h>

ISR_BEGIN_DECLS

struct isr_chip;

/** The most lines of one request. */
#define ISR_PIN_LINES_MAX 16
/** Bytes of a name, its NUL included. */
#define ISR_NAME_BYTES 64

/** A line's direction. */
enum isr_direction { ISR_DIRECTION_INPUT = 1, ISR_DIRECTION_OUTPUT = 2 };

/** A line's bias. */
enum isr_bias {
	ISR_BIAS_AS_IS = 0, /**< leave it as it is; the default */
	ISR_BIAS_DISABLED,
	ISR_BIAS_PULL_UP,
	ISR_BIAS_PULL_DOWN
};

/** Which edges interrupt. */
enum isr_edge {
	ISR_EDGE_BOTH = 0, /**< the default */
	ISR_EDGE_RISING,
	ISR_EDGE_FALLING,
	ISR_EDGE_NONE /**< none: only the level is read */
};

/** Which clock stamps the edges. */
enum isr_clock {
	ISR_CLOCK_MONOTONIC = 0, /**< the default */
	ISR_CLOCK_REALTIME,
	ISR_CLOCK_HTE /**< hardware timestamp engine, where the chip has one */
};

/** A line as the chip describes it. */
struct isr_line_info {
	uint32_t offset;
	bool used; /**< somebody holds it */
	bool active_low;
	uint8_t direction; /**< enum isr_direction */
	uint8_t bias; /**< enum isr_bias */
	uint32_t debounce_us;
	char name[ISR_NAME_BYTES]; /**< empty when unnamed */
	char consumer[ISR_NAME_BYTES]; /**< empty when unused or not told */
	uint64_t reserved[4]; /**< 0; for later versions */
};

/**
 * @brief Open a chip to look at it.
 * @param spec          See the head of this header.
 * @param ret_chip      End it with isr_chip_unref().
 * @param reterr_error  Filled on failure; may be NULL.
 * @context any (a lock of the simulated chips)
 * @return 0; -EINVAL no spec; -ENODEV no such chip; -ENOTUNIQ two chips have
 *         this label; -EACCES; -EOPNOTSUPP this version has no such kind of
 *         chip; -ENOMEM; -EIO a malformed sim FILE; -EPERM in ISR context; what
 *         open(2) says.
 * @since 0.1
 */
ISR_API int isr_chip_open(const char *spec, struct isr_chip **ret_chip,
			  struct isr_error *reterr_error);

/**
 * @brief Take one more reference.
 * @context any
 * @return @chip; NULL in ISR context: none was taken.
 * @since 0.1
 */
ISR_API struct isr_chip *isr_chip_ref(struct isr_chip *chip);

/**
 * @brief Drop a reference; the last one closes the chip.
 * @param chip  NULL is legal. In ISR context it stays as it is.
 * @context any (a lock of the simulated chips)
 * @return NULL
 * @since 0.1
 */
ISR_API struct isr_chip *isr_chip_unref(struct isr_chip *chip);

/**
 * @brief The chip's name: "gpiochip0", or the spec of a simulated one.
 * @context any (no lock)
 * @return Valid as long as @chip; NULL in ISR context.
 * @since 0.1
 */
ISR_API const char *isr_chip_get_name(const struct isr_chip *chip);

/**
 * @brief The chip's label, for example "pinctrl-rp1".
 * @context any (no lock)
 * @return Valid as long as @chip; NULL in ISR context.
 * @since 0.1
 */
ISR_API const char *isr_chip_get_label(const struct isr_chip *chip);

/**
 * @brief Count of lines; offsets are 0 to that minus 1.
 * @context any (no lock)
 * @return The count; 0 in ISR context.
 * @since 0.1
 */
ISR_API uint32_t isr_chip_get_num_lines(const struct isr_chip *chip);

/**
 * @brief Tell whether the chip is simulated.
 * @context any (no lock)
 * @return true for sim: chips; false in ISR context.
 * @since 0.1
 */
ISR_API bool isr_chip_is_simulated(const struct isr_chip *chip);

/**
 * @brief Describe one line.
 * @param chip      An open chip.
 * @param offset    The line.
 * @param ret_info  Filled on success.
 * @context any (a lock of the simulated chips)
 * @return 0; -EINVAL no such offset; -EPERM in ISR context; what the kernel
 *         says.
 * @since 0.1
 */
ISR_API int isr_chip_get_line_info(struct isr_chip *chip, uint32_t offset,
				   struct isr_line_info *ret_info);

/**
 * @brief List the specs of the machine's chips ("gpiochip0", ...), sorted.
 * @param ret_specs  NULL-terminated array; free it with isr_chip_list_free().
 * @context any
 * @return The number of chips; -ENOMEM; -EPERM in ISR context; what the file
 *         system says.
 * @since 0.1
 */
ISR_API int isr_chip_list(char ***ret_specs);

/**
 * @brief Free what isr_chip_list() gave.
 * @param specs  NULL is legal. In ISR context they stay as they are.
 * @context any
 * @since 0.1
 */
ISR_API void isr_chip_list_free(char **specs);

/** How a line is named. */
enum isr_line_find_flags {
	/** A number is a name as well, never an offset. */
	ISR_LINE_FIND_BY_NAME = 1 << 0,
	/** A name found more than once is -ENOTUNIQ, else the first wins. */
	ISR_LINE_FIND_STRICT = 1 << 1
};

/**
 * @brief Find a line by offset or name.
 * @param chip_spec     Where; NULL searches all chips of the machine, by name.
 * @param line          An offset (with a chip only) or a name. A number that
 *                      is no offset of the chip is taken as a name.
 * @param flags         enum isr_line_find_flags
 * @param ret_chip      The chip; end it with isr_chip_unref().
 * @param ret_offset    The line.
 * @param reterr_error  Filled on failure, with near names; may be NULL.
 * @context any (a lock of the simulated chips)
 * @return 0; -EINVAL no line named, or unknown flags; -ENOENT no such line;
 *         -ENOTUNIQ; -EPERM in ISR context; as isr_chip_open().
 * @since 0.1
 */
ISR_API int isr_line_find(const char *chip_spec, const char *line,
			  unsigned int flags, struct isr_chip **ret_chip,
			  uint32_t *ret_offset, struct isr_error *reterr_error);

/**
 * @brief Drive a line of a simulated chip by hand.
 *
 * A change of level is an edge for whoever watches the line, exactly as if a
 * pattern had made it. Patterns of that line go on.
 *
 * @param chip    A simulated chip.
 * @param offset  The line.
 * @param value   Its physical level, 0 or 1.
 * @param t_ns    The edge's time (CLOCK_MONOTONIC); 0: now.
 * @context any (the chip's lock)
 * @return 1 the level changed; 0 it had that level; -EINVAL no such line or
 *         level; -EOPNOTSUPP not a simulated chip; -EPERM in ISR context.
 * @since 0.1
 */
ISR_API int isr_chip_sim_set(struct isr_chip *chip, uint32_t offset, int value,
			     uint64_t t_ns);

/**
 * @brief Set what the next edge's sequence of a simulated line will be; it is
 *        that of all lines of the same request.
 * @param chip      A simulated chip.
 * @param offset    A line that is being watched.
 * @param line_seq  For tests of the wrap at 2^32, and of gaps.
 * @context any (the chip's lock)
 * @return 0; -EINVAL no such line, or nobody watches it; -EOPNOTSUPP; -EPERM
 *         in ISR context.
 * @since 0.1
 */
ISR_API int isr_chip_sim_set_line_seq(struct isr_chip *chip, uint32_t offset,
				      uint32_t line_seq);

ISR_END_DECLS

#endif /* ISRLOOP_CHIP_H */
