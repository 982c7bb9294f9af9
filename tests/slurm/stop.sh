#!/usr/bin/env bash
# End what start.sh started.
pkill -x slurmd
pkill -x slurmctld
pkill -x munged
true
