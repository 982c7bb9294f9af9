"""All that places a new person, gathered from a study, and the one open file that holds it without any person."""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from ..biomarkers import levels_named, ordinal_of, read_biomarkers
from ..errors import InputError, ModelError, NeuraxisError, agreeing, counted, name_some
from ..labels import is_true
from ..normative.norms import Norms
from ..schema import load
from ..sustain.model import SustainModel
from ..tables import aside, read_table

FORMAT = "neuraxis-shared-model/1"
#: Largest file inside, and largest sum: a zip of a few bytes can unpack to gigabytes.
LARGEST, LARGEST_SUM = 400_000_000, 800_000_000
#: Files that the archive holds once.
COMMON = ("card.json", "rules.json", "norms.json", "biomarkers.tsv", "reference.tsv")
#: Files per disease; the tables behind the first two are evidence for the card, and may be absent.
PER_DISEASE = ("model.npz", "names.tsv")
EVIDENCE = ("selection", "controls", "stability", "diagnostics", "negative_control", "calibration")
#: What the card says of a calibration that nobody could look at: the truth was not known.
UNKNOWN = "unknown"
#: Keys of section features by which a study reads and checks; they hold for new people too.
RULES = ("source", "cord_levels", "sct_select", "sct_repeats", "exclude_rules", "outlier_limit", "qc_score_min")
#: Fewest people behind a median of a site.
ENOUGH = 10
RESEARCH = "For research use only; not a medical device, and not for decisions about a person's care."
NOT_FOR = [
    RESEARCH,
    "People younger or older than the controls, of other diseases, or scanned and segmented in another way than those of the "
    "study: their z would show the difference of method.",
]


