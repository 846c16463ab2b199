#!/bin/sh
# Installs what hasten can use from the system, where we may. Without it hasten still works, at a
# lower sandbox level: `hasten doctor` says so.
if command -v bwrap >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    (apt-get update -qq && apt-get install -y -qq bubblewrap) >/dev/null 2>&1 && exit 0
fi
echo "bubblewrap is not installed: the sandbox reaches L1 here (hasten doctor says more)" >&2
