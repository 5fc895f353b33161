class Page(html.parser.HTMLParser):
    def __init__(self, url):
        super().__init__()
        self.url, self.next, self.links, self.fields = url, None, [], {}
        self.main, self.label, self.text, self.time = False, None, None, None
        self.feed(urllib.request.urlopen(url).read().decode("utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "main":
            self.main = True
        elif tag == "a" and attrs.get("rel") == "next":
            self.next = urllib.parse.urljoin(self.url, attrs["href"])
        elif tag == "a" and self.main:
            self.links.append(urllib.parse.urljoin(self.url, attrs["href"]))
        elif tag in ("dt", "th", "dd", "td"):
            self.text, self.time = "", None
        elif tag == "time":
            self.time = attrs["datetime"]

    def handle_data(self, data):
        if self.text is not None:
            self.text += data

    def handle_endtag(self, tag):
        if tag == "main":
            self.main = False
        elif tag in ("dt", "th"):
            self.label = self.text
        elif tag in ("dd", "td"):
            self.fields[self.label] = self.time or self.text


def read_site(url, names):
    rows = []
    while url:
        page = Page(url)
        entries = [Page(link).fields for link in page.links]
        rows += [{name: entry.get(label) for label, name in names.items()} for entry in entries]
        url = page.next
    return rows
