"""What figures draw from: the tables of a study, or a model and what it says of people; and who is what."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..biomarkers import cord_of, levels_named, read_biomarkers
from ..clinical.outcomes import declared_for
from ..clinical.worsening import MADE
from ..errors import InputError
from ..home import workflow_home
from ..labels import NORMAL, group_of, is_true, normal_appearing, shown_names
from ..schema import load
from ..tables import read_table
from .brain import structures
from .declared import ALL
from .style import empty, in_doubt

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        participants.tsv of the disease, indexed by participant_id, with what visits and relapses make of them.
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
    n_subtypes : int, optional
        Of the model; by default the chosen number of `tables`.
    seen : str
        How people's labels came about.
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
    n_subtypes: int | None = None
    seen: str = "out of fold"

    def table(self, name: str) -> pd.DataFrame:
        """A table; an empty one where it is not there."""
        found = self.tables.get(name)
        return pd.DataFrame() if found is None else found

    @cached_property
    def k(self) -> int:
        """Number of subtypes that was chosen."""
        if self.n_subtypes is not None:
            return self.n_subtypes
        table = self.table("selection")
        return int(table.loc[is_true(table["chosen"]), "n_subtypes"].iloc[0])

    @property
    def _shown(self) -> dict[int, str]:
        """Name of every subtype: a study's as they are shown, those that are given for a model as they are."""
        table = self.table("names")
        names = dict(zip(table["subtype"].astype(int), table["name"].astype(str), strict=True))
        return shown_names(names) if self.n_subtypes is None else names

    @cached_property
    def names(self) -> dict[int, str]:
        """Subtype to its shown name, most people first; subtypes without anybody are left out."""
        table, shown = self.table("names"), self._shown
        if "n_staged_oof" not in table:  # a model alone, without people
            return shown
        table = table.sort_values(["n_staged_oof", "subtype"], ascending=[False, True])
        somebody = table.loc[table["n_staged_oof"] > 0, "subtype"].astype(int)
        return {c: shown[c] for c in somebody}

    @cached_property
    def groups(self) -> list[str]:
        """Normal-appearing and the subtypes, as drawn."""
        return list(dict.fromkeys([NORMAL, *self.names.values()]))

    @cached_property
    def doubt(self) -> str:
        """What is to be seen on figures of labels and orders: that the chains did not converge, or "" where they did.

        Examples
        --------
        >>> def of(**diagnostics):
        ...     return Given(tables={"diagnostics": pd.DataFrame(diagnostics)})
        >>> of(r_hat=[1.2], ess=[900.0]).doubt, of(r_hat=[np.nan], ess=[np.nan]).doubt, of(r_hat=[1.0], ess=[900.0]).doubt
        ('chains did not converge', 'convergence is not known', '')
        """
        from ..sustain.diagnostics import ESS_LIMIT, R_HAT_LIMIT

        # a model without draws has no chains
        alone = self.n_subtypes is not None and self.traces is None
        table = pd.DataFrame() if alone else self.table("diagnostics")
        if table.empty:
            return ""
        worst, least = table["r_hat"].max(), table["ess"].min()
        if not np.isfinite(worst):
            return "convergence is not known"
        return "" if worst <= R_HAT_LIMIT and least >= ESS_LIMIT else "chains did not converge"

    @cached_property
    def labelled(self) -> pd.DataFrame:
        """subtypes.tsv by person."""
        return self.table("subtypes").set_index("participant_id")

    @cached_property
    def group(self) -> pd.Series:
        """Group of every person, out of fold."""
        return group_of(self.labelled, self._shown, "oof_")

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


def with_made(people: pd.DataFrame, worsening: pd.DataFrame) -> pd.DataFrame:
    """People with the columns that visits and relapses make of them, as outcomes may name (`clinical.worsening.MADE`)."""
    if worsening.empty:
        return people
    made = worsening.set_index("participant_id")[[c for c in MADE if c in worsening]]
    return people.drop(columns=[c for c in made if c in people]).join(made)


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
        people = with_made(people, read.get("clinical/worsening", pd.DataFrame()))
    traces = None
    if model:
        from ..sustain import SustainModel

        draws = SustainModel.load(model).draws
        traces = None if draws is None else np.asarray(draws.log_likelihood)
    return Given(
        name=name,
        tables=read,
        labels=defined.set_index("biomarker")["label"],
        where=structures(defined, places, drawn_of(read)),
        people=people,
        outcomes=tuple(outcomes),
        maps=tuple(load(path) for path in maps),
        control=control,
        traces=traces,
        event_colours=event_colours,
        cord_levels=tuple(cord_levels),
    )


