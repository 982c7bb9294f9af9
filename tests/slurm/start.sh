#!/usr/bin/env bash
# A one-machine SLURM for tests. Needs root, slurm-wlm and munge.
set -euo pipefail
command -v slurmctld >/dev/null && command -v munged >/dev/null || {
    echo "slurmctld or munged is missing: apt-get install slurm-wlm munge" >&2
    exit 1
}
conf=/etc/slurm/slurm.conf
mark="# written by tests/slurm/start.sh"
if [[ -e $conf ]] && ! grep -qxF "$mark" "$conf"; then
    echo "$conf belongs to a SLURM of this machine's own: run the tests elsewhere" >&2
    exit 1
fi
host=$(hostname -s)
# --all: without it nproc obeys OMP_NUM_THREADS, which the Makefile sets
mkdir -p /etc/slurm /run/munge /var/lib/slurm/ctld /var/lib/slurm/d /var/log/slurm
cat > "$conf" <<CONF
$mark
ClusterName=neuraxis
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MpiDefault=none
StateSaveLocation=/var/lib/slurm/ctld
SlurmdSpoolDir=/var/lib/slurm/d
SlurmctldLogFile=/var/log/slurm/slurmctld.log
SlurmdLogFile=/var/log/slurm/slurmd.log
NodeName=$host CPUs=$(nproc --all) RealMemory=$(awk '/MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo) State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
chown -R munge: /run/munge /etc/munge /var/lib/munge /var/log/munge
pgrep -x munged >/dev/null || runuser -u munge -- munged
pgrep -x slurmctld >/dev/null || slurmctld
pgrep -x slurmd >/dev/null || slurmd
for _ in $(seq 30); do
    scontrol update NodeName="$host" State=RESUME >/dev/null 2>&1 || true
    sinfo -h -o %T 2>/dev/null | grep -qx idle && { sinfo; exit 0; }
    sleep 1
done
echo "SLURM did not come up:" >&2
tail -n 20 /var/log/slurm/*.log >&2
exit 1
