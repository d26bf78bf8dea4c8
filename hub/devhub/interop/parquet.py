"""pyarrow and DuckDB read the shards and ledgers of a folder.

Usage: parquet.py FOLDER [hf://datasets/OWNER/NAME@SHA]

FOLDER has the files and expected.json, which says what is in them. Rows are
compared by the root that a manifest states: RFC 6962 over the canonical JSON of
each row, computed here from what the readers give. With a second argument parts of
the files are read from there too, by ranges.
"""

import hashlib
import json
import pathlib
import struct
import sys

import duckdb
import pyarrow
import pyarrow.parquet as parquet

COLUMNS = {
    "shard": {
        "text": "string", "id": "string", "dump": "string", "url": "string", "date": "string", "file_path": "string",
        "language": "string", "language_score": "double", "token_count": "int64", "warc_offset": "int64", "warc_length": "int32",
    },
    "ledger": {
        "file": "int32", "offset": "int64", "length": "int64", "id": "string", "outcome": "string", "reason": "string",
        "value": "double", "language": "string", "language_score": "double", "characters": "int64",
        "band_keys": "list<uint64>", "kept_file": "int32", "kept_offset": "int64",
    },
}
# DuckDB's names of these types.
DUCKDB = {"string": "VARCHAR", "double": "DOUBLE", "int64": "BIGINT", "int32": "INTEGER", "list<uint64>": "UBIGINT[]"}


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def check(condition, *what):
    if not condition:
        sys.exit("parquet.py: " + " ".join(str(w) for w in what))


def canonical(row):
    """The row as in a Merkle leaf: floats as their bits, band keys as one string."""
    cells = []
    for cell in row:
        if isinstance(cell, float):
            cell = struct.pack(">d", cell).hex()
        elif isinstance(cell, list):
            cell = b"".join(struct.pack(">Q", key) for key in cell).hex()
        cells.append(cell)
    return encode(cells)


class Root:
    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, entry):
        node = hashlib.sha256(b"\0" + entry.encode()).digest()
        size = self.size
        while size & 1:
            node = hashlib.sha256(b"\1" + self.peaks.pop() + node).digest()
            size >>= 1
        self.peaks.append(node)
        self.size += 1

    def hex(self):
        root, *rest = reversed(self.peaks)
        for peak in rest:
            root = hashlib.sha256(b"\1" + peak + root).digest()
        return root.hex()


def rows_equal(reader, expected, rows):
    """rows are tuples in order. Points are a few rows of which the bytes are known."""
    root, points = Root(), {p["position"]: p["row"] for p in expected["points"]}
    for position, row in enumerate(rows):
        line = canonical(row)
        if position in points:
            check(line == points[position], reader, expected["path"], "row", position, "is", line[:400], "not", points[position][:400])
        root.add(line)
    check(root.size == expected["rows"], reader, expected["path"], "has", root.size, "rows, not", expected["rows"])
    check(root.hex() == expected["root"], reader, expected["path"], "has other rows")


def arrow_rows(file):
    for batch in file.iter_batches(batch_size=4096):
        yield from zip(*(column.to_pylist() for column in batch.columns))


def arrow_type(kind):
    if pyarrow.types.is_list(kind):
        return f"list<{kind.value_type}>"
    return str(kind)


def statistics(file, expected):
    """Least and greatest value of each column but text, and the indexes."""
    for g in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(g)
        table = file.read_row_group(g)
        for c in range(group.num_columns):
            column, where = group.column(c), f"{expected['path']}, row group {g}, {group.column(c).path_in_schema}:"
            check(column.compression == "ZSTD", where, column.compression)
            check(column.has_offset_index and column.has_column_index, where, "no page index")
            stated = column.statistics
            if column.path_in_schema == "text":
                check(not stated.has_min_max, where, "has bounds")
                continue
            values = table.column(c).to_pylist()
            empty = 0
            if column.path_in_schema == "band_keys":
                empty = sum(not v for v in values)
                values = [key for keys in values for key in keys]
            check(stated.has_null_count and stated.null_count == empty, where, stated)
            if values:
                check((stated.min, stated.max) == (min(values), max(values)), where, stated.min, stated.max)


def bloom(path, expected):
    """A row group is excluded for no id of its own, and for nearly all others."""
    wrong = tried = 0
    for point in expected["points"] + [{"id": "<urn:uuid:is-in-no-file>", "group": -1}]:
        probes = duckdb.execute("select * from parquet_bloom_probe(?, 'id', ?)", [path, point["id"]]).fetchall()
        for _, group, excluded in probes:
            if group == point["group"]:
                check(not excluded, path, "excludes row group", group, "for", point["id"])
            else:
                tried, wrong = tried + 1, wrong + (not excluded)
    check(tried > 0 and wrong <= 1 + tried / 10, path, "excludes only", tried - wrong, "of", tried, "row groups")
    for group, offset, length in duckdb.execute(
        "select row_group_id, bloom_filter_offset, bloom_filter_length from parquet_metadata(?) where path_in_schema = 'id'", [path]
    ).fetchall():
        check(offset >= expected["footer"] and length > 0, path, "filter of row group", group, "at", offset)


def open_with_arrow(expected, source):
    columns = COLUMNS[expected["kind"]]
    file = parquet.ParquetFile(source)
    check({f.name: arrow_type(f.type) for f in file.schema_arrow} == columns, expected["path"], file.schema_arrow)
    check(file.schema_arrow.names == list(columns), expected["path"], "columns", file.schema_arrow.names)
    groups = [file.metadata.row_group(g).num_rows for g in range(file.metadata.num_row_groups)]
    check(groups == expected["groups"], expected["path"], "row groups", groups)
    return file


def read_last_group(file, expected):
    """Reads the last row group alone, and looks at its last row."""
    table = file.read_row_group(file.metadata.num_row_groups - 1)
    row = [column[-1].as_py() for column in table.columns]
    check(canonical(row) == expected["points"][-1]["row"], expected["path"], "ends with another row")


def read_with_duckdb(expected, path):
    names = [(name, kind) for name, kind, *_ in duckdb.execute("describe select * from read_parquet(?)", [path]).fetchall()]
    check(names == [(n, DUCKDB[t]) for n, t in COLUMNS[expected["kind"]].items()], path, names)
    result = duckdb.execute("select * from read_parquet(?)", [path])
    rows_equal("DuckDB", expected, iter(result.fetchone, None))
    for point in expected["points"]:
        found = duckdb.execute("select * from read_parquet(?) where id = ?", [path, point["id"]]).fetchall()
        check(point["row"] in map(canonical, found), path, "finds no", point["id"])


def main(folder, remote=None):
    for expected in json.loads((pathlib.Path(folder) / "expected.json").read_text()):
        path = str(pathlib.Path(folder) / expected["path"])
        file = open_with_arrow(expected, path)
        rows_equal("pyarrow", expected, arrow_rows(file))
        statistics(file, expected)
        read_with_duckdb(expected, path)
        bloom(path, expected)
        if remote:
            from huggingface_hub import HfFileSystem

            with HfFileSystem().open(f"{remote}/{expected['path']}") as source:
                read_last_group(open_with_arrow(expected, source), expected)
        print(expected["path"], "rows", expected["rows"], "in", expected["groups"], flush=True)


main(*sys.argv[1:])
