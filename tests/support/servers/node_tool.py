"""A few of nodetool's commands, for a local Cassandra node that has a JMX port."""

import os
from pathlib import Path

from microblog_streams.local import java
from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.process import Children

#: The source; the compiler is one of Cassandra's own jars.
SOURCE = Path(__file__).with_name("NodeTool.java")
COMPILER = "org.eclipse.jdt.internal.compiler.batch.Main"


def jmx_option(port: int) -> str:
    """Return the option that gives a node a JMX port, on loopback."""
    return f"-Dcassandra.jmx.local.port={port}"


def node_tool(node: Cassandra, children: Children, jmx_port: int, *arguments: str) -> None:
    """Run a command at a node. Raises SetupError where that fails."""
    folder = str(node._tmp)
    command = [str(java.java()), *java.flags(64, node._tmp)]
    if not (node._tmp / f"{SOURCE.stem}.class").exists():
        node.run_tool(children, [*command, COMPILER, "-17", "-cp", folder, "-d", folder, str(SOURCE)])
    classes = os.pathsep.join([folder, node.environment()["CLASSPATH"]])
    node.run_tool(children, [*command, "-cp", classes, SOURCE.stem, str(jmx_port), *arguments])
