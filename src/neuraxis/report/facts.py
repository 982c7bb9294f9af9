"""What the report knows of a study, read from its tables: sentences ask it, they parse nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from ..cohort.participants import ONE_SITE
from ..errors import InputError
from ..features.biomarkers import read_biomarkers
from ..labels import NORMAL, group_of, is_true, normal_appearing, shown_names
from ..schema import load, table_of
from ..sustain import verdict
from ..sustain.crossval import CVIC_EVIDENCE

#: Columns of people that the workflow knows itself, in words.
COLUMNS_OF_PEOPLE = {"etiv": "head size"}
#: Fewer people than this in a subtype carry no conclusion.
SMALL = 20
#: People that would be expected in a run of empty stages, were the staged spread evenly, for it to be called a gap;
#: with five, an empty run has a chance of less than one in a hundred.
EXPECTED_IN_GAP = 5.0
#: At least so many people on either side of a gap.
BESIDE_GAP = 5


def column_in_words(column: str, config: Mapping) -> str:
    """Words of a column of the study's tables of people: the name of the outcome that it holds, else blanks.

    Parameters
    ----------
    column : str
        As it is called in a table of results: "edss", "strata of site".
    config : mapping
    """
    words = COLUMNS_OF_PEOPLE | {
        o["column"]: o["name"] for o in config["clinical"]["outcomes"] if {"column", "name"} <= set(o)
    }
    before, of, name = column.rpartition("strata of ")
    return before + of + words.get(name, name.replace("_", " "))


class Tables(Mapping):
    """Tables of a folder by name ("selection", "clinical/associations"), read when first asked for.

    A table that is switched off, or not there and need not be, is an empty frame: what a sentence says of it stands under
    the condition that there is something.

    Raises
    ------
    InputError
        A table of every study is not there, or one that is there is damaged.
    """

    def __init__(self, places: Callable[[str], Path | None] | None = None, given: Mapping | None = None) -> None:
        self._places = places
        self._known = dict(given or {})

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._known:
            path = self._places(name) if self._places else None
            if path is None or not path.is_file():
                if path is not None and (table := table_of(path)) is not None and table.always:
                    raise InputError(f"{path} is not there; run the study again, which makes what is lacking")
                self._known[name] = pd.DataFrame()
            else:
                self._known[name] = load(path)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


def below_results(name: str, disease: str) -> str:
    """Path below results/ of a disease's table by its name: "selection", "clinical/associations"."""
    room, _, rest = name.rpartition("/")
    return f"{room or 'sustain'}/{disease}/{rest}.tsv"


