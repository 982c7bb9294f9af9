"""New people under the model of a study, or of one published file.

>>> from neuraxis.newpeople import open_model                                    # doctest: +SKIP
>>> placed = open_model("STUDY").stage(freesurfer="fs/sub-07", age=41, sex="F", site="A")   # doctest: +SKIP
>>> placed.write("new people")                                                   # doctest: +SKIP
"""

from .place import Placed
from .shared import SharedModel, assemble, open_model

__all__ = ["Placed", "SharedModel", "assemble", "open_model"]
