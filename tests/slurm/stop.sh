#!/usr/bin/env bash
# End what start.sh started, and nothing else. Its slurm.conf goes too: with one and no daemon, Snakemake's SLURM plugin
# waits ten seconds for an answer whenever any workflow starts on this machine.
grep -qsxF "# written by tests/slurm/start.sh" /etc/slurm/slurm.conf || exit 0
for daemon in slurmd slurmctld munged; do
    pkill -x "$daemon"
    for _ in $(seq 50); do
        pgrep -x "$daemon" >/dev/null || break
        sleep 0.2
    done
done
rm /etc/slurm/slurm.conf