@dataclass(frozen=True)
class Disease:
    """One disease's model and what it means.

    Attributes
    ----------
    name : str
    tables : Mapping of str to DataFrame
        By the names of docs/results.md: "selection", "names", ..., "clinical/associations", ...
    config : dict
    control : str
    simulated : bool
        The study's own simulated cohort.
    labels : Series
        Biomarker to its label.
    families : Series
        Biomarker to how the model takes it ("zscore", ...); of those not named: z-score.
    systems : Series
        Biomarker to the system that subtypes are named after.
    kinds : Series
        Biomarker to how it is measured ("labels", "cord", "column", ...); empty where that is not known.
    """

    name: str
    tables: Mapping
    config: dict
    control: str = "HC"
    simulated: bool = False
    labels: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    families: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    systems: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))
    kinds: pd.Series = field(default_factory=lambda: pd.Series(dtype=object))

    # --- the number of subtypes --------------------------------------------------------------------------------------

    @cached_property
    def tried(self) -> pd.DataFrame:
        """Rows of the selection that are numbers of subtypes, by number."""
        table = self.tables["selection"]
        return table[table["n_subtypes"] >= 0].sort_values("n_subtypes").set_index("n_subtypes")

    @cached_property
    def k(self) -> int:
        """Number of subtypes of the model that is reported as chosen; 0 where everyone healthy predicts as well."""
        return int(self.tried.index[is_true(self.tried["chosen"])][0])

    @cached_property
    def fixed(self) -> bool:
        """Was the number decided beforehand?"""
        return self.config["sustain"]["n_subtypes"] != "auto"

    @cached_property
    def best(self) -> int:
        """Number of subtypes with the lowest CVIC."""
        return int(self.tried["cvic"].idxmin())

    @cached_property
    def by_rule(self) -> int:
        """What the rule chooses: the smallest within max(6, one SE) of the best."""
        near = self.tried["gap_cvic"] <= self.tried["gap_se"].fillna(0).clip(lower=CVIC_EVIDENCE)
        return int(self.tried.index[near][0])

    @cached_property
    def largest(self) -> int:
        """Largest number tried."""
        return int(self.tried.index.max())

    @cached_property
    def gaussian_gain(self) -> float:
        """Nats by which one multivariate normal predicts unseen people better than the chosen model; NaN: not tried."""
        table = self.tables["selection"]
        row = table[table["n_subtypes"] == -1]
        return (
            float(row["heldout_loglik"].iloc[0] - self.tried.loc[self.k, "heldout_loglik"])
            if len(row)
            else float("nan")
        )

    @cached_property
    def healthy_gain(self) -> float:
        """Nats by which everyone healthy (k = 0) predicts better than the chosen model."""
        held = self.tried["heldout_loglik"]
        return float(held[0] - held[self.k]) if 0 in held.index else float("nan")

    # --- people ------------------------------------------------------------------------------------------------------

    @cached_property
    def people(self) -> pd.DataFrame:
        """subtypes.tsv by person."""
        return self.tables["subtypes"].set_index("participant_id")

    @cached_property
    def ranked(self) -> list[tuple[int, str, int]]:
        """Subtype, name and staged people (out of fold) of every subtype, most people first."""
        names = self.tables["names"].sort_values(["n_staged_oof", "subtype"], ascending=[False, True])
        return [(int(r.subtype), str(r.name_), int(r.n)) for r in names.set_axis(_short(names), axis=1).itertuples()]

    @cached_property
    def names(self) -> dict[int, str]:
        """Subtype to the name that is shown, most people first; one subtype alone has none of its own."""
        return shown_names({c: name for c, name, _ in self.ranked})

    @cached_property
    def group(self) -> pd.Series:
        """Subtype's name or normal-appearing, out of fold, by person."""
        return group_of(self.people, self.names, "oof_")

    @cached_property
    def n(self) -> int:
        """People modelled."""
        return len(self.people)

    @cached_property
    def n_staged(self) -> int:
        """People who are not normal-appearing, out of fold."""
        return int((~normal_appearing(self.people, "oof_")).sum())

    @cached_property
    def share_normal(self) -> float:
        """Share of people who are normal-appearing, out of fold."""
        return 1 - self.n_staged / self.n if self.n else float("nan")

    @cached_property
    def controls_staged(self) -> float:
        """Share of controls that the model stages above 0; NaN where unknown."""
        table = self.tables["controls"]
        if table.empty:
            return float("nan")
        found = table.loc[table["quantity"] == "share of controls at stage 1 or above", "value"]
        return float(found.iloc[0]) if len(found) else float("nan")

    @cached_property
    def stages(self) -> pd.Series:
        """Out-of-fold stage of everyone, 0 for the normal-appearing."""
        stage = self.people["oof_stage"].astype(float)
        return stage.mask(normal_appearing(self.people, "oof_"), 0.0)

    @cached_property
    def gap(self) -> tuple[int, int, int, int] | None:
        """First and last stage of the widest stretch that nobody is at, and the people below and above; None: no gap."""
        staged = self.stages[self.stages > 0]
        if len(staged) < 2 * BESIDE_GAP:
            return None
        top = float(np.quantile(staged, 0.95))
        here = np.unique(np.append(self.stages, 0.0))
        found = None
        for low, high in zip(here[:-1], here[1:], strict=True):
            empty = int(high - low) - 1
            below, above = int((self.stages <= low).sum()), int((self.stages >= high).sum())
            expected = len(staged) * empty / max(top, 1.0)
            if empty > 1 and expected >= EXPECTED_IN_GAP and min(below, above) >= BESIDE_GAP:
                if found is None or empty > found[1] - found[0] + 1:
                    found = (int(low) + 1, int(high) - 1, below, above)
        return found

    @cached_property
    def mean_z_rho(self) -> float:
        """Spearman correlation of the staged people's expected stage with their mean z; NaN where unknown."""
        table = self.tables["baselines"]
        if table.empty:
            return float("nan")
        row = table[(table["baseline"] == "mean z") & (table["people"] == "staged")]
        return float(row["value"].iloc[0]) if len(row) else float("nan")

    @cached_property
    def sure(self) -> float:
        """Share of the staged whose most probable subtype has a probability of at least 0.9."""
        p = self.people.loc[~normal_appearing(self.people, "oof_")].filter(regex=r"^oof_p_subtype\d+$").max(axis=1)
        return float((p >= 0.9).mean()) if len(p) else float("nan")

    # --- clinical results --------------------------------------------------------------------------------------------

    def in_words(self, column: str) -> str:
        """Words of a column of people, see `column_in_words`."""
        return column_in_words(column, self.config)

    @cached_property
    def associations(self) -> pd.DataFrame:
        """associations.tsv with covariates in words."""
        table = self.tables["clinical/associations"]
        if table.empty:
            return table
        told = table["covariates"].map(
            lambda v: ", ".join(map(self.in_words, v.split(", "))) if isinstance(v, str) else v
        )
        return table.assign(covariates=told)

    # --- the chains --------------------------------------------------------------------------------------------------

    @cached_property
    def _verdict(self) -> tuple[bool, str]:
        return verdict(self.tables["diagnostics"])

    @property
    def converged(self) -> bool:
        """Have the chains converged?"""
        return self._verdict[0]

    @property
    def convergence(self) -> str:
        """The sentence that says so."""
        return self._verdict[1]

    @cached_property
    def _first(self) -> dict[int, list[tuple[str, float]]]:
        """Subtype to the three biomarkers whose first events come earliest, with the mean place (1-based)."""
        table = self.tables["event_order"]
        if table.empty:
            return {}
        first = table.sort_values("mean_position", kind="stable").drop_duplicates(["subtype", "biomarker"])
        return {
            int(c): [(str(b), float(p)) for b, p in part[["biomarker", "mean_position"]].values[:3]]
            for c, part in first.groupby("subtype")
        }

    @cached_property
    def first_events(self) -> dict[int, list[tuple[str, float]]]:
        """Subtype to the labels of the three biomarkers whose first events come earliest, with the mean place (1-based)."""
        return {c: [(str(self.labels.get(b, b)), p) for b, p in first] for c, first in self._first.items()}

    def named_by_comparison(self, subtype: int) -> bool:
        """Does a subtype carry the name of a system in which its sequence does not begin (`sustain.naming.RULE`)?"""
        table = self.tables["names"]
        system = table.set_index("subtype")["system"].get(subtype) if "system" in table else None
        first = [self.systems.get(b) for b, _ in self._first.get(subtype, [])]
        return system in set(self.systems.dropna()) and bool(first) and system not in first

    @cached_property
    def measures(self) -> list[str]:
        """Labels of the biomarkers whose events the model orders; [] where unknown."""
        table = self.tables["event_order"]
        return [] if table.empty else [str(self.labels.get(b, b)) for b in dict.fromkeys(table["biomarker"])]

    @cached_property
    def n_stages(self) -> int:
        """Events of the model, and so its highest stage; 0 where unknown."""
        table = self.tables["event_order"]
        return 0 if table.empty else int(table["subtype"].value_counts().max())

    @cached_property
    def most_affected(self) -> dict[str, list[tuple[str, float]]]:
        """Group to its three biomarkers of highest mean z, of groups of at least five people."""
        table = self.tables["clinical/maps"]
        if table.empty:
            return {}
        table = table[table["n"] >= 5].sort_values("mean_z", ascending=False)
        return {
            str(g): [(str(self.labels.get(b, b)), float(z)) for b, z in part[["biomarker", "mean_z"]].values[:3]]
            for g, part in table.groupby("group")
        }