@dataclass
class SharedModel:
    """What places new people: definitions, norms, models and rules of one study. No person is in it.

    Attributes
    ----------
    card : dict
        title, diseases (per disease: n_people, n_subtypes, reason, calibration (``"unknown"`` where no truth was known) and
        what else the study said), n_controls, age_range, sites, simulated, workflow, not_for.
    rules : dict
        The study's rules of reading and quality, see `RULES`; missing ("keep", "drop") of section normative.
    biomarkers : DataFrame
        Definitions (`biomarkers.read_biomarkers`) of the norms' biomarkers.
    norms : Norms
    reference : DataFrame
        site (n/a: everyone), quantity, n, median, mad, low, high: medians and scaled median absolute deviations of
        measures by site, and the central 95 % of the controls' out-of-sample z (quantity ``z:<biomarker>``).
    models : dict of str to SustainModel
        By disease.
    names : dict of str to dict
        By disease: subtype to name.
    evidence : dict of str to dict of str to DataFrame
        By disease and name of a table of the study (selection, controls, stability, diagnostics, negative_control,
        calibration).
    study : Path or None
        The study's folder where it comes from one.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from neuraxis.biomarkers import read_biomarkers
    >>> from neuraxis.home import workflow_home
    >>> from neuraxis.newpeople import assemble
    >>> from neuraxis.normative.norms import NormSettings, fit_norms
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    >>> measures[["thalamus", "putamen"]] += np.random.default_rng(1).normal(0, 500, (40, 2))
    >>> plain = NormSettings(age="linear", age_by_sex=False, head_size="none")
    >>> norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, plain)
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    >>> sick = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(sick.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")
    >>> shared = assemble(model, norms, defined, disease="MS", title="An example", simulated=True)
    >>> sorted(shared.models), shared.card["title"]
    (['MS'], 'An example')
    >>> import tempfile
    >>> shared.check()
    >>> path = shared.save(f"{tempfile.mkdtemp()}/ms.neuraxis")
    >>> new = pd.DataFrame({"participant_id": ["sub-NEW"], "thalamus": [13800.0], "putamen": [8900.0], "etiv": [1.5e6]})
    >>> shared.stage(table=new, age=41, sex="F")
    Placed(1 person placed, 0 refused; MS)
    """

    card: dict
    rules: dict
    biomarkers: pd.DataFrame
    norms: Norms
    reference: pd.DataFrame
    models: dict[str, SustainModel]
    names: dict[str, dict[int, str]]
    evidence: dict[str, dict[str, pd.DataFrame]] = field(default_factory=dict)
    study: Path | None = None

    def __repr__(self) -> str:
        per = [f"{d} ({counted(m.n_subtypes, 'subtype')})" for d, m in self.models.items()]
        mark = ", SIMULATED" if self.card.get("simulated") else ""
        return f"SharedModel({self.card.get('title', '')!r}: {', '.join(per)}; {counted(len(self.norms.models), 'biomarker')}{mark})"

    def _repr_html_(self) -> str:
        """A notebook's view: what it is, and every disease's subtypes by name."""
        rows = [
            (d, self.card["diseases"].get(d, {}).get("n_people"), c, self.names[d][c], f"{f:.0%}")
            for d, model in self.models.items()
            for c, f in enumerate(model.fractions, 1)
        ]
        table = pd.DataFrame(rows, columns=["disease", "people", "subtype", "name", "fraction"])
        return f"<p>{escape(repr(self))}</p>{table.to_html(index=False, na_rep='n/a')}"

    def stage(self, **given) -> Any:
        """Place one new person or a table of them; see `place.stage`.

        Parameters
        ----------
        **given
            As for `place.stage`: table or freesurfer and others, age (years), sex, site.

        Returns
        -------
        Placed

        Raises
        ------
        InputError
            See `place.stage`.
        """
        from .place import stage

        return stage(self, **given)

    def check(self) -> None:
        """Refuse parts that do not fit one another.

        Raises
        ------
        ModelError
            All problems in one message.
        """
        problems = []
        defined = list(self.biomarkers["biomarker"])
        if absent := [b for b in self.norms.models if b not in defined]:
            problems.append(f"biomarkers without a definition: {name_some(absent)}")
        for b, way in zip(self.biomarkers["biomarker"], self.biomarkers["direction"], strict=True):
            if self.norms.direction.get(b, way) != way:
                problems.append(
                    f"{b}: the norm was fitted for measures that {self.norms.direction[b]}, defined is {way}"
                )
        if not self.models:
            problems.append("no model of any disease")
        for disease, model in self.models.items():
            known = {*self.norms.models, *ordinal_of(self.biomarkers)}
            if absent := [b for b in model.events.biomarkers if b not in known]:
                problems.append(f"{disease}: the norms lack {name_some(absent)}, which the model needs")
            scores = set(ordinal_of(self.biomarkers))
            other = [b for b, f in model.events.families.items() if b in defined and (f == "ordinal") != (b in scores)]
            if other:
                problems.append(
                    f"{disease}: {name_some(other)} {agreeing(len(other), 'is', 'are')} of another family in the model than in the definitions: "
                    "scores (family ordinal) go in as they are, all else as z"
                )
            if sorted(self.names.get(disease, {})) != list(range(1, model.n_subtypes + 1)):
                problems.append(
                    f"{disease}: names of {counted(len(self.names.get(disease, {})), 'subtype')}, the model has {model.n_subtypes}"
                )
            if not any(hasattr(model.events, a) for a in ("gaussian",)):
                problems.append(f"{disease}: events of an unknown family")
        if absent := [k for k in ("exclude_rules", "cord_levels", "missing") if k not in self.rules]:
            problems.append(f"rules lack {', '.join(absent)}")
        if absent := [c for c in REFERENCE if c not in self.reference]:
            problems.append(f"reference lacks {', '.join(absent)}")
        if problems:
            raise ModelError("a model whose parts do not fit:\n- " + "\n- ".join(problems))

    def save(self, path) -> Path:
        """Write the file: a zip of JSON, npz and TSV, byte for byte the same for the same model.

        Parameters
        ----------
        path : path
            Conventionally ``*.neuraxis``.

        Returns
        -------
        Path
            The same.

        Raises
        ------
        StorageError
            The file cannot be written.
        """
        self.check()
        files = {
            "card.json": _json(self.card),
            "rules.json": _json(self.rules),
            "norms.json": _json(self.norms.to_dict()),
            "biomarkers.tsv": _tsv(_portable(self.biomarkers)),
            "reference.tsv": _tsv(self.reference),
        }
        with tempfile.TemporaryDirectory() as folder:
            for disease, model in self.models.items():
                file = Path(folder) / "model.npz"
                # the norms stand once, beside the models
                without = SustainModel(**{**vars(model), "norms": None})
                without.save(file)
                files[f"{disease}/model.npz"] = file.read_bytes()
                names = pd.DataFrame(self.names[disease].items(), columns=["subtype", "name"])
                files[f"{disease}/names.tsv"] = _tsv(names)
                for name, table in self.evidence.get(disease, {}).items():
                    files[f"{disease}/{name}.tsv"] = _tsv(table)
        manifest = {
            "format": FORMAT,
            "neuraxis": __version__,
            "diseases": list(self.models),
            "files": {name: hashlib.sha256(raw).hexdigest() for name, raw in files.items()},
        }
        path = Path(path)
        with aside(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, raw in {"manifest.json": _json(manifest), **files}.items():
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), raw, zipfile.ZIP_DEFLATED)
        return path


