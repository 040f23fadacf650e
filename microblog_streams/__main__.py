"""``microblog-streams COMMAND``: Faust's command line for this application, as ``faust -A microblog_streams`` is."""

import sys

from faust.cli.faust import cli


def main() -> None:
    """Run the command that the arguments name."""
    sys.argv[1:1] = ["-A", "microblog_streams"]
    cli(prog_name="microblog-streams")


if __name__ == "__main__":
    main()
