"""Check the participants and their follow-up tables; write who takes part."""

from pathlib import Path

import pandas as pd
import yaml

from neuraxis.cohort.participants import compare_segmentations, read_participants, read_times
from neuraxis.job import as_list, start
from neuraxis.tables import write_table


def run(participants, schema, phenotype, sessions, visits, relapses, control, diseases, segmentations, out):
    people, flow = read_participants(
        participants,
        yaml.safe_load(Path(schema).read_text()),
        control=control,
        diseases=diseases,
        phenotype=phenotype,
    )
    if segmentations:
        people, found = compare_segmentations(people, segmentations)
        flow = pd.concat([flow, found], ignore_index=True)
    tables = {
        "sessions": read_times(
            sessions, people["participant_id"], needed=("session_id", "years"), what="cohort.sessions"
        ),
        "visits": read_times(visits, people["participant_id"], needed=("years", "edss"), what="cohort.visits"),
        "relapses": read_times(relapses, people["participant_id"], needed=("years",), what="cohort.relapses"),
    }
    for name, table in {"participants": people, "flow": flow, **tables}.items():
        write_table(table, out[name])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        participants=i.participants,
        schema=i.schema,
        phenotype=as_list(i.get("phenotype")),
        **{k: str(i.get(k) or "") for k in ("sessions", "visits", "relapses")},
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
