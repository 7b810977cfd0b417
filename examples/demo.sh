#!/usr/bin/env bash
# The main job, live: boots Quintet in a throw-away place and shows four things, with the time each takes.
#
#   just demo              (or: cargo build --release && examples/demo.sh)
#   DEMO_KEEP=1 just demo  leaves the place running, and says how to look around in it
#
# As root the place is a set of private namespaces: nothing of this machine's /etc, /run or network is touched. As an
# ordinary user it is a private directory, and the network device of step 2 comes from a recording (examples/gamelink0.jsonl),
# since making one takes rights. Every line marked with a tick was checked; the first one that does not hold ends the demo
# with status 1 and Quintet's log.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$here")
place=$repository/integration-tests/place
QUINTET_BIN=$(readlink -f "${QUINTET_BIN:-${CARGO_TARGET_DIR:-$repository/target}/release}")
export QUINTET_BIN

bold='' dim='' green='' red='' plain=''
if [[ -t 1 ]]; then bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'; fi
now() { echo "${EPOCHREALTIME/[.,]/}"; } # µs
milliseconds() { printf '%d.%d ms' $(($1 / 1000)) $(($1 / 100 % 10)); }
since() { milliseconds $(($(now) - $1)); }
begin=$(now)
heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '  %s%s%s\n' "$dim" "$*" "$plain"; }
good() { printf '  %s✓%s %s\n' "$green" "$plain" "$*"; }
bad() {
  printf '  %s✗ %s%s\n' "$red" "$*" "$plain"
  printf '\nQuintet'"'"'s log:\n'; tail -n 60 "$dir/.place/log" | sed 's/^/    /'
  exit 1
}
# show CMD...: a command as the user would type it, and what it prints
show() { printf '  $ %s\n' "$*"; "$@" 2>&1 | sed 's/^/    /'; }

# --- the place ----------------------------------------------------------------------------------------------------------
dir=$(mktemp -d /tmp/quintet-demo-XXXXXX)
chmod 755 "$dir" # with --user, another user looks in
finish() {
  local status=$?
  if [[ ${DEMO_KEEP:-0} == 1 && $status == 0 ]]; then
    printf '\nThe place still runs. Look around in it, then end it:\n  %s run %s bash\n  %s stop %s\n' "$place" "$dir" "$place" "$dir"
    return
  fi
  "$place" stop "$dir" || true
  rm -rf "$dir"
}
trap finish EXIT

