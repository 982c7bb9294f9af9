"""What `neuraxis init` makes of a folder of data."""

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from neuraxis.cli import main, snakemake_command, study_here
from neuraxis.cohort.templates import Locator, files_of
from neuraxis.errors import ConfigError, InputError
from neuraxis.newstudy import look, make_study, propose


def people(n=30, **columns):
    table = pd.DataFrame({"participant_id": [f"sub-{i:02d}" for i in range(n)], "age": range(20, 20 + n), "sex": "F"})
    return table.assign(**columns)


def write(folder, name, table, sep="\t"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / name, sep=sep, index=False)


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "the data"
    folder.mkdir()
    return folder


def proposed(data, tmp_path):
    return propose(look(data), tmp_path / "study")


def test_freesurfer_folders_and_bids_people(data, tmp_path):
    for i in range(3):
        (data / f"derivatives/fs/sub-{i:02d}/stats").mkdir(parents=True)
        (data / f"derivatives/fs/sub-{i:02d}/stats/aseg.stats").write_text("")
    (data / "other/x/stats").mkdir(parents=True)
    (data / "other/x/stats/aseg.stats").write_text("")
    write(data, "participants.tsv", people(group=["HC"] * 10 + ["MS"] * 20, site="A"))
    config, tables, said = proposed(data, tmp_path)
    assert config["features"] == {"source": "images", "labels": str(data / "derivatives/fs/{participant_id}")}
    assert config["cohort"]["control"] == "HC" and config["cohort"]["diseases"] == ["MS"]
    assert "groups" not in config["cohort"] and not tables
    assert config["cohort"]["participants"] == str(data / "participants.tsv")
    assert any("of 3 people" in s for s in said) and any("the one with most is taken" in s for s in said)
    assert any(s.startswith("27 of 30 people of the table are not in these results: sub-03, sub-04") for s in said)


@pytest.mark.parametrize("folder", ["sub-{:02d}/ses-{}", "sub-{:02d}_ses-{}"])
def test_sessions_of_freesurfer_folders(data, tmp_path, folder):
    """Two people, the first scanned twice: a template of sessions, which the workflow's own reader finds them by."""
    for person, session in ((1, "a"), (1, "b"), (2, "a")):
        (data / "fs" / folder.format(person, session) / "stats").mkdir(parents=True)
        (data / "fs" / folder.format(person, session) / "stats/aseg.stats").write_text("")
    write(data, "participants.tsv", people(3, group="MS"))
    config, _, said = proposed(data, tmp_path)
    template = config["features"]["labels"]
    assert template == str(
        data / "fs" / folder.replace("sub-{:02d}", "{participant_id}").replace("ses-{}", "{session_id}")
    )
    assert Locator([template], "ses-01")("sub-02", "baseline")[0] == str(data / "fs" / folder.format(2, "a"))
    words = "\n".join(said)
    assert "results of 2 people" in words and "3 scans: each person's ses-01" in words
    assert "1 of 3 people of the table is not in these results: sub-00" in words


def test_freesurfers_own_subjects_are_nobody(data, tmp_path):
    for name in ("sub-00", "sub-01", "fsaverage", "fsaverage5", "lh.EC_average"):
        (data / "fs" / name / "stats").mkdir(parents=True)
        (data / "fs" / name / "stats/aseg.stats").write_text("")
    write(data, "participants.tsv", people(2, group="MS"))
    words = "\n".join(proposed(data, tmp_path)[2])
    assert "results of 2 people" in words and "not in the table of people" not in words


def toolbox(data, name, area, levels, persons=3, file="/d/sub-{:02d}/anat/sub-{:02d}_T2w_seg.nii.gz"):
    rows = [f"{file.format(i, i)},{level},{area + i}" for i in range(persons) for level in levels]
    (data / name).write_text("Filename,VertLevel,MEAN(area)\n" + "\n".join(rows) + "\n")


