"""Relations as an Excel workbook with one sheet and real cell types."""

from __future__ import annotations

import io
import os
import re
import zipfile
from datetime import date, datetime
from decimal import Decimal

# openpyxl writes through lxml where that happens to be installed, and then other bytes.
os.environ["OPENPYXL_LXML"] = "False"

import openpyxl
from openpyxl.cell.cell import Cell
from openpyxl.writer.excel import ExcelWriter

from generators.relations import Column, Relation, Value
from generators.renderers import PLAIN, Style
from generators.renderers.entries import entries

MADE = datetime(2026, 1, 1)
ZIPPED = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive knows
DAY, MINUTE = "yyyy-mm-dd", "yyyy-mm-dd hh:mm"
SHEET_CHARS = 31


def xlsx(relation: Relation, style: Style = PLAIN) -> bytes:
    """The workbook: numbers as numbers, dates as dates with the format yyyy-mm-dd, all text as text, a blank as no cell."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = re.sub(r"[\[\]:*?/\\]", " ", relation.many)[:SHEET_CHARS]
    book.properties.created = MADE
    for at, column in enumerate(relation.columns, 1):
        _fill(sheet.cell(1, at), column.name, column)
    for number, row in enumerate(entries(relation, style), 2):
        for at, (value, column) in enumerate(zip(row, relation.columns, strict=True), 1):
            if value is not None:
                _fill(sheet.cell(number, at), value, column)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:  # book.save would compress it
        ExcelWriter(book, archive).save()
    return _settled(out.getvalue())


def _fill(cell: Cell, value: Value, column: Column) -> None:
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"  # or "=1+1" would be a formula and "#N/A" an error
    elif isinstance(value, date):
        cell.value = value
        cell.number_format = MINUTE if isinstance(value, datetime) else DAY
    elif isinstance(value, Decimal):
        cell.value = float(value) if column.decimals else int(value)
        cell.number_format = "0." + "0" * column.decimals if column.decimals else "0"
    else:
        cell.value = value


def _settled(data: bytes) -> bytes:
    """The archive again without the clock and without compression.

    openpyxl puts in the time of saving, in each entry and in the properties; and each build of zlib packs the same text into other bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, ZIPPED)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            new.writestr(info, re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2026-01-01T00:00:00Z", old.read(name)))
    return out.getvalue()