REFERENCE = ("site", "quantity", "n", "median", "mad", "low", "high")


def open_model(path) -> SharedModel:
    """The model of a study's folder, or of a file that `SharedModel.save` wrote.

    Parameters
    ----------
    path : path

    Returns
    -------
    SharedModel

    Raises
    ------
    ModelError
        It is neither, not finished, damaged, or its parts do not fit one another.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from neuraxis.biomarkers import read_biomarkers
    >>> from neuraxis.home import workflow_home
    >>> from neuraxis.newpeople import assemble
    >>> from neuraxis.normative.norms import NormSettings, fit_norms
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    >>> measures[["thalamus", "putamen"]] += np.random.default_rng(1).normal(0, 500, (40, 2))
    >>> plain = NormSettings(age="linear", age_by_sex=False, head_size="none")
    >>> norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, plain)
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    >>> sick = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(sick.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")
    >>> shared = assemble(model, norms, defined, disease="MS", title="An example", simulated=True)
    >>> import tempfile
    >>> from pathlib import Path
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = shared.save(folder / "ms.neuraxis")
    >>> open_model(folder / "ms.neuraxis").card["title"]
    'An example'
    """
    path = Path(path)
    if path.is_dir():
        return from_study(path)
    if not path.exists():
        raise ModelError(f"{path}: no such study or model file")
    return _from_file(path)


# ------------------------------------------------------------------ from a study


