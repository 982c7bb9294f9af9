#!/usr/bin/env bash
# End what start.sh started. Without its slurm.conf too: with one and no daemon, Snakemake's SLURM plugin waits ten
# seconds for an answer whenever any workflow starts on this machine.
pkill -x slurmd
pkill -x slurmctld
pkill -x munged
grep -qsxF "# written by tests/slurm/start.sh" /etc/slurm/slurm.conf && rm /etc/slurm/slurm.conf
true
