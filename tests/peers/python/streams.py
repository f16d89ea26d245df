"""An event stream read by hand over aiohttp."""


class Events:
    """One response that never ends, block by block."""

    def __init__(self, session, url, headers=None):
        self.request = session.get(url, headers={"Accept": "text/event-stream", **(headers or {})})
        self.text = ""

    async def __aenter__(self):
        self.answer = await self.request.__aenter__()
        if (self.answer.status, self.answer.content_type) != (200, "text/event-stream"):
            raise SystemExit(f"no event stream: {self.answer.status} {self.answer.headers}")
        return self

    async def __aexit__(self, *_):
        self.answer.close()

    async def block(self):
        """Gives the next block as a dict, or None at the end of the stream."""
        while "\n\n" not in self.text:
            octets = await self.answer.content.readany()
            if not octets:
                return None
            self.text += octets.decode()
        block, self.text = self.text.split("\n\n", 1)
        fields = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "data" and "data" in fields:
                value = fields["data"] + "\n" + value
            fields[name] = int(value) if name == "retry" else value
        return fields

    async def event(self):
        """Gives the next block with data."""
        while (block := await self.block()) is not None:
            if "data" in block:
                return block
        return None
