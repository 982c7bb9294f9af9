"""Convergence of the chains, by arviz: split R-hat and effective sample size."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

#: Usual demands on rank-normalised split R-hat and bulk effective sample size (Vehtari et al. 2021).
R_HAT_LIMIT = 1.01
ESS_LIMIT = 400


def _arviz():
    """The library, imported where it is used: it brings matplotlib and xarray, and a fit needs neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import arviz
    return arviz


def _row(quantity, subtype, event, values):
    """One row; a quantity that never changes has no R-hat and no effective sample size."""
    constant = np.ptp(values) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        several = values.shape[0] > 1 and values.shape[1] >= 4
        return {
            "quantity": quantity,
            "subtype": subtype,
            "event": event,
            "mean": values.mean(),
            "sd": values.std(ddof=1) if values.size > 1 else 0.0,
            "ess": np.nan if constant or values.shape[1] < 4 else float(_arviz().ess(values)),
            "r_hat": np.nan if constant or not several else float(_arviz().rhat(values)),
        }


def convergence(draws, events) -> pd.DataFrame:
    """R-hat and effective sample size of log-likelihood, fractions and every event's place.

    Events of one biomarker alone have one order, that of its thresholds: their places are given, and have no row.

    Parameters
    ----------
    draws : Draws
    events : ZScoreEvents

    Returns
    -------
    DataFrame
        quantity, subtype, event, mean, sd, ess (bulk), r_hat; NaN where a quantity never changed.

    Examples
    --------
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "frontal"])
    >>> people = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(people.X, events, 1, covariance="independent", n_samples=100, n_chains=2, n_draws=50,
    ...             n_startpoints=1)
    >>> table = convergence(model.draws, events)
    >>> table["quantity"].value_counts().to_dict()
    {'place': 3, 'log_likelihood': 1, 'healthy': 1}
    """
    total = _row("log_likelihood", 0, "", draws.log_likelihood)
    # added up in single precision: further digits are the processor's, not the model's
    total |= {"mean": round(float(total["mean"]), 2), "sd": float(f"{total['sd']:.4g}")}
    rows = [total]
    fractions, places = draws.fractions, draws.places
    n_subtypes = fractions.shape[2]
    if n_subtypes > 1:
        rows += [_row("fraction", c + 1, "", fractions[:, :, c]) for c in range(n_subtypes)]
    if np.ptp(draws.healthy) > 0:
        rows.append(_row("healthy", 0, "", draws.healthy))
    names = events.names
    rows += [
        _row("place", c + 1, names[e], places[:, :, c, e] + 1.0)  # the first is 1, as everywhere
        for c in range(n_subtypes)
        for e in range(events.n_events)
        if len(events.biomarkers) > 1
    ]
    if draws.covariance.shape[1] > 1:
        rows += [_row("noise_sd", 0, b, draws.noise_sd[:, :, i]) for i, b in enumerate(events.gaussian)]
    return pd.DataFrame(rows)


def verdict(table: pd.DataFrame) -> tuple[bool, str]:
    """Whether the chains converged, and one plain sentence that says so.

    Parameters
    ----------
    table : DataFrame
        Of `convergence`.

    Returns
    -------
    bool
    str

    Examples
    --------
    >>> table = pd.DataFrame({"quantity": ["log_likelihood", "place"], "subtype": [0, 1], "event": ["", "thalamus 1"],
    ...                       "sd": 1.0, "ess": [900.0, 700.0], "r_hat": [1.001, 1.004]})
    >>> verdict(table)[0]
    True
    """
    worst = table["r_hat"].max()
    least = table["ess"].min()
    frozen = int((table["sd"] == 0).sum())
    if not np.isfinite(worst):
        return False, "Convergence cannot be judged: one chain or too few draws."
    converged = worst <= R_HAT_LIMIT and least >= ESS_LIMIT
    sentence = (
        f"The chains {'converged' if converged else 'did not converge'}: largest split R-hat {worst:.3f} "
        f"(limit {R_HAT_LIMIT}), smallest effective sample size {least:.0f} (limit {ESS_LIMIT})."
    )
    if frozen:
        sentence += f" {frozen} quantit{'y' if frozen == 1 else 'ies'} never changed."
    return bool(converged), sentence
