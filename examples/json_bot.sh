#!/bin/sh
# Accepts every invitation and greets; a bot needs no more than lines in and lines out.
#
#     sh examples/json_bot.sh greeter localhost 5000
set -eu
commands=$(mktemp -u)
mkfifo -m 600 "$commands"
trap 'rm -f "$commands"' EXIT

peer "$@" --json < "$commands" | while read -r line; do
    case $line in
        '{"event":"invited",'*) echo /y ;;
        '{"event":"connected",'*) echo 'Hello, I am a shell script.' ;;
    esac
done > "$commands"
