"""The second start of a part maps the classes that the first has had put into an archive."""

import psutil

from microblog_streams.local.jars import jar_set
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.options import LocalSettings
from microblog_streams.local.stack import Stack


def test_a_second_start_maps_the_archive_that_the_first_has_made(folder, eventually):
    cache = folder.parent / "cache"
    jars = jar_set(Kafka.name, LocalSettings().cache_dir)
    ours = jar_set(Kafka.name, cache)
    ours.folder.mkdir(parents=True)
    for jar in jars.jars:  # links: an archive is beside the jars, and belongs to their folder
        (ours.folder / jar.file_name).symlink_to(jars.folder / jar.file_name)

    with Stack(folder, LocalSettings(cache_dir=cache), parts=[Kafka]) as stack:
        archive = stack.parts[Kafka.name].archive
        assert not archive.path.exists()
        eventually(archive.path.exists)

    with Stack(folder, LocalSettings(cache_dir=cache), parts=[Kafka]) as stack:
        mapped = psutil.Process(stack.parts[Kafka.name].child.pid).memory_maps()
        assert str(archive.path) in {each.path for each in mapped}