def test_the_cord_table_with_most_scans_and_its_levels(data, tmp_path):
    """Grey and white matter are no cord, whatever says so: the file, its rows or their size."""
    write(data, "participants.tsv", people(4, group="MS"))
    toolbox(data, "a_gm.csv", 70, (1, 2, 3), 4)
    toolbox(data, "b.csv", 70, (1, 2, 3), 4, file="/d/sub-{:02d}/sub-{:02d}_T2star_wmseg.nii.gz")
    toolbox(data, "c.csv", 15, (1, 2, 3), 4)
    toolbox(data, "d.csv", 70, (2, 3), 2)
    toolbox(data, "e_pmj.csv", 70, (2, 3, 4), 3)
    config, _, said = proposed(data, tmp_path)
    assert config["features"]["sct"] == str(data / "e_pmj.csv") and config["features"]["cord_levels"] == [2, 3]
    words = "\n".join(said)
    assert all(name in next(s for s in said if "part of the cord" in s) for name in ("a_gm.csv", "b.csv", "c.csv"))
    assert "C1 is not in most scans: cord area over C2, C3" in words and "e_pmj.csv, 3 scans" in words
    assert "1 of 4 people of the table is not in it: sub-03" in words
    toolbox(data, "e_pmj.csv", 70, (1, 2, 3, 4), 3)
    assert "cord_levels" not in proposed(data, tmp_path)[0]["features"]


def test_tables_of_two_tools_are_not_mixed(data, tmp_path):
    """Of the same people: the larger table is taken, one that says other volumes is left aside, one without rows too."""
    (data / "aseg.csv").write_text("Measure:volume,Left-Thalamus,Left-Putamen\nsub-01,7000,5000\nsub-02,7100,5100\n")
    (data / "more.csv").write_text("Measure:volume,Left-Caudate,Left-Putamen\nsub-02,3500,5100\n")
    (data / "synthseg.csv").write_text("subject,left thalamus,left putamen\nsub-01,8000,5600\n")
    (data / "zero.csv").write_text("subject,left thalamus,left putamen\n")
    config, _, said = proposed(data, tmp_path)
    assert config["features"]["volume_tables"] == [str(data / "aseg.csv"), str(data / "more.csv")]
    assert any(s.startswith("left aside") and "synthseg.csv" in s and "an earlier table has" in s for s in said)
    assert any(s.startswith("left aside, because nobody is in them") and "zero.csv" in s for s in said)


def test_ids_that_are_nobodys_are_told(data, tmp_path):
    write(data, "participants.tsv", people(3, group="MS"))
    (data / "aseg.csv").write_text("Measure:volume,Left-Thalamus,Left-Putamen\nPAT1,7000,5000\n")
    assert any(
        "none of the ids of these tables (PAT1) is in the table of people" in s for s in proposed(data, tmp_path)[2]
    )
    (data / "aseg.csv").write_text("Measure:volume,Left-Thalamus,Left-Putamen\nPAT1,7000,5000\n01,7000,5000\n")
    words = "\n".join(proposed(data, tmp_path)[2])
    assert "2 of 3 people of the table are not in these tables: sub-00, sub-02" in words
    assert "not in the table of people, but in these tables: PAT1" in words


