"""The commands: `faust -A microblog_streams <command>`. Each module has a `register(app)`."""
