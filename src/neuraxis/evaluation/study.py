"""The negative control as a study asks for it: its own controls, norms and variants, patients' number and sites."""

from __future__ import annotations

from functools import partial

import pandas as pd

from ..normative.study import controls_anew
from ..sustain.families import Events
from ..sustain.study import chain_draws, named_variant
from .control import negative_control_table


def control_of_disease(
    z: pd.DataFrame,
    people: pd.DataFrame,
    measures: pd.DataFrame,
    biomarkers: pd.DataFrame,
    events: Events,
    *,
    disease: str,
    control: str,
    norms: dict,
    main: str,
    variants: list[str],
    healthy: bool,
    seed: int,
    n_samples: int,
    **options,
) -> pd.DataFrame:
    """The same selection on as many healthy people as a disease has, at its sites, by norms that did not see them.

    Parameters
    ----------
    z : DataFrame, indexed by participant_id
        group and biomarkers, patients and controls.
    people, measures, biomarkers : DataFrame
        Participants, measures and definitions, as in `normative_tables`.
    events : Events
        Of the disease.
    disease, control : str
        Groups.
    norms : dict
        Settings of the norms.
    main : str
        Name of the study's own variant, such as ``smooth-controls``.
    variants : list of str
        Names of those that are tried beside it.
    healthy : bool
        See `Variant`.
    seed, n_samples : int
        See `negative_control`.
    **options
        Its other options: folds, numbers of subtypes, effort, checkpoint.

    Returns
    -------
    DataFrame
        See `negative_control_table`.
    """
    site = people.set_index("participant_id")["site"]
    patients, controls = z.index[z["group"] == disease], z[z["group"] == control]
    return negative_control_table(
        controls,
        events,
        n_people=len(patients),
        site=site.loc[controls.index],
        patients_site=site.loc[patients],
        refit=partial(controls_anew, measures, people, biomarkers, norms, control=control, seed=seed),
        keep_at_site=norms["min_site_controls"],
        variants={name: named_variant(name, healthy=healthy) for name in [main, *variants]},
        n_draws=chain_draws(n_samples),
        n_samples=n_samples,
        key=(disease,),
        seed=seed,
        **options,
    )