def test_courses_small_diseases_and_sites_with_few_controls_are_told(data, tmp_path):
    group = ["HC"] * 21 + ["RRMS"] * 20 + ["SPMS"] * 19
    site = ["A"] * 10 + ["B"] * 9 + ["C"] * 2 + ["A"] * 38 + ["D"]
    write(data, "participants.tsv", people(60, group=group, site=site))
    words = "\n".join(proposed(data, tmp_path)[2])
    assert "each is modelled as a disease of its own" in words and "{MS: [RRMS, SPMS]}" in words
    assert "too few for subtypes, and left out: SPMS (19); to have them, add them to cohort.diseases" in words
    assert "no healthy control was scanned at D: " in words
    assert "fewer than 10 healthy controls: B (9), C (2); they are pooled, 11 together" in words
    cohort = proposed(data, tmp_path)[0]["cohort"]
    assert cohort["groups"] == {"RRMS": ["RRMS"], "HC": ["HC"]} and cohort["diseases"] == ["RRMS"]
    write(data, "participants.tsv", people(40, group=["HC"] * 21 + ["MS"] * 10 + ["PD"] * 9))
    config, _, said = proposed(data, tmp_path)
    assert sorted(config["cohort"]["diseases"]) == ["MS", "PD"] and "too few for subtypes: MS (10), PD (9)" in said
    write(data, "participants.tsv", people(60, group=group, site=site))
    write(data, "participants.tsv", people(60, group=group, site=["A"] * 12 + ["B"] * 9 + ["A"] * 39))
    words = "\n".join(proposed(data, tmp_path)[2])
    assert "B (9); together they have 9, too few for a norm, and the study would be refused: lower" in words
    write(data, "participants.tsv", people(60, group=["HC"] * 30 + ["MS"] * 30, site="A"))
    words = "\n".join(proposed(data, tmp_path)[2])
    assert not any(w in words for w in ("of its own", "too few", "fewer than"))


