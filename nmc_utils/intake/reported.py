"""Which municipality has sent which table, whatever the files are cut by.

A file speaks for the municipalities that its accepted rows name. A second workplace is no such row,
because the person is counted at the main one, nor is an organisation of a register. What stands on
the other sheets of a file, or is missing there, is then told of these municipalities.

Tables of support (`OF_SUPPORT`) may be sent by the centre for everybody. Their rows make nobody a
sender of the other tables, and where the centre alone sends one, nobody has left it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from nmc_utils.intake.batch import ACCEPTED, BLANK, HELD_OUT, SUPERSEDED, Batch
from nmc_utils.regions import Region
from nmc_utils.tables import STATUS
from nmc_utils.terms import REGISTER, TOTAL

#: Tables that municipalities send; the others are of the whole region.
OF_RECORDS = ("staff", "employment", "organizations", "scores", "responses", "aggregates")
#: Tables that the centre may send as well as municipalities.
OF_SUPPORT = ("routes", "completions", "teams", "mentoring", "support", "attendance")
OF_MUNICIPALITIES = (*OF_RECORDS, *OF_SUPPORT)
#: Tables that both may send and that tell of no municipality by themselves.
_OF_ALL = ("route_measures", "events")


def is_of_center_alone(table: str) -> bool:
    """Whether the centre alone sends `table`: no blank of a municipality has its sheet."""
    return table not in (*OF_MUNICIPALITIES, *_OF_ALL)


#: What is waited for where not a single sheet could be read.
_EXPECTED = ("staff", "employment", "organizations", "scores")
_OF_PEOPLE = ("staff", "scores", "responses")


@dataclass(frozen=True)
class Sender:
    """What is known of a file without its rows.

    Attributes
    ----------
    number
        In which order it came.
    places
        Municipalities that it is about, by its rows or its name.
    refused
        Tables of it that were refused whole, with the rows that were held out; "" when the file
        was refused or could not be read itself.
    named
        The one municipality that its name tells.
    """

    number: int
    places: frozenset[str] = frozenset()
    refused: Mapping[str, int] = field(default_factory=dict)
    named: str | None = None

    @property
    def place(self) -> str | None:
        """The municipality that the file is about, if it is one alone."""
        return next(iter(self.places)) if len(self.places) == 1 else None


@dataclass(frozen=True)
class Reported:
    """Who has reported.

    Attributes
    ----------
    status
        The table `tables.STATUS`: every municipality × every table that anybody has sent.
    missing
        Municipalities of which nothing was accepted, in the official order.
    is_unplaced
        People were accepted and no file says where they work: then nothing can be told by
        municipality, `status` has no rows and nobody is missing.
    names
        File → the municipalities that its rows name, those of a register of organisations too.
    """

    status: pd.DataFrame
    missing: tuple[str, ...]
    names: dict[str, frozenset[str]]
    is_unplaced: bool

    def is_sent(self, table: str, municipalities: frozenset[str]) -> bool:
        """Whether each of `municipalities` has sent `table`."""
        mine = self.status[self.status["table"].eq(table) & self.status["is_sent"]]
        return municipalities <= set(mine["municipality"])


def reported(
    batches: Mapping[str, Batch],
    region: Region,
    senders: Mapping[str, Sender],
    *,
    has_workplaces: bool,
) -> Reported:
    """Tell who has reported by the rows that were accepted, or repeat accepted ones.

    A sheet counts as sent if it has no rows, or if one of them at least was accepted. A region
    that gives numbers of the whole region alone has said everything; where municipalities send
    other tables, such numbers are nobody's and `aggregates` is left out. `has_workplaces` says
    that some file has a sheet of workplaces, be it one that was refused.

    What came and was refused or held out is «returned»: somebody has to mend it.
    """
    sent = {table: batches[table] for table in OF_RECORDS if table in batches}
    named = _named(sent)
    speaks = _by_file(named[name] for name in named if name != REGISTER or len(named) == 1)
    spoken = frozenset().union(*speaks.values())
    for file in {piece.file for batch in sent.values() for piece in batch.pieces}:
        is_silent = spoken and file not in speaks and senders[file].place
        if is_silent and _is_any_taken(
            sent, file
        ):  # others told their workplaces, this one did not
            speaks[file] = senders[file].places
    spoken = frozenset().union(*speaks.values())
    has_people = any(len(_taken(sent[table])) for table in _OF_PEOPLE if table in sent)
    if has_people and not spoken and not has_workplaces:
        nothing = pd.DataFrame(columns=list(STATUS)).astype(STATUS)
        return Reported(nothing, (), _by_file(named.values()), is_unplaced=True)
    is_whole = not spoken and "aggregates" in sent and sent["aggregates"].live.any()
    spoken_for = _senders(sent, speaks) if batches else dict.fromkeys(_EXPECTED, frozenset())
    support = {table: batches[table] for table in OF_SUPPORT if table in batches}
    records = [named[name] for name in named if name not in ("aggregates", REGISTER)]
    whose = _of_one_place(support, batches, senders) | _by_file(records)
    spoken_for |= _senders_of_support(support, whose)
    sent |= {table: support[table] for table in support if table in spoken_for}
    rows = [
        (place, table, is_whole if table == "aggregates" and not spoken else place in speakers)
        for table, speakers in spoken_for.items()
        if table != "aggregates" or not spoken or speakers
        for place in region.municipality_names
    ]
    order = {place: number for number, place in enumerate(region.municipality_names)}
    rows.sort(key=lambda row: order[row[0]])
    missing = () if is_whole else tuple(place for place in order if place not in spoken)
    status = pd.DataFrame(rows, columns=["municipality", "table", "is_sent"])
    status = _with_states(status, sent, senders).astype(STATUS)
    return Reported(status, missing, _by_file(named.values()), is_unplaced=False)


def _is_any_taken(sent: Mapping[str, Batch], file: str) -> bool:
    """Whether a person of the file was accepted, or repeats an accepted one."""
    of_people = [sent[table] for table in _OF_PEOPLE if table in sent]
    return any(_taken(batch)["file"].eq(file).any() for batch in of_people)


def place(batches: Mapping[str, Batch], senders: Mapping[str, Sender]) -> None:
    """Tell whose every row is: by itself, by its person's main workplace, by its file."""
    main: dict[str, str] = {}
    homes: dict[str, str] = {}
    if REGISTER in batches:
        register = batches[REGISTER].data.dropna(subset=["organization_id", "municipality"])
        homes = dict(zip(register["organization_id"], register["municipality"], strict=True))
    if "employment" in batches:
        work = batches["employment"].data.dropna(subset=["person_id", "municipality"])
        work = work[work["is_main"].eq(True).fillna(False)]
        main = dict(zip(work["person_id"], work["municipality"], strict=True))
    for batch in batches.values():
        files = {number: senders[piece.file].place for number, piece in enumerate(batch.pieces)}
        place = batch.piece.map(files).astype("str")
        if "person_id" in batch.data:
            place = batch.data["person_id"].map(main).astype("str").fillna(place)
        if at := _ORGANIZATION.get(batch.table):
            place = batch.data[at].map(homes).astype("str").fillna(place)
        if "municipality" in batch.data:
            own = batch.data["municipality"].astype("str")
            place = own.where(own.ne(TOTAL)).fillna(place)
        batch.places = place