def from_study(study, diseases=None) -> SharedModel:
    """Gather a finished study.

    Parameters
    ----------
    study : path
        Its folder, with results/ in it.
    diseases : sequence of str, optional
        All where not given.

    Returns
    -------
    SharedModel

    Raises
    ------
    ModelError
        No results, results of norms only, or a disease that was not modelled.
    """
    study = Path(study)
    results = study / "results"
    needed = ("provenance.json", "normative/norms.json", "normative/zscores.tsv", "features/measures.tsv")
    absent = [name for name in (*needed, "cohort/participants.tsv") if not (results / name).is_file()]
    if absent:
        raise ModelError(
            f"{study} is no finished study: results/{', results/'.join(absent)} is missing; run it first (neuraxis run)"
        )
    config = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    provenance, config = config, config["config"]
    modelled = [d for d in config["cohort"]["diseases"] if (results / f"sustain/{d}/model.npz").is_file()]
    wanted = list(diseases or modelled)
    if not wanted:
        raise ModelError(f"{study} has norms only, no model of a disease")
    if wrong := [d for d in wanted if d not in modelled]:
        raise ModelError(f"{study} has no model of {name_some(wrong)}; it has {name_some(modelled)}")
    norms = Norms.load(results / "normative/norms.json")
    place = Path(config["features"]["biomarkers"])
    place = place if place.is_absolute() else study / place
    if not place.is_file():
        from ..home import workflow_home

        place = workflow_home() / "resources/biomarkers.tsv"
    defined = read_biomarkers(place, config["features"]["cord_levels"])
    models, names, evidence = {}, {}, {}
    for disease in wanted:
        folder = results / "sustain" / disease
        models[disease] = SustainModel.load(folder / "model.npz")
        table = load(folder / "names.tsv")
        names[disease] = {int(c): str(n) for c, n in zip(table["subtype"], table["name"], strict=True)}
        evidence[disease] = {n: load(p) for n in EVIDENCE if (p := folder / f"{n}.tsv").is_file()}
        if not len(evidence[disease].get("calibration", ())):
            evidence[disease].pop("calibration", None)  # a study of real people has the table, empty
    used = {b for m in models.values() for b in m.events.biomarkers if b in ordinal_of(defined)} | set(norms.models)
    defined = defined[defined["biomarker"].isin(used)].reset_index(drop=True)
    z = load(results / "normative/zscores.tsv").set_index("participant_id")
    measures = load(results / "features/measures.tsv").set_index("participant_id")
    people = load(results / "cohort/participants.tsv").set_index("participant_id")
    control = config["cohort"]["control"]
    rules = {k: config["features"][k] for k in RULES} | {"missing": config["normative"]["missing"]}
    found = SharedModel(
        card=_card(config, provenance, norms, z, models, evidence, control),
        rules=rules,
        biomarkers=defined,
        norms=norms,
        reference=_reference(measures, people["site"], z[z["group"] == control], list(norms.models)),
        models=models,
        names=names,
        evidence=evidence,
        study=study,
    )
    found.check()
    return found


def _card(config, provenance, norms, z, models, evidence, control) -> dict:
    """What the model was made from and what it is not for."""
    simulated = config["cohort"]["source"] == "simulated"
    diseases = {}
    for disease, model in models.items():
        choice = evidence[disease].get("selection")
        about = {
            "n_people": int((z["group"] == disease).sum()),
            "n_subtypes": model.n_subtypes,
            "n_events": model.events.n_events,
            "biomarkers": list(model.events.biomarkers),
            "noise": config["sustain"]["noise"],
            "stage_prior": config["sustain"]["stage_prior"],
            "healthy_component": model.variant.healthy,
        }
        if choice is not None:
            row = choice[is_true(choice["chosen"])].iloc[0]
            about |= {"chosen": int(row["n_subtypes"]), "reason": str(row["reason"])}
            normal = choice.loc[choice["n_subtypes"] == -1, "heldout_loglik"]
            if len(normal) and pd.notna(normal.iloc[0]):
                about["one_normal_predicts_better"] = bool(normal.iloc[0] > row["heldout_loglik"])
        controls = evidence[disease].get("controls")
        if controls is not None:
            about["said_of_controls"] = {str(q): float(v) for q, v in controls.itertuples(index=False)}
        about["calibration"] = _calibration(evidence[disease].get("calibration"))
        diseases[disease] = about
    return {
        "title": config["report"]["title"],
        "simulated": simulated,
        "diseases": diseases,
        "control": control,
        "n_controls": int(norms.controls["n"]),
        "age_range": norms.controls["age_range"],
        "n_by_sex": norms.controls["n_by_sex"],
        "sites": norms.controls["sites"],
        "workflow": provenance.get("workflow", f"neuraxis {provenance['versions'].get('neuraxis', '')}"),
        "commit": provenance["commit"],
        "not_for": NOT_FOR,
    }


def _calibration(table: pd.DataFrame | None) -> dict | str:
    """What was stated out of fold of everyone it was stated of, beside what was true, by quantity; "unknown" without a truth."""
    if table is None or table.empty:
        return UNKNOWN
    whole = table[(table["labels"] == "out of fold") & table["class"].isin(["all", "everyone"])]
    return {
        str(r["quantity"]): {
            "n": int(r["n"]),
            **{k: None if pd.isna(r[k]) else float(r[k]) for k in ("stated", "observed", "low", "high")},
        }
        for _, r in whole.iterrows()
    } or UNKNOWN


