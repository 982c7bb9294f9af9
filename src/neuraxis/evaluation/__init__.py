"""What models are held against: the truth where it is known, simple scores, healthy people, models of other diseases."""
