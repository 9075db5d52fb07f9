#!/usr/bin/env bash
# inside.sh PART ...: what run.py runs in the machine, as its root. Prints a line for each thing tried. Waits are for a
# condition, with a limit that only a failure reaches.
set -u
here=/src/weir/tests/integration/systemd
staged=/src/weir/build/systemd-machine
passed=0 failed=0

ok() { passed=$((passed + 1)); echo "ok     $1"; }
bad() { failed=$((failed + 1)); echo "FAILED $1"; shift; [ $# -eq 0 ] || printf '       | %s\n' "$@"; }
# check WHAT COMMAND...: the command succeeds.
check() { local what=$1 said; shift; if said=$("$@" 2>&1); then ok "$what"; else bad "$what" "$*" "$said"; fi; }
# until WHAT COMMAND...: it succeeds in the end.
until_ok() {
  local what=$1; shift
  for _ in $(seq 300); do if "$@" >/dev/null 2>&1; then ok "$what"; return 0; fi; sleep 0.1; done
  bad "$what" "$*" "$(journalctl -u weir -n 20 --no-pager 2>&1)"
  return 1
}
# says TEXT COMMAND...: its output contains the text.
says() { local text=$1; shift; "$@" 2>&1 | grep -qF -- "$text"; }
not() { ! "$@"; }
property() { systemctl show weir -P "$1"; }
# signal NUMBER: to weir's main process. Never to process 0, which is this script's own group.
signal() { local to; to=$(property MainPID); [ "${to:-0}" -gt 1 ] && kill "-$1" "$to" || bad "there is a process to signal"; }
is() { [ "$(property "$1")" = "$2" ]; }  # is PROPERTY VALUE
fetch() { curl -sS --max-time 5 "http://127.0.0.1:$1/"; }
descriptors() { awk '/Max open files/ { print $5 }' "/proc/$1/limits"; }  # of a process: the hard limit
journal() { journalctl -u weir --no-pager -o cat "$@"; }

install_units() {
  systemctl stop weir.socket weir.service 2>/dev/null
  systemctl reset-failed 2>/dev/null
  rm -rf /etc/systemd/system/weir.service.d /etc/systemd/system/weir.socket.d
  cp /src/weir/systemd/weir.service /src/weir/systemd/weir.socket /etc/systemd/system/
  systemctl daemon-reload
}

# drop_in UNIT: lines from standard input.
drop_in() { mkdir -p "/etc/systemd/system/$1.d"; cat >"/etc/systemd/system/$1.d/test.conf"; systemctl daemon-reload; }

prepare() {
  chmod 755 /  # in a root directory that was made by mktemp no user but root can do anything
  systemctl log-target journal
  echo 'u weir - "weir reverse proxy"' | systemd-sysusers - || exit 1
  install -m 755 "$staged/weir" "$staged/weir_systemd_probe" /usr/bin/
  for library in "$staged"/lib/*; do
    ldconfig -p | grep -qF "/$(basename "$library")" || cp "$library" /usr/lib/
  done
  ldconfig
  install -d /etc/weir/checks
  install -m 755 "$here/alive" /etc/weir/checks/
  cp "$here/weir.yaml" /etc/weir/weir.yaml
  echo "       $(systemctl --version | head -1)"
}

# --- parts -----------------------------------------------------------------------------------------------------------

probe_unit() {
  install_units
  drop_in weir.service <<'END'
[Service]
ExecStart=
ExecStart=/usr/bin/weir_systemd_probe serve 18080
ExecReload=
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec=2s
END
}

# weir.socket listens on this port of the loopback interface.
activation_on() {
  drop_in weir.socket <<END
[Socket]
ListenStream=
ListenStream=127.0.0.1:$1
END
}

part_probe() {
  probe_unit
  check "start waits for READY" systemctl start weir
  check "STATUS is shown" says 'Status: "serving on a socket of its own"' systemctl status weir --no-pager
  check "it answers" says "$(property MainPID)" fetch 18080
  check "the socket is stored" is NFileDescriptorStore 1
  check "reload" systemctl reload weir
  until_ok "STATUS after a reload" is StatusText reloaded
  until_ok "running after a reload" is SubState running
  check "priorities arrive in the journal" says reloaded journalctl -u weir -p warning..warning -o cat --no-pager
  check "without a time of their own" says "serving on a socket of its own" journal
  check "no prefix is left" not says "<6>" journal

  local before; before=$(property MainPID)
  check "restart" systemctl restart weir
  check "the socket comes from the store" says "from the store" fetch 18080
  check "where it stays" is NFileDescriptorStore 1
  check "it is another process" not says "$before " fetch 18080
  before=$(property MainPID)
  signal 9
  until_ok "after kill -9 it is back, on the stored socket" says "from the store" fetch 18080
  before=$(property MainPID)
  signal USR1  # it forgets the watchdog
  until_ok "a stuck process is ended by the watchdog and replaced" eval "! is MainPID $before && is SubState running"
  check "and the journal says why" says "Watchdog timeout" journal
  check "stop" systemctl stop weir
  check "it ended by itself" is Result success
  check "a stop empties the store" is NFileDescriptorStore 0

  activation_on 18080
  check "the socket unit starts" systemctl start weir.socket
  check "weir does not yet" is ActiveState inactive
  check "the first connection starts it by activation" says "by activation" fetch 18080
  check "a restart keeps the activated socket" systemctl restart weir
  check "and serves on it" says "by activation" fetch 18080
  systemctl stop weir.socket weir.service
}

# Until weir speaks the protocol itself, Type=simple without a watchdog; the sandbox is the same.
part_sandbox() {
  install_units
  drop_in weir.service <<'END'
[Service]
Type=simple
WatchdogSec=0
END
  check "start" systemctl start weir
  until_ok "the script runs, as user weir" says "user weir" cat /run/weir/checked
  until_ok "port 80 answers, through the endpoint that the script has found up" says "origin" fetch 80
  check "the endpoint was never down" not says "endpoint is down" journal
  check "weir runs as user weir" says weir ps -o user= -p "$(property MainPID)"
  check "its only capability is the one for ports" says "capabilities 0000000000000400" cat /run/weir/checked
  check "it cannot gain others" says "no new privileges 1" cat /run/weir/checked
  check "it cannot write elsewhere" says "etc read-only" cat /run/weir/checked
  check "the access log is written" test -s /var/log/weir/access.log
  check "it is not readable for others" says 600 stat -c %a /var/log/weir/access.log
  local most; most=$(descriptors 1)  # of the machine
  check "descriptors" test "$(descriptors "$(property MainPID)")" = "$((most < 524288 ? most : 524288))"
  check "nothing was refused by the system-call filter" not says "denied" journal
  for backend in epoll io_uring poll select; do
    drop_in weir.service <<END
[Service]
Type=simple
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/weir run -c /etc/weir/weir.yaml --backend $backend
END
    systemctl restart weir
    until_ok "port 80 answers with $backend" says "origin" fetch 80
  done
  check "stop" systemctl stop weir
  check "it ended by itself" is Result success

  drop_in weir.service <<'END'
[Service]
Type=simple
WatchdogSec=0
NoExecPaths=/
ExecPaths=/usr/bin/weir /usr/lib /usr/lib64
END
  rm -f /run/weir/checked
  check "start without the right to start programs" systemctl start weir
  until_ok "it serves" says "origin" fetch 18099
  until_ok "the script is refused" says "ermission denied" journal
  check "and has not run" test ! -e /run/weir/checked
  systemctl stop weir
}

part_reload() {
  probe_unit
  mkdir -p /etc/systemd/system/weir.service.d
  sed -i 's/^Type=notify$/Type=notify-reload/' /etc/systemd/system/weir.service
  printf '[Service]\nExecReload=\n' >/etc/systemd/system/weir.service.d/type.conf
  systemctl daemon-reload
  systemctl start weir; echo "       notify-reload: start $?, Type=$(property Type), $(property SubState)"
  systemctl reload weir 2>&1 | sed 's/^/       /'
  journalctl -b --no-pager -o cat 2>/dev/null | grep -F notify-reload | tail -1 | sed 's/^/       /'
  probe_unit
  printf '[Service]\nExecReload=\nExecReload=/bin/false\n' >/etc/systemd/system/weir.service.d/type.conf
  systemctl daemon-reload
  check "start" systemctl start weir
  check "a reload whose command fails has failed" not systemctl reload weir
  check "and the service goes on" is SubState running
  systemctl stop weir
}

# What weir promises once it speaks the protocol itself: docs/systemd.md.
part_service() {
  install_units
  drop_in weir.service <<'END'
[Service]
WatchdogSec=3s
END
  cp "$here/weir.yaml" /etc/weir/weir.yaml
  check "start waits until every listener accepts" systemctl start weir
  check "at once it answers" says origin fetch 18099
  check "STATUS names listeners" says listener property StatusText
  check "reload" systemctl reload weir
  sed -i 's/respond: "origin/respond: "changed/' /etc/weir/weir.yaml
  check "reload of a changed file" systemctl reload weir
  check "the change serves as soon as the command returns" says changed fetch 18099
  echo 'listners: {}' >/etc/weir/weir.yaml
  check "a refused file fails the reload" not systemctl reload weir
  check "the old configuration serves" says changed fetch 18099
  check "the status says where and why" says "weir.yaml:1" property StatusText
  check "the journal has the line, as an error" says "weir.yaml:1" journal -p err
  cp "$here/weir.yaml" /etc/weir/weir.yaml
  systemctl reload weir

  check "sockets are stored" not is NFileDescriptorStore 0
  check "restart" systemctl restart weir
  check "it answers" says origin fetch 18099
  local before
  signal 9
  until_ok "after kill -9 it is back" says origin fetch 18099
  before=$(property MainPID)
  signal STOP
  until_ok "a process that makes no progress is replaced" eval "! is MainPID $before && is SubState running"
  check "stop" systemctl stop weir
  check "it ended by itself" is Result success

  echo 'listners: {}' >/etc/weir/weir.yaml
  check "a refused file fails the start" not systemctl start weir
  until_ok "with 78, and is not tried again" eval "is ExecMainStatus 78 && is SubState failed"
  cp "$here/weir.yaml" /etc/weir/weir.yaml
  systemctl reset-failed weir

  activation_on 80
  check "activation: the socket unit starts" systemctl start weir.socket
  check "the first connection is answered" says origin fetch 80
  check "restart keeps the socket" systemctl restart weir
  check "it answers" says origin fetch 80
  systemctl stop weir.socket weir.service
}

prepare
for part in "$@"; do
  echo "--- $part"
  "part_$part"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
