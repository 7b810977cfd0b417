#!/bin/sh
# What a game would do with the link: say hello, wait, say goodbye.
trap 'echo "$1 is going, good game"; exit 0' TERM
echo "$1 is here, let us play"
while :; do sleep 3600 & wait $!; done
