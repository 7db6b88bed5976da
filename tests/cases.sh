# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=sh
#
# What every test script needs: cases that are counted. Sourced. The last
# line, "NAME: N passed, N failed, N skipped", is what scripts/check adds up.

set -u
cases_name=${0##*/}
cases_passed=0
cases_failed=0
cases_skipped=0

# t NAME COMMAND...: one case; its output is shown when it fails. 77: skipped.
t() {
	cases_what=$1
	shift
	cases_out=$("$@" 2>&1)
	case $? in
	0)
		echo "ok: $cases_what"
		cases_passed=$((cases_passed + 1))
		;;
	77)
		echo "skipped: $cases_what: $cases_out"
		cases_skipped=$((cases_skipped + 1))
		;;
	*)
		echo "FAILED: $cases_what"
		echo "$cases_out" | sed 's/^/    /'
		cases_failed=$((cases_failed + 1))
		;;
	esac
}

# catches PID NUMBER: it has a handler for that signal.
catches() {
	cases_mask=$(sed -n 's/^SigCgt:[^0-9a-f]*//p' "/proc/$1/status" 2>&-)
	[ $((0x${cases_mask:-0} >> ($2 - 1) & 1)) -eq 1 ]
}

# end PID [INT]: by SIGTERM, or that, which it handles. The thread sanitizer's
# own handler may keep a signal that comes just before a blocking call, and
# hand it on only with the next one.
end() {
	case ${2-TERM} in
	INT) cases_signal=2 ;;
	*) cases_signal=15 ;;
	esac
	kill -s "${2-TERM}" "$1"
	[ "${ISR_SANITIZER-}" = thread ] || return 0
	cases_tries=0
	while catches "$1" $cases_signal; do
		sleep 0.1
		cases_tries=$((cases_tries + 1))
		[ $((cases_tries % 200)) -ne 0 ] || kill -s "${2-TERM}" "$1"
	done
}

# Print the counts and exit as they say. No case at all is a failure.
finish() {
	echo "$cases_name: $cases_passed passed, $cases_failed failed," \
		"$cases_skipped skipped"
	test "$cases_failed" -eq 0 || exit 1
	test "$cases_passed" -gt 0 && exit 0
	test "$cases_skipped" -gt 0 && exit 77
	exit 1
}
