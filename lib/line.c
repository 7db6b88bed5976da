/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F2: finding a line by offset or name, on one chip or on all of them.
 *
 * Whoever cannot find it is told what there is instead: near names, the
 * names that the chip has, or why chips could not be looked at.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chip.h"
#include "error.h"
#include "near.h"

struct search {
	const char *name;
	unsigned int flags;
	/* The first match. */
	struct isr_chip *chip;
	uint32_t offset;
	unsigned int num_matches;
	unsigned int num_chips;
	char where[160]; /* the matches, as text */
	char known[160]; /* some of the names that there are */
	struct isri_near near;
	/* Of the first chip that could not be opened; 0: none. */
	struct isr_error refused;
};

/* Appends to a list of words; what does not fit becomes "...". */
static void __attribute__((format(printf, 3, 4)))
append(char *list, size_t size_bytes, const char *format, ...)
{
	size_t len = strlen(list);
	char word[2 * ISR_NAME_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(word, sizeof(word), format, args);
	va_end(args);

	if (len + strlen(word) + sizeof(", , ...") <= size_bytes)
		sprintf(list + len, "%s%s", len ? ", " : "", word);
	else if (len < 3 || strcmp(list + len - 3, "..."))
		sprintf(list + len, "%s...", len ? ", " : "");
}

static int parse_offset(const char *s, uint32_t *ret_offset)
{
	unsigned long offset;
	char *end;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	offset = strtoul(s, &end, 10);
	if (errno || *end || offset > UINT32_MAX)
		return -EINVAL;
	*ret_offset = offset;
	return 0;
}

static void search_found(struct search *s, struct isr_chip *chip,
			 uint32_t offset)
{
	if (s->num_matches++ == 0) {
		s->chip = isr_chip_ref(chip);
		s->offset = offset;
	}
	append(s->where, sizeof(s->where), "%s line %u", chip->name, offset);
}

static bool search_goes_on(const struct search *s)
{
	return s->num_matches == 0 || (s->flags & ISR_LINE_FIND_STRICT);
}

static int search_chip(struct search *s, struct isr_chip *chip)
{
	struct isr_line_info info;
	uint32_t i;
	int r;

	s->num_chips++;
	for (i = 0; i < chip->num_lines && search_goes_on(s); i++) {
		r = isr_chip_get_line_info(chip, i, &info);
		if (r < 0)
			return r;
		if (!strcmp(info.name, s->name)) {
			search_found(s, chip, i);
			continue;
		}
		isri_near_offer(&s->near, s->name, info.name);
		if (*info.name)
			append(s->known, sizeof(s->known), "%s", info.name);
	}
	return 0;
}

/*
 * A chip that cannot be looked at does not end the search: the line may be
 * on another one. It is told when the line is nowhere.
 */
static int search_all(struct search *s)
{
	char **specs;
	int i, r;

	r = isr_chip_list(&specs);
	if (r < 0)
		return r;
	for (i = 0; specs[i] && search_goes_on(s); i++) {
		struct isr_chip *chip;
		struct isr_error error;

		r = isr_chip_open(specs[i], &chip, &error);
		if (r >= 0) {
			r = search_chip(s, chip);
			if (r < 0)
				isri_error_set(&error, r, "chip %s: %s",
					       specs[i], strerror(-r));
			isr_chip_unref(chip);
		}
		if (r < 0 && !s->refused.code)
			s->refused = error;
	}
	isr_chip_list_free(specs);
	return 0;
}

static int explain_not_on_chip(const struct search *s,
			       const struct isr_chip *chip,
			       struct isr_error *reterr_error)
{
	char hint[ISRI_NEAR_MAX * (ISRI_NEAR_NAME_BYTES + 4) + 32];
	uint32_t offset;

	if (!(s->flags & ISR_LINE_FIND_BY_NAME) &&
	    parse_offset(s->name, &offset) == 0)
		snprintf(hint, sizeof(hint), "; its offsets are 0 to %u",
			 chip->num_lines - 1);
	else if (s->near.num)
		isri_near_format(&s->near, hint, sizeof(hint));
	else if (*s->known)
		snprintf(hint, sizeof(hint), "; its lines are %s", s->known);
	else
		snprintf(hint, sizeof(hint),
			 "; its lines have no names, use an offset (0 to %u)",
			 chip->num_lines - 1);
	return isri_error_set(reterr_error, -ENOENT,
			      "%s [%s] has no line \"%s\"%s", chip->name,
			      chip->label, s->name, hint);
}

static int explain_not_on_any(const struct search *s,
			      struct isr_error *reterr_error)
{
	char hint[ISRI_NEAR_MAX * (ISRI_NEAR_NAME_BYTES + 4) + 32];
	uint32_t offset;

	if (s->refused.code)
		return isri_error_set(reterr_error, s->refused.code,
				      "line \"%s\" not found; %s", s->name,
				      s->refused.message);
	if (!s->num_chips)
		return isri_error_set(reterr_error, -ENODEV,
				      "line \"%s\": no GPIO chips on this "
				      "machine; try chip sim:",
				      s->name);

	if (s->near.num)
		isri_near_format(&s->near, hint, sizeof(hint));
	else if (parse_offset(s->name, &offset) == 0)
		snprintf(hint, sizeof(hint),
			 "; if it is an offset, give the chip as well");
	else if (*s->known)
		snprintf(hint, sizeof(hint), "; there are %s", s->known);
	else
		snprintf(hint, sizeof(hint),
			 "; no line has a name, use chip and offset");
	return isri_error_set(reterr_error, -ENOENT,
			      "no chip has a line \"%s\"%s", s->name, hint);
}

static int search_end(struct search *s, const struct isr_chip *chip,
		      struct isr_chip **ret_chip, uint32_t *ret_offset,
		      struct isr_error *reterr_error)
{
	if (s->num_matches == 0 && chip)
		return explain_not_on_chip(s, chip, reterr_error);
	if (s->num_matches == 0)
		return explain_not_on_any(s, reterr_error);
	if (s->num_matches > 1) {
		isr_chip_unref(s->chip);
		return isri_error_set(reterr_error, -ENOTUNIQ,
				      "line name \"%s\" is not unique: %s; "
				      "give chip and offset",
				      s->name, s->where);
	}
	*ret_chip = s->chip;
	*ret_offset = s->offset;
	return 0;
}

static int find_on_chip(struct search *s, const char *spec,
			struct isr_chip **ret_chip, uint32_t *ret_offset,
			struct isr_error *reterr_error)
{
	struct isr_chip *chip;
	uint32_t offset;
	int r;

	r = isr_chip_open(spec, &chip, reterr_error);
	if (r < 0)
		return r;

	/* A number that is no offset may still be a name. */
	if (!(s->flags & ISR_LINE_FIND_BY_NAME) &&
	    parse_offset(s->name, &offset) == 0 && offset < chip->num_lines) {
		*ret_chip = chip;
		*ret_offset = offset;
		return 0;
	}

	r = search_chip(s, chip);
	if (r < 0) {
		isr_chip_unref(s->chip);
		isri_error_set(reterr_error, r, "chip %s: %s", chip->name,
			       strerror(-r));
	} else {
		r = search_end(s, chip, ret_chip, ret_offset, reterr_error);
	}
	isr_chip_unref(chip);
	return r;
}

int isr_line_find(const char *chip_spec, const char *line, unsigned int flags,
		  struct isr_chip **ret_chip, uint32_t *ret_offset,
		  struct isr_error *reterr_error)
{
	struct search s = {.name = line, .flags = flags};
	int r;

	r = isri_error_refuse_isr(reterr_error, __func__);
	if (r < 0)
		return r;
	if (!ret_chip || !ret_offset || !line || !*line)
		return isri_error_set(reterr_error, -EINVAL,
				      "no line given; name one, or give its "
				      "offset and chip");
	if (flags & ~(ISR_LINE_FIND_BY_NAME | ISR_LINE_FIND_STRICT))
		return isri_error_set(reterr_error, -EINVAL,
				      "line \"%s\": unknown flags", line);
	if (chip_spec)
		return find_on_chip(&s, chip_spec, ret_chip, ret_offset,
				    reterr_error);

	r = search_all(&s);
	if (r < 0)
		return isri_error_set(reterr_error, r,
				      "line \"%s\": cannot list the chips: %s",
				      line, strerror(-r));
	return search_end(&s, NULL, ret_chip, ret_offset, reterr_error);
}
