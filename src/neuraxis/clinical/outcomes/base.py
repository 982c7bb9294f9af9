"""What every type of outcome has: its declaration, its models, its companions, how it is drawn and told."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import ClassVar

import lifelines
import numpy as np
import pandas as pd
import statsmodels.api as sm

from ...errors import InputError, counted
from ..cases import BACK, TRANSFORMS, Cases
from ..effects import partial_correlation, probabilistic_index
from ..fit import HUGE_SE, Fit, band, refused

#: See `Outcome.mean_scores`.
MeanScores = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
#: See `Outcome.curve`.
Curve = tuple[np.ndarray, np.ndarray, np.ndarray, str]


@dataclass(frozen=True)
class Outcome:
    """One declared outcome; a subclass per type says how it is fitted, checked, drawn and told.

    Parameters
    ----------
    name, column : str
        Column of participants.tsv; where there are events, the event (0 or 1).
    covariates : sequence of str
        Columns of participants.tsv; text columns become categories.
    exposure : str, optional
        Column with years of observation, for counts.
    time : str, optional
        Column with years to the event or to the last visit, for survival and discrete.
    strata : sequence of str
        Columns whose values have their own baseline hazard, for survival.
    transform : {"none", "log", "log1p", "sqrt"}
        Of the outcome, before anything else.
    reference : {"none", "controls"}
        "controls": the outcome becomes its z against the controls' regression on the covariates, which then do not
        enter the model again.
    family : str
        Results of one family share one false-discovery rate.
    diseases : sequence of str
        Groups it is an outcome of; none: all.
    only : mapping of str to sequence
        Columns and the values that a person at risk has there, e.g. ``{course: [RRMS]}``.
    maximum : float, optional
        Largest possible value, for bounded scores (the least is 0).
    unit : str
        What its values are counted in, at the axes of figures.

    Examples
    --------
    >>> from neuraxis.clinical.outcomes import declare
    >>> edss = declare("EDSS", "edss", "ordinal", covariates=["age"])
    >>> isinstance(edss, Outcome), edss.label, edss.drawn
    (True, 'EDSS', 'points')
    >>> rng = np.random.default_rng(1)
    >>> people = pd.DataFrame({"worse": rng.integers(0, 2, 80), "age": rng.normal(45, 9, 80)})
    >>> outcome = declare("worse", "worse", "binary", covariates=["age"])
    >>> cases = Cases(people["worse"], people[["age"]])
    >>> terms = pd.DataFrame({"stage": rng.normal(0, 1, 80)})
    >>> outcome.check_values(people["worse"])
    >>> plan = outcome.plan(cases, 2)
    >>> plan, outcome.n_events(cases), outcome.fit(cases, terms).n
    ('logistic', 36, 80)
    >>> outcome.fit_with(plan, cases.y, terms.join(cases.x), ["stage"], cases).estimate.shape
    (1,)
    >>> outcome.check(cases, terms), float(outcome.scale(0.0)), outcome.words(2.0)
    (('', nan), 1.0, 'higher odds of worse')
    >>> beside = outcome.nuisance(cases)
    >>> outcome.log_density(cases, np.zeros((80, 2)), beside).shape, outcome.values(people).shape
    ((80, 2), (80,))
    >>> relapses = declare("relapses", "n", "count", exposure="years")
    >>> years = pd.Series(2.0, index=people.index)
    >>> counts = Cases(pd.Series(rng.poisson(2, 80)), people[["age"]], exposure=years)
    >>> relapses.mean_scores(counts, np.zeros((80, 2)), np.full((80, 2), 0.5))[0].shape
    (80,)
    >>> bool((relapses.comparable(counts) == counts.y / 2).all())
    True
    >>> relapses.rates, relapses.rate(pd.DataFrame({"n": [1, 3], "years": [1.0, 4.0]}))
    (True, 0.8)
    >>> age = declare("age", "age", "continuous")
    >>> middle, low, high, name = age.curve(np.array([1.0, 2.0, 3.1]), np.arange(3.0), np.array([1.0]), None)
    >>> middle.round(2).tolist(), name
    ([2.03], 'least squares')
    >>> sorted(relapses.group_companions(counts, people["worse"] == 1, people["worse"] == 0))[:1]
    ['cliffs_delta']
    >>> sorted(relapses.stage_companions(counts, terms["stage"]))[:1]
    ['kendall_tau']
    """

    name: str
    column: str
    covariates: tuple = field(default_factory=tuple)
    exposure: str | None = None
    time: str | None = None
    strata: tuple = field(default_factory=tuple)
    transform: str = "none"
    reference: str = "none"
    family: str = "clinical"
    diseases: tuple = field(default_factory=tuple)
    only: tuple = field(default_factory=tuple)
    maximum: float | None = None
    unit: str = ""

    #: Name in the configuration.
    type: ClassVar[str] = ""
    #: What the configuration has to say beside column and type, in words.
    asks: ClassVar[str] = ""
    #: What the estimate is called.
    effect: ClassVar[str] = ""
    #: The effect is reported as it is; all others are exponentiated.
    linear: ClassVar[bool] = False
    #: The outcome is a number; a category is not.
    numeric: ClassVar[bool] = True
    #: The outcome is an event, 0 or 1.
    has_events: ClassVar[bool] = False
    #: Years are needed.
    needs_time: ClassVar[bool] = False
    #: The time of each event is known: times to it can be drawn, and predicted.
    timed: ClassVar[bool] = False
    #: The maximum is needed.
    needs_maximum: ClassVar[bool] = False
    #: Models have a likelihood, so nested ones can be compared.
    nested: ClassVar[bool] = True
    #: How people are drawn: "points", "share" of people with the event, or "" where not at all.
    drawn: ClassVar[str] = "points"
    #: Drawn against stage too.
    against_stage: ClassVar[bool] = True
    #: Ranks of two groups can be compared without a model.
    ranked: ClassVar[bool] = True
    #: What a model is called that averages the mean over groups (`mean_scores`); "": probabilities are terms.
    averaged: ClassVar[str] = ""
    #: Words for a larger and a smaller estimate.
    direction: ClassVar[tuple[str, str]] = ("higher {o}", "lower {o}")

    def __post_init__(self) -> None:
        for name in ("covariates", "strata", "diseases"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        pairs = self.only.items() if isinstance(self.only, dict) else self.only
        object.__setattr__(
            self, "only", tuple((c, tuple(v) if isinstance(v, list | tuple) else (v,)) for c, v in pairs)
        )
        if self.needs_time and not self.time:
            raise InputError(f"clinical outcome {self.name}: type {self.type} needs a column with years in `time`")
        if self.needs_maximum and not (self.maximum and self.maximum > 0):
            raise InputError(f"clinical outcome {self.name}: type {self.type} needs the largest score in `maximum`")
        if self.transform not in TRANSFORMS:
            raise InputError(f"clinical outcome {self.name}: unknown transform {self.transform!r}")

    @property
    def columns(self) -> list[str]:
        """Everything that the model needs, the outcome first, each once."""
        others = [c for c in (self.exposure, self.time) if c]
        return list(dict.fromkeys([self.column, *self.covariates, *self.strata, *others]))

    @property
    def model_covariates(self) -> tuple:
        """Covariates of the model itself: none of those that made a control-based z."""
        return () if self.reference == "controls" else self.covariates

    def scale(self, value) -> float | np.ndarray:
        """From the model's scale to the reported effect.

        Parameters
        ----------
        value : float or ndarray

        Returns
        -------
        float or ndarray
        """
        return value if self.linear else np.exp(value)

    def check_values(self, y: pd.Series) -> None:
        """Refuse values that this type cannot have.

        Parameters
        ----------
        y : Series

        Raises
        ------
        InputError
            Events other than 0 and 1, scores above their maximum.
        """
        if self.has_events and not set(pd.to_numeric(y, errors="coerce")) <= {0, 1}:
            raise InputError(f"clinical outcome {self.name}: {self.column} must be 0 or 1")

    def n_events(self, cases: Cases) -> int:
        """Events among these people; 0 for outcomes that have none.

        Parameters
        ----------
        cases : Cases

        Returns
        -------
        int
        """
        return int(cases.y.sum()) if self.has_events else 0

    # --- fitting -----------------------------------------------------------------------------------------------------

    def plan(self, cases: Cases, n_terms: int, groups: pd.DataFrame | None = None) -> str:
        """Which estimator fits these people with at most so many terms and covariates.

        Chosen once, before anything is fitted, and used for every row that is compared with another.

        Parameters
        ----------
        cases : Cases
        n_terms : int
        groups : DataFrame, shape (n, G), optional
            Indicators among others: one without events needs an estimator that can bear it.

        Returns
        -------
        str
            Its name; "" where there is one only.
        """
        return ""

    def fit_with(self, plan: str, y: pd.Series, x: pd.DataFrame, names: list[str], cases: Cases) -> Fit | None:
        """Fit the outcome by the planned estimator.

        Parameters
        ----------
        plan : str
        y : Series
        x : DataFrame
            Terms and covariates.
        names : list of str
            The terms.
        cases : Cases

        Returns
        -------
        Fit or None
            None where it did not converge.
        """
        raise NotImplementedError

    def fit(self, cases: Cases, terms: pd.DataFrame, plan: str | None = None) -> Fit:
        """Fit the outcome on `terms` and its covariates.

        Parameters
        ----------
        cases : Cases
        terms : DataFrame
            Index of `cases`; subtype indicators or probabilities, stage, ...
        plan : str, optional
            Estimator, from `plan`; by default the one for these very terms.

        Returns
        -------
        Fit
            Without numbers, and with a reason, where the model cannot be fitted, did not converge, or groups separate.
        """
        y, x = cases.y, terms.loc[cases.y.index].astype(float).join(cases.x)
        names = list(terms.columns)
        events = self.n_events(cases)
        no = lambda reason: refused(len(y), reason, events)  # noqa: E731
        if len(y) == 0:
            return no("nobody has all the values")
        if self.needs_time and events == 0:
            return no("nobody had the event: everyone is censored")
        if y.nunique() < 2 and not self.needs_time:
            return no("the outcome is constant")
        flat = [t for t in names if x[t].nunique() < 2]
        if flat:
            return no(f"nobody to compare with in {', '.join(flat)}")
        if len(y) < x.shape[1] + 10:
            return no(f"{counted(len(y), 'person')} for {counted(x.shape[1], 'term')}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                chosen = self.plan(cases, x.shape[1], x) if plan is None else plan
                fit = self.fit_with(chosen, y, x, names, cases)
        except (
            np.linalg.LinAlgError,
            sm.tools.sm_exceptions.PerfectSeparationError,
            lifelines.exceptions.ConvergenceError,
            ValueError,
            FloatingPointError,
            RuntimeError,
        ) as error:
            return no(f"the model could not be fitted ({type(error).__name__})")
        if fit is None:
            return no("the model did not converge")
        fit.n, fit.n_events = len(y), events
        se = np.sqrt(np.diag(fit.covariance))
        if not np.isfinite(fit.estimate).all() or not np.isfinite(se).all() or (se > HUGE_SE).any() or (se == 0).any():
            return no("the model did not converge or the groups separate completely")
        return fit

    def check(self, cases: Cases, terms: pd.DataFrame, tested=None) -> tuple[str, float]:
        """Name and p of a test of what the effect rests on; empty and missing where there is nothing to test.

        Parameters
        ----------
        cases : Cases
        terms : DataFrame
            As for `fit`.
        tested : sequence of str, optional
            The terms that are told; the others are in the model, and untested. By default all.

        Returns
        -------
        str
        float
        """
        return "", np.nan

    # --- imputing labels ---------------------------------------------------------------------------------------------

    def nuisance(self, cases: Cases) -> np.ndarray:
        """Starting values of the parameters that the log density has beside the linear predictor.

        Parameters
        ----------
        cases : Cases

        Returns
        -------
        ndarray
        """
        raise NotImplementedError

    def log_density(self, cases: Cases, predictor: np.ndarray, nuisance: np.ndarray) -> np.ndarray:
        """log f(y | linear predictor), elementwise.

        Parameters
        ----------
        cases : Cases
        predictor : ndarray, shape (n, C)
            One column for every group a person may belong to; without intercept.
        nuisance : ndarray
            Intercepts, thresholds, spreads: whatever `nuisance` starts from.

        Returns
        -------
        ndarray, shape (n, C)
        """
        raise NotImplementedError

    def mean_scores(self, cases: Cases, predictor: np.ndarray, weights: np.ndarray) -> MeanScores:
        """Quasi-log-likelihood of everyone's mean averaged over groups, and what its slopes are made of.

        Parameters
        ----------
        cases : Cases
        predictor, weights : ndarray, shape (n, C)
            Of every group that a person may belong to, with intercept, and its probability.

        Returns
        -------
        value : ndarray, shape (n,)
        residual : ndarray, shape (n,)
            Of the averaged mean.
        variance : ndarray, shape (n,)
            Of the outcome at that mean, up to a factor common to all.
        tilt : ndarray, shape (n, C)
            Derivative of the mean by each group's predictor.
        """
        raise NotImplementedError

    # --- companions --------------------------------------------------------------------------------------------------

    def comparable(self, cases: Cases) -> pd.Series:
        """Values that can be compared between people: the outcome, or its rate.

        Parameters
        ----------
        cases : Cases

        Returns
        -------
        Series
        """
        return cases.y

    def group_companions(self, cases: Cases, mine: pd.Series, other: pd.Series) -> dict[str, float]:
        """Unadjusted effect sizes of one group (bool) against another.

        Parameters
        ----------
        cases : Cases
        mine, other : Series of bool

        Returns
        -------
        dict of str to float
        """
        values = self.comparable(cases)
        return probabilistic_index(values[mine], values[other]) if self.ranked else {}

    def stage_companions(self, cases: Cases, stage: pd.Series) -> dict[str, float]:
        """Correlations of the outcome with the stage of these people, plain and given the covariates.

        Parameters
        ----------
        cases : Cases
        stage : Series
            Expected stage, by person.

        Returns
        -------
        dict of str to float
        """
        values = self.comparable(cases)
        rows = values.index.intersection(stage.index)
        return partial_correlation(values[rows], stage[rows], cases.x.loc[rows]) if self.ranked else {}

    # --- against stage -----------------------------------------------------------------------------------------------

    #: Model of a curve whose values are on a line, and what it is called.
    line: ClassVar[tuple] = (sm.OLS, "least squares")

    def curve(self, y: np.ndarray, stage: np.ndarray, at: np.ndarray, exposure: np.ndarray | None) -> Curve:
        """The mean against stage within one subtype, with its band: by default on a line, on the scale of the transform.

        Parameters
        ----------
        y : ndarray
            The outcome as given (counts, not rates).
        stage : ndarray
            Everyone's expected stage.
        at : ndarray
            Stages at which the curve is wanted.
        exposure : ndarray or None
            Years.

        Returns
        -------
        fit, low, high : ndarray
            At the wanted stages, on the scale that is drawn; 95 %.
        model : str
            What it is called.

        Raises
        ------
        ValueError
            The model could not be fitted.
        """
        model, name = self.line
        fit = model(TRANSFORMS[self.transform](y), sm.add_constant(stage, has_constant="add")).fit()
        name += f" of the {self.transform}" if self.transform != "none" else ""
        return *band(fit, at, BACK[self.transform]), name

    # --- drawing and telling -----------------------------------------------------------------------------------------

    def values(self, people: pd.DataFrame) -> pd.Series:
        """What is drawn for every person.

        Parameters
        ----------
        people : DataFrame
            participants.tsv.

        Returns
        -------
        Series
        """
        return people[self.column].astype(float)

    @property
    def rates(self) -> bool:
        """Is what is drawn a rate over years of exposure, which `rate` gives of people together?"""
        return False

    def rate(self, people: pd.DataFrame) -> float:
        """Of these people together: all they had over all their years.

        Parameters
        ----------
        people : DataFrame
            With the outcome's columns.

        Returns
        -------
        float
            A year; NaN where nobody has years.
        """
        raise NotImplementedError

    @property
    def label(self) -> str:
        """Name at an axis of values, with the unit where there is one."""
        return f"{self.name} ({self.unit})" if self.unit else self.name

    @property
    def axis_scale(self) -> str:
        """Scale of the axis of values."""
        return "log" if self.transform in ("log", "log1p") else "linear"

    def words(self, estimate: float) -> str:
        """What an estimate means, without its number.

        Parameters
        ----------
        estimate : float
            As reported.

        Returns
        -------
        str
        """
        up = estimate > (0 if self.linear else 1)
        return self.direction[0 if up else 1].format(o=self.name)
