"""What the rendered book needs beyond its Markdown: links out of it, and names of languages that browsers know.

A preprocessor of mdBook (`[preprocessor.links-out]` in book.toml): JSON in, JSON out. In plain Markdown the links are
relative, so that they work on a Git host and in an editor. Here `../../../crates/sse/src/lib.rs` becomes
`REPOSITORY/blob/REVISION/crates/sse/src/lib.rs`, and where the words of a link are the name of a test, the line of that
test is added. A link to what is not there fails the build. Blocks of octets, of what is told of them, and diagrams that
nothing has drawn are shown as plain text.

`links.py check FOLDER` looks at a book that is built: each link inside of it leads to a page and an anchor that are there.
"""

import functools
import html.parser
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
LINK = re.compile(r"\[(?P<words>(?:`[^`]*`|[^\]`])*)\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```)", re.MULTILINE | re.DOTALL)
PLAIN = re.compile(r"^```(octets|explained|mermaid)\b.*")


@functools.cache
def lines(path):
    return path.read_text(encoding="utf-8").splitlines()


def anchor(path, words, fragment):
    """The fragment of a link: that of the author, or the line of the test that it names."""
    if fragment:
        return f"#{fragment}"
    name = words.strip("`")
    if path.suffix == ".rs" and re.fullmatch(r"\w+", name):
        for number, line in enumerate(lines(path), 1):
            if re.match(rf"\s*(pub )?(async )?fn {name}\b", line):
                return f"#L{number}"
    return ""


def outward(chapter, base, match):
    words, target = match["words"], match["target"]
    if re.match(r"[a-z]+:|#", target):
        return match[0]
    file, _, fragment = target.partition("#")
    path = (chapter.parent / file).resolve()
    if not path.exists():
        sys.exit(f"{chapter}: a link leads to {target}, which is not there")
    if chapter.parent in path.parents:
        return match[0]
    kind = "tree" if path.is_dir() else "blob"
    return f"[{words}]({base.format(kind)}/{path.relative_to(TOP)}{anchor(path, words, fragment)})"


def visit(item, source, base):
    chapter = item.get("Chapter") if isinstance(item, dict) else None
    if not chapter:
        return
    if chapter.get("path"):
        path = source / chapter["path"]
        parts = FENCE.split(chapter["content"])
        replace = functools.partial(outward, path, base)
        # Every second part is a fenced block.
        parts[::2] = [LINK.sub(replace, part) for part in parts[::2]]
        parts[1::2] = [PLAIN.sub("```text", part) for part in parts[1::2]]
        chapter["content"] = "".join(parts)
    for inner in chapter["sub_items"]:
        visit(inner, source, base)


class Page(html.parser.HTMLParser):
    """The anchors of a page, and where it leads."""

    def __init__(self, file):
        super().__init__()
        self.anchors, self.targets = set(), []
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.anchors.add(attributes.get("id"))
        # The base of a page of errors is the host's own.
        target = None if tag == "base" else attributes.get("href") or attributes.get("src")
        if target and not re.match(r"[a-z]+:|//|/", target):
            self.targets.append(urllib.parse.unquote(target))


def check(folder):
    pages = {file.resolve(): Page(file) for file in folder.rglob("*.html")}
    count = 0
    for file, page in pages.items():
        for target in page.targets:
            name, _, fragment = target.partition("#")
            to = (file.parent / name).resolve() if name else file
            if not to.exists() or (fragment and to in pages and fragment not in pages[to].anchors):
                sys.exit(f"{file.name} leads to {target}, which is not there")
            count += 1
    print(f"{len(pages)} pages, {count} links inside the book")


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    if sys.argv[1:2] == ["check"]:
        check(pathlib.Path(sys.argv[2]))
        return
    context, book = json.load(sys.stdin)
    config = context["config"]
    # A commit of its own, so that lines stay what they are; without Git the newest.
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=TOP, capture_output=True, text=True, check=False)
    revision = head.stdout.strip() or "HEAD"
    base = f"{config['output']['html']['git-repository-url']}/{{}}/{revision}"
    source = pathlib.Path(context["root"]).resolve() / config["book"].get("src", "src")
    for item in book.get("items") or book.get("sections"):
        visit(item, source, base)
    json.dump(book, sys.stdout)


main()
