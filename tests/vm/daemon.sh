# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
# shellcheck shell=bash
#
# isrloopd and its clients for the scenarios of the kernel ring: sourced by
# them, after scenario.sh. Here too nothing sleeps: what has happened is read
# from what the programs write, and from the daemon's account.

socket=/run/isrloop/io.isrloop
said=/run/isrloopd.said

# daemon_start: with the configuration of standard input.
daemon_start()
{
	local line=

	mkdir -p "${socket%/*}"
	cat >/run/isrloopd.conf
	exec {daemon_output}< <(exec isrloopd --config /run/isrloopd.conf \
		--socket "$socket" 2>&1)
	daemon=$!
	: >"$said"
	while [[ $line != *ready:* ]]; do
		read_line "$daemon_output"
		echo "isrloopd: $line" | tee -a "$said"
	done
}

# daemon_stop: as an administrator would.
daemon_stop()
{
	local status=0

	kill -TERM "$daemon"
	wait "$daemon" || status=$?
	cat <&"$daemon_output" >>"$said"
	expect 'exit status of isrloopd' $status 0
}

# status [JQ-ARGUMENT]... FILTER: ask the daemon for its account.
status()
{
	/usr/bin/python3 -S -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"{\"method\":\"io.isrloop.GetStatus\"}\0")
reply = b""
while not reply.endswith(b"\0"):
    reply += s.recv(65536) or sys.exit("isrloopd hung up")
print(reply[:-1].decode())' "$socket" | jq -c "$@"
}

# client_start NAME [OPTION]...: an isrmon of all lines, of which the initial
# levels have come. Its output goes to the machine's memory, so that the way
# out of the machine does not slow it.
declare -A client
client_start()
{
	local name=$1 out=/run/$1.json

	shift
	: >"$out"
	isrmon --json -I --socket "$socket" "$@" >"$out" &
	client[$name]=$!
	wait_until test -s "$out"
}

# client_has NAME SEQ: it has written the record with the daemon's sequence SEQ.
client_has()
{
	[[ $(tail -n 1 "/run/$1.json") = *"\"seq\":$2,"* ]]
}

# client_has_all NAME: that the daemon has.
client_has_all()
{
	client_has "$1" "$(status .parameters.seq)"
}

# clients_finish NAME...: once each has all that the daemon has, end it, and
# bring its output to the results as NAME.json. Status 4 is isrmon's word for
# losses, which are for the caller to judge.
clients_finish()
{
	local name code

	for name; do
		wait_until client_has_all "$name"
		code=0
		kill -TERM "${client[$name]}"
		wait "${client[$name]}" || code=$?
		[[ $code = 0 || $code = 4 ]] ||
			fail "client $name: exit status $code"
		cp "/run/$name.json" "$ISRLOOP_RESULTS"
	done
}

# daemon_has_read LINE LINE_SEQ: with the kernel's last edge it has them all.
daemon_has_read()
{
	# shellcheck disable=SC2016 # a variable of jq
	[[ $(status --arg line "$1" '.parameters.lines[] |
		select(.name == $line).line_seq') = "$2" ]]
}
