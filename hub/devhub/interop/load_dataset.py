"""datasets loads a published repository and pushes one.

Usage: load_dataset.py FOLDER REPO REVISION

The hub is the one of HF_ENDPOINT. FOLDER has rows.json, the rows of each
configuration in order, and gets pushed.json as hub.py leaves it.
"""

import hashlib
import json
import pathlib
import sys

import datasets
import huggingface_hub

folder, repo, revision = sys.argv[1:]
COLUMNS = {
    "text": "string", "id": "string", "dump": "string", "url": "string", "date": "string", "file_path": "string",
    "language": "string", "language_score": "float64", "token_count": "int64", "warc_offset": "int64", "warc_length": "int32",
}
expected = json.loads((pathlib.Path(folder) / "rows.json").read_text())


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def check_rows(name, loaded, rows):
    check({c: f.dtype for c, f in loaded.features.items()} == COLUMNS, name, loaded.features)
    check(list(loaded) == rows, name, "has other rows")
    print(name, len(rows), "rows", flush=True)


check(datasets.get_dataset_config_names(repo, revision=revision) == ["default", *sorted(expected)[:-1]], "configurations")
rows = expected["default"]
check_rows("newest", datasets.load_dataset(repo, split="train"), rows)
for name in expected:
    check(datasets.get_dataset_split_names(repo, name, revision=revision) == ["train"], name, "splits")
    check_rows(name, datasets.load_dataset(repo, name, split="train", revision=revision), expected[name])
    check_rows(name + " as a stream", datasets.load_dataset(repo, name, split="train", revision=revision, streaming=True), expected[name])
check_rows("by pattern", datasets.load_dataset("parquet", data_files=f"hf://datasets/{repo}@{revision}/data/*/*.parquet", split="train"), rows)

again = "tester/pushed-by-datasets"
datasets.Dataset.from_list(rows).push_to_hub(again, num_shards=2)
api = huggingface_hub.HfApi()
at = api.dataset_info(again).sha
local = pathlib.Path(huggingface_hub.snapshot_download(again, repo_type="dataset", revision=at))
files = {p.relative_to(local).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in local.rglob("*") if p.is_file()}
files.pop(".gitattributes")
check(len(files) == 3, files)
(pathlib.Path(folder) / "pushed.json").write_text(json.dumps({"repo": again, "revision": at, "files": files}))
check(list(datasets.load_dataset(again, split="train", download_mode="force_redownload")) == rows, "what was pushed")
print("pushed", *sorted(files))