def _short(names: pd.DataFrame) -> list[str]:
    """Columns of names.tsv under names that a row may have as attributes."""
    return [{"name": "name_", "n_staged_oof": "n"}.get(c, c) for c in names.columns]


@dataclass(frozen=True)
class Study:
    """A whole study.

    Attributes
    ----------
    tables : Mapping of str to DataFrame
        By path without suffix below results/: "cohort/flow", "features/qc", ...
    config : dict
    diseases : list of Disease
    biomarkers : DataFrame
        Definitions, see `read_biomarkers`.
    provenance : dict
    control : str
    simulated : bool
    """

    tables: Mapping
    config: dict
    diseases: list
    biomarkers: pd.DataFrame
    provenance: dict = field(default_factory=dict)
    control: str = "HC"
    simulated: bool = False

    @cached_property
    def flow(self) -> pd.DataFrame:
        """Steps of cohort and features, with who left."""
        return pd.concat([self.tables["cohort/flow"], self.tables["features/flow"]], ignore_index=True)

    @cached_property
    def participants(self) -> pd.DataFrame:
        """participants.tsv."""
        return self.tables["cohort/participants"]

    @cached_property
    def n_sites(self) -> int:
        """Sites of all people."""
        return int(self.participants["site"].nunique())

    @cached_property
    def no_sites(self) -> str:
        """That the study does not say where people were scanned; "" where it does."""
        alone = set(self.participants["site"].dropna()) <= {ONE_SITE}
        return "No sites are given and everyone counts as scanned at one" if alone else ""

    @cached_property
    def absent(self) -> list[str]:
        """Labels of biomarkers that are defined and wanted but were measured in nobody."""
        use = self.config["features"].get("use", "all")
        wanted = self.biomarkers if use == "all" else self.biomarkers[self.biomarkers["biomarker"].isin(use)]
        measured = self.tables["features/measures"].columns
        return [b.label for b in wanted.itertuples() if b.biomarker not in measured]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Definitions of the biomarkers that somebody has a z of."""
        z = self.tables["normative/zscores"]
        known = [b in z and bool(z[b].notna().any()) for b in self.biomarkers["biomarker"]]
        return self.biomarkers[known]

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Definitions of the ordinal biomarkers that somebody has a level of: they have no z."""
        table = self.biomarkers
        if "family" not in table:
            return table.iloc[:0]
        values = self.tables["features/measures"]
        known = np.array([b in values and bool(values[b].notna().any()) for b in table["biomarker"]], bool)
        return table[known & (table["family"] == "ordinal") & ~table.index.isin(self.measured.index)]

    @cached_property
    def cord(self) -> list[str]:
        """Labels of the measures of the spinal cord: its area, and whatever is defined as of its system."""
        of_cord = (self.measured["kind"] == "cord") | (self.measured["system"] == "spinal cord")
        return list(self.measured.loc[of_cord, "label"])

    @property
    def has_cord(self) -> bool:
        """Was the cord measured?"""
        return bool(self.cord)

    @cached_property
    def has_brain(self) -> bool:
        """Was anything measured that may be of the brain: neither of the cord nor a column of people?"""
        rest = self.measured[~self.measured["label"].isin(self.cord)]
        return bool((rest["kind"] != "column").any())

    @cached_property
    def columns_alone(self) -> bool:
        """Is everything that was measured a column of people: scores, markers of fluids, nothing of an image?"""
        kinds = {*self.measured["kind"], *self.scores["kind"]}
        return kinds == {"column"} and not self.has_cord

    @cached_property
    def has_head_size(self) -> bool:
        """Is anybody's head size known?"""
        measures = self.tables["features/measures"]
        return "etiv" in measures and bool(measures["etiv"].notna().any())

    @cached_property
    def sites_without_controls(self) -> list[str]:
        """Sites, of several, that have patients and no control."""
        people = self.participants
        if people["site"].nunique() < 2:
            return []
        healthy = set(people.loc[people["group"] == self.control, "site"].dropna())
        return sorted(set(people["site"].dropna()) - healthy)

    @cached_property
    def norms_checks(self) -> pd.DataFrame:
        """Checks of the controls' z after the site term."""
        table = self.tables["normative/diagnostics"]
        return table[table["harmonisation"] == "after"] if len(table) else table

    @cached_property
    def predicted(self) -> list[Disease]:
        """Diseases of which something was predicted in people not used to fit."""
        tables = {d.name: d.tables["clinical/prediction"] for d in self.diseases}
        return [d for d in self.diseases if len(t := tables[d.name]) and t["c"].notna().any()]

    @cached_property
    def n_scanned_again(self) -> int:
        """People of the diseases with a later scan that could be staged."""
        return sum(d.tables["followup"].get("participant_id", pd.Series(dtype=object)).nunique() for d in self.diseases)


