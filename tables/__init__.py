"""The Faust tables, with the codecs of their rows. They implement the protocols that operations use."""
