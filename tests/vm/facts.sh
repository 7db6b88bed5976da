# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=bash
#
# Facts that the kernel ring checks, counted: sourced by scenario.sh and by
# the verify-NAME scripts. The last line, "NAME: N passed, 0 failed", is what
# tests/vm/run adds up; the fact that fails is the last one.

facts=0
facts_name=${0##*/}
trap facts_print EXIT

facts_print()
{
	[[ $facts -eq 0 ]] || echo "$facts_name: $facts passed, 0 failed"
}

note()
{
	echo "# $*"
}

fail()
{
	echo "failed: $*"
	exit 1
}

# pass WHAT: one more, which the caller has looked at.
pass()
{
	echo "$*"
	facts=$((facts + 1))
}

# expect WHAT GOT WANTED
expect()
{
	[[ $2 = "$3" ]] || fail "$1: $2, not $3"
	pass "$1: $2"
}
