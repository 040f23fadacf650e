"""What a start of Python imports of the application."""

import subprocess
import sys


def test_while_traces_are_off_nothing_of_them_is_imported():
    """redis-py imports the SDK's metrics where it is installed."""
    script = (
        "import sys; from microblog_streams.bootstrap import application; "
        "print(*[name for name in sys.modules if name.startswith('opentelemetry.') and 'trace.export' in name])"
    )

    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"
