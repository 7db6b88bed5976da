# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright the isrloop authors
#
# Follow the output of isrmon --json, record by record: run with jq -n, one
# client's whole output as input. Fails at the first record that is not as
# isrmon(1) says, or that does not follow from the one before; otherwise
# prints an account: for each line what was first, delivered, lost (lost_client
# of it in the daemon's queue), merged, and the kernel's last number.
#
# --argjson closed true: the generator waited for each stamp, so nothing is
# merged, and an edge with an odd number is a rising one, whatever was lost.

def schema:
	[["v", "number"], ["kind", "string"], ["edge", "string|null"],
	["line", "string"], ["name", "string|null"], ["chip", "string"],
	["offset", "number"], ["value", "number|null"], ["t_ns", "number"],
	["clock", "string"], ["realtime_ns", "number|null"],
	["seq", "number|null"], ["line_seq", "number"], ["lost", "number"],
	["lost_at", "string|null"], ["lost_client", "number"],
	["merged", "boolean"], ["debounced", "boolean"],
	["replayed", "boolean"], ["simulated", "boolean"],
	["delta_ns", "number|null"], ["width_ns", "number|null"]];

def names: [schema[][0]];
def types: [schema[][1] | split("|")];

def check(condition; $what; $record):
	if condition then . else error("\($what): \($record)") end;

# Most records look like the one before: types that were good are in .good.
def check_types($r; $is; $types):
	check([$is, $types] | transpose
		| all(. as [$is, $may] | $may | index($is)); "types"; $r)
	| .good = $is;

def check_form($r; $names; $types):
	check(($r | keys_unsorted) == $names; "fields"; $r)
	| [$r[] | type] as $is
	| if $is == .good then . else check_types($r; $is; $types) end
	| check($r.v == 1; "version"; $r)
	| check(($r.kind == "edge") == ($r.edge != null); "edge"; $r)
	| check(($r.kind == "lost") == ($r.value == null); "value"; $r)
	| check(($r.lost > 0) == ($r.lost_at != null); "lost_at"; $r)
	| check($r.lost_client <= $r.lost; "lost_client"; $r)
	| check($r.simulated or $r.debounced or $r.replayed | not;
		"a real edge, live"; $r);

# What an edge must be after the record before it, $l.
def check_edge($r; $l):
	check($r.value == (if $r.edge == "rising" then 1 else 0 end);
		"level of the edge"; $r)
	| check($r.line_seq == $l.line_seq + $r.lost + 1;
		"gap of line_seq is not what was lost"; $r)
	| check($r.t_ns >= $l.t_ns; "time goes back"; $r)
	| check($r.lost > 0 or $r.merged == ($r.edge == $l.edge);
		"merged is: the same edge again, with nothing lost"; $r)
	| if $closed then
		check($r.merged | not; "merged"; $r)
		| check($r.value == $r.line_seq % 2; "edge of this number"; $r)
	else . end;

def check_lost($r; $l):
	check($r.lost > 0; "nothing lost"; $r)
	| check($r.line_seq == $l.line_seq + $r.lost;
		"gap of line_seq is not what was lost"; $r);

def initial($r):
	{first: $r.line_seq, line_seq: $r.line_seq, t_ns: $r.t_ns, edge: null,
	delivered: 0, lost: 0, lost_client: 0, merged: 0};

def follow($r):
	.lost += $r.lost
	| .lost_client += $r.lost_client
	| .line_seq = $r.line_seq
	| .t_ns = $r.t_ns
	| .edge = $r.edge
	| if $r.merged then .merged += 1 else . end
	| if $r.kind == "edge" then .delivered += 1 else . end;

names as $names | types as $types
| reduce inputs as $r ({seq: null, lines: {}};
	check_form($r; $names; $types)
	| .lines[$r.line] as $l
	| if $r.kind == "initial" then
		check($l == null; "a second initial record"; $r)
		| .lines[$r.line] = initial($r)
	else
		check($l != null; "no initial record before"; $r)
		| if $r.kind == "edge" then check_edge($r; $l)
		elif $r.kind == "lost" then check_lost($r; $l)
		else error("kind: \($r)") end
		| check(.seq == null or $r.seq == null or $r.seq > .seq;
			"seq does not grow"; $r)
		| .seq = $r.seq
		| .lines[$r.line] |= follow($r)
	end)
| .lines