#: Tables of support without the person whose row it is → the organisation that it is about.
_ORGANIZATION = {"teams": "organization_id", "mentoring": "mentee_organization_id"}


def _of_one_place(
    support: Mapping[str, Batch], batches: Mapping[str, Batch], senders: Mapping[str, Sender]
) -> dict[str, frozenset[str]]:
    """Files without records → the municipality of their name, else that of all their rows.

    A file with a sheet that the centre alone sends is the centre's, whomever its rows are of.
    """
    places: dict[str, set[str]] = {}
    for batch in support.values():
        taken = batch.status.isin([ACCEPTED, SUPERSEDED])
        for number, piece in enumerate(batch.pieces):
            mine = batch.places[taken & batch.piece.eq(number)]
            if len(mine):
                places.setdefault(piece.file, set()).update(mine.dropna())
    of_center = {
        piece.file
        for table, batch in batches.items()
        if is_of_center_alone(table)
        for piece in batch.pieces
    }
    named = {file: senders[file].named for file in places}
    return {
        file: frozenset({named[file]} if named[file] else mine)
        for file, mine in places.items()
        if named[file] or (file not in of_center and len(mine) == 1)
    }


def _senders_of_support(
    support: Mapping[str, Batch], whose: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Table of support → municipalities of which it is known, where one of them has sent it.

    A file that is nobody's in `whose` is the centre's: it is of those that its rows are of.
    """
    found = {}
    for table, batch in support.items():
        own: set[str] = set()
        told: set[str] = set()
        taken = batch.status.isin([ACCEPTED, SUPERSEDED])
        for number, piece in enumerate(batch.pieces):
            mine = batch.piece.eq(number)
            if (taken & mine).any() or not (mine & batch.status.ne(BLANK)).any():
                own |= whose.get(piece.file, frozenset())
                told |= set(batch.places[mine & taken].dropna())
        if own:
            found[table] = frozenset(own | told)
    return found


def _with_states(
    status: pd.DataFrame, sent: Mapping[str, Batch], senders: Mapping[str, Sender]
) -> pd.DataFrame:
    """Say of every municipality and table where it stands: rows, versions, what was returned."""
    keys = pd.MultiIndex.from_frame(status[["municipality", "table"]])
    counted = [_counted(table, batch) for table, batch in sent.items()]
    counts = pd.concat(counted).groupby(["municipality", "table"]).sum() if counted else _NO_COUNTS
    counts = counts.reindex(keys, fill_value=0).set_axis(status.index)
    last = {place: max(_numbers(sent, senders, place), default=0) for place in keys.unique(level=0)}
    refused = {
        (place, table)
        for sender in senders.values()
        for place in sender.places
        for table in sender.refused
        if sender.number > last.get(place, 0)  # else a later file has come in its stead
    }
    whole = {place for place, table in refused if not table}
    is_refused = pd.Series(keys.isin(refused), status.index)
    is_refused |= status["municipality"].isin(whole) & ~status["is_sent"]
    for sender in senders.values():  # rows of a refused sheet are of whom its file is
        for table, rows in sender.refused.items():
            if (sender.place, table) in refused:
                counts.loc[keys == (sender.place, table), "held_out"] += rows
    is_returned = is_refused | counts["held_out"].gt(counts["waiting"])
    state = (
        status["is_sent"].map({True: "accepted", False: "not_sent"}).mask(is_returned, "returned")
    )
    version = counts["version"].clip(lower=(status["is_sent"] | is_returned).astype("int64"))
    return status.assign(
        state=state, version=version, accepted=counts["accepted"], held_out=counts["held_out"]
    )


def _numbers(sent: Mapping[str, Batch], senders: Mapping[str, Sender], place: str) -> Iterable[int]:
    """Numbers of the files of a municipality of which rows were accepted."""
    for batch in (sent[table] for table in _OF_PEOPLE if table in sent):
        for file in {batch.pieces[n].file for n in batch.piece[batch.live].unique()}:
            if place in senders[file].places:
                yield senders[file].number


_NO_COUNTS = pd.DataFrame(columns=["version", "accepted", "held_out", "waiting"], dtype="int64")


def _counted(table: str, batch: Batch) -> pd.DataFrame:
    """Rows and files of every municipality in one table."""
    rows = pd.DataFrame(
        {
            "municipality": batch.places,
            "file": batch.piece.map(dict(enumerate(piece.file for piece in batch.pieces))),
            "accepted": batch.status.eq(ACCEPTED),
            "held_out": batch.status.eq(HELD_OUT),
            "waiting": batch.waiting & batch.status.eq(HELD_OUT),
        }
    )[batch.status.ne(BLANK)].dropna(subset="municipality")
    groups = rows.groupby("municipality")
    counts = (
        groups[["accepted", "held_out", "waiting"]].sum().assign(version=groups["file"].nunique())
    )
    return counts.reset_index().assign(table=table)


def _by_file(named: Iterable[pd.DataFrame]) -> dict[str, frozenset[str]]:
    both = pd.concat([pd.DataFrame(columns=["file", "municipality"]), *named])
    return {file: frozenset(places) for file, places in both.groupby("file")["municipality"]}


def _named(sent: Mapping[str, Batch]) -> dict[str, pd.DataFrame]:
    """Table → files and the municipalities that their rows name."""
    taken = {table: _taken(batch) for table, batch in sent.items()}
    frames = {}
    main: dict[str, str] = {}
    if "employment" in taken:
        work = taken["employment"]
        taken["employment"] = work = work[work["is_main"].astype(bool)]
        main = dict(zip(work["person_id"], work["municipality"], strict=True))
    for table, rows in taken.items():
        if "municipality" not in rows:
            rows = rows.assign(municipality=rows["person_id"].map(main))
        own = rows["municipality"].ne(TOTAL)
        frames[table] = rows.loc[own, ["file", "municipality"]].dropna()
    return frames


def _taken(batch: Batch) -> pd.DataFrame:
    """Rows that were accepted or repeat an accepted one, with their file."""
    rows = batch.data[batch.status.isin([ACCEPTED, SUPERSEDED]) & batch.current]
    files = [batch.pieces[number].file for number in batch.piece[rows.index]]
    return rows.assign(file=pd.Series(files, rows.index, dtype="str"))


def _senders(
    sent: Mapping[str, Batch], speaks: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Table that anybody sent → municipalities for which a file with its sheet speaks."""
    senders = {}
    for table, batch in sent.items():
        filled = set(batch.piece[batch.status.ne(BLANK)])
        taken = set(batch.piece[batch.status.isin([ACCEPTED, SUPERSEDED])])
        files = [p.file for n, p in enumerate(batch.pieces) if n in taken or n not in filled]
        if files:
            senders[table] = frozenset().union(*(speaks.get(f, frozenset()) for f in files))
    if REGISTER in senders:
        senders[REGISTER] |= frozenset(_taken(sent[REGISTER])["municipality"])
    return senders
