"""One model per type of outcome, by the field's libraries; a number only where the model can be trusted."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import lifelines
import numpy as np
import pandas as pd
import statsmodels.api as sm
from firthmodels import FirthCoxPH, FirthLogisticRegression
from lifelines.statistics import proportional_hazard_test
from scipy import stats
from statsmodels.miscmodels.ordinal_model import OrderedModel

from .outcomes import Cases, Outcome

#: Events per term below which logistic and Cox models are penalised (Firth).
SPARSE = 5
#: Standard errors above this on the log scale mean that groups separate.
HUGE_SE = 20.0


@dataclass
class Fit:
    """Terms of one fitted model on its own scale (log for ratios).

    Attributes
    ----------
    estimate : Series
        Per term; empty where refused.
    covariance : DataFrame
    n : int
    n_events : int
        Events of binary and survival outcomes, else 0.
    log_likelihood : float
    n_parameters : int
    model : str
        What was fitted.
    reason : str
        Why there is no number.
    """

    estimate: pd.Series
    covariance: pd.DataFrame
    n: int
    n_events: int = 0
    log_likelihood: float = np.nan
    n_parameters: int = 0
    model: str = ""
    reason: str = ""

    def contrast(self, weights: dict[str, float]) -> tuple[float, float, float]:
        """Estimate, standard error and two-sided p of a weighted sum of terms."""
        w = pd.Series(weights, dtype=float).reindex(self.estimate.index).fillna(0.0)
        value = float(w @ self.estimate)
        error = float(np.sqrt(w @ self.covariance @ w))
        return value, error, float(2 * stats.norm.sf(abs(value) / error)) if error > 0 else np.nan


def refused(cases: Cases, reason: str) -> Fit:
    """A fit without numbers."""
    return Fit(pd.Series(dtype=float), pd.DataFrame(), len(cases.y), reason=reason)


def fit_model(outcome: Outcome, cases: Cases, terms: pd.DataFrame) -> Fit:
    """Fit one outcome on `terms` and its covariates.

    Parameters
    ----------
    outcome : Outcome
        Any type but categorical.
    cases : Cases
    terms : DataFrame
        Index of `cases`; subtype indicators or probabilities, stage, ...

    Returns
    -------
    Fit
        Without numbers, and with a reason, where the model cannot be fitted, did not converge, or groups separate.
    """
    y, x = cases.y, terms.loc[cases.y.index].astype(float).join(cases.x)
    names = list(terms.columns)
    events = int(y.sum()) if outcome.type in ("binary", "discrete", "survival") else 0
    if len(y) == 0:
        return refused(cases, "nobody has all the values")
    if outcome.type == "survival" and events == 0:
        return refused(cases, "nobody had the event: everyone is censored")
    if y.nunique() < 2 and outcome.type != "survival":
        return refused(cases, "the outcome is constant")
    flat = [t for t in names if x[t].nunique() < 2]
    if flat:
        return refused(cases, f"nobody to compare with in {', '.join(flat)}")
    if len(y) < x.shape[1] + 10:
        return refused(cases, f"{len(y)} people for {x.shape[1]} terms")
    few = min(events, len(y) - events) if outcome.type == "binary" else events
    sparse = outcome.type in ("binary", "survival") and few < SPARSE * x.shape[1]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = _FITTERS[outcome.type](y, x, names, cases, sparse)
    except (
        np.linalg.LinAlgError,
        sm.tools.sm_exceptions.PerfectSeparationError,
        lifelines.exceptions.ConvergenceError,
        ValueError,
        FloatingPointError,
    ) as error:
        return refused(cases, f"the model could not be fitted ({type(error).__name__})")
    if fit is None:
        return refused(cases, "the model did not converge")
    fit.n, fit.n_events = len(y), events
    se = np.sqrt(np.diag(fit.covariance))
    if not np.isfinite(fit.estimate).all() or not np.isfinite(se).all() or (se > HUGE_SE).any() or (se == 0).any():
        return refused(cases, "the model did not converge or the groups separate completely")
    return fit


def _of_statsmodels(fit, names, model, likelihood=True) -> Fit:
    covariance = fit.cov_params()
    return Fit(
        fit.params[names],
        covariance.loc[names, names],
        0,
        0,
        float(fit.llf) if likelihood else np.nan,
        len(fit.params),
        model,
    )


def _continuous(y, x, names, cases, sparse):
    return _of_statsmodels(sm.OLS((y - y.mean()) / y.std(), sm.add_constant(x)).fit(), names, "OLS")


def _robust(y, x, names, cases, sparse):
    fit = sm.RLM((y - y.mean()) / y.std(), sm.add_constant(x)).fit(maxiter=200)
    done = fit.fit_history["iteration"] < 200
    return _of_statsmodels(fit, names, "Huber regression", likelihood=False) if done else None


def _count(y, x, names, cases, sparse):
    offset = None if cases.exposure is None else np.log(cases.exposure)
    fit = sm.NegativeBinomial(y, sm.add_constant(x), offset=offset).fit(disp=0, maxiter=500)
    if fit.mle_retvals["converged"] and np.isfinite(fit.bse[names]).all():
        return _of_statsmodels(fit, names, "negative binomial")
    # counts no more spread than Poisson leave the dispersion at its edge; then Poisson is the limit
    fit = sm.GLM(y, sm.add_constant(x), family=sm.families.Poisson(), offset=offset).fit()
    overdispersed = fit.pearson_chi2 / fit.df_resid > 1.2
    return None if overdispersed or not fit.converged else _of_statsmodels(fit, names, "Poisson (no overdispersion)")


def _ordinal(y, x, names, cases, sparse):
    fit = OrderedModel(y, x, distr="logit").fit(method="bfgs", disp=0, maxiter=500)
    return _of_statsmodels(fit, names, "proportional odds") if fit.mle_retvals["converged"] else None


def _binary(y, x, names, cases, sparse):
    if not sparse:
        try:
            fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, maxiter=200)
            if fit.mle_retvals["converged"] and (fit.bse[names] < HUGE_SE).all():
                return _of_statsmodels(fit, names, "logistic")
        except (np.linalg.LinAlgError, sm.tools.sm_exceptions.PerfectSeparationError):
            pass
    fit = FirthLogisticRegression(backend="numpy", max_iter=200).fit(x.to_numpy(), y.to_numpy())
    if not fit.converged_:
        return None
    design = sm.add_constant(x).to_numpy()
    p = fit.predict_proba(x.to_numpy())[:, 1]
    covariance = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)[1:, 1:]
    covariance = pd.DataFrame(covariance, x.columns, x.columns).loc[names, names]
    estimate = pd.Series(fit.coef_, x.columns)[names]
    return Fit(estimate, covariance, 0, 0, float(fit.loglik_), x.shape[1] + 1, "Firth logistic")


def _discrete(y, x, names, cases, sparse):
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    fit = sm.GLM(y, sm.add_constant(x), family=family, offset=np.log(cases.time)).fit(maxiter=200)
    return _of_statsmodels(fit, names, "complementary log-log with log(years)") if fit.converged else None


def _survival(y, x, names, cases, sparse):
    if sparse:
        fit = FirthCoxPH(backend="numpy", max_iter=200).fit(x.to_numpy(), (y.to_numpy(bool), cases.time.to_numpy()))
        if not getattr(fit, "converged_", True):
            return None
        covariance = _firth_cox_covariance(fit, x, y, cases.time)
        covariance = pd.DataFrame(covariance, x.columns, x.columns).loc[names, names]
        label = "Firth Cox" + (" without strata" if cases.strata is not None else "")
        return Fit(pd.Series(fit.coef_, x.columns)[names], covariance, 0, 0, float(fit.loglik_), x.shape[1], label)
    data, strata = cox_frame(y, x, cases)
    fit = lifelines.CoxPHFitter().fit(data, "_time", "_event", strata=strata)
    covariance = fit.variance_matrix_.loc[names, names]
    return Fit(fit.params_[names], covariance, 0, 0, float(fit.log_likelihood_), x.shape[1], "Cox")


def cox_frame(y, x, cases: Cases) -> tuple[pd.DataFrame, list | None]:
    """The data frame that lifelines wants, and its strata."""
    data = x.assign(_time=cases.time, _event=y)
    strata = None
    if cases.strata is not None:
        strata = [f"stratum_{c}" for c in cases.strata]
        data = data.join(cases.strata.set_axis(strata, axis=1))
    return data, strata


def _firth_cox_covariance(fit, x, y, time) -> np.ndarray:
    """Inverse information of the Cox partial likelihood (Breslow ties) at the penalised estimate."""
    order = np.argsort(-time.to_numpy(), kind="stable")
    design, event, when = x.to_numpy()[order], y.to_numpy()[order], time.to_numpy()[order]
    weight = np.exp(design @ fit.coef_)
    s0 = np.cumsum(weight)
    s1 = np.cumsum(weight[:, None] * design, axis=0)
    s2 = np.cumsum(weight[:, None, None] * design[:, :, None] * design[:, None, :], axis=0)
    information = np.zeros((design.shape[1],) * 2)
    for i in np.flatnonzero(event):
        j = np.searchsorted(-when, -when[i], side="right") - 1
        mean = s1[j] / s0[j]
        information += s2[j] / s0[j] - np.outer(mean, mean)
    return np.linalg.inv(information)


_FITTERS = {
    "continuous": _continuous,
    "robust": _robust,
    "count": _count,
    "ordinal": _ordinal,
    "binary": _binary,
    "discrete": _discrete,
    "survival": _survival,
}


def check_assumption(outcome: Outcome, cases: Cases, terms: pd.DataFrame) -> tuple[str, float]:
    """Test of the assumption an odds or hazard ratio rests on.

    Ordinal: are the terms' log odds the same at every cut? Up to 5 cuts are stacked as binary outcomes with their own
    intercepts, fitted by GEE with people as clusters, and the terms' interactions with the cuts tested jointly (Wald);
    in the spirit of Brant 1990, with a covariance that allows for the dependence between the cuts.
    Survival: scaled Schoenfeld residuals against rank of time (Grambsch & Therneau 1994), the smallest p of the terms
    times their number.

    Returns
    -------
    str
        What was tested; empty where nothing is to be tested.
    float
        p; NaN where the test could not be made.
    """
    if outcome.type not in ("ordinal", "survival") or len(cases.y) < 40:
        return "", np.nan
    x = terms.loc[cases.y.index].astype(float).join(cases.x)
    names = list(terms.columns)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if outcome.type == "survival":
                data, strata = cox_frame(cases.y, x, cases)
                fit = lifelines.CoxPHFitter().fit(data, "_time", "_event", strata=strata)
                test = proportional_hazard_test(fit, data, time_transform="rank")
                p = np.asarray(test.summary["p"].reindex(names), float)
                return "proportional hazards (Schoenfeld)", float(min(np.nanmin(p) * np.isfinite(p).sum(), 1.0))
            levels = np.unique(np.quantile(cases.y, [1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6]))
            cuts = [c for c in levels if 15 <= (cases.y > c).sum() <= len(cases.y) - 15]
            if len(cuts) < 2:
                return "proportional odds (stacked cuts)", np.nan
            stacked = []
            for i, cut in enumerate(cuts):
                part = x.copy()
                for j in range(len(cuts)):
                    part[f"cut{j}"] = float(i == j)
                    if j:
                        for t in names:
                            part[f"{t}@{j}"] = x[t] * (i == j)
                part["_y"], part["_who"] = (cases.y > cut).astype(float), range(len(x))
                stacked.append(part)
            whole = pd.concat(stacked)
            who, target = whole.pop("_who"), whole.pop("_y")
            fit = sm.GEE(target, whole, groups=who, family=sm.families.Binomial()).fit()
            tested = [c for c in whole.columns if "@" in c]
            chosen = np.eye(whole.shape[1])[[whole.columns.get_loc(c) for c in tested]]
            return "proportional odds (stacked cuts)", float(fit.wald_test(chosen, scalar=True).pvalue)
    except Exception:  # the check is a companion: where it cannot be made, its p is missing and the table shows that
        return "proportional hazards" if outcome.type == "survival" else "proportional odds", np.nan
