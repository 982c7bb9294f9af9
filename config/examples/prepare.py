"""Bring two public collections of tables into the form that the example configurations read.

    python config/examples/prepare.py openneuro openneuro_fs_volumes_thickness.csv.gz data/openneuro
    python config/examples/prepare.py piop2 DERIVED_piop2_brain_and_cord.csv data/piop2

openneuro: FreeSurfer volumes of OpenNeuroDerivatives (one row a person; dataset, participant_id, age, sex, diagnosis,
site). Writes participants.tsv and volumes.tsv.
piop2: AOMIC-PIOP2 brain volumes and, for some people, cord areas per vertebral level (csa_C1, ...). Writes
participants.tsv and measures.tsv of the people who have both.
"""

import sys
from pathlib import Path

import pandas as pd

from neuraxis.features.biomarkers import read_biomarkers
from neuraxis.features.stats import biomarkers_from_labels, read_volume_tables
from neuraxis.tables import write_table

RESOURCES = Path(__file__).parents[2] / "resources"
GROUPS = {"HC": "HC", "osteoarthritis pain": "pain", "autism": "autism"}


def openneuro(source: Path, folder: Path) -> None:
    """Participants and volumes of the OpenNeuro tables."""
    table = pd.read_csv(source)
    person = table["dataset"] + "-" + table["participant_id"].str.replace(r"[^A-Za-z0-9-]", "", regex=True)
    people = pd.DataFrame(
        {
            "participant_id": person,
            "group": table["diagnosis"].map(GROUPS),
            "site": table["site"].fillna(table["dataset"]),
            "age": table["age"],
            "sex": table["sex"],
            "freesurfer_version": table["freesurfer_version"],
        }
    )
    known = people["group"].notna() & ~person.duplicated()
    write_table(people[known], folder / "participants.tsv")
    volumes = table.loc[known, [c for c in table.columns if not c.endswith("_thickness")]]
    volumes = volumes.drop(columns=["dataset", "age", "sex", "diagnosis", "diagnosis_detail", "site"], errors="ignore")
    write_table(volumes.assign(participant_id=person[known]), folder / "volumes.tsv")


def piop2(source: Path, folder: Path) -> None:
    """Participants and measures of AOMIC-PIOP2."""
    table = pd.read_csv(source)
    table = table[table[["csa_C1", "csa_C2", "csa_C3"]].notna().all(axis=1)]
    people = table[["participant_id", "age", "sex"]].assign(group="HC", site="PIOP2")
    write_table(people[["participant_id", "group", "site", "age", "sex"]], folder / "participants.tsv")
    plain = folder / "volumes.tsv"
    write_table(table.drop(columns=["age", "sex"]), plain)
    biomarkers = read_biomarkers(RESOURCES / "biomarkers.tsv")
    measures = biomarkers_from_labels(read_volume_tables([plain], RESOURCES / "labels.tsv"), biomarkers)
    cord = table.set_index("participant_id")[["csa_C1", "csa_C2", "csa_C3"]].mean(axis=1)
    measures["cord_csa"] = cord.reindex(measures.index)
    write_table(measures.reset_index(), folder / "measures.tsv")
    plain.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[1] not in ("openneuro", "piop2"):
        sys.exit(__doc__)
    {"openneuro": openneuro, "piop2": piop2}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