def test_a_table_cut_short_is_told_with_the_rest(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/participants.tsv").write_text("participant_id\tage\tsex\tgroup\nsub-01\t30\tF\tHC")
    assert sum("does not end with a line end" in s for s in make_study(tmp_path / "s", tmp_path / "d")) == 1


def test_columns_of_other_names_and_merged_groups(data, tmp_path):
    group = ["Healthy controls"] * 5 + ["volunteer"] * 5 + ["RR MS"] * 12 + ["NMO"] * 8
    table = people(Diagnosis=group, scanner="B").rename(columns={"sex": "Gender"})
    write(data, "participants.tsv", table)
    config, tables, said = proposed(data, tmp_path)
    cohort = config["cohort"]
    assert cohort["control"] == "Healthy controls" and sorted(cohort["diseases"]) == ["NMO", "RR-MS"]
    assert cohort["groups"] == {
        "RR-MS": ["RR MS"],
        "NMO": ["NMO"],
        "Healthy controls": ["Healthy controls", "volunteer"],
    }
    assert cohort["participants"] == "participants.tsv"
    assert list(tables["participants.tsv"]) == ["participant_id", "age", "sex", "group", "site"]
    assert tables["participants.tsv"]["group"].tolist() == group
    assert any("Diagnosis as group" in s for s in said)


def test_what_cannot_be_told_is_said(data, tmp_path):
    write(data, "participants.tsv", people(group=["PD"] * 15 + ["MSA"] * 15))
    config, _, said = proposed(data, tmp_path)
    words = "\n".join(said)
    assert "control" not in config["cohort"] and "set cohort.control" in words
    assert (
        "no column for site" in words
        and "no column for group" not in words
        and "no segmentations" in words
        and "no outcomes" in words
    )
    assert config["clinical"]["outcomes"] == [] and config["clinical"]["treatment"]["column"] == ""


def test_without_groups_the_remedy_is_told(data, tmp_path):
    write(data, "participants.tsv", people().drop(columns="sex"))
    words = "\n".join(proposed(data, tmp_path)[2])
    assert "no column for group" in words and "then set cohort.control and cohort.diseases" in words
    assert "no column for sex, which the study needs" in words and "for age" not in words


def test_outcomes_of_patients_with_enough_values(data, tmp_path):
    score = [float(i) for i in range(30)]
    few = [None] * 15 + score[:15]
    table = people(
        group=["HC"] * 5 + ["MS"] * 25, edss=[None] * 5 + [i % 4 for i in range(25)], memory_test=score, few=few
    )
    write(data, "participants.tsv", table.assign(handedness="right", code=3))
    outcomes = proposed(data, tmp_path)[0]["clinical"]["outcomes"]
    assert [(o["column"], o["type"]) for o in outcomes] == [("edss", "ordinal"), ("memory_test", "continuous")]
    assert outcomes[0]["covariates"] == ["age", "sex"]


def outcomes_of(data, tmp_path, healthy, **columns):
    """Proposed outcomes by column, and the words about them, of 25 patients and some healthy people."""
    write(data, "participants.tsv", people(25 + healthy, group=["HC"] * healthy + ["MS"] * 25, **columns))
    config, _, said = proposed(data, tmp_path)
    return {o["column"]: o for o in config["clinical"]["outcomes"]}, "\n".join(said)


@pytest.mark.parametrize("n", [19, 20])
def test_scores_are_referred_to_controls_where_enough_have_them(data, tmp_path, n):
    """Thirty healthy people; the PASAT of n of them is known, the CVLT of nobody, the SDMT of all, of one as a word."""
    score = [float(i % 17) for i in range(55)]
    pasat = score[:n] + [None] * (30 - n) + score[30:]
    cvlt, sdmt = [None] * 30 + score[30:], ["refused", *score[1:]]
    found, words = outcomes_of(data, tmp_path, 30, pasat=pasat, CVLT=cvlt, sdmt=sdmt, bvmt=score)
    assert {c: o.get("reference", "none") for c, o in found.items()} == {
        "pasat": "controls" if n == 20 else "none", "CVLT": "none", "sdmt": "none", "bvmt": "controls",
    }  # fmt: skip
    assert ("PASAT: 19 healthy controls have a number in pasat" in words) == (n == 19)
    assert "CVLT: 0 healthy controls have a number in CVLT" in words and "BVMT: " not in words
    assert "SDMT: 29 healthy controls have a number in sdmt, age and sex, and 1 a text" in words


def test_controls_without_an_age_do_not_count(data, tmp_path):
    age = [None] * 6 + [40.0] * 44
    found, words = outcomes_of(data, tmp_path, 25, bvmt=[float(i % 9) for i in range(50)], age=age)
    assert "reference" not in found["bvmt"] and "BVMT: 19 healthy controls" in words


@pytest.mark.parametrize("least", [0.0, 0.1])
def test_a_logarithm_is_proposed_where_all_values_have_one(data, tmp_path, least):
    """A marker of 0 has none; a volume of 0 has one of 1 more."""
    values = [least] * 30 + [float(i) for i in range(1, 26)]
    values[-1] = least
    found, words = outcomes_of(data, tmp_path, 30, nfl=values, lesion_volume=values)
    assert found["nfl"].get("transform", "none") == ("log" if least else "none")
    assert ("NfL: 1 value of nfl is not above 0" in words) == (least == 0)
    assert found["lesion_volume"]["transform"] == "log1p" and "lesion volume: " not in words


@pytest.mark.parametrize(
    ("name", "header", "key", "source"),
    [
        ("vols.csv", "subject,total intracranial,left thalamus", "volume_tables", "volume_tables"),
        ("aseg.table", "Measure:volume,Left-Thalamus,EstimatedTotalIntraCranialVol", "volume_tables", "volume_tables"),
        ("lh.table", "lh.aparc.thickness,lh_bankssts_thickness", "volume_tables", "volume_tables"),
        ("LandRvolumes.csv", "SubjID,Lthal,Rthal,ICV", "volume_tables", "volume_tables"),
        ("job.csv", "Patient ID,Sex,Age,Thalamus Right cm3,Thalamus Left cm3", "volume_tables", "volume_tables"),
        ("cord.csv", "Filename,VertLevel,MEAN(area)", "sct", "volume_tables"),
        ("mine.csv", "participant_id,etiv,thalamus,frontal", "table", "table"),
        ("qc.csv", "subject,general white matter,general grey matter", "qc_scores", None),
    ],
)
def test_tables_by_their_heading(data, tmp_path, name, header, key, source):
    cells = ["2", "70"] if key == "sct" else ["0.5"] * header.count(",")
    text = f"{header}\n" + ",".join(["sub-01", *cells]) + "\n"
    (data / name).write_text(text)
    features = proposed(data, tmp_path)[0]["features"]
    at = features[key][0] if isinstance(features[key], list) else features[key]
    assert at == str(data / name) and features.get("source") == source
    # a cord alone has no head size
    normative = proposed(data, tmp_path)[0].get("normative")
    assert normative == ({"head_size": "none"} if key == "sct" else None)


def test_what_is_not_read_is_named(data, tmp_path):
    """Workbooks and packed tables; folders of FreeSurfer whose names are no ids; label volumes, which only their names tell."""
    for name in (
        "people.csv.gz",
        "people.xlsx",
        "image.nii.gz",
        "sub-01/sub-01_dseg.nii.gz",
        "sub-02/sub-02_dseg.nii.gz",
    ):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"")
    for name in ("fs6.0_bert", "sub-01", "stats2table"):
        (data / "fs" / name / "stats").mkdir(parents=True)
    for name in ("fs6.0_bert", "sub-01"):
        (data / "fs" / name / "stats/aseg.stats").write_text("")
    (data / "fs/stats2table/stats").rmdir()
    config, _, said = proposed(data, tmp_path)
    words = "\n".join(said)
    packed = next(s for s in said if "only plain text is read" in s)
    assert "people.csv.gz" in packed and "people.xlsx" in packed and "nii" not in packed
    assert "fs6.0_bert; rename them" in words and "results of 1 person" in words
    assert "label volumes" not in words and config["features"]["source"] == "images"
    (data / "fs/sub-01/stats/aseg.stats").unlink()
    config, _, said = proposed(data, tmp_path)
    template = data / "{participant_id}/{participant_id}_dseg.nii.gz"
    assert (
        any(s.startswith(f"label volumes by their names: {template} (2);") for s in said) and "features" not in config
    )
    assert {i for _, i in files_of(str(template))} == {"sub-01", "sub-02"}  # as the workflow's reader finds them