def drawn_of(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Biomarkers that the maps among these tables hold.

    Examples
    --------
    >>> drawn_of({"clinical/maps": pd.DataFrame({"biomarker": ["frontal"]}), "progression": pd.DataFrame()})
    {'frontal'}
    """
    return {
        b for name in ("clinical/maps", "progression") for b in tables.get(name, pd.DataFrame()).get("biomarker", ())
    }


class Made(Mapping):
    """Tables by name, each made when it is first asked for."""

    def __init__(self, make: Mapping[str, Callable[[], pd.DataFrame]]) -> None:
        self.make = dict(make)
        self.made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.made:
            self.made[name] = self.make[name]()
        return self.made[name]

    def __contains__(self, name: object) -> bool:
        return name in self.make

    def __iter__(self) -> Iterator[str]:
        return iter(self.make)

    def __len__(self) -> int:
        return len(self.make)


def places_of(model, biomarkers=None, cord_levels=None) -> tuple[dict, tuple]:
    """Places of a model's biomarkers on the drawing of brain and cord, and the levels that are written beside the cord.

    Parameters
    ----------
    model : SustainModel
    biomarkers : DataFrame, optional
        Definitions (`biomarkers.read_biomarkers`); the workflow's own where not given.
    cord_levels : sequence of int, optional
        Where not given those of the study's model, or else of the label of the cord in `biomarkers`; none where neither
        says any.

    Returns
    -------
    dict
        Biomarker to its places, see `brain.structures`.
    tuple of int
    """
    resources = workflow_home() / "resources"
    defined = read_biomarkers(resources / "biomarkers.tsv") if biomarkers is None else biomarkers
    if cord_levels is None:
        cord_levels = model.settings.get("cord_levels")
    if cord_levels is None:
        # the workflow's own definitions know nothing of how this cord was measured
        said = [] if biomarkers is None else defined.loc[defined["biomarker"] == cord_of(defined), "label"]
        cord_levels = [level for label in said for level in levels_named(label)]
    names = read_table(resources / "labels.tsv").set_index("label")["name"]
    return structures(defined, names, model.events.biomarkers), tuple(cord_levels)


def of_cross_validation(found, variant: str | None = None) -> dict[str, Callable[[], pd.DataFrame]]:
    """The tables of a `CrossValidation`: how well each number of subtypes predicts, for the first variant or the one named."""
    name = variant or found.selection["variant"].iloc[0]
    if name not in set(found.selection["variant"]):
        raise InputError(f"no variant {name!r}; there are {', '.join(found.selection['variant'].unique())}")

    def heldout_folds():
        folds = found.fold_log_likelihood
        wide = folds[folds["variant"] == name].pivot_table(
            index=["repeat", "fold"], columns="n_subtypes", values="heldout_loglik"
        )
        return wide.rename(columns=lambda k: f"k{k}")

    table = found.selection[found.selection["variant"] == name].reset_index(drop=True)
    return {"selection": lambda: table, "heldout_folds": heldout_folds}


def given_of(
    of,
    X=None,
    *,
    found=None,
    names: dict | None = None,
    labels=None,
    people: pd.DataFrame | None = None,
    variant: str | None = None,
    colours: str = "safe",
    biomarkers=None,
    cord_levels=None,
) -> Given:
    """What a model or a cross-validation says, as the tables that figures draw.

    Parameters
    ----------
    of : SustainModel or CrossValidation
    X : DataFrame or ndarray, shape (M, B), optional
        z of people, in or out of the training set, for figures that draw people; by default those of `found`.
    found : CrossValidation, optional
        Beside a model: people are then labelled by the fold models that have not seen them.
    names : dict of int to str, optional
        Subtype to name; "subtype 1" where not given.
    labels : mapping of str to str, optional
        Biomarker to label; its name where not given.
    people : DataFrame, optional
        age (years), sex (M, F) and, where known, etiv (mm3) of the people of X, by which `brain_t` adjusts.
    variant : str, optional
        Of the cross-validation; the first where not given.
    colours : {"safe", "field"}
        Of the thresholds in positional variance: for all eyes, or the red, magenta and blue of the SuStaIn papers.
    biomarkers, cord_levels : optional
        For drawings of brain and cord, see `places_of`.

    Returns
    -------
    Given

    Raises
    ------
    InputError
        `of` is neither.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> cohort = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(cohort.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> given = given_of(model, cohort.X, names={1: "deep"})
    >>> sorted(given.tables)[:4], len(given.table("subtypes"))
    (['clinical/maps', 'diagnostics', 'names', 'positional_variance'], 60)
    >>> from neuraxis.figures.model import stages
    >>> len(stages(model, cohort.X).axes)
    1
    """
    from ..sustain import CrossValidation, SustainModel
    from ..sustain.study import variance_table

    if isinstance(of, CrossValidation):
        return Given(tables=Made(of_cross_validation(of, variant)))
    if not isinstance(of, SustainModel):
        raise InputError(f"figures draw a SustainModel, a CrossValidation or the tables of a study (Given), not {of!r}")
    model = of
    names = {c: (names or {}).get(c, f"subtype {c}") for c in range(1, model.n_subtypes + 1)}
    own = list(model.events.biomarkers)
    known = pd.DataFrame({"subtype": list(names), "name": list(names.values()), "fraction": model.fractions})
    make: dict[str, Callable[[], pd.DataFrame]] = {
        "progression": model.progression,
        "diagnostics": model.diagnostics,
        "positional_variance": lambda: variance_table(
            model, {} if found is None else found.models_of(model.n_subtypes, variant)
        ),
    }
    if found is not None:
        make |= of_cross_validation(found, variant)
    if X is not None or found is not None:
        # `check_data` names people by the table's rows, `found` by those that it was given
        values, index = (found.values, found.index) if X is None else model.events.check_data(X)
        assigned = model.assign(values) if found is None else found.out_of_fold(model, variant)
        assigned = assigned.set_axis(pd.Index(index, name="participant_id")).add_prefix("oof_")
        staged = assigned.loc[~normal_appearing(assigned, "oof_"), "oof_subtype"].astype(int)
        known["n_staged_oof"] = [int((staged == c).sum()) for c in known["subtype"]]
        make["subtypes"] = assigned.reset_index

        def maps():
            from ..clinical.maps import region_maps

            z = pd.DataFrame(values, columns=own, index=assigned.index)
            who = pd.DataFrame({"age": np.nan, "sex": "", "etiv": np.nan}, index=z.index)
            if people is not None:
                who = pd.DataFrame(people).set_axis(z.index).reindex(columns=["age", "sex", "etiv"])
            return region_maps(z, who, who["etiv"], group_of(assigned, names, "oof_"))

        make["clinical/maps"] = maps
    make["names"] = lambda: known
    where, levels = places_of(model, biomarkers, cord_levels)
    return Given(
        tables=Made(make),
        labels=pd.Series(own, index=own)
        if labels is None
        else pd.Series(labels).reindex(own).fillna(dict(zip(own, own, strict=True))),
        where=where,
        traces=None if model.draws is None else np.asarray(model.draws.log_likelihood),
        event_colours=colours,
        cord_levels=levels,
        n_subtypes=model.n_subtypes,
        seen="by the model" if found is None else "out of fold",
    )


def _taking() -> None:
    """What every figure takes, said once for all: a docstring, so that other words of it rerun nothing.

    Parameters
    ----------
    of : SustainModel, CrossValidation or Given
        What is drawn: a model, a cross-validation, or the tables of a study.
    X : DataFrame or ndarray, shape (M, B), optional
        z of people whom the model is to place, where people are drawn.
    **more
        found, names, labels, people, variant, colours, biomarkers, cord_levels of `given.given_of`.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        The figure draws what a model does not know: people who are not given, clinical measures.
    """


#: What a figure needs first, where a model, people and a cross-validation have it.
KNOWN = {"selection", "positional_variance", "progression", "diagnostics", "clinical/maps"}
#: How it is called, for those that a model has something for.
CALLED = """
    Examples
    --------
    >>> from neuraxis.example import fitted
    >>> model, people, found = fitted()
    >>> figure = {name}({of})
    >>> len(figure.axes) > 0
    True
"""


def takes_models(draw: Callable[[Given], Figure]) -> Callable[..., Figure]:
    """A figure of `Given` that takes a model or a cross-validation in its place, and says what it lacks."""
    called = f"{draw.__module__.rpartition('.')[2]}:{draw.__name__}"
    figure = next(f for f in ALL.values() if f.draw == called)
    needs = figure.tables[:1] or (("outcomes",) if called.startswith("clinical:") else ())

    def shown(given: Given) -> Figure:
        made = draw(given)
        if figure.sampled and given.doubt:
            in_doubt(made, given.doubt)
        return made

    @wraps(draw)
    def drawing(of, X=None, **more) -> Figure:
        if isinstance(of, Given):
            return shown(of)
        given = given_of(of, X, **more)
        if figure.name != "selection" and given.n_subtypes == 0:
            return empty("A model of healthy people alone: there is no order to draw.")
        lacks = [t for t in needs if t not in given.tables]
        if lacks or (figure.people and "subtypes" not in given.tables):
            raise InputError(f"{figure.name}: {_lack(lacks, given)}")
        return shown(given)

    # what is shown of it are the arguments that it takes
    drawing.__signature__ = inspect.signature(drawing, follow_wrapped=False)  # type: ignore[attr-defined]
    drawing.__doc__ = (draw.__doc__ or "").rstrip() + (_taking.__doc__ or "").partition("nothing.")[2]
    if set(needs) <= KNOWN:
        of = "found" if figure.name == "selection" else "model, people, found=found"
        drawing.__doc__ += CALLED.format(name=draw.__name__, of=of)
    return drawing


def _lack(tables: list[str], given: Given) -> str:
    """What a figure needs beside what is there."""
    if given.n_subtypes is None:
        return "a cross-validation alone has no model of everyone; give the model first, and found=the cross-validation"
    if not tables or tables == ["clinical/maps"]:
        return "people are drawn: give their z as X, or found=a cross-validation of them"
    if tables == ["selection"]:
        return "a model alone was not compared with others; give a cross-validation"
    return f"drawn from {', '.join(tables)} of a study, which a model does not know; see neuraxis.figures.study.draw"
