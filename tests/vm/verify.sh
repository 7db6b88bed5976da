# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=bash
#
# Sourced first by tests/vm/verify-NAME, which looks at what scenario-NAME has
# left in ISRLOOP_RESULTS: outside of the machine, where jq is not emulated.

set -euo pipefail

. "$ISRLOOP_SOURCE/tests/vm/facts.sh"
cd "$ISRLOOP_RESULTS"

# follow CLOSED CLIENT...: each record of these clients, into CLIENT.account.
# CLOSED is true or false, see records.jq.
follow()
{
	local closed=$1 name
	local -A pid=()

	shift
	for name; do
		jq -n -c --argjson closed "$closed" \
			-f "$ISRLOOP_SOURCE/tests/vm/records.jq" \
			"$name.json" >"$name.account" &
		pid[$name]=$!
	done
	for name; do
		wait "${pid[$name]}" || fail "client $name: a bad record"
		expect "client $name: all records in order and well-formed" \
			"$(wc -l <"$name.account")" 1
	done
}

# account CLIENT LINE FIELD...: the sum of these fields.
account()
{
	local file=$1.account line=$2

	shift 2
	# shellcheck disable=SC2016 # variables of jq
	jq --arg line "$line" '[.[$line][$ARGS.positional[]]] | add' \
		"$file" --args "$@"
}

# generated LINE: edges made on it.
generated()
{
	jq -s --arg line "$1" \
		'[.[].lines[] | select(.line == $line).edges] | add' \
		generated.json
}

# daemon_account LINE FIELD: what isrloopd says.
daemon_account()
{
	jq --arg line "$1" --arg field "$2" \
		'.lines[] | select(.name == $line) | .[$field]' status.json
}
