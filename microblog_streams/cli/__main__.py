"""``python -m microblog_streams.cli``: the same as the command ``microblog``."""

from microblog_streams.cli.main import cli

if __name__ == "__main__":
    cli()
