"""In: a title, a style and what a page shows. Out: a page of HTML that needs nothing else.

It asks no network for anything, and its policy lets it ask for nothing.
"""

from __future__ import annotations

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'unsafe-inline'",
        "style-src 'unsafe-inline'",
        "img-src data: blob:",
    ]
)
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="{_POLICY}">
<title>{{title}}</title>
<style>
{{style}}
</style>
</head>
<body>
{{body}}
</body>
</html>
"""


def whole_page(title: str, style: str, body: str) -> str:
    """A page with its scripts, if it has any, in the `body`; title and body are HTML already.

    >>> page = whole_page("one & all".replace("&", "&amp;"), "p { margin: 0 }", "<p>{all}</p>")
    >>> "<title>one &amp; all</title>" in page, page.splitlines()[-3]
    (True, '<p>{all}</p>')
    """
    return _PAGE.format(title=title, style=style, body=body)
