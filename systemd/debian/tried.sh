#!/bin/sh
# Runs as root in a fresh Debian, with /job/antiphon.deb and the next version, /job/next.deb: what must hold of the package.
# Prints a line for each, with the seconds since the beginning.
set -u
export DEBIAN_FRONTEND=noninteractive
umask 022
cd /tmp
began=$(date +%s)
failed=0
holds() { # holds WORDS COMMAND...: whether the command succeeds
  words=$1
  shift
  if "$@" >/tmp/output 2>&1; then
    printf '%4s s  ok    %s\n' $(($(date +%s) - began)) "$words"
  else
    printf '%4s s  FAIL  %s\n' $(($(date +%s) - began)) "$words"
    sed 's/^/                /' /tmp/output
    failed=1
  fi
}
not() { ! "$@"; }
says() { # says PATTERN COMMAND...: whether the command's output has it, whatever its status
  pattern=$1
  shift
  "$@" >/tmp/said 2>&1
  cat /tmp/said
  grep -q -e "$pattern" /tmp/said
}
# Every file but what runs, what dpkg keeps and what any command changes.
files() {
  find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp -o -path /job -o -path /var/lib/dpkg \
    -o -path /var/log -o -path /var/cache -o -path /var/tmp -o -path /var/lib/systemd \) -prune -o -print | sort
}
running() { test -d /run/systemd/system; }
key='sk-a-key-that-must-not-be-told'

files >/tmp/before
getent passwd >/tmp/passwd
getent group >/tmp/group
holds "installs without a network" dpkg -i /job/antiphon.deb
holds "its user is in audio, gpio and spi only" says 'audio.*gpio.*spi' sh -c 'id -Gn antiphon | tr " " "\n" | sort | tr "\n" " "'
holds "antiphon version" antiphon version
holds "antiphon check" antiphon check
holds "antiphon doctor runs to its end" says 'wake words .*loaded' antiphon doctor
for verb in say voices transcribe; do
  holds "antiphon $verb --help" says "usage: antiphon $verb" antiphon $verb --help
done

# Its tools: a program, a server by a program, and a package that its owner has added.
mkdir /tmp/bin
cat >/tmp/bin/flite <<'PYTHON' # what the simulated service speaks with: here a tone
#!/usr/bin/python3
import math, struct, sys, wave
with wave.open(sys.argv[-1], "wb") as file:
    file.setparams((1, 2, 16000, 0, "NONE", ""))
    file.writeframes(b"".join(struct.pack("<h", round(9000 * math.sin(n / 6))) for n in range(16000)))
PYTHON
cat >/tmp/server.py <<'PYTHON'
from mcp.server.mcpserver import MCPServer
server = MCPServer("lamps")
@server.tool()
def lamp(room: str) -> str:
    """Light a lamp."""
    return f"the lamp of the {room} is on"
server.run("stdio")
PYTHON
plugin=$(cat /usr/lib/antiphon/lib/python3*/site-packages/antiphon-plugins.pth)
mkdir -p "$plugin/weather-1.dist-info"
printf 'Metadata-Version: 2.1\nName: weather\nVersion: 1\n' >"$plugin/weather-1.dist-info/METADATA"
printf '[antiphon.tools]\nweather = weather:Weather\n' >"$plugin/weather-1.dist-info/entry_points.txt"
printf 'class Weather:\n    name, description = "weather", "Tell the weather."\n    def run(self, _): return "it rains"\n' \
  >"$plugin/weather.py"
cat >/tmp/tools.yaml <<'YAML'
links: [realtime]
realtime: {url: "ws://127.0.0.1:8123/v1/realtime", allow_plain: true}
tools:
  commands:
    - {name: say_room, description: Tell which room., argv: [/bin/echo, "the {room}"], arguments: [{name: room, pattern: hall|bath}]}
  plugins: [weather]
  servers:
    - {name: home, argv: [/usr/lib/antiphon/bin/python3, -I, /tmp/server.py]}
