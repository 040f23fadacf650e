"""The Faust tables and the codecs of their rows; they implement protocols of ``ports``."""
