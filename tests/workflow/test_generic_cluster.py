"""`profiles/generic` with commands in the place of Grid Engine's that run jobs on this machine."""

import importlib.util
import os
import re
import subprocess

import pytest
from small_study import ENVIRONMENT, ROOT, SMALL, checkout, digests, overlay, snakemake

STATUS = ROOT / "profiles/generic/status.sh"
#: A queue in a folder: a job is running while it has no record. The first job that is given is killed by the cluster.
QSUB = """#!/usr/bin/env bash
[[ " $* " == *" -terse "* && " $* " == *" -cwd "* ]] || { echo "no such call: $*" >&2; exit 1; }
script="${@: -1}"
exec 9>"$QUEUE/lock"; flock 9
id=$(( $(ls "$QUEUE" | grep -c asked) + 1 ))
echo "$@" > "$QUEUE/$id.asked"
if [[ $id == 1 ]]; then
    printf 'failed       100 : assumedly after job\\nexit_status  137\\n' > "$QUEUE/1.record"
else
    ( bash "$script" > "$QUEUE/$id.out" 2>&1; code=$?
      printf 'failed       0\\nexit_status  %s\\n' $code > "$QUEUE/$id.part"; mv "$QUEUE/$id.part" "$QUEUE/$id.record" ) 9>&- &
fi
echo $id
"""
QSTAT = """#!/usr/bin/env bash
[[ -e $QUEUE/$2.asked && ! -e $QUEUE/$2.record ]] || { echo "Following jobs do not exist: $2"; exit 1; }
echo "job_number: $2"; cat "$QUEUE/$2.error" 2>/dev/null || true
"""
QACCT = '#!/usr/bin/env bash\ncat "$QUEUE/$2.record"\n'
QDEL = '#!/usr/bin/env bash\nprintf "%s\\n" "$@" >> "$QUEUE/deleted"\n'
SLEEP = "#!/usr/bin/env bash\nexit 0\n"


@pytest.fixture
def queue(tmp_path):
    """A folder of jobs, and the environment in which the commands find it."""
    folder, programs = tmp_path / "queue", tmp_path / "programs"
    folder.mkdir(), programs.mkdir()
    for name, text in {"qsub": QSUB, "qstat": QSTAT, "qacct": QACCT, "qdel": QDEL}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return folder, {**ENVIRONMENT, "PATH": f"{programs}:{ENVIRONMENT['PATH']}", "QUEUE": str(folder)}


@pytest.mark.parametrize(
    ("record", "error", "said"),
    [
        (None, None, "running"),
        (None, "error reason    1: can't chdir", "failed"),
        ("failed       0\nexit_status  0\n", None, "success"),
        ("failed       0\nexit_status  1\n", None, "failed"),
        ("failed       100 : assumedly after job\nexit_status  137\n", None, "failed"),
    ],
)
def test_what_has_become_of_a_job(queue, record, error, said):
    folder, environment = queue
    (folder / "7.asked").write_text("")
    if record:
        (folder / "7.record").write_text(record)
    if error:
        (folder / "7.error").write_text(error + "\n")
    done = subprocess.run([STATUS, "7"], env=environment, capture_output=True, text=True)
    assert done.stdout == f"{said}\n" and done.returncode == 0, done.stderr
    assert (folder / "deleted").exists() == (error is not None)  # it would wait for ever


def test_a_job_without_a_record_has_failed(queue, tmp_path):
    """It is looked for a while, since the cluster writes it late."""
    _, environment = queue
    (tmp_path / "programs/sleep").write_text(SLEEP)
    (tmp_path / "programs/sleep").chmod(0o755)
    done = subprocess.run([STATUS, "9"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "failed\n")


def test_the_beginning_of_the_small_study_by_submitted_jobs(tmp_path, queue):
    """Three submissions, of which the first is killed and comes back with more memory; tables as of a local run."""
    if not importlib.util.find_spec("snakemake_executor_plugin_cluster_generic"):
        pytest.skip("needs python -m pip install snakemake-executor-plugin-cluster-generic, which is no requirement")
    folder, environment = queue
    wanted = ["results/clinical/columns.tsv", "results/sustain/MS/sizes.tsv"]
    ways = {}
    for way in ("local", "submitted"):
        place = checkout(tmp_path / way)
        arguments = [*overlay(place, SMALL), "--", *wanted]
        if way == "local":
            snakemake(place, *arguments)
        else:
            command = ["snakemake", "--workflow-profile", "profiles/generic", "--latency-wait", "5", *arguments]
            done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=600)
            jobs = "\n".join(f"{f.name}: {f.read_text()}" for f in sorted(folder.glob("*.out")))
            assert done.returncode == 0, done.stderr[-4000:] + jobs[-4000:]
        ways[way] = digests(place)
    assert ways["local"] == ways["submitted"] and set(wanted) <= ways["local"].keys()
    asked = [(folder / f"{i}.asked").read_text() for i in (1, 2, 3)]
    memory = [int(re.search(r"mem_free=(\d+)M", a)[1]) for a in asked]
    assert len(list(folder.glob("*.asked"))) == 3  # the simulation twice, then a group of three
    assert memory[1] == 2 * memory[0] and all("-pe smp 1 " in a for a in asked[:2])
    assert all(re.search(r"h_rt=0:\d+:0", a) for a in asked) and os.path.exists(folder / "3.record")