YAML
chmod 755 /tmp/bin/flite
/tmp/bin/flite /tmp/question.wav
asks() { # asks CALL ANSWER: what is answered, when the service has this tool called
  PATH=/tmp/bin:$PATH antiphon simulate --port 8123 --quick --call "$1" --reply 'It said {output}' >/tmp/simulated 2>&1 &
  simulated=$!
  timeout 20 sh -c 'until grep -q listening /tmp/simulated; do sleep 0.1; done'
  STEPFUN_API_KEY=sk-simulated says "$2" timeout 60 antiphon ask --config /tmp/tools.yaml /tmp/question.wav
  answered=$?
  kill $simulated
  wait $simulated 2>/dev/null
  return $answered
}
holds "antiphon check takes a set of tools" says 'tools.servers' antiphon check --config /tmp/tools.yaml
holds "a program is run when the service calls for it" asks 'run_say_room={"room":"hall"}' 'the hall'
holds "and a package that its owner has added" asks weather 'it rains'
holds "a server by a program answers" says 'lamp of the hall is on' /usr/lib/antiphon/bin/python3 -I - <<'PYTHON'
import asyncio
from mcp import Client, StdioServerParameters, stdio_client

async def main():
    program = StdioServerParameters(command="/usr/lib/antiphon/bin/python3", args=["-I", "/tmp/server.py"])
    async with Client(stdio_client(program)) as client:
        print(await client.call_tool("lamp", {"room": "hall"}))

asyncio.run(main())
PYTHON
rm -r /usr/local/lib/antiphon-plugins /tmp/tools.yaml

holds "systemd-analyze verify has nothing to say" not says . systemd-analyze verify --man=no antiphon.service
if running; then
  holds "it is enabled" systemctl --quiet is-enabled antiphon
  holds "without a key it says so" says 'there is no API key' journalctl --no-pager -u antiphon
  holds "and is not started again and again" says '^0 2$' sh -c \
    'echo $(systemctl show -P NRestarts -P ExecMainStatus antiphon)'
fi

echo "$key" | install -m 600 /dev/stdin /etc/antiphon/stepfun_api_key
printf 'log: {level: debug}\n' >/etc/antiphon/antiphon.yaml
if running; then
  holds "with a key it becomes ready" systemctl restart antiphon
  holds "the key is not in its environment" not grep -q "$key" "/proc/$(systemctl show -P MainPID antiphon)/environ"
  holds "nor in the journal" not sh -c "journalctl --no-pager -o export | grep -q $key"
  holds "nor in a file that others can read" not sh -c \
    "find /etc /run /var /tmp -xdev -type f -perm /o+r -exec grep -l '$key' {} + 2>/dev/null | grep ."
  pid=$(systemctl show -P MainPID antiphon)
  kill -KILL "$pid"
  timeout 30 sh -c "until [ \$(systemctl show -P MainPID antiphon) != $pid ] && systemctl --quiet is-active antiphon; do
    sleep 0.2; done"
  holds "killed, it comes back" systemctl --quiet is-active antiphon
fi

holds "the next version installs over it" dpkg -i /job/next.deb
holds "and keeps the settings" says 'log.level *= debug .*antiphon.yaml' antiphon check
holds "and the key" grep -q "$key" /etc/antiphon/stepfun_api_key
if running; then
  holds "and runs" systemctl --quiet is-active antiphon
fi
holds "removed, it leaves settings and key" sh -c 'dpkg -r antiphon && ls /etc/antiphon/antiphon.yaml /etc/antiphon/stepfun_api_key'
holds "and nothing of its own in /usr" not sh -c 'find /usr -xdev -name "*antiphon*" | grep .'
holds "installed again, it is whole" sh -c 'dpkg -i /job/next.deb && antiphon version'
holds "purged, it is gone" dpkg -P antiphon
files >/tmp/after
holds "and leaves no file" diff /tmp/before /tmp/after
getent passwd | diff /tmp/passwd - >/tmp/users
holds "and no user" diff /dev/null /tmp/users
getent group | diff /tmp/group - >/tmp/groups
holds "and no group" diff /dev/null /tmp/groups
if running; then
  holds "and no unit" not systemctl cat antiphon
fi

dpkg -i /job/next.deb >/dev/null 2>&1
usermod -a -G antiphon games
dpkg -P antiphon >/dev/null 2>&1
holds "a group that somebody else is in outlives it" says 'antiphon:.*:games$' getent group antiphon
exit $failed
