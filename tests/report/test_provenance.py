"""The description of results/ that BIDS asks of derivatives."""

from neuraxis import __version__
from neuraxis.report.provenance import dataset_description


def known(source, commit):
    return {"config": {"report": {"title": "my study"}, "cohort": {"source": source}}, "commit": commit}


def test_dataset_description():
    of_files = dataset_description(known("files", "ab12"))
    assert of_files["Name"] == "my study" and of_files["DatasetType"] == "derivative"
    assert of_files["GeneratedBy"][0]["Version"] == __version__ and "ab12" in of_files["GeneratedBy"][0]["Description"]
    simulated = dataset_description(known("simulated", "not a git checkout"))
    assert simulated["Name"] == "my study (SIMULATED)" and "commit" not in simulated["GeneratedBy"][0]["Description"]