root=0
if [[ $(id -u) == 0 ]] && unshare --mount --pid --net --fork true 2>/dev/null; then root=1; fi
mkdir -p "$dir"/{units,bin,config}
cp "$here"/units/* "$dir/units/"
cp "$here/gamelink.sh" "$dir/bin/"
if [[ $root == 1 ]]; then
  flags=(--udev) user=() bin=/usr/local/bin
else
  if [[ $(id -u) == 0 ]]; then
    echo "Root, but without the right to make namespaces: run the demo as an ordinary user instead (su - USER)." >&2
    exit 1
  fi
  flags=() user=(--user) bin=$QUINTET_BIN
  # No root, so nothing is in /usr/local/bin: the units name the build's programs.
  sed -i "s|/usr/local/bin/gamelink.sh|$dir/bin/gamelink.sh|; s|/usr/local/bin|$bin|" "$dir"/units/*.service
  mkdir -p "$dir/config/quintet"
  echo 'allow_replay = true' >"$dir/config/quintet/device-watcher.toml"
fi
inside() { "$place" run "$dir" "$@"; }
systemctl() { inside systemctl "${user[@]}" "$@"; }
property() { systemctl show -p "$2" --value -- "$1"; }
state() { systemctl show -p ActiveState,SubState -- "$1" | sed 's/^[^=]*=//' | paste -sd/; }
wait_state() { # UNIT ACTIVE/SUB: polls up to 10 s
  local try have=''
  for try in $(seq 400); do
    have=$(state "$1"); [[ $have == "$2" ]] && return
    sleep 0.02
  done
  bad "$1 should be $2, and is $have"
}
# greet: one connection; sets took, and fails unless the server says hello
# shellcheck disable=SC2016 # for the inner shell
greet() {
  local line
  line=$(inside bash -c 'begin=${EPOCHREALTIME/[.,]/}
    exec 3<>/dev/tcp/localhost/3233 && IFS= read -r -t 10 line <&3
    echo "$((${EPOCHREALTIME/[.,]/} - begin)) $line"' 2>/dev/null) || return 1
  took=$(milliseconds "${line%% *}")
  [[ ${line#* } == 'Hello from the server!' ]]
}
# started_after UNIT BEGIN: time from BEGIN (µs) to the start of the unit's main process
started_after() {
  local at
  at=$(systemctl show -p ExecMainStartTimestamp --value --timestamp=us -- "$1")
  milliseconds $(($(date -d "$at" +%s%6N) - $2))
}

if [[ $root == 1 ]]; then
  heading "Booting Quintet as PID 1 of private namespaces ($dir)"
else
  heading "Booting Quintet as user $(id -un) in a private directory ($dir)"
fi
start=$(now)
"$place" start "${flags[@]}" "$dir"
good "$(systemctl show -p SystemState --value): after $(since "$start")"
for daemon in quintet unit-broker device-watcher socket-activator process-supervisor; do
  note "$(printf '%-19s PID %s' "$daemon" "$("$place" daemon "$dir" "$daemon")")"
done

# --- 1 ------------------------------------------------------------------------------------------------------------------
heading "1. A connection starts a server"
systemctl start my_server.socket
[[ $(state my_server.socket) == active/listening ]] || bad "my_server.socket should listen"
[[ $(property my_server.service MainPID) == 0 ]] || bad "no server should run yet"
good "my_server.socket listens on port 3233; no server process exists"
greet || bad "the first connection should be greeted"
good "first connection: \"Hello from the server!\" after $took"
pid=$(property my_server.service MainPID)
[[ $pid != 0 ]] || bad "a server should run now"
greet || bad "the second connection should be greeted"
good "second connection: the same server, PID $pid, after $took"
systemctl stop my_server.service 2>/dev/null
wait_state my_server.socket active/listening
good "the service is stopped, the socket still listens"
show systemctl list-sockets --no-pager --no-legend

# --- 2 ------------------------------------------------------------------------------------------------------------------
device=sys-subsystem-net-devices-gamelink0.device
heading "2. A network device starts a service, and stops it"
if [[ $root == 1 ]]; then
  plug() { inside ip link add gamelink0 type veth peer name gamelink0p; }
  unplug() { inside ip link del gamelink0; }
else
  note "making network devices takes rights: the events come from a recording, examples/gamelink0.jsonl"
  replay() { grep "\"action\":\"$1\"" "$here/gamelink0.jsonl" | inside "$bin/device-watcher" replay --no-wait -; }
  plug() { replay add; }
  unplug() { replay remove; }
fi
show systemctl enable gamelink.service
[[ $root == 1 ]] || systemctl daemon-reload
start=$(now)
plug
wait_state gamelink.service active/running
good "plugged in: gamelink.service was started $(started_after gamelink.service "$start") after the command that plugs"
show systemctl list-units --no-pager --no-legend --plain --type=device '*gamelink0*'
[[ $(state $device) == active/plugged ]] || bad "$device should be plugged"
unplug
wait_state gamelink.service inactive/dead
wait_state $device inactive/dead
good "unplugged: gamelink.service is stopped"

# --- 3 ------------------------------------------------------------------------------------------------------------------
heading "3. A service that crashes is started again, up to a limit"
start=$(now)
systemctl start crashy.service 2>/dev/null || true
wait_state crashy.service failed/failed
good "crashy.service: started $(property crashy.service NRestarts) times again, then failed, after $(since "$start")"
show systemctl status crashy.service --no-pager --lines=0 || true
systemctl start clean.service
wait_state clean.service inactive/dead
sleep 0.3
[[ $(property clean.service NRestarts) == 0 ]] || bad "clean.service should not be started again"
good "clean.service ended well, and Restart=on-failure left it at that"

# --- 4 ------------------------------------------------------------------------------------------------------------------
heading "4. kill -9 of every daemon, while a service runs and clients connect"
# shellcheck disable=SC2016 # for the inner shell
hammer='good=0; for i in $(seq 100); do
  if exec 3<>/dev/tcp/localhost/3233 && IFS= read -r -t 10 line <&3 && [[ $line == "Hello from the server!" ]]; then good=$((good + 1)); fi
  exec 3>&-; sleep 0.01; done 2>/dev/null; echo $good'
greet || bad "the server should answer"
pid=$(property my_server.service MainPID)
launcher=$("$place" daemon "$dir" quintet)
read_children() { read -r -a children <"/proc/$launcher/task/$launcher/children" || true; } # it ends without a newline
for daemon in device-watcher socket-activator process-supervisor unit-broker; do
  read_children
  count=${#children[@]}
  inside bash -c "$hammer" >"$dir/hammer" &
  hammering=$!
  old=$("$place" daemon "$dir" "$daemon")
  sleep 0.2
  start=$(now)
  kill -9 "$old"
  # Gone, and then as many children as before: the launcher has started another one.
  while read_children; [[ " ${children[*]} " == *" $old "* ]] || ((${#children[@]} < count)); do
    (($(now) - start < 10000000)) || bad "$daemon is not started again"
  done
  back=$(since "$start")
  wait $hammering
  [[ $(cat "$dir/hammer") == 100 ]] || bad "$daemon: $(cat "$dir/hammer") of 100 connections were answered"
  [[ $(property my_server.service MainPID) == "$pid" ]] || bad "$daemon: the server's PID changed"
  good "$(printf '%-19s killed, started again after %s; 100 of 100 connections answered, server still PID %s' "$daemon" "$back" "$pid")"
  plug; wait_state gamelink.service active/running
  unplug; wait_state gamelink.service inactive/dead
done
good "after each of them the next plug and unplug worked"
systemctl stop my_server.service 2>/dev/null
wait_state my_server.socket active/listening
greet || bad "the next connection should start the server"
[[ $(property my_server.service MainPID) != "$pid" ]] || bad "a new server should run"
good "systemctl stop works, and the next connection starts a new server"

heading "All of it held. $(since "$begin") in all."
