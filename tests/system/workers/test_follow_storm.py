"""A follow storm, in short: every follow takes effect, and a bystander's posts go on arriving."""

from tests.support.storm.storm import follow_storm

FOLLOWERS = 300


def test_a_storm_of_follows_takes_effect_and_delays_no_other_post(workers, kafka, eventually):
    worker = workers().start()
    eventually(worker.well, worker)
    storm = follow_storm(worker, kafka, FOLLOWERS)
    assert storm.reached == FOLLOWERS
    assert storm.posts > 0
