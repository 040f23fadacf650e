"""What the fork server imports before it forks: the application and Faust's commands; no application is built."""

import gc

import faust.cli.faust
import faust.cli.worker

import microblog_streams.bootstrap.application
import microblog_streams.commands
import tests.support.live.forked

# Objects that the garbage collector leaves alone stay shared with the forked processes.
gc.freeze()

__all__ = ["faust", "microblog_streams", "tests"]
