# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=bash
#
# Sourced first by each scenario of the kernel ring, tests/vm/scenario-NAME.
#
# A scenario is an executable that runs alone in a virtual machine, as root.
# Its exit status is its verdict; there is no skipping. It finds in
#
#   ISRLOOP_SOURCE   the source tree
#   ISRLOOP_BUILD    the build tree; what was built there comes first in PATH
#   ISRLOOP_RESULTS  a folder whose contents outlive the machine
#
# What it prints is kept, and shown when it fails; what it prints with note()
# is always shown. What it checks with expect() is counted, see facts.sh.
#
# An executable verify-NAME beside it runs afterwards, outside of the machine
# and with the same variables: see verify.sh.

set -euo pipefail

. "$ISRLOOP_SOURCE/tests/vm/facts.sh"
. "$ISRLOOP_SOURCE/tests/vm/chip.sh"

# The programs themselves, not libtool's wrappers: a signal sent to a wrapper
# that has not yet become the program would be lost.
for folder in tests daemon tools; do
	PATH=$ISRLOOP_BUILD/$folder/.libs:$ISRLOOP_BUILD/$folder:$PATH
done
export PATH LD_LIBRARY_PATH=$ISRLOOP_BUILD/lib/.libs

# Nothing that is waited for takes that long, even emulated on a busy machine.
wait_limit_s=60

# wait_until COMMAND [ARGUMENT]...: for what cannot be blocked on. Asking again
# and again must not slow what is waited for: that is done at the lowest
# priority.
wait_until()
{
	local end=$((SECONDS + wait_limit_s))

	! "$@" || return 0
	renice -n 19 $$ >/dev/null
	until "$@"; do
		((SECONDS < end)) || break
	done
	renice -n 0 $$ >/dev/null
	# An answer that came that slowly may have been out of date.
	((SECONDS < end)) || "$@" || fail "never came true: $*"
}

# process_is STATE PID: STATE as in proc(5).
process_is()
{
	local stat

	# Not $(<...): where that fails set -e ends the scenario, even here.
	{ IFS= read -r stat <"/proc/$2/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	[[ ${stat%% *} = "$1" ]]
}

# threads_are STATE PID...: each of theirs.
threads_are()
{
	local state=$1 pid task

	shift
	for pid; do
		for task in "/proc/$pid/task"/*; do
			process_is "$state" "${task##*/}" || return 1
		done
	done
}

# switches PID...: context switches, voluntary or not, thread by thread.
switches()
{
	local pid

	for pid; do
		grep -H '_ctxt_switches' "/proc/$pid/task"/*/status
	done
}

# rest PID...: no thread of theirs runs for a while. That all are asleep when
# they are looked at one by one tells less: one may wake another.
rest()
{
	local before

	before=$(switches "$@")
	sleep 3
	[[ $before = "$(switches "$@")" ]]
}

# read_line FD: the next line, in $line.
read_line()
{
	read -r -t "$wait_limit_s" -u "$1" line || fail 'an output ended early'
}

# edges CHIP LINE... -- OPTION...: run edge-gen on these lines.
edges()
{
	local chip=$1
	local -a pulls=()

	shift
	while [[ $1 != -- ]]; do
		pulls+=(--pull "$1=$(chip_pull "$chip" "$1")")
		shift
	done
	shift
	edge-gen "${pulls[@]}" "$@"
}
