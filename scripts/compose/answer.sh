# Sourced. `confirm WORD` goes on when the person at the terminal types the word, or where YES=1 says so;
# without a terminal it fails and names the way.
confirm() {
  [ "${YES:-}" != 1 ] || return 0
  if [ ! -t 0 ]; then echo 'Nobody to ask: YES=1 does it without asking. Nothing was changed.' >&2; exit 1; fi
  printf 'Type %s to go on: ' "$1"
  read -r answer
  if [ "$answer" != "$1" ]; then echo 'Nothing was changed.'; exit 1; fi
}
