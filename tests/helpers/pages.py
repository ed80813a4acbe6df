"""Reads the reports, and a text that would break them."""

import html.parser

NASTY = "<script>alert('1')</script> & $x_1$ \U0001f918"


class Tags(html.parser.HTMLParser):
    """Counts the tags, and keeps what they link to."""

    def __init__(self, page: str):
        super().__init__()
        self.count, self.links = {}, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.links += [value for name, value in attrs if name in ("src", "href")]