def _reference(measures, site, controls_z, names) -> pd.DataFrame:
    """Medians of measures by site, and the controls' central 95 % of z; see `SharedModel.reference`."""
    rows = []

    def add(place, quantity, values) -> None:
        values = values.dropna().astype(float)
        if len(values) >= ENOUGH:
            middle = values.median()
            mad = 1.4826 * (values - middle).abs().median()
            low, high = np.percentile(values, [2.5, 97.5])
            rows.append((place, quantity, len(values), middle, mad, low, high))

    site = site.reindex(measures.index).dropna().astype(str)
    at = {s: list(part) for s, part in sorted(site.groupby(site).groups.items())}
    for b in ("etiv", *names):
        if b in measures:
            add("n/a", b, measures[b])
            for s, people in at.items():
                add(s, b, measures.loc[people, b])
    for b in names:
        add("n/a", f"z:{b}", controls_z[b])
    return pd.DataFrame(rows, columns=list(REFERENCE))


def assemble(
    model: SustainModel,
    norms: Norms,
    biomarkers,
    *,
    disease: str,
    title: str,
    names: dict[int, str] | None = None,
    rules: dict | None = None,
    n_people: int | None = None,
    simulated: bool = False,
) -> SharedModel:
    """A shared model of parts made elsewhere: a model fitted or imported by itself, and the norms that made its z.

    Parameters
    ----------
    model : SustainModel
        Also one that `sustain.import_peer` read from a pickle of pySuStaIn.
    norms : Norms
        Of the controls, by the same biomarkers.
    biomarkers : path or DataFrame
        Definitions, see `biomarkers.read_biomarkers`.
    disease, title : str
        For the card and the page.
    names : dict of int to str, optional
        Subtype to name; their numbers where not given.
    rules : dict, optional
        Over the defaults: people with an implausible head size are left out, missing measures are kept.
    n_people : int, optional
        Patients behind the model.
    simulated : bool

    Returns
    -------
    SharedModel

    Raises
    ------
    ModelError
        The parts do not fit one another.

    Notes
    -----
    The controls' central 95 % is that of a normal distribution with the norms' covariance, or of SD 1 where they have none.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from neuraxis.biomarkers import read_biomarkers
    >>> from neuraxis.home import workflow_home
    >>> from neuraxis.newpeople import assemble
    >>> from neuraxis.normative.norms import NormSettings, fit_norms
    >>> from neuraxis.sustain import ZScoreEvents, fit, simulate
    >>> who = pd.Index([f"sub-{i:02d}" for i in range(40)], name="participant_id")
    >>> people = pd.DataFrame({"age": np.arange(20, 60), "sex": ["F", "M"] * 20}, index=who)
    >>> measures = pd.DataFrame({"thalamus": 15000.0, "putamen": 9000.0, "etiv": 1.5e6}, index=who)
    >>> measures[["thalamus", "putamen"]] += np.random.default_rng(1).normal(0, 500, (40, 2))
    >>> plain = NormSettings(age="linear", age_by_sex=False, head_size="none")
    >>> norms = fit_norms(measures, people, {"thalamus": "fall", "putamen": "fall"}, plain)
    >>> events = ZScoreEvents([[1.0, 2.0], [1.0]], [4.0, 3.0], biomarkers=["thalamus", "putamen"])
    >>> sick = simulate(events, [[0, 2, 1]], 60, noise_sd=0.3, seed=1)
    >>> model = fit(sick.X, events, 1, covariance="independent", n_samples=0, n_startpoints=1)
    >>> defined = read_biomarkers(workflow_home() / "resources/biomarkers.tsv")
    >>> shared = assemble(model, norms, defined, disease="MS", title="An example", simulated=True)
    >>> shared.card["diseases"]["MS"]["n_subtypes"]
    1
    """
    defined = biomarkers if isinstance(biomarkers, pd.DataFrame) else read_biomarkers(biomarkers)
    # scores go into a model as they are, without norms
    scores = set(ordinal_of(defined)) & set(model.events.biomarkers)
    defined = defined[defined["biomarker"].isin(scores.union(norms.models))].reset_index(drop=True)
    table = norms.noise_table()
    n = int(norms.controls["n"])
    reference = []
    for b in norms.models:
        sd = 1.0 if table is None or b not in table else float(np.sqrt(table.at[b, b]))
        reference.append(("n/a", f"z:{b}", n, 0.0, sd, -1.96 * sd, 1.96 * sd))
    about = {
        "n_people": n_people,
        "n_subtypes": model.n_subtypes,
        "n_events": model.events.n_events,
        "biomarkers": list(model.events.biomarkers),
        "healthy_component": model.variant.healthy,
        "calibration": UNKNOWN,
    }
    card = {
        "title": title,
        "simulated": simulated,
        "diseases": {disease: about},
        "n_controls": n,
        "age_range": norms.controls["age_range"],
        "n_by_sex": norms.controls["n_by_sex"],
        "sites": norms.controls["sites"],
        "workflow": f"neuraxis {__version__}",
        "commit": "assembled by hand",
        "not_for": NOT_FOR,
    }
    measured = [v for b in defined.itertuples() if b.kind == "cord" for v in levels_named(b.label)]
    usual = {
        "source": "table", "cord_levels": measured or [1, 2, 3], "sct_select": "", "sct_repeats": "refuse",
        "exclude_rules": ["implausible eTIV"], "outlier_limit": 5, "qc_score_min": 0.65, "missing": "keep",
    }  # fmt: skip
    found = SharedModel(
        card,
        usual | (rules or {}),
        defined,
        norms,
        pd.DataFrame(reference, columns=list(REFERENCE)),
        {disease: model},
        {disease: {c: (names or {}).get(c, f"subtype {c}") for c in range(1, model.n_subtypes + 1)}},
    )
    found.check()
    return found


