"""The stores' connections are closed together, also where one cannot be."""

from microblog_streams.services.connections import StoreConnections


class Store:
    def __init__(self, name, error=None):
        self.name, self.error, self.open = name, error, True

    async def connect(self):
        pass

    async def ping(self):
        pass

    async def close(self):
        if self.error:
            raise self.error
        self.open = False


async def test_one_that_cannot_be_closed_keeps_none_of_the_others_open(caplog):
    stores = [Store("redis", OSError("broken pipe")), Store("cassandra"), Store("postgres")]
    async with StoreConnections(stores):
        pass
    assert [store.open for store in stores] == [True, False, False]
    assert "store_not_closed store=redis reason=OSError('broken pipe')" in caplog.text
