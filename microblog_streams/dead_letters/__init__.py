"""Dead letters: records that an agent could not decode. A topic keeps them until they are replayed or discarded."""