# ------------------------------------------------------------------ the file


def _json(value) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _tsv(table: pd.DataFrame) -> bytes:
    text = table.to_csv(sep="\t", index=False, na_rep="n/a", float_format="%.10g", lineterminator="\n")
    return text.encode()


def _portable(biomarkers: pd.DataFrame) -> pd.DataFrame:
    """Definitions as text; maps, whose paths are the study's, and participants' columns become columns of a table."""
    out = biomarkers.copy()
    maps = out["kind"].isin(["map", "column"])
    if "thresholds" in out:
        out["thresholds"] = [",".join(f"{t:g}" for t in row) for row in out["thresholds"]]
    out["labels"] = ["" if m else ",".join(map(str, v)) for v, m in zip(out["labels"], maps, strict=True)]
    return out.assign(kind=out["kind"].where(~maps, "table"))


def _from_file(path: Path) -> SharedModel:
    try:
        with zipfile.ZipFile(path) as archive:
            files = _unpacked(path, archive)
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise ModelError(f"{path} is no model file of neuraxis: {error}") from None
    try:
        manifest = json.loads(files["manifest.json"])
    except (KeyError, ValueError):
        raise ModelError(f"{path} is no model file of neuraxis: it has no manifest.json") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        found = manifest.get("format") if isinstance(manifest, dict) else manifest
        raise ModelError(f"{path}: format {found!r}, this version reads {FORMAT!r}")
    listed, diseases = manifest.get("files"), manifest.get("diseases")
    if not isinstance(listed, dict) or not isinstance(diseases, list) or not all(isinstance(d, str) for d in diseases):
        raise ModelError(f"{path} is damaged: its manifest lists no files or diseases")
    known = {*COMMON, *(f"{d}/{n}" for d in diseases for n in (*PER_DISEASE, *(f"{e}.tsv" for e in EVIDENCE)))}
    strange = sorted((set(files) | set(listed)) - known - {"manifest.json"})
    absent = [n for n in (*COMMON, *(f"{d}/{n}" for d in diseases for n in PER_DISEASE)) if n not in files]
    changed = [n for n, digest in listed.items() if n in files and hashlib.sha256(files[n]).hexdigest() != digest]
    unlisted = sorted(set(files) - set(listed) - {"manifest.json"})
    for bad, words in (
        (strange, "holds files that no model has"),
        (absent, "lacks"),
        (changed, "was changed after it was written"),
        (unlisted, "holds files without checksum"),
    ):
        if bad:
            raise ModelError(f"{path} {words}: {name_some(bad)}")
    try:
        found = _parts(files, diseases)
        found.check()
    except NeuraxisError as error:
        raise ModelError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelError(f"{path} is damaged ({type(error).__name__}: {error})") from None
    return found