def switched_off(config: Mapping, simulated: bool) -> set[str]:
    """Tables of a disease that this configuration does not make; of an earlier run they may still lie there."""
    sustain = config.get("sustain", {})
    made_by = {
        "variants": ("variants",),
        "parametric_null": ("parametric_null",),
        "leave_site_out": ("sites", "site_labels"),
    }
    off = {t for key, tables in made_by.items() if not sustain.get(key, True) for t in tables}
    return off if simulated else off | {"clinical/planted"}


def read_study(results, *, diseases, control: str, simulated: bool, biomarkers) -> Study:
    """The study whose results lie in a folder.

    Parameters
    ----------
    results : path
    diseases : sequence of str
    control : str
    simulated : bool
    biomarkers : path
        Definitions.
    """
    root = Path(results)
    provenance = json.loads((root / "provenance.json").read_text(encoding="utf-8"))
    defined = read_biomarkers(biomarkers, provenance["config"]["features"].get("cord_levels", ()))
    off = switched_off(provenance["config"], simulated)
    labels, families, systems, kinds = (
        defined.set_index("biomarker")[c] for c in ("label", "family", "system", "kind")
    )

    def place(disease):
        def path(name: str) -> Path | None:
            if name in off:
                return None
            return root / below_results(name, disease)

        return path

    found = [
        Disease(str(d), Tables(place(d)), provenance["config"], control, simulated, labels, families, systems, kinds)
        for d in map(str, diseases)
    ]
    tables = Tables(lambda name: root / f"{name}.tsv")
    return Study(tables, provenance["config"], found, defined, provenance, control, simulated)


__all__ = ["BESIDE_GAP", "NORMAL", "SMALL", "Disease", "Study", "Tables", "below_results", "read_study"]
