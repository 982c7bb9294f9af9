"""Put the batches together, check units and quality, keep the flow of people."""

import logging

import pandas as pd

from neuraxis.cohort.participants import flow_rows
from neuraxis.errors import InputError, name_some
from neuraxis.features.biomarkers import cord_of, read_biomarkers
from neuraxis.features.extract import FILES
from neuraxis.features.measures import BASELINE, check_units, combine, quality, split_session
from neuraxis.features.stats import biomarkers_from_labels, read_qc_scores, read_sct, read_volume_tables
from neuraxis.job import as_list, start
from neuraxis.tables import read_table, write_table


def gather(
    source, measures, failures, defined, label_names, baseline_session, etiv
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All scans in one table, and the scans that failed."""
    if source == "volume_tables":
        volumes = biomarkers_from_labels(read_volume_tables(measures, label_names), defined, label_names)
        keys = split_session(volumes.index.to_series(), baseline_session).reset_index(drop=True)
        parts = [pd.concat([keys, volumes.reset_index(drop=True)], axis=1)]
    else:
        parts = [read_table(m, needed=("participant_id", "etiv")) for m in measures]
        if source == "table" and "session_id" in parts[0]:
            parts[0]["session_id"] = parts[0]["session_id"].fillna(BASELINE).replace(baseline_session, BASELINE)
    failed = (
        pd.concat([read_table(f) for f in failures], ignore_index=True)
        if failures
        else pd.DataFrame(columns=["participant_id", "session_id", "problem"])
    )
    table = combine(parts, failed)
    if etiv and source != "images":
        known = read_table(etiv, needed=("participant_id", "etiv"))
        if "session_id" not in known:
            known["session_id"] = BASELINE
        known = known.set_index(["participant_id", "session_id"])["etiv"]
        keys = pd.MultiIndex.from_frame(table[["participant_id", "session_id"]])
        table["etiv"] = pd.Series(known.reindex(keys).to_numpy(), index=table.index).fillna(table["etiv"])
    return table, failed


def run(
    participants,
    sessions,
    biomarkers,
    label_names,
    measures,
    failures,
    inputs,
    sct,
    etiv,
    qc_scores,
    source,
    baseline_session,
    cord_levels,
    use,
    exclude_rules,
    outlier_limit,
    qc_score_min,
    simulated,
    out,
):
    people = read_table(participants)
    defined = read_biomarkers(biomarkers)
    table, failed = gather(source, measures, failures, defined, label_names, baseline_session, etiv)
    if sct:
        cord = cord_of(defined)
        if cord is None:
            raise InputError(f"features.sct is given, but {biomarkers} defines no biomarker of kind cord")
        area = read_sct(sct, cord_levels)
        keys = split_session(area.index.to_series(), baseline_session)
        area.index = pd.MultiIndex.from_frame(keys)
        scans = pd.MultiIndex.from_frame(table[["participant_id", "session_id"]])
        table[cord] = area.reindex(scans).to_numpy()
    # with "all", biomarkers that this kind of input never has (the cord, or the lobes) are left aside
    names = [b for b in defined["biomarker"] if b in table and table[b].notna().any()] if use == "all" else list(use)
    unmeasured = sorted(set(defined["biomarker"]) - set(names))
    if use == "all" and unmeasured:
        logging.warning("nobody has a value of %s; left aside", name_some(unmeasured, 20))
    absent = [b for b in names if b not in table or b not in set(defined["biomarker"])]
    if absent:
        raise InputError(f"features.use names biomarkers that are not measured or not defined: {name_some(absent)}")
    defined = defined[defined["biomarker"].isin(names)]
    empty = [b for b in names if table[b].isna().all()]
    if empty:
        raise InputError(f"nobody has a value of {name_some(empty)}; leave them out by features.use")
    table = table[table["participant_id"].isin(people["participant_id"])].reset_index(drop=True)
    check_units(table, defined)
    first = table[table["session_id"] == BASELINE].drop(columns="session_id").reset_index(drop=True)
    scores = None
    if qc_scores:
        scores = read_qc_scores(qc_scores)
        scores = scores[split_session(scores.index.to_series(), baseline_session)["session_id"].to_numpy() == BASELINE]
        scores.index = split_session(scores.index.to_series(), baseline_session)["participant_id"].to_numpy()
    qc = quality(first, people, defined, limit=outlier_limit, scores=scores, score_min=qc_score_min)
    gone = set(qc.loc[qc["rule"].isin(exclude_rules), "participant_id"])
    kept = first[~first["participant_id"].isin(gone)]
    who = people.set_index("participant_id", drop=False)
    measured = who.index.isin(first["participant_id"])
    good = who.index.isin(kept["participant_id"])
    flow = pd.concat(
        [
            flow_rows(who[measured], "measured", who[~measured]),
            flow_rows(who[good], "quality rules", who[measured & ~good]),
        ],
        ignore_index=True,
    )
    later = table[(table["session_id"] != BASELINE) & table["participant_id"].isin(kept["participant_id"])]
    years = read_table(sessions, text=("participant_id", "session_id"))[["participant_id", "session_id", "years"]]
    later = later.merge(years, on=["participant_id", "session_id"], how="left")
    unknown = later["years"].isna()
    if unknown.any():
        logging.warning(
            "follow-up scans that cohort.sessions does not list are left aside: %s",
            name_some(later.loc[unknown, "participant_id"] + " " + later.loc[unknown, "session_id"]),
        )
    later = later.loc[~unknown, ["participant_id", "session_id", "years", "etiv", *names]]
    kept = kept[["participant_id", "etiv", *names]]
    if simulated:
        kept, later = kept.assign(origin="SIMULATED"), later.assign(origin="SIMULATED")
    write_table(kept, out["measures"])
    write_table(later, out["followup"])
    write_table(failed, out["failures"])
    read = [read_table(i, text=("participant_id", "session_id", "file")) for i in inputs]
    files = pd.concat(read or [pd.DataFrame(columns=list(FILES))], ignore_index=True)
    # scans tried once more come last: what they were measured from in the end
    write_table(files.drop_duplicates(["participant_id", "session_id", "file"], keep="last"), out["inputs"])
    write_table(qc.assign(decision=qc["rule"].isin(exclude_rules).map({True: "excluded", False: "flagged"})), out["qc"])
    write_table(flow, out["flow"])


if __name__ == "__main__":
    start(snakemake)
    i = snakemake.input
    run(
        participants=i.participants,
        sessions=i.sessions,
        biomarkers=i.biomarkers,
        measures=as_list(i.measures),
        failures=as_list(i.get("failures")),
        inputs=as_list(i.get("inputs")),
        label_names=i.label_names,
        **{k: str(i.get(k) or "") for k in ("sct", "etiv", "qc_scores")},
        **dict(snakemake.params.items()),
        out=dict(snakemake.output.items()),
    )
