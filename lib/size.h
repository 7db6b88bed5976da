/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * F0: configurations that a program hands in begin with their size, so that
 * later versions can have more members.
 */
#ifndef ISRI_SIZE_H
#define ISRI_SIZE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/*
 * 0 when config, which says that it has sz bytes, can be read as known_sz
 * bytes; -EINVAL when it is shorter; -E2BIG when something is asked for that
 * this version does not know.
 */
static inline int isri_check_size(const void *config, size_t sz,
				  size_t known_sz)
{
	const unsigned char *bytes = config;
	size_t i;

	if (sz < known_sz)
		return -EINVAL;
	for (i = known_sz; i < sz; i++)
		if (bytes[i])
			return -E2BIG;
	return 0;
}

/* Its reserved members, n of them: 0; -E2BIG as above. */
static inline int isri_check_reserved(const uint64_t *reserved, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (reserved[i])
			return -E2BIG;
	return 0;
}

#endif /* ISRI_SIZE_H */
