#!/usr/bin/env python3
"""Makes damaged and hostile variants of a .pt2 file: damage.py FILE FOLDER."""

import json
import os
import struct
import sys
import zipfile

MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


def read(path):
    with zipfile.ZipFile(path) as archive:
        entries = {info.filename: archive.read(info) for info in archive.infolist()}
    root = next(iter(entries)).split("/")[0]
    return {name[len(root) + 1 :]: data for name, data in entries.items()}


def write(path, entries, root="archive/", method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(root + name, data)


def edit_json(entries, name, edit):
    document = json.loads(entries[name])
    edit(document)
    return {**entries, name: json.dumps(document)}


def main():
    source, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    with open(source, "rb") as file:
        raw = file.read()
    entries = read(source)

    def out(name):
        return os.path.join(folder, name + ".pt2")

    def save_raw(name, data):
        with open(out(name), "wb") as file:
            file.write(data)

    def save_edited(name, entry, edit):
        write(out(name), edit_json(entries, entry, edit))

    # The container.
    save_raw("empty", b"")
    save_raw("garbage", b"\x93 this is not an archive" * 10)
    save_raw("truncated-start", raw[:20])
    save_raw("truncated-middle", raw[: len(raw) // 2])
    save_raw("truncated-directory", raw[:-30])
    save_raw("truncated-end", raw[:-1])
    directory = struct.unpack("<I", raw[-6:-2])[0]
    # The directory's first entry: sizes far beyond the file, offset 4 GiB.
    save_raw(
        "huge-entry",
        raw[: directory + 20] + b"\xf0\xff\xff\xff" * 2 + raw[directory + 28 :],
    )
    save_raw(
        "far-entry",
        raw[: directory + 42] + b"\xf0\xff\xff\xff" + raw[directory + 46 :],
    )
    save_raw("far-directory", raw[:-6] + b"\xf0\xff\xff\x7f" + raw[-2:])
    write(out("compressed"), entries, method=zipfile.ZIP_DEFLATED)
    write(out("pickled"), {"data.pkl": b"\x80\x02}q\x00."})
    write(out("no-format"), {MODEL: entries[MODEL]})
    write(out("no-model"), {k: v for k, v in entries.items() if k != MODEL})
    write(out("archive-version"), {**entries, "archive_version": "1"})
    write(out("big-endian"), {**entries, "byteorder": "big"})
    save_overlap(out("overlap"), entries)

    # The program.
    def first_node(document):
        return document["graph_module"]["graph"]["nodes"][0]

    def set_kind(document):
        first_node(document)["inputs"][0]["arg"] = {"as_quaternion": [1, 2, 3, 4]}

    def set_major(document):
        document["schema_version"]["major"] = 9

    def set_extra(document):
        document["a_new_field"] = {"x": 1}
        first_node(document)["a_new_field"] = [1]

    def set_expr(document):
        size = {"as_expr": {"expr_str": "Mul(Integer(2), Symbol('s77'", "hint": None}}
        values = document["graph_module"]["graph"]["tensor_values"]
        values["x"]["sizes"][0] = size

    save_edited("unknown-kind", MODEL, set_kind)
    save_edited("schema-major", MODEL, set_major)
    save_edited("unknown-keys", MODEL, set_extra)
    save_edited("bad-expression", MODEL, set_expr)
    write(out("deep"), {**entries, MODEL: "[" * 100000})
    write(out("bad-json"), {**entries, MODEL: entries[MODEL][:1000]})

    # The weights.
    def weight(edit):
        return lambda document: edit(document["config"]["first.weight"])

    save_edited("pickled-weight", WEIGHTS, weight(lambda w: w.update(use_pickle=True)))
    save_edited(
        "large-weight",
        WEIGHTS,
        weight(lambda w: w["tensor_meta"]["sizes"][0].update(as_int=5)),
    )
    save_edited(
        "overflowing-weight",
        WEIGHTS,
        weight(lambda w: w["tensor_meta"]["sizes"][0].update(as_int=2**62)),
    )
    save_edited(
        "missing-weight", WEIGHTS, weight(lambda w: w.update(path_name="weight_9"))
    )


def save_overlap(path, entries):
    """Two directory entries for one payload."""
    write(path, entries)
    with open(path, "rb") as file:
        raw = bytearray(file.read())
    name = b"archive/byteorder"
    local = raw.index(name) - 30
    # A second local header inside the payload of the program.
    inside = raw.index(b"archive/" + MODEL.encode()) + 60
    raw[inside : inside + 30 + len(name)] = raw[local : local + 30 + len(name)]
    record = raw.rindex(name) - 46
    raw[record + 42 : record + 46] = struct.pack("<I", inside)
    with open(path, "wb") as file:
        file.write(raw)


if __name__ == "__main__":
    main()
