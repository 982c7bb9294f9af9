#!/usr/bin/env bash
# What has become of a Grid Engine job: running, success or failed.
if said=$(qstat -j "$1" 2>&1); then
    if grep -q "^error reason" <<<"$said"; then # it would wait for ever
        qdel "$1" >/dev/null
        echo failed
    else
        echo running
    fi
    exit
fi
for _ in 1 2 3 4 5 6; do # its record may come a little later
    said=$(qacct -j "$1" 2>/dev/null) && break
    sleep 10
done
ends=$(awk '$1 == "failed" || $1 == "exit_status" {printf "%s ", $2}' <<<"$said")
[[ $ends == "0 0 " ]] && echo success || echo failed
