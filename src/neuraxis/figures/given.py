"""What figures draw from: the tables, and who is what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..clinical.outcomes import declared_for
from ..features.biomarkers import read_biomarkers
from ..labels import NORMAL, group_of, is_true, normal_appearing, shown_names
from ..schema import load
from .brain import structures


@dataclass(frozen=True)
class Given:
    """Of one disease, of the controls, or of all diseases: what is there.

    Attributes
    ----------
    name : str
        Of the disease; "" otherwise.
    tables : Mapping of str to DataFrame
        By the names that `declared.Figure.tables` uses.
    labels : Series
        Biomarker to its label, in the order to be drawn.
    where : dict
        Biomarker to its places in the drawing, see `brain.structures`.
    people : DataFrame
        participants.tsv of the disease, indexed by participant_id.
    outcomes : sequence of dict
        As configured.
    maps : sequence of DataFrame
        maps.tsv of all diseases, for a common scale.
    control : str
    traces : ndarray, shape (chains, draws), optional
        Log-likelihood of the stored draws.
    event_colours : {"safe", "field"}
        Of the thresholds in positional variance: for all eyes, or the red, magenta and blue of the SuStaIn papers.
    cord_levels : sequence of int
        Vertebral levels of the cord's area.
    """

    name: str = ""
    tables: Mapping = field(default_factory=dict)
    labels: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    where: dict = field(default_factory=dict)
    people: pd.DataFrame = field(default_factory=pd.DataFrame)
    outcomes: tuple = ()
    maps: tuple = ()
    control: str = "HC"
    traces: np.ndarray | None = None
    event_colours: str = "safe"
    cord_levels: tuple = (1, 2, 3)

    def table(self, name: str) -> pd.DataFrame:
        """A table; an empty one where it is not there."""
        found = self.tables.get(name)
        return pd.DataFrame() if found is None else found

    @cached_property
    def k(self) -> int:
        """Number of subtypes that was chosen."""
        table = self.table("selection")
        return int(table.loc[is_true(table["chosen"]), "n_subtypes"].iloc[0])

    @cached_property
    def names(self) -> dict[int, str]:
        """Subtype to its shown name, most people first; subtypes without anybody are left out."""
        table = self.table("names").sort_values(["n_staged_oof", "subtype"], ascending=[False, True])
        shown = shown_names(dict(zip(table["subtype"].astype(int), table["name"].astype(str), strict=True)))
        somebody = table.loc[table["n_staged_oof"] > 0, "subtype"].astype(int)
        return {c: shown[c] for c in somebody}

    @cached_property
    def groups(self) -> list[str]:
        """Normal-appearing and the subtypes, as drawn."""
        return list(dict.fromkeys([NORMAL, *self.names.values()]))

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """subtypes.tsv by person."""
        return self.table("subtypes").set_index("participant_id")

    @cached_property
    def group(self) -> pd.Series:
        """Group of every person, out of fold."""
        table = self.table("names")
        shown = shown_names(dict(zip(table["subtype"].astype(int), table["name"].astype(str), strict=True)))
        return group_of(self.labelled, shown, "oof_")

    @cached_property
    def stages(self) -> pd.Series:
        """Most probable stage, out of fold, 0 for the normal-appearing."""
        return self.labelled["oof_stage"].astype(float).mask(normal_appearing(self.labelled, "oof_"), 0.0)

    @cached_property
    def expected(self) -> pd.Series:
        """Expected stage, out of fold."""
        return self.labelled["oof_expected_stage"].astype(float)

    @cached_property
    def declared(self) -> list:
        """Outcomes of this disease."""
        return declared_for(list(self.outcomes), self.name)

    def limit(self, column: str, least: float) -> float:
        """Half the width of a colour scale that holds this column of all diseases' maps, of groups of five and more."""
        tables = self.maps or (self.table("clinical/maps"),)
        values = pd.concat([t.loc[t["n"] >= 5, column] for t in tables if len(t)]).abs().max()
        return max(least, float(np.ceil(values * 2) / 2)) if np.isfinite(values) else least


def read_given(
    tables: Mapping[str, str],
    *,
    name: str = "",
    biomarkers=None,
    label_names=None,
    participants=None,
    outcomes=(),
    maps=(),
    control: str = "HC",
    model=None,
    event_colours: str = "safe",
    cord_levels=(1, 2, 3),
) -> Given:
    """Read what figures draw from.

    Parameters
    ----------
    tables : mapping of str to path
    biomarkers, label_names : path
        Definitions, and names of label ids.
    participants : path, optional
    maps : sequence of path
    model : path, optional
        Of the chosen model, for the traces of its chains.
    event_colours : {"safe", "field"}
    cord_levels : sequence of int
        Vertebral levels of the cord's area.
    """
    read = {key: load(path) if Path(path).read_bytes().strip() else pd.DataFrame() for key, path in tables.items()}
    defined = read_biomarkers(biomarkers, cord_levels)
    places = pd.read_csv(label_names, sep="\t").set_index("label")["name"] if label_names else pd.Series(dtype=object)
    people = pd.DataFrame()
    if participants and "subtypes" in read:
        people = load(participants).set_index("participant_id").loc[read["subtypes"]["participant_id"]]
    traces = None
    if model:
        from ..sustain import SustainModel

        draws = SustainModel.load(model).draws
        traces = None if draws is None else np.asarray(draws.log_likelihood)
    return Given(
        name=name,
        tables=read,
        labels=defined.set_index("biomarker")["label"],
        where=structures(defined, places),
        people=people,
        outcomes=tuple(outcomes),
        maps=tuple(load(path) for path in maps),
        control=control,
        traces=traces,
        event_colours=event_colours,
        cord_levels=tuple(cord_levels),
    )
