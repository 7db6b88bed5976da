/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copyright the isrloop authors */
/*
 * Chips by spec, on any machine: with GPIO chips or none. What needs a real
 * one is tested in the kernel ring.
 */
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chip-gpiod-error.h"
#include "chip.h"
#include "xt.h"

/* Open must fail, and must not write its result. */
static struct isr_error open_fails(const char *spec, int expected)
{
	struct isr_chip *chip = (struct isr_chip *)&chip;
	struct isr_error error = {0};

	ck_assert_int_eq(isr_chip_open(spec, &chip, &error), expected);
	ck_assert_int_eq(error.code, expected);
	ck_assert_ptr_eq(chip, (struct isr_chip *)&chip);
	return error;
}

START_TEST(chip_denied_names_the_group_to_join)
{
	/* Root's own group would not help; any other does, by name. */
	gid_t gid = getgid() ? getgid() : 1;
	struct group *group = getgrgid(gid);
	struct passwd *user = getpwuid(geteuid());
	char path[] = "test-chip-XXXXXX";
	char expected[200];
	struct isr_error error;
	int fd;

	fd = mkstemp(path);
	ck_assert_int_eq(fchown(fd, (uid_t)-1, gid), 0);
	ck_assert_int_eq(fchmod(fd, 0660), 0);
	ck_assert_ptr_nonnull(group);

	ck_assert_int_eq(isri_chip_gpiod_explain_open(path, -EACCES, &error),
			 -EACCES);

	snprintf(expected, sizeof(expected), "group %s: sudo adduser %s %s,",
		 group->gr_name, user ? user->pw_name : "USER", group->gr_name);
	ck_assert_msg(strstr(error.message, expected) != NULL, "%s",
		      error.message);
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(chip_open_refuses_no_spec)
{
	open_fails(NULL, -EINVAL);
	open_fails("", -EINVAL);
	xt_fails_with(EINVAL, isr_chip_open("sim:", NULL, NULL));
}
END_TEST

START_TEST(chip_open_names_a_missing_chip_and_a_way_out)
{
	struct isr_error error = open_fails("no-such-label", -ENODEV);

	ck_assert_ptr_nonnull(strstr(error.message, "\"no-such-label\""));
	ck_assert(strstr(error.message, "try sim:") ||
		  strstr(error.message, "this machine has"));
}
END_TEST

START_TEST(chip_open_takes_a_number_as_that_gpiochip)
{
	struct isr_error error = open_fails("99999", -ENODEV);

	ck_assert_ptr_nonnull(strstr(error.message, "99999"));
}
END_TEST

START_TEST(chip_open_refuses_a_path_that_is_no_chip)
{
	struct isr_error error = open_fails("/dev/null", -ENODEV);

	ck_assert_str_eq(error.message, "/dev/null is not a GPIO chip");
}
END_TEST

START_TEST(chip_open_names_a_path_that_does_not_exist)
{
	struct isr_error error = open_fails("/dev/no/such", -ENODEV);

	ck_assert_ptr_nonnull(strstr(error.message, "/dev/no/such"));
}
END_TEST

START_TEST(chip_open_says_what_this_version_has_not)
{
	struct isr_error error = open_fails("replay:x.rec", -EOPNOTSUPP);

	ck_assert_ptr_nonnull(strstr(error.message, "replay:x.rec"));
	open_fails("isrloopd:", -EOPNOTSUPP);
}
END_TEST

START_TEST(chip_list_gives_specs_that_end)
{
	char **specs;
	int i, num;

	num = isr_chip_list(&specs);
	xt_ok(num);

	for (i = 0; i < num; i++)
		ck_assert_ptr_nonnull(specs[i]);
	ck_assert_ptr_null(specs[num]);
	isr_chip_list_free(specs);
	isr_chip_list_free(NULL);
	xt_fails_with(EINVAL, isr_chip_list(NULL));
}
END_TEST

START_TEST(chip_unref_takes_null)
{
	ck_assert_ptr_null(isr_chip_unref(NULL));
	ck_assert_ptr_null(isr_chip_ref(NULL));
}
END_TEST

START_TEST(chip_fifo_depth_is_the_kernel_s)
{
	ck_assert_uint_eq(isri_chip_fifo_events(0), 1024);
	ck_assert_uint_eq(isri_chip_fifo_events(1), 16);
	ck_assert_uint_eq(isri_chip_fifo_events(16), 16);
	ck_assert_uint_eq(isri_chip_fifo_events(17), 32);
	ck_assert_uint_eq(isri_chip_fifo_events(48), 64);
	ck_assert_uint_eq(isri_chip_fifo_events(1000), 1024);
	ck_assert_uint_eq(isri_chip_fifo_events(1025), 1024);
	ck_assert_uint_eq(isri_chip_fifo_events(UINT32_MAX), 1024);
}
END_TEST

static struct isr_error find_fails(const char *spec, const char *line,
				   unsigned int flags, int expected)
{
	struct isr_chip *chip = (struct isr_chip *)&chip;
	struct isr_error error = {0};
	uint32_t offset = 4711;

	ck_assert_int_eq(
		isr_line_find(spec, line, flags, &chip, &offset, &error),
		expected);
	ck_assert_int_eq(error.code, expected);
	ck_assert_ptr_eq(chip, (struct isr_chip *)&chip);
	ck_assert_uint_eq(offset, 4711);
	return error;
}

START_TEST(line_find_refuses_bad_arguments)
{
	find_fails("sim:", NULL, 0, -EINVAL);
	find_fails("sim:", "", 0, -EINVAL);
	find_fails("sim:", "X", 1 << 7, -EINVAL);
}
END_TEST

START_TEST(line_find_says_that_no_chip_has_the_line)
{
	struct isr_chip *chip;
	struct isr_error error;
	uint32_t offset;
	int r;

	/* -ENODEV where there is no chip at all. */
	r = isr_line_find(NULL, "no such line", 0, &chip, &offset, &error);

	ck_assert(r == -ENOENT || r == -ENODEV);
	ck_assert_ptr_nonnull(strstr(error.message, "\"no such line\""));
}
END_TEST

START_TEST(line_find_hands_on_the_chip_s_error)
{
	struct isr_error error = find_fails("no-such-label", "X", 0, -ENODEV);

	ck_assert_ptr_nonnull(strstr(error.message, "no-such-label"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("chip");
	TCase *tc = xt_case(suite, "open");

	tcase_add_test(tc, chip_denied_names_the_group_to_join);
	tcase_add_test(tc, chip_open_refuses_no_spec);
	tcase_add_test(tc, chip_open_names_a_missing_chip_and_a_way_out);
	tcase_add_test(tc, chip_open_takes_a_number_as_that_gpiochip);
	tcase_add_test(tc, chip_open_refuses_a_path_that_is_no_chip);
	tcase_add_test(tc, chip_open_names_a_path_that_does_not_exist);
	tcase_add_test(tc, chip_open_says_what_this_version_has_not);
	tcase_add_test(tc, chip_list_gives_specs_that_end);
	tcase_add_test(tc, chip_unref_takes_null);
	tcase_add_test(tc, chip_fifo_depth_is_the_kernel_s);

	tc = xt_case(suite, "line");
	tcase_add_test(tc, line_find_refuses_bad_arguments);
	tcase_add_test(tc, line_find_says_that_no_chip_has_the_line);
	tcase_add_test(tc, line_find_hands_on_the_chip_s_error);
	return xt_main(suite);
}