def test_a_study_of_the_cord_alone_uses_nothing_else(data, tmp_path):
    write(data, "participants.tsv", people(3, group="MS"))
    toolbox(data, "csa.csv", 70, (1, 2, 3))
    assert proposed(data, tmp_path)[0]["features"]["use"] == ["cord_csa"]
    (data / "aseg.csv").write_text("Measure:volume,Left-Thalamus,Left-Putamen\nsub-01,7000,5000\n")
    assert "use" not in proposed(data, tmp_path)[0]["features"]


def test_tables_that_cannot_be_read_are_told(data, tmp_path):
    (data / "people.csv").write_text("participant_id,age\nsub-1,30,7\n")
    said = proposed(data, tmp_path)[2]
    assert any("left aside, because they cannot be read" in s and "people.csv" in s and "line 2 (3)" in s for s in said)


def test_paths_in_the_study_are_relative(tmp_path):
    study = tmp_path / "a study"
    write(study, "data/mine.csv", people().assign(etiv=1.5e6, thalamus=1e4, frontal=2e5), sep=",")
    said = make_study(study, study / "data")
    config = yaml.safe_load((study / "config.yaml").read_text())
    assert config["features"]["table"] == "data/mine.csv" and config["report"]["title"] == "a study"
    text = (study / "config.yaml").read_text()
    assert all(f"# {line}" in text for line in said)  # what was found stands in the file


