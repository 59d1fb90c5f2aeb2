"""Damaged files end as a clear error or as quarantined rows, and the rows always reconcile.

Each case damages one file of the sample and says what becomes of its lines. The test then holds for
every case: the other lines land unchanged, the file's own lines are landed or quarantined, and another
feed of the same run lands as if nothing had happened.
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sample_sources import CUSTOMERS, FILES, Outcome, Row, load_feeds, write_sources

BYSTANDER = "reference.status_type"
Damage = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Case:
    """One damaged file.

    Attributes:
        feed, file: what is damaged.
        damage: makes the damaged content out of the sound one.
        quarantined: a piece of the reason for each quarantined line, by its number.
        lost: the rows of the sound file that do not land, counted from 1.
        twice: the rows of the sound file that land twice.
        error: pieces of the message if the file as a whole is refused.
        delivered_as: another name for the damaged file.
        strays: pieces of an XML file between its records.
    """

    name: str
    feed: str
    file: str
    damage: Damage
    quarantined: dict[int, str] = field(default_factory=dict)
    lost: set[int] = field(default_factory=set)
    twice: set[int] = field(default_factory=set)
    error: tuple[str, ...] = ()
    delivered_as: str | None = None
    strays: int = 0


def replaced(old: str, new: str | bytes) -> Damage:
    """The first occurrence of a text becomes another."""
    after = new if isinstance(new, bytes) else new.encode()

    def damage(content: bytes) -> bytes:
        assert old.encode() in content
        return content.replace(old.encode(), after, 1)

    return damage


def on_line(number: int, change: Damage) -> Damage:
    """A change of one line, counted from 1; the line comes with its end."""

    def damage(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        lines[number - 1] = change(lines[number - 1])
        return b"".join(lines)

    return damage


def trade(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(f"trade_{name}", "brokerage.trade", "Batch1/Trade.txt", damage, **outcome)  # type: ignore[arg-type]


def market(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(
        f"market_{name}", "market.daily_market", "Batch1/DailyMarket.txt", damage, **outcome
    )  # type: ignore[arg-type]


def employee(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(f"hr_{name}", "hr.employee", "Batch1/HR.csv", damage, **outcome)  # type: ignore[arg-type]


def prospect(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(f"prospect_{name}", "prospect.prospect", "Batch1/Prospect.csv", damage, **outcome)  # type: ignore[arg-type]


def finwire(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(f"finwire_{name}", "finwire.record", "Batch1/FINWIRE1967Q2", damage, **outcome)  # type: ignore[arg-type]


def customer(name: str, damage: Damage, **outcome: object) -> Case:
    return Case(f"xml_{name}", "crm.customer_mgmt", "Batch1/CustomerMgmt.xml", damage, **outcome)  # type: ignore[arg-type]


def zipped(*names: str) -> Damage:
    """An archive that holds the content under each of the names."""

    def damage(content: bytes) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            for name in names:
                archive.writestr(name, content)
        return stream.getvalue()

    return damage


DELIMITED = [
    trade("as_it_should_be", lambda content: content),
    trade("ends_lines_with_crlf", lambda content: content.replace(b"\n", b"\r\n")),
    trade(
        "mixes_line_ends",
        lambda content: content.replace(b"\n", b"\r\n", 2),
    ),
    trade("begins_with_a_byte_order_mark", lambda content: b"\xef\xbb\xbf" + content),
    trade(
        "ends_lines_with_cr_only",
        lambda content: content.replace(b"\n", b"\r"),
        error=("only 0 of 1 records", "line 1: carriage return in column"),
    ),
    trade(
        "is_utf_16",
        lambda content: content.decode().encode("utf-16"),
        error=("line 1", "UTF-16", "save it as UTF-8"),
    ),
    trade(
        "is_utf_16_without_a_mark",
        lambda content: content.decode().encode("utf-16-le"),
        error=("only 0 of 6 records", "line 1: control character 0x00 in column 2"),
    ),
    trade("is_empty", lambda _: b"", error=("Batch1/Trade.txt", "no record", "deliver it again")),
    trade("has_only_a_line_end", lambda _: b"\n", error=("the file holds no record",)),
    trade(
        "has_only_blank_lines", lambda _: b"\r\n  \n\n" * 99, error=("the file holds no record",)
    ),
    trade(
        "is_cut_within_the_last_number",
        lambda content: content[:-2],
        quarantined={5: "no line end, so the file may be cut off"},
        lost={5},
    ),
    trade(
        "misses_only_the_last_line_end",
        lambda content: content[:-1],
        quarantined={5: "end it with a line feed"},
        lost={5},
    ),
    trade(
        "is_cut_within_a_field",
        lambda content: content[:-20],
        quarantined={5: "the line has 11 fields separated by '|', 14 expected"},
        lost={5},
    ),
    trade(
        "is_cut_after_a_line",
        lambda content: b"".join(content.splitlines(keepends=True)[:3]),
        lost={4, 5},
    ),
    trade(
        "has_a_wrong_delimiter",
        lambda content: content.replace(b"|", b";"),
        error=(
            "only 0 of 5 records",
            "line 1: the line has 1 fields separated by '|', 14 expected",
        ),
    ),
    trade(
        "has_an_extra_field",
        on_line(2, lambda line: line.replace(b"\n", b"|x\n")),
        quarantined={2: "the line has 15 fields"},
        lost={2},
    ),
    trade(
        "misses_a_field",
        on_line(3, lambda line: line.replace(b"|CMPT", b"")),
        quarantined={3: "the line has 13 fields"},
        lost={3},
    ),
    trade(
        "has_a_word_for_a_key",
        on_line(4, lambda line: b"four" + line[1:]),
        quarantined={4: "t_id is not a bigint: 'four'"},
        lost={4},
    ),
    trade(
        "has_a_key_in_hexadecimal",
        on_line(4, lambda line: b"0x" + line),
        quarantined={4: "t_id is not a bigint: '0x4'"},
        lost={4},
    ),
    trade(
        "misses_a_key",
        on_line(4, lambda line: line[1:]),
        quarantined={4: "t_id is empty but required"},
        lost={4},
    ),
    trade(
        "has_a_key_that_is_too_large",
        on_line(4, lambda line: b"99999999999999999999" + line),
        quarantined={4: "t_id is not a bigint"},
        lost={4},
    ),
    trade(
        "has_30_february",
        on_line(1, replaced("2007-07-07", "2007-02-30")),
        quarantined={1: "t_dts is not a timestamp: '2007-02-30 01:02:03'"},
        lost={1},
    ),
    trade(
        "has_a_timestamp_without_seconds",
        on_line(1, replaced("01:02:03", "01:02")),
        quarantined={1: "t_dts is not a timestamp: '2007-07-07 01:02'"},
        lost={1},
    ),
    trade(
        "has_a_price_with_a_third_digit",
        on_line(1, replaced("8.53", "8.535")),
        quarantined={1: "t_bid_price is not a decimal(8,2): '8.535'"},
        lost={1},
    ),
    trade(
        "has_a_price_with_a_comma",
        on_line(1, replaced("8.53", "8,53")),
        quarantined={1: "t_bid_price is not a decimal(8,2): '8,53'"},
        lost={1},
    ),
    trade(
        "has_a_quantity_with_a_fraction",
        on_line(1, replaced("|100|", "|100.0|")),
        quarantined={1: "t_qty is not a integer: '100.0'"},
        lost={1},
    ),
    trade(
        "has_a_flag_of_another_kind",
        on_line(1, replaced("|TMB|1|", "|TMB|yes|")),
        quarantined={1: "t_is_cash is not a boolean: 'yes'"},
        lost={1},
    ),
    trade(
        "has_a_text_that_is_too_long",
        on_line(2, replaced("Eva Alder", "Eva " + "x" * 50)),
        quarantined={2: "t_exec_name has 54 characters, at most 49 fit"},
        lost={2},
    ),
    trade(
        "has_two_mistakes_in_a_line",
        on_line(2, lambda line: replaced("8.53", "?")(b"?" + line[1:])),
        quarantined={2: "t_id is not a bigint: '?'; t_bid_price is not a decimal(8,2): '?'"},
        lost={2},
    ),
    trade(
        "holds_a_nul_byte",
        on_line(3, replaced("Eva", b"E\0a")),
        quarantined={3: "control character 0x00 in column 53"},
        lost={3},
    ),
    trade(
        "holds_the_separator_of_hash_keys",
        on_line(3, replaced("Eva", b"E\x1fa")),
        quarantined={3: "control character 0x1f"},
        lost={3},
    ),
    trade(
        "holds_a_byte_that_is_not_utf_8",
        on_line(3, replaced("Eva", b"E\xffa")),
        quarantined={3: "byte 0xff in column 53 is not UTF-8"},
        lost={3},
    ),
    trade(
        "holds_a_carriage_return_inside_a_line",
        on_line(3, replaced("Eva", b"E\ra")),
        quarantined={3: "carriage return in column 53, inside the line"},
        lost={3},
    ),
    trade(
        "has_an_empty_line",
        on_line(3, lambda line: b"\n" + line),
        quarantined={3: "the line is empty"},
    ),
    trade(
        "ends_with_an_empty_line",
        lambda content: content + b"\r\n",
        quarantined={6: "the line is empty"},
    ),
    trade(
        "has_a_line_of_10_mb",
        on_line(2, replaced("Eva", "E" * 10_000_000)),
        quarantined={2: "at most 1048576 are read as one record"},
        lost={2},
    ),
    trade(
        "has_a_line_twice",
        on_line(2, lambda line: line * 2),
        twice={2},
    ),
    trade(
        "has_a_column_of_the_incremental_files",
        on_line(1, lambda line: b"I|1|" + line),
        quarantined={1: "the line has 16 fields"},
        lost={1},
    ),
    trade(
        "is_another_file",
        lambda _: FILES["Batch1/Prospect.csv"],
        error=("only 0 of 4 records", "1 fields separated by '|', 14 expected"),
    ),
    trade(
        "is_a_picture",
        lambda _: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        error=("only 0 of 3 records", "line 1: byte 0x89"),
    ),
    trade(
        "is_compressed_and_cut_off",
        lambda content: gzip.compress(content)[:-10],
        delivered_as="Batch1/Trade.txt.gz",
        error=("Batch1/Trade.txt.gz", "archive cannot be read", "deliver the file again"),
    ),
    trade(
        "is_not_compressed_as_its_name_says",
        lambda content: content,
        delivered_as="Batch1/Trade.txt.gz",
        error=("Batch1/Trade.txt.gz", "archive cannot be read"),
    ),
    trade(
        "is_an_archive_of_two_files",
        zipped("Trade.txt", "Trade2.txt"),
        delivered_as="Batch1/Trade.txt.zip",
        error=("Batch1/Trade.txt.zip", "holds 2 files, one expected"),
    ),
    market(
        "has_a_day_with_a_time",
        on_line(2, replaced("2007-07-02", "2007-07-02 00:00:00")),
        quarantined={2: "dm_date is not a date: '2007-07-02 00:00:00'"},
        lost={2},
    ),
    market(
        "has_a_day_in_another_order",
        on_line(2, replaced("2007-07-02", "02.07.2007")),
        quarantined={2: "dm_date is not a date"},
        lost={2},
    ),
    market(
        "has_a_day_in_the_year_0",
        on_line(2, replaced("2007-07-02", "0000-07-02")),
        quarantined={2: "dm_date is not a date: '0000-07-02'"},
        lost={2},
    ),
    market(
        "is_cut_within_the_volume",
        lambda content: content[:-3],
        quarantined={5: "may be cut off"},
        lost={5},
    ),
    employee(
        "has_an_employee_id_with_blanks",
        on_line(3, lambda line: b" " + line),
        quarantined={3: "employee_id is not a bigint: ' 3'"},
        lost={3},
    ),
    employee(
        "has_a_comma_within_a_value",
        on_line(1, replaced("Wells & Wells", "Wells, Wells")),
        quarantined={1: "the line has 10 fields separated by ',', 9 expected"},
        lost={1},
    ),
    employee("keeps_a_single_quote_as_text", lambda content: content),
    prospect(
        "has_a_quote_that_is_not_closed",
        on_line(2, replaced('Lee"', "Lee")),
        quarantined={2: "quotes"},
        lost={2},
    ),
    prospect(
        "has_a_quote_within_a_bare_value",
        on_line(1, replaced("Alder", 'Al"der')),
        quarantined={1: "quotes"},
        lost={1},
    ),
    prospect(
        "has_text_after_a_closing_quote",
        on_line(2, replaced('Lee",', 'Lee" x,')),
        quarantined={2: "quotes"},
        lost={2},
    ),
    prospect(
        "has_a_line_break_within_quotes",
        on_line(2, replaced("Alder, Lee", "Alder,\nLee")),
        quarantined={2: "quotes", 3: "quotes"},
        lost={2},
    ),
    prospect(
        "has_an_extra_field_beside_a_quoted_one",
        on_line(2, lambda line: line.replace(b"\n", b",x\n")),
        quarantined={2: "the line has 23 fields separated by ',', 22 expected"},
        lost={2},
    ),
]

FIXED_WIDTH = [
    finwire("ends_lines_with_crlf", lambda content: content.replace(b"\n", b"\r\n")),
    finwire("begins_with_a_byte_order_mark", lambda content: b"\xef\xbb\xbf" + content),
    finwire("misses_only_the_last_line_end", lambda content: content[:-1]),
    finwire(
        "has_an_unknown_record_type",
        on_line(1, replaced("CMP", "XYZ")),
        quarantined={1: "unknown record type 'XYZ', CMP, FIN, SEC expected"},
        lost={1},
    ),
    finwire(
        "has_a_line_that_is_too_short",
        on_line(2, lambda line: line[:-5] + b"\n"),
        quarantined={2: "the SEC line has 216 characters, 170 or 220 expected"},
        lost={2},
    ),
    finwire(
        "has_a_line_that_is_too_long",
        on_line(1, lambda line: b" ".join([line[:300], line[300:]])),
        quarantined={1: "the CMP line has 544 characters, 543 expected"},
        lost={1},
    ),
    finwire(
        "has_a_line_of_a_few_characters",
        on_line(1, lambda _: b"19670401\n"),
        quarantined={1: "unknown record type '   '"},
        lost={1},
    ),
    finwire(
        "is_cut_off",
        lambda content: content[:-100],
        quarantined={4: "the CMP line has 444 characters, 543 expected"},
        lost={4},
    ),
    finwire(
        "is_cut_where_a_short_line_may_end",
        lambda content: b"".join(content.splitlines(keepends=True)[:3])[:-1],
        quarantined={3: "the last one and has no line end: it may be cut off"},
        lost={3, 4},
    ),
    finwire(
        "has_30_february",
        on_line(1, replaced("19010203", "19010230")),
        quarantined={1: "founding_date is not a date in the format %Y%m%d: '19010230'"},
        lost={1},
    ),
    finwire(
        "has_a_bad_publication_time",
        on_line(4, replaced("-101112", "_101112")),
        quarantined={4: "pts is not a timestamp in the format %Y%m%d-%H%M%S"},
        lost={4},
    ),
    finwire(
        "has_a_bad_number",
        on_line(3, replaced("120.50", "12O.50")),
        quarantined={3: "revenue is not a decimal(15,2): '12O.50'"},
        lost={3},
    ),
    finwire(
        "misses_a_required_field",
        on_line(2, replaced("BIRCH", "     ")),
        quarantined={2: "symbol is empty but required"},
        lost={2},
    ),
    finwire(
        "holds_a_character_of_two_bytes",
        on_line(1, replaced("Lima", "Lim\u00e1")),
        quarantined={1: "not ASCII shifts the positions"},
        lost={1},
    ),
    finwire(
        "holds_a_nul_byte",
        on_line(1, replaced("Lima", b"Li\0a")),
        quarantined={1: "control character 0x00"},
        lost={1},
    ),
    finwire("has_an_empty_line", lambda content: content + b"\n", quarantined={5: "is empty"}),
    finwire("has_only_blank_lines", lambda _: b" \n\n", error=("the file holds no record",)),
    finwire("is_empty", lambda _: b"", error=("FINWIRE1967Q2", "no record", "deliver it again")),
]

XML = [
    customer("as_it_should_be", lambda content: content),
    customer("ends_lines_with_crlf", lambda content: content.replace(b"\n", b"\r\n")),
    customer("misses_only_the_last_line_end", lambda content: content[:-1]),
    customer("begins_with_a_byte_order_mark", lambda content: b"\xef\xbb\xbf" + content),
    customer(
        "has_half_an_element",
        lambda content: content[: content.index(b"<Name>") + 20],
        error=("Batch1/CustomerMgmt.xml", "line 6", "it is cut off", "deliver the file again"),
    ),
    customer(
        "misses_its_last_end_tag",
        replaced("</TPCDI:Actions>", ""),
        error=("line 19", "the file ends before </TPCDI:Actions>", "deliver the file again"),
    ),
    customer(
        "misses_the_end_tag_of_a_record",
        replaced("</TPCDI:Action>", ""),
        quarantined={4: "not well-formed XML"},
        lost={1},
    ),
    customer(
        "has_a_broken_tag",
        replaced("</C_L_NAME>", "<C_L_NAME>"),
        quarantined={4: "not well-formed XML"},
        lost={1},
    ),
    customer(
        "has_a_bad_date",
        replaced("1970-01-31", "1970-02-30"),
        quarantined={4: "c_dob is not a date: '1970-02-30'"},
        lost={1},
    ),
    customer(
        "has_a_bad_number",
        replaced('C_TIER="2"', 'C_TIER="two"'),
        quarantined={12: "c_tier is not a smallint: 'two'"},
        lost={2},
    ),
    customer(
        "misses_a_required_attribute",
        replaced(' ActionTS="2007-07-09T01:02:03"', ""),
        quarantined={15: "action_ts is empty but required"},
        lost={3},
    ),
    customer(
        "has_an_unknown_element",
        replaced("<C_F_NAME>", "<C_NICKNAME>x</C_NICKNAME><C_F_NAME>"),
        quarantined={4: "element Customer/Name/C_NICKNAME is not in the contract"},
        lost={1},
    ),
    customer(
        "has_an_unknown_attribute",
        replaced('C_TIER="2"', 'C_TIER="2" C_VIP="1"'),
        quarantined={12: "attribute Customer/@C_VIP is not in the contract"},
        lost={2},
    ),
    customer(
        "has_an_element_twice",
        replaced("<C_M_NAME>", "<C_F_NAME>Ada</C_F_NAME><C_M_NAME>"),
        quarantined={4: "element Customer/Name/C_F_NAME occurs twice"},
        lost={1},
    ),
    customer(
        "has_a_customer_twice_in_one_action",
        replaced('C_TIER="2"></Customer>', 'C_TIER="2"></Customer><Customer C_ID="1"/>'),
        quarantined={12: "element Customer occurs twice"},
        lost={2},
    ),
    customer(
        "has_text_between_elements",
        replaced("<Name>", "hello<Name>"),
        quarantined={4: "text in element Customer"},
        lost={1},
    ),
    customer(
        "has_text_between_records",
        replaced("</TPCDI:Action>\n", "</TPCDI:Action>hello\n"),
        quarantined={11: "no {http://www.tpc.org/tpc-di}Action element"},
        strays=1,
    ),
    customer(
        "has_an_unknown_record",
        replaced("</TPCDI:Action>\n", "</TPCDI:Action>\n<TPCDI:Other/>\n"),
        quarantined={12: "elements beside"},
        strays=1,
    ),
    customer(
        "has_text_before_the_first_record",
        replaced("<TPCDI:Action ", "hello<TPCDI:Action "),
        quarantined={4: "no {http://www.tpc.org/tpc-di}Action element"},
        strays=1,
    ),
    customer(
        "holds_a_byte_that_is_not_utf_8",
        replaced("Eva", b"E\xffa"),
        quarantined={4: "not well-formed XML"},
        lost={1},
    ),
    customer(
        "holds_a_nul_byte",
        replaced("Eva", b"E\0a"),
        quarantined={4: "not well-formed XML"},
        lost={1},
    ),
    customer(
        "uses_an_entity_that_is_not_defined",
        replaced("Eva", "&name;"),
        quarantined={4: "not well-formed XML: Entity 'name' not defined"},
        lost={1},
    ),
    customer(
        "reads_a_file_of_the_machine_by_an_entity",
        lambda content: replaced("Eva", "&file;")(
            replaced(
                "<TPCDI:Actions",
                '<!DOCTYPE a [<!ENTITY file SYSTEM "/etc/hostname">]>\n<TPCDI:Actions',
            )(content)
        ),
        quarantined={5: "Entity 'file' not defined"},
        lost={1},
    ),
    customer(
        "has_another_namespace",
        replaced("http://www.tpc.org/tpc-di", "http://example.com/other"),
        error=("line 3", "does not declare the namespace http://www.tpc.org/tpc-di"),
    ),
    customer(
        "is_latin_1",
        lambda content: content.replace(b"UTF-8", b"ISO-8859-1"),
        error=("line 1", "ISO-8859-1", "save the file as UTF-8"),
    ),
    customer(
        "is_utf_16",
        lambda content: content.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        error=("line 1", "UTF-16"),
    ),
    customer("is_empty", lambda _: b"", error=("line 1", "no root element")),
    customer(
        "has_no_record",
        lambda content: content[: content.index(b"<TPCDI:Action ")] + b"</TPCDI:Actions>",
        error=("no record", "deliver it again"),
    ),
    customer(
        "is_another_kind_of_file",
        lambda _: FILES["Batch1/Trade.txt"],
        error=("line 1", "no root element: this is not an XML file"),
    ),
    customer(
        "has_text_after_its_end",
        lambda content: content + b"more",
        error=("line 18", "text after </TPCDI:Actions>"),
    ),
    customer(
        "holds_the_file_twice",
        lambda content: content + content,
        quarantined={18: "not well-formed XML"},
        twice={1, 2, 3},
        strays=1,
    ),
]

CASES = [*DELIMITED, *FIXED_WIDTH, *XML]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """The sample, loaded as it should be."""
    folder = tmp_path_factory.mktemp("sound")
    feeds = {case.feed for case in CASES} | {BYSTANDER}
    outcome = load_feeds(write_sources(folder / "sources"), folder / "lake", *sorted(feeds))
    assert outcome.exit_code == 0
    assert outcome.rows("control.quarantine") == []
    return outcome


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_ends_as_a_clear_error_or_as_quarantined_rows(
    case: Case, sound: Outcome, tmp_path: Path
) -> None:
    content = case.damage(FILES[case.file])
    name = case.delivered_as or case.file
    sources = write_sources(tmp_path / "sources", {case.file: None} | {name: content})

    outcome = load_feeds(sources, tmp_path / "lake", case.feed, BYSTANDER)

    assert values(outcome.rows(BYSTANDER)) == values(sound.rows(BYSTANDER))
    if case.error:
        assert_refused(outcome, case, name)
        return
    assert outcome.exit_code == 0
    assert_quarantined(outcome, case)
    assert_landed(outcome, sound, case)
    (log,) = (row for row in outcome.log(case.feed) if row["source_file"] == name)
    assert log["status"] == "loaded"
    assert log["rows_read"] == log["rows_landed"] + log["rows_quarantined"]
    assert log["rows_read"] == record_count(case, content)


def assert_refused(outcome: Outcome, case: Case, name: str) -> None:
    """Nothing of the batch landed; message and failure log say why."""
    assert outcome.exit_code == 1
    assert outcome.rows(case.feed, batch=1) == []
    assert outcome.quarantine(case.feed) == []
    (log,) = (row for row in outcome.log(case.feed) if row["batch_id"] == 1)
    assert (log["status"], log["source_file"], log["rows_read"]) == ("failed", name, 0)
    for piece in case.error:
        assert piece in log["message"]
        assert piece in outcome.output


def assert_quarantined(outcome: Outcome, case: Case) -> None:
    """Just the lines of the case are in quarantine, for its reasons."""
    found = {row["line_number"]: row["reason"] for row in outcome.quarantine(case.feed)}
    assert found.keys() == case.quarantined.keys()
    for line, piece in case.quarantined.items():
        assert piece in found[line]


def assert_landed(outcome: Outcome, sound: Outcome, case: Case) -> None:
    """The other rows of the file are in the lake, value for value."""
    expected = [
        row
        for place, row in enumerate(values(sound.rows(case.feed, batch=1)), start=1)
        for _ in range((place not in case.lost) + (place in case.twice))
    ]
    found = values(outcome.rows(case.feed, batch=1))
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def values(rows: list[Row]) -> list[Row]:
    """The rows in file order, without the columns that the loader adds."""
    added = ("batch_id", "source_file", "source_row", "loaded_at")
    rows = sorted(rows, key=lambda row: (row["batch_id"], row["source_row"]))
    return [{key: row[key] for key in row if key not in added} for row in rows]


def record_count(case: Case, content: bytes) -> int:
    """The records of a file, counted without the loader."""
    if case.file.endswith(".xml"):
        return content.count(b"<TPCDI:Action ") + case.strays
    return content.count(b"\n") + (not content.endswith(b"\n"))


def test_the_sample_has_records_of_every_kind(sound: Outcome) -> None:
    assert CUSTOMERS.count(b"<TPCDI:Action ") == len(sound.rows("crm.customer_mgmt")) == 3
    kinds = {row["rec_type"] for row in sound.rows("finwire.record")}
    assert kinds == {"CMP", "SEC", "FIN"}
