"""An application that never gets so far as to be one."""

import signal

signal.pause()