def test_nothing_is_overwritten(tmp_path):
    study = tmp_path / "s"
    study.mkdir()
    (study / "README.md").write_text("mine")
    with pytest.raises(ConfigError, match="README.md already; nothing was written"):
        make_study(study)
    assert [p.name for p in study.iterdir()] == ["README.md"] and (study / "README.md").read_text() == "mine"
    (study / "Snakefile").write_text("")
    with pytest.raises(ConfigError, match="folder of its own"):
        make_study(study)
    with pytest.raises(InputError, match="no such folder"):
        make_study(tmp_path / "new", tmp_path / "absent")
    assert not (tmp_path / "new").exists()


def test_the_command_says_what_it_did_and_refuses_with_1(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    done = runner.invoke(main, ["init", "my study"])
    assert done.exit_code == 0 and (tmp_path / "my study/config.yaml").is_file() and 'cd "my study"' in done.output
    again = runner.invoke(main, ["init", "my study"])
    assert again.exit_code == 1 and "neuraxis: my study has config.yaml" in again.output
    assert runner.invoke(main, ["init"]).exit_code == 2
    assert "_NEURAXIS_COMPLETE" in runner.invoke(main, ["completion", "bash"]).output


def test_which_study_is_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="neuraxis init"):
        study_here(None)
    make_study("one")
    assert study_here(None).name == "one"
    make_study("two")
    with pytest.raises(ConfigError, match=r"several studies are here \(one, two\)"):
        study_here(None)
    assert study_here(tmp_path / "two") == tmp_path / "two"
    with pytest.raises(ConfigError, match="no config.yaml"):
        study_here(tmp_path / "three")
    monkeypatch.chdir(tmp_path / "one")
    assert study_here(None) == tmp_path / "one"


@pytest.mark.parametrize(
    ("arguments", "counted"),
    [
        ([], False),
        (["-n"], False),
        (["--until", "cohort_participants"], False),
        (["--cores", "2"], True),
        (["--cores=2"], True),
        (["-c2"], True),
        (["-j", "4"], True),
        (["--jobs=4"], True),
        (["--workflow-profile", "slurm"], True),
    ],
)
def test_cores_are_all_unless_told(tmp_path, arguments, counted):
    command = snakemake_command(tmp_path, arguments)
    assert ("all" in command) == (not counted)
    assert all(a in command for a in arguments) and command[command.index("--directory") + 1] == str(tmp_path)


def test_a_preset_is_the_workflows_own_file(tmp_path):
    command = snakemake_command(tmp_path, ["-n"], "quick")
    assert command[-2] == "--configfile" and command[-1].endswith("config/quick.yaml")


def test_doctor(tmp_path, monkeypatch):
    """The study named, or the only one below; 1 where something would end its run."""
    monkeypatch.chdir(tmp_path)
    make_study("my study")
    (tmp_path / "my study/config.yaml").write_text("cohort: {source: files, participants: nobody.tsv}\n")
    for command in (["doctor"], ["doctor", "my study"]):
        sick = CliRunner().invoke(main, command)
        assert sick.exit_code == 1 and "cohort.participants: nobody.tsv: no such file" in sick.output
        assert "installation" in sick.output


def lines_of(data, tmp_path):
    """config.yaml that is written: every key with the comment above it, by path; what YAML reads of it."""
    said = make_study(tmp_path / "study", data)
    text = (tmp_path / "study/config.yaml").read_text()
    above, comment, path, found = {}, [], [], []
    for line in text.split("\n"):
        bare = line.strip()
        if bare.startswith("# "):
            comment.append(bare.removeprefix("# "))
            continue
        depth = (len(line) - len(line.lstrip())) // 2
        if bare.startswith("- column: "):
            path, bare = [*path[:depth], "outcomes", bare.removeprefix("- column: ")], ""
            above[".".join(path)] = " ".join(comment)
        elif ":" in bare and not bare.startswith("- "):
            path = [*path[:depth], bare.partition(":")[0]]
            above[".".join(path)] = " ".join(comment)
        found.append(line)
        comment = []
    return above, text, said


