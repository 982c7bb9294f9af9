"""What a model and a cross-validation draw of themselves: ``model.plot.progression()``, ``cv.plot()``."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _named(model, names: dict | None) -> dict[int, str]:
    return {c: (names or {}).get(c, f"subtype {c}") for c in range(1, model.n_subtypes + 1)}


def _labels(model, labels) -> pd.Series:
    own = pd.Series(list(model.events.biomarkers), index=list(model.events.biomarkers))
    return own if labels is None else pd.Series(labels).reindex(own.index).fillna(own)


def showing(figure) -> Figure:
    """The figure, closed for pyplot, and shown by a notebook as a picture whatever its backend."""
    import matplotlib.pyplot as plt

    plt.close(figure)

    def picture() -> bytes:
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=120)
        return out.getvalue()

    figure._repr_png_ = picture
    return figure


class ModelPlots:
    """Drawings of a `SustainModel`; every method returns a matplotlib figure.

    Parameters
    ----------
    model : SustainModel

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> model.plot
    plot: positional_variance(), event_order(), progression(), brain(), assignments(X)
    >>> model.plot.progression().axes[0].get_title()
    'subtype 1'
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=100, n_chains=1, n_startpoints=1)
    >>> len(model.plot.event_order().axes), model.plot.positional_variance(names={1: "deep"}).axes[0].get_title()
    (1, 'deep\\nmodel fraction 100%\\nconvergence is not known')
    >>> model.plot.brain(stage=2, names={1: "deep"}).axes[0].get_title(loc="left")
    'deep, stage 2 of 3\\nconvergence is not known'
    """

    def __init__(self, model) -> None:
        self.model = model

    def __repr__(self) -> str:
        return "plot: positional_variance(), event_order(), progression(), brain(), assignments(X)"

    def _shown(self, figure) -> Figure:
        """The figure, marked where the chains that it rests on did not converge or nobody can tell."""
        from .given import given_of
        from .style import in_doubt

        if doubt := given_of(self.model).doubt:
            in_doubt(figure, doubt)
        return showing(figure)

    def _something(self):
        from .style import empty

        return None if self.model.n_subtypes else empty("A model of healthy people alone: there is no order to draw.")

    def positional_variance(self, names: dict | None = None, labels=None, colours: str = "safe") -> Figure:
        """Probability of every event's place, one panel per subtype; see `figures.model.positional_variance`.

        Parameters
        ----------
        names : dict of int to str, optional
            Subtype to name.
        labels : mapping of str to str, optional
            Biomarker to label.
        colours : {"safe", "field"}
            Of the thresholds: for all eyes, or the red, magenta and blue of the SuStaIn papers.

        Returns
        -------
        Figure

        Raises
        ------
        ModelError
            A model without draws.
        """
        from .model import positional_variance

        return showing(positional_variance(self.model, names=names, labels=labels, colours=colours))

    def event_order(self, names: dict | None = None, labels=None) -> Figure:
        """Mean place of every event with its SD, one panel per subtype, earliest on top.

        Parameters
        ----------
        names : dict of int to str, optional
            Subtype to name.
        labels : mapping of str to str, optional
            Biomarker to label.

        Returns
        -------
        Figure

        Raises
        ------
        ModelError
            A model without draws.
        """
        if (nothing := self._something()) is not None:
            return showing(nothing)
        import matplotlib.pyplot as plt

        from .style import COLOURS

        order, label = self.model.event_order(), _labels(self.model, labels)
        size = self.model.events.n_events
        figure, axes = plt.subplots(
            1, self.model.n_subtypes, figsize=(4 * self.model.n_subtypes + 0.5, 0.24 * size + 1.4), layout="constrained",
            squeeze=False,
        )  # fmt: skip
        for axis, (c, name) in zip(axes[0], _named(self.model, names).items(), strict=True):
            part = order[order["subtype"] == c].sort_values("mean_position", kind="stable")
            rows = np.arange(len(part))
            axis.errorbar(
                part["mean_position"], rows, xerr=part["sd_position"], fmt="o", ms=4, color=COLOURS[1], capsize=2
            )
            axis.set_yticks(
                rows, [f"{label[b]} z = {t:g}" for b, t in zip(part["biomarker"], part["threshold"], strict=True)]
            )
            axis.invert_yaxis()
            axis.set(xlabel="Place in the sequence (SD)", title=name)
        return self._shown(figure)

    def progression(self, names: dict | None = None, labels=None) -> Figure:
        """Expected course of every biomarker along the stages, one panel per subtype.

        Parameters
        ----------
        names : dict of int to str, optional
            Subtype to name.
        labels : mapping of str to str, optional
            Biomarker to label.

        Returns
        -------
        Figure
        """
        if (nothing := self._something()) is not None:
            return showing(nothing)
        import matplotlib.pyplot as plt
        import seaborn as sns

        from .brain import LEVEL_COLOURS
        from .maps import LEVELS, by_scale

        table, label = self.model.progression(), _labels(self.model, labels)
        z, levels = by_scale(table)
        names = _named(self.model, names)
        size = table["biomarker"].nunique()
        figure, axes = plt.subplots(
            1, len(names), figsize=(4.5 * len(names) + 1.5, 0.28 * size + 1.4), layout="constrained", squeeze=False
        )
        most = max(1.0, float(z["z"].max())) if len(z) else 1.0
        for axis, (c, name) in zip(axes[0], names.items(), strict=True):
            last = c == max(names)
            for part, values, highest, colour_map, words in (
                (z, "z", most, "magma_r", "expected z"),
                (levels, "share", 1.0, LEVEL_COLOURS, LEVELS),
            ):
                if part.empty:
                    continue
                wide = part[part["subtype"] == c].pivot(index="biomarker", columns="stage", values=values)
                wide = wide.reindex(list(self.model.events.biomarkers)).rename(index=label)
                sns.heatmap(
                    wide, mask=wide.isna(), cmap=colour_map, vmin=0, vmax=highest, ax=axis, cbar=last,
                    cbar_kws={"label": words} if last else None,
                )  # fmt: skip
            axis.set(xlabel="Stage", ylabel="", title=name)
            axis.tick_params(axis="y", labelrotation=0)
        return self._shown(figure)

    def brain(self, stage: int | None = None, names: dict | None = None, biomarkers=None, cord_levels=None) -> Figure:
        """Expected z at a stage on brain and cord, one row per subtype.

        Parameters
        ----------
        stage : int, optional
            The middle one where not given.
        names : dict of int to str, optional
        biomarkers : DataFrame, optional
            Definitions (`biomarkers.read_biomarkers`), by which places are found; the workflow's own where not given.
        cord_levels : sequence of int, optional
            Vertebral levels of the cord's area, 1 being C1, which are written beside it. Where they are not given, those
            that a study's model says (features.cord_levels), or else the label of the cord in `biomarkers`; none are
            written where neither says any.

        Returns
        -------
        Figure

        Raises
        ------
        InputError
            A stage that the model does not have.
        """
        if (nothing := self._something()) is not None:
            return showing(nothing)
        import matplotlib.pyplot as plt
        from matplotlib.colors import Normalize

        from ..errors import InputError, check_whole
        from .brain import HEIGHT, LEVEL_COLOURS, WIDTH, draw_brain, has_outline, views_of
        from .given import places_of
        from .maps import LEVELS, by_scale, z_scale
        from .style import empty

        stages = self.model.events.n_events
        stage = (stages + 1) // 2 if stage is None else stage
        check_whole("stage", stage)
        if not 1 <= stage <= stages:
            raise InputError(f"stage {stage}: the model has stages 1 to {stages}")
        where, cord_levels = places_of(self.model, biomarkers, cord_levels)
        used = self.model.events.biomarkers
        if not any(has_outline(place) for b in used for place in where.get(b, ())):
            return showing(empty("None of these biomarkers has a place on the drawing of brain and cord."))
        table = self.model.progression()
        z, levels = by_scale(table)
        norm, colour = z_scale(z), plt.get_cmap("magma_r")
        names, views = _named(self.model, names), views_of(where, used)
        figure, axes = plt.subplots(
            len(names), 1, figsize=(7.6, 7.3 * HEIGHT / WIDTH * len(names) + 0.6), layout="constrained", squeeze=False
        )
        for axis, (c, name) in zip(axes[:, 0], names.items(), strict=True):
            mine, mine_levels = (
                t[(t["subtype"] == c) & (t["stage"] == stage)].set_index("biomarker") for t in (z, levels)
            )
            shares = mine_levels["share"].to_dict()
            draw_brain(
                axis, mine["z"].to_dict(), where, colour, norm, levels=shares, cord_levels=cord_levels, views=views
            )
            axis.set_title(f"{name}, stage {stage} of {stages}", loc="left", fontsize=9)
        if any(has_outline(place) for b in z["biomarker"].unique() for place in where.get(b, ())):
            scale = plt.cm.ScalarMappable(norm=norm, cmap=colour)
            figure.colorbar(scale, ax=axes[:, 0].tolist(), label="expected z", pad=0.02, aspect=20)
        if any(has_outline(place) for b in levels["biomarker"].unique() for place in where.get(b, ())):
            scale = plt.cm.ScalarMappable(norm=Normalize(0, 1), cmap=LEVEL_COLOURS)
            figure.colorbar(scale, ax=axes[:, 0].tolist(), label=LEVELS, pad=0.02, aspect=20)
        return self._shown(figure)

    def assignments(self, X, names: dict | None = None) -> Figure:
        """Where `SustainModel.assign` puts people: how many at every stage, by subtype, the normal-appearing apart.

        Parameters
        ----------
        X : array_like or DataFrame, shape (M, B)
            As for `SustainModel.assign`: in or out of the training set.
        names : dict of int to str, optional
            Subtype to name.

        Returns
        -------
        Figure

        Raises
        ------
        InputError
            Data that do not fit the events.

        Examples
        --------
        >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
        >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
        >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
        >>> model = fit(people.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
        >>> figure = model.plot.assignments(people.X)
        >>> counts = [int(t.get_text().split("n = ")[1][:-1]) for t in figure.legends[0].get_texts()]
        >>> len(counts), sum(counts)
        (2, 60)
        """
        if (nothing := self._something()) is not None:
            return showing(nothing)
        import matplotlib.pyplot as plt

        from ..labels import NORMAL
        from .style import COLOURS

        model, names = self.model, _named(self.model, names)
        table = model.assign(X)
        normal = table["normal_appearing"].astype(bool)
        stages = np.arange(1, model.events.n_events + 1)
        figure, axis = plt.subplots(figsize=(min(12.0, 0.22 * len(stages) + 3.5), 3.2), layout="constrained")
        bottom = np.zeros(len(stages))
        # the normal-appearing have no stage: their bar stands left of all stages
        axis.bar(-0.5, normal.sum(), color=COLOURS[0], label=f"{NORMAL} (n = {normal.sum()})")
        for c, name in names.items():
            mine = table.loc[~normal & (table["subtype"] == c), "stage"].astype(int)
            height = np.bincount(mine, minlength=len(stages) + 1)[1:]
            axis.bar(
                stages,
                height,
                bottom=bottom,
                color=COLOURS[1 + (c - 1) % (len(COLOURS) - 1)],
                label=f"{name} (n = {len(mine)})",
            )
            bottom += height
        axis.set(xlabel="Stage", ylabel="People")
        ticks = stages[:: max(1, len(stages) // 10)]
        axis.set_xticks([-0.5, *ticks], ["normal", *map(str, ticks)])
        figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=8)
        return self._shown(figure)


def plot_selection(found, variant: str | None = None) -> Figure:
    """CVIC and held-out log-likelihood by the number of subtypes; see `figures.model.selection`.

    Parameters
    ----------
    found : CrossValidation
    variant : str, optional
        The first where not given.
    """
    from .model import selection

    return showing(selection(found, variant=variant))