def _unpacked(path, archive: zipfile.ZipFile) -> dict[str, bytes]:
    """Contents by name, nothing written anywhere."""
    entries = archive.infolist()
    names = [e.filename for e in entries]
    if len(set(names)) < len(names):
        raise ModelError(f"{path} holds files of one name twice")
    if any(e.file_size > LARGEST for e in entries) or sum(e.file_size for e in entries) > LARGEST_SUM:
        raise ModelError(f"{path} would unpack to more than a model needs")
    return {e.filename: archive.read(e) for e in entries if not e.is_dir()}


def _parts(files: dict[str, bytes], diseases: list[str]) -> SharedModel:
    card, rules, norms = (json.loads(files[n]) for n in ("card.json", "rules.json", "norms.json"))
    if not isinstance(card, dict) or not isinstance(rules, dict):
        raise ModelError("card or rules are no mappings")
    with tempfile.TemporaryDirectory() as folder:

        def placed(name: str) -> Path:
            file = Path(folder) / name.replace("/", "_")
            file.write_bytes(files[name])
            return file

        tables = {n: read_table(placed(n)) for n in files if n.endswith(".tsv") and n != "biomarkers.tsv"}
        biomarkers = read_biomarkers(placed("biomarkers.tsv"))
        models = {d: SustainModel.load(placed(f"{d}/model.npz")) for d in diseases}
    kept = Norms.from_dict(norms)
    for model in models.values():
        model.norms = norms
    names = {
        d: {int(c): str(n) for c, n in tables[f"{d}/names.tsv"][["subtype", "name"]].itertuples(index=False)}
        for d in diseases
    }
    evidence = {d: {e: tables[f"{d}/{e}.tsv"] for e in EVIDENCE if f"{d}/{e}.tsv" in tables} for d in diseases}
    reference = tables["reference.tsv"]
    return SharedModel(card, rules, biomarkers, kept, reference, models, names, evidence)


def export(study, path, diseases=None) -> SharedModel:
    """Write the model of a study into one file and read it back.

    Parameters
    ----------
    study, path : path
    diseases : sequence of str, optional

    Returns
    -------
    SharedModel
        As read back from the file.

    Raises
    ------
    ModelError
        See `from_study`.
    InputError
        The file lies where the study's results do, or holds a participant's id.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file, such as {path}/model.neuraxis")
    found = from_study(study, diseases)
    found.save(path)
    people = load(Path(study) / "results/cohort/participants.tsv")["participant_id"]
    text = _text_of(path)
    if inside := [p for p in people if str(p) in text and len(str(p)) > 3]:
        path.unlink()
        raise InputError(f"the model would have named people: {name_some(inside)}; nothing was written")
    return open_model(path)


def _text_of(path) -> str:
    """All text in the file, the JSON inside npz included."""
    parts = []
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            raw = archive.read(name)
            if name.endswith(".npz"):
                with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
                    parts.append(str(arrays["meta"]))
            else:
                parts.append(raw.decode("utf-8"))
    return "\n".join(parts)
