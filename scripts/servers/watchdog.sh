#!/bin/sh
# Ends what a program has started once that program is gone, however it went. See watchdog.ts.
#   watchdog.sh <directory to remove> <node> <docker-child.ts>
# Reads from standard input: "process <signal> <group>", "ended <group>", "container <id>".
# The end of the input is the end of the program: kill -9 closes a pipe too.
directory=$1 node=$2 docker=$3
processes='' containers=''

while read -r verb first second; do
  case $verb in
    process) processes="$processes $first:$second" ;;
    container) containers="$containers $first" ;;
    ended)
      kept=''
      for entry in $processes; do [ "${entry#*:}" = "$first" ] || kept="$kept $entry"; done
      processes=$kept ;;
  esac
done

signal_all() { # <signal>, or the one that each entry names
  for entry in $processes; do kill -s "${1:-${entry%%:*}}" -- "-${entry#*:}" 2>/dev/null; done
}
alive() { # <group>; a zombie has ended, though whoever has to collect it may take seconds
  kill -s 0 -- "-$1" 2>/dev/null || return 1
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  case $stat in *') Z '*) return 1 ;; esac
}
any_alive() {
  for entry in $processes; do alive "${entry#*:}" && return 0; done
  return 1
}
up_to() { # <tries> <command ...>, every 50 ms until it succeeds
  tries=$1
  shift
  until "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.05
  done
}
none_alive() { ! any_alive; }
removed() { rm -rf -- "$directory" 2>/dev/null; } # fails while a process that dies still writes there

signal_all
signal_all CONT # a stopped process takes its signal only then
up_to 100 none_alive
signal_all KILL

failed=0
# shellcheck disable=SC2086 # names have no spaces
[ -z "$containers" ] || "$node" "$docker" remove $containers || failed=1
up_to 40 removed || failed=1
exit $failed
