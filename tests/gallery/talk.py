"""A session of many people, with all that a message can show, and a run that lists its stages."""

import struct
import zlib

from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile

from chat.models import Session
from chat.services import (
    invite,
    open_session,
    post_message,
    receive_message_file,
    sent_message_files,
    start_in_session,
)
from procedures.models import Run
from procedures.runner import advance_run

MEMBERS = 60
"""The members of the session."""
INVITED = 10
"""The members who were invited later, each in a line of the transcript."""
TITLE = "Returns of the spring sale · مرتجعات الربيع · 春のセールの返品"
TABLE = """These are the open returns:

| Order | Customer | Amount | Since | What is missing |
|:--|:--|--:|:-:|---|
| 2024-1187 | Mrs Blum | 31.20 € | 3 March | the receipt |
| 2024-1190 | عائشة بن علي | 1,249.00 € | 5 March | nothing |
| 2024-1204 | 山田 太郎 | 18.00 € | 9 March | the parcel, which has been in Bremen since Tuesday |

The second one is **urgent**."""
CODE = """The export fails here, in `write_rows`:

```python
def write_rows(rows: Iterable[Row], target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=["order", "customer", "amount", "carrier", "sent"])
        writer.writerows(asdict(row) for row in rows)
```

> UnicodeEncodeError: 'ascii' codec can't encode character '\\u20ac' in position 17

It needs `PYTHONUTF8=1`."""
LIST = """## Before noon

1. Call the carrier
   - ask for *all four* parcels
   - note the name of whoever answers
2. Write to the customers
3. Close the list

- [x] Label printed
- [ ] Parcel weighed

See https://example.org/returns/2024/spring/overview?order=2024-1187&view=a-long-list-of-columns#top."""
SCRIPTS = """The label says “عرض الربيع 20%”, and below it “מבצע האביב”, 春のセール, वसंत सेल and 봄.

الطلب 2024-1187 لم يصل بعد، اتصلوا بالناقل DHL من فضلكم.

春のセールの注文 2024-1204 はまだ届いていません。配送業者に電話してください。👍🏽"""


def add_gathering(people: dict[str, User], runs: dict[str, Run]) -> Session:
    """Open the session, start the run in it, and return it."""
    starter, approver = people["starter"], people["approver"]
    names = [f"colleague{number:02}" for number in range(MEMBERS - 2)]
    others = User.objects.bulk_create(User(username=name) for name in names)
    Group.objects.get(name="support").user_set.add(*others)
    session, _ = open_session(TITLE, by=starter, members=["approver", *names[:-INVITED]])
    for other in others[-INVITED:]:
        invite(session.pk, other, by=starter)
    said = (starter, TABLE), (approver, CODE), (others[0], LIST), (others[1], SCRIPTS)
    for by, text in said:
        post_message(session, text, by=by)
    several = (
        ("shelf.png", picture(640, 400), "image/png"),
        ("returns.csv", b"order,amount\n1187,31.20\n1190,1249.00\n", "text/csv"),
        ("carrier-report-of-the-second-week-of-march-final-version-3.txt", b"All lost.\n", ""),
    )
    send_files(session, approver, "These are from the warehouse.", *several)
    send_files(session, starter, "", ("label.png", picture(80, 260), "image/png"))
    post_message(session, "Thanks, @approver! I start the check.", by=starter)
    for name, procedure in {"posted": "posts_everything", "planned": "planning"}.items():
        runs[name], _ = start_in_session(session, procedure, {}, by=starter, text=f"/{procedure}")
        advance_run(runs[name].pk)
    return session


def send_files(session: Session, by: User, text: str, *files: tuple[str, bytes, str]) -> None:
    tokens = [
        receive_message_file(session, SimpleUploadedFile(name, content, content_type=kind), by=by)
        for name, content, kind in files
    ]
    post_message(session, text, by=by, files=sent_message_files(session, tokens, by=by))


def picture(width: int, height: int) -> bytes:
    """Return a PNG of this size with a run of colours."""
    rows = (
        bytes(
            [
                0,
                *(
                    level
                    for x in range(width)
                    for level in (x * 255 // width, y * 255 // height, 128)
                ),
            ]
        )
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(rows))
    chunks = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, content) for name, content in chunks)


def chunk(name: bytes, content: bytes) -> bytes:
    checked = name + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))