def test_every_key_of_a_folder_of_freesurfer_says_what_was_found(data, tmp_path):
    """What was proposed and why, what could not be told, and what a key is for where nothing was found."""
    for i in range(3):
        (data / f"fs/sub-{i:02d}/stats").mkdir(parents=True)
        (data / f"fs/sub-{i:02d}/stats/aseg.stats").write_text("")
    table = people(group=["HC"] * 4 + ["MS"] * 26, site=["A"] * 15 + ["B"] * 15, edss=[i / 4 for i in range(30)])
    write(data, "participants.tsv", table.assign(odd=range(30)))
    above, text, said = lines_of(data, tmp_path)
    config, _, _ = proposed(data, tmp_path)
    assert yaml.safe_load(text) == config | {"report": {"title": "study"}}
    for key, words in {
        "cohort.participants": "participants.tsv, 30 rows",
        "cohort.control": "healthy controls: HC taken for them by name",
        "cohort.diseases": "groups: MS (26), HC (4)",
        "features.source": "FreeSurfer",
        "features.labels": "27 of 30 people of the table are not in these results",
        "clinical.outcomes": "EDSS (ordinal), odd (continuous)",
        "clinical.outcomes.edss": "26 of 26 patients have a number in edss; its type is that of a measure of this name",
        "clinical.outcomes.odd": "its type is a guess",
    }.items():
        assert words in above[key], key
    # nothing was found on these: what they are for, as the settings say
    assert above["cohort.source"].startswith("simulated: ") and above["clinical.treatment.column"].startswith(
        "column of people"
    )
    assert [k for k in above if not above[k] and k.count(".") == 1] == []
    # a section that needs no value stands as a comment, with what there is to be said
    assert "normative" not in config and "# normative:\n#   # no healthy control was scanned at B" in text
    assert "\n#   site: fixed\n" in text and "\n#   min_site_controls: 10\n" in text
    head = text.partition("\ncohort:")[0]
    assert not any(s[:30] in head for s in said), head


def test_every_key_of_a_folder_of_the_cord_toolbox_says_what_was_found(data, tmp_path):
    """Areas alone, one of whose levels is rare, and people without groups: what could not be told stands where it is to be set."""
    rows = [
        f"/d/sub-{i:02d}/sub-{i:02d}_T2w_seg.nii.gz,{v},{70 + i}"
        for i in range(12)
        for v in ((2, 3) if i else (1, 2, 3))
    ]
    (data / "csa.csv").write_text("Filename,VertLevel,MEAN(area)\n" + "\n".join(rows) + "\n")
    write(data, "participants.tsv", people(13, site="A"))
    above, text, _ = lines_of(data, tmp_path)
    config = yaml.safe_load(text)
    assert config["features"]["sct"] == str(data / "csa.csv") and config["features"]["cord_levels"] == [2, 3]
    assert (
        "12 scans" in above["features.sct"]
        and "1 of 13 people of the table is not in it: sub-12" in above["features.sct"]
    )
    assert "C1 is not in most scans" in above["features.cord_levels"]
    assert "cord alone" in above["features.use"] and "no head size" in above["normative.head_size"]
    assert "control" not in config["cohort"] and "\n  # control: HC\n" in text and "\n  # diseases: " in text
    place = text.index("\n  # control: HC")
    assert "no column for group, so that" in " ".join(text[:place].replace("\n  #", "").split())


def test_names_that_no_yaml_holds_are_written_all_the_same(data, tmp_path):
    """Comments of paths with characters that end a line or a file."""
    odd = data / "b\x85d\x07: # - {x}\u2028"
    for i in range(2):
        (odd / f"fs/sub-{i:02d}/stats").mkdir(parents=True)
        (odd / f"fs/sub-{i:02d}/stats/aseg.stats").write_text("")
    write(data, "participants.tsv", people(2, group="MS"))
    _, text, _ = lines_of(data, tmp_path)
    assert yaml.safe_load(text)["features"]["source"] == "images"
