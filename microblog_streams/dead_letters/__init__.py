"""Dead letters: records that an agent could not read. A topic keeps them; a command shows and replays them."""
