"""The simulated truth beside what a study found of it, and the simplest summaries beside the model."""

from __future__ import annotations

import pandas as pd

from ..errors import InputError
from ..streams import stream
from ..sustain import SustainModel
from .calibration import COLUMNS as CALIBRATED
from .calibration import calibration, stages_on
from .compare import best_possible, order_of_known, recovery, simple_scores

COLUMNS = ("quantity", "n", "in_sample", "out_of_fold", "best_possible", "truth", "published")


def recovery_tables(
    z: pd.DataFrame,
    people: pd.DataFrame,
    names: pd.DataFrame,
    order: pd.DataFrame,
    model: SustainModel,
    cord: str | None,
    *,
    disease: str,
    seed: int,
    truth: pd.DataFrame | None = None,
    drawn_from: dict | None = None,
    published: dict | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What was recovered and how far probabilities hold (empty for real people), and simple scores beside stage and subtype.

    Parameters
    ----------
    z : DataFrame
        Indexed by participant_id, in any order; others than `people` are left aside.
    people : DataFrame
        subtypes.tsv, indexed by participant_id.
    names : DataFrame
        names.tsv.
    order : DataFrame
        event_order.tsv.
    model : SustainModel
    cord : str or None
        The biomarker that measures the cord.
    disease : str
    seed : int
    truth : DataFrame, optional
        SIMULATED_truth.tsv: participant_id, session_id, subtype, stage.
    drawn_from : dict, optional
        `cohort.simulated.true_model`; needed with `truth`.
    published : dict, optional
        True subtype to the study's count; needed with `truth`.

    Returns
    -------
    recovery : DataFrame
    baselines : DataFrame
    calibrated : DataFrame
        As `calibration`, out of fold and in sample.
    """
    z = z.loc[people.index]
    numbered = names.set_index("subtype")
    found, calibrated, known = pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame(columns=list(CALIBRATED)), None
    if truth is not None:
        if drawn_from is None or published is None:
            raise InputError("truth needs drawn_from and published: what the truth was drawn from")
        known = truth[truth["session_id"] == "baseline"]
        best, true_order = best_possible(drawn_from, z, drawn_from["covariance"])
        letters = known.set_index("participant_id").loc[z.index, "subtype"]
        known_order = order_of_known(
            z, letters.where(letters.isin(drawn_from["subtypes"])), model, seed=seed, key=(disease,)
        )
        found = recovery(
            people,
            numbered["name"].to_dict(),
            numbered["system"].to_dict(),
            order,
            known,
            best,
            known_order,
            true_order,
            published,
        )
        there = known.set_index("participant_id").loc[people.index]
        stage = stages_on(model.events, drawn_from, there)
        systems = numbered["system"].to_dict()
        if systems:
            parts = [calibration(people, systems, there, stage, prefix) for prefix in ("oof_", "")]
            calibrated = pd.concat(parts, ignore_index=True)
    return found, simple_scores(z, people, model, known, stream(seed, disease, "k-means"), cord), calibrated
