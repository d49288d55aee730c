
# What is above says what was changed: folder, id, tag, each_file, each_folder, each_command.
# Below, nothing is left half-done that a second run does not finish: whatever kills this, start it
# again.
#
#   restore           put the files back, unless that was decided otherwise; then clear away
#   restore boot      the same before any daemon runs that would have to be told
#   restore recover   the same, but a change that waits to be confirmed goes on waiting

set -u
umask 077
unset CDPATH
trap '' HUP PIPE # a terminal or a reader that goes away leaves no files half-way
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C

patience=60 # seconds to wait for who is changing files now
limit=30    # seconds for a command
log_limit=2 # seconds for a line in the log, which whoever reads it may have stopped to do
failed=

say() {
	[ ! "$tag" ] || timeout "$log_limit" logger -t "$tag" -p auth.warning -- "$1" 2>/dev/null
	printf '%s\n' "$1" >&2
}

look_at() { # PATH; sets `now` to its hash, "other" for what is no file, or "absent"
	if [ -f "$1" ] && [ ! -L "$1" ]; then
		now=$(sha256sum <"$1")
		now=${now%% *}
	elif [ -e "$1" ] || [ -L "$1" ]; then
		now=other
	else
		now=absent
	fi
}

# A state is a file that was written beforehand: to enter it takes no space on the disk.
enter() { # STATE
	{ [ "$state" = "$1" ] || mv -fT "next/$1" state; } && sync . next
}

keep_theirs() { # NUMBER PATH HASH
	kept=theirs/$1-$3
	if { ln -fT -- "$2" "$kept" 2>/dev/null || cp --archive -T -- "$2" "$kept"; } &&
		{ [ "$3" = other ] || sync -- "$kept"; } && sync theirs; then
		say "$id: $2 was changed by somebody; that is kept in $folder/$kept"
	else
		say "$id: $2 was changed by somebody, and that could not be kept"
	fi
}

# The old file waits beside the new one (OLD, a link to it), so a full disk does not matter.
replace() { # NUMBER PATH OLD NEW BEFORE
	look_at "$3"
	if [ "$5" = absent ]; then
		rm -f -- "$2"
	elif [ "$now" = "$5" ]; then
		mv -fT -- "$3" "$2"
	else
		rm -f -- "$4" &&
			cp --preserve=all -T -- "before/$1" "$4" &&
			sync -- "$4" &&
			mv -fT -- "$4" "$2"
	fi
}

put_back() { # NUMBER PATH OLD NEW BEFORE AFTER
	look_at "$2"
	if [ "$now" != "$5" ]; then
		[ "$now" = "$6" ] || [ "$now" = absent ] || keep_theirs "$1" "$2" "$now"
		replace "$@" || {
			say "$id: $2 could not be put back"
			failed=yes
		}
	fi
	sync_folder "$2"
}

clear_away() { # NUMBER PATH OLD NEW BEFORE AFTER
	rm -f -- "$3" "$4" || failed=yes
	sync_folder "$2"
}

sync_folder() { # PATH of what is or was in it
	[ ! -d "${1%/*}/" ] || sync -- "${1%/*}/" || failed=yes
}

remove_empty() { # FOLDER
	[ ! -d "$1" ] || ! rmdir -- "$1" 2>/dev/null || sync_folder "$1"
}

# A daemon that is started here must not hold the lock, nor be deaf to what this script is.
run() { # COMMAND...
	(trap - HUP PIPE && umask 022 && exec timeout --kill-after=5 "$limit" "$@") </dev/null >/dev/null 2>&1 9>&- ||
		say "$id: the files are back, but this failed: $*"
}

cd -- "$folder" || exit 1
exec 9<../lock || exit 1
flock --wait "$patience" 9 || {
	say "$id: another process has been changing files for $patience seconds"
	exit 75
}

state=
read -r state <state
[ "$state,${1-}" != applied,recover ] || exit 0
case $state in
prepared)
	enter rolled-back || exit 1
	;;
applying | applied | rolling-back)
	# The files come first: whether it can be written down or not.
	enter rolling-back || say "$id: cannot write down that the files are being put back"
	each_file put_back
	[ ! "$failed" ] || exit 1
	[ "${1-}" = boot ] || each_command run
	enter rolled-back || exit 1
	say "$id: taken back: the files are as they were before"
	;;
confirmed)
	sync . || exit 1
	# Of the transaction that this one took back it says so there.
	if [ "$undoes" ] && [ -e next/undone ] && [ -d "../$undoes" ]; then
		mv -fT next/undone "../$undoes/state" && sync "../$undoes" || exit 1
	fi
	;;
rolled-back | undone) ;;
*)
	say "$id: cannot tell what became of it: there is no state that is one"
	exit 1
	;;
esac

each_file clear_away
each_folder remove_empty
[ ! "$failed" ] || exit 1
[ ! -e disarm ] || sh ./disarm 9>&- || exit 1
rm -rf next && sync .
