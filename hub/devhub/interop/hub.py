"""huggingface_hub against a development hub.

Usage: hub.py FOLDER

The hub is the one of HF_ENDPOINT, the token HF_TOKEN. FOLDER has published.json,
which says what another client has published, and gets pushed.json, which says
what this one leaves there: {"repo", "revision", "files": {path: SHA-256}}.
"""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import huggingface_hub as hf
from huggingface_hub.errors import (
    BadRequestError,
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

api = hf.HfApi()
anonymous = hf.HfApi(token=False)
DATASET = {"repo_type": "dataset"}
BLOB = b"".join(hashlib.sha256(i.to_bytes(8)).digest() for i in range(12 << 15)) + b"end"  # 12 MiB and 3 bytes: three parts
README = b"---\nlicense: odc-by\n---\n\n# Read me\n"
NOWHERE = "0123456789abcdef0123456789abcdef01234567"


def check(condition, *what):
    if not condition:
        raise AssertionError(" ".join(map(str, what)))


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def fails(kind, call, *args, status=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as e:
        check(status is None or e.response.status_code == status, call.__name__, "fails with", e)
        return e
    raise AssertionError(f"{call.__name__} does not fail with {kind.__name__}")


def step(function):
    function()
    print(function.__name__, flush=True)


def add(path, content):
    return hf.CommitOperationAdd(path, content)


def commit(repo, *operations, **options):
    return api.create_commit(repo, operations, commit_message="a commit", **DATASET, **options)


def paths(repo, **options):
    return set(api.list_repo_files(repo, **DATASET, **options))


def commits(repo, **options):
    return [c.commit_id for c in api.list_repo_commits(repo, **DATASET, **options)]


# What the next steps build on each other for.
main = "tester/python"


@step
def who_am_i():
    who = api.whoami()
    check(who["name"] == "tester" and who["auth"]["accessToken"]["role"] == "write", who)
    fails(HfHubHTTPError, hf.HfApi(token="no-token").whoami, status=401)


@step
def create():
    url = api.create_repo(main, **DATASET)
    check(url.repo_id == main and str(url).endswith("/datasets/" + main), url)
    fails(HfHubHTTPError, api.create_repo, main, **DATASET, status=409)
    check(api.create_repo(main, **DATASET, exist_ok=True).repo_id == main, "exist_ok")
    check(api.repo_exists(main, **DATASET) and not api.repo_exists("tester/nowhere", **DATASET), "repo_exists")
    check(paths(main) == {".gitattributes"}, paths(main))


@step
def push():
    """The hub answers 503 to the first LFS batch and to the first part."""
    before = api.dataset_info(main).sha
    info = commit(main, add("data/blob.parquet", BLOB), add("README.md", README), add("empty", b""), parent_commit=before)
    check(info.oid == api.dataset_info(main).sha and commits(main)[:2] == [info.oid, before], info)
    # The same again makes no commit.
    check(commit(main, add("data/blob.parquet", BLOB), add("README.md", README)).oid == info.oid, "a commit of nothing")
    check(len(commits(main)) == 2, commits(main))


@step
def tree():
    entries = {e.path: e for e in api.list_repo_tree(main, recursive=True, **DATASET)}
    check(set(entries) == {".gitattributes", "README.md", "data", "data/blob.parquet", "empty"}, set(entries))
    blob, readme = entries["data/blob.parquet"], entries["README.md"]
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(BLOB)}\nsize {len(BLOB)}\n".encode()
    check((blob.size, blob.lfs.size, blob.lfs.sha256) == (len(BLOB), len(BLOB), sha256(BLOB)), blob)
    check((blob.blob_id, blob.lfs.pointer_size) == (git_id(pointer), len(pointer)), blob)
    check((readme.size, readme.blob_id, readme.lfs) == (len(README), git_id(README), None), readme)
    check(entries["empty"].blob_id == git_id(b"") and isinstance(entries["data"], hf.hf_api.RepoFolder), entries)
    check([e.path for e in api.list_repo_tree(main, "data", **DATASET)] == ["data/blob.parquet"], "a folder's tree")
    fails(EntryNotFoundError, list, api.list_repo_tree(main, "nothing", **DATASET))


@step
def download():
    path = hf.hf_hub_download(main, "data/blob.parquet", **DATASET)
    check(sha256(pathlib.Path(path).read_bytes()) == sha256(BLOB), path)
    check(hf.hf_hub_download(main, "data/blob.parquet", **DATASET, local_files_only=True) == path, "not in the cache")
    sha = api.dataset_info(main).sha
    with tempfile.TemporaryDirectory() as folder:
        path = hf.hf_hub_download(main, "README.md", **DATASET, revision=sha, local_dir=folder)
        check(pathlib.Path(path).read_bytes() == README, path)
    folder = pathlib.Path(hf.snapshot_download(main, **DATASET))
    check(folder.name == sha and (folder / "empty").read_bytes() == b"" and (folder / "README.md").read_bytes() == README, folder)
    meta = hf.get_hf_file_metadata(hf.hf_hub_url(main, "data/blob.parquet", **DATASET))
    check((meta.commit_hash, meta.etag, meta.size) == (sha, sha256(BLOB), len(BLOB)), meta)
    checked = api.verify_repo_checksums(main, **DATASET)
    check(not checked.mismatches and not checked.missing_paths, checked)


@step
def errors():
    e = fails(RemoteEntryNotFoundError, hf.hf_hub_download, main, "nothing", **DATASET, status=404)
    check(e.response.headers["X-Error-Code"] == "EntryNotFound" and e.response.headers["X-Repo-Commit"] == api.dataset_info(main).sha, e)
    fails(RevisionNotFoundError, hf.hf_hub_download, main, "README.md", **DATASET, revision="nothing", status=404)
    fails(RevisionNotFoundError, api.dataset_info, main, revision=NOWHERE, status=404)
    fails(RepositoryNotFoundError, api.dataset_info, "tester/nowhere")
    fails(RepositoryNotFoundError, hf.hf_hub_download, "tester/nowhere", "README.md", **DATASET)
    fails(RepositoryNotFoundError, commit, "tester/nowhere", add("a", b"a"))
    fails(RevisionNotFoundError, commit, main, add("a", b"a"), parent_commit=NOWHERE, status=404)
    stale = commits(main)[-1]
    fails(HfHubHTTPError, commit, main, add("a", b"a"), parent_commit=stale, status=412)
    fails(BadRequestError, commit, main, hf.CommitOperationDelete("nothing"))
    fails(HfHubHTTPError, anonymous.create_commit, main, [add("a", b"a")], commit_message="x", **DATASET, status=401)
    fails(LocalEntryNotFoundError, hf.hf_hub_download, main, "nothing", **DATASET, local_files_only=True)


@step
def info():
    found = api.dataset_info(main, files_metadata=True)
    files = {s.rfilename: s for s in found.siblings}
    check(found.id == main and not found.private and set(files) == paths(main), found)
    check(files["data/blob.parquet"].lfs.sha256 == sha256(BLOB) and files["README.md"].size == len(README), files)
    check(anonymous.dataset_info(main, revision="main").sha == found.sha, "anonymous")
    found = api.get_paths_info(main, ["README.md", "nothing", "data"], **DATASET)
    check([f.path for f in found] == ["README.md", "data"], found)
    check(api.file_exists(main, "README.md", **DATASET) and not api.file_exists(main, "nothing", **DATASET), "file_exists")


@step
def references():
    sha = api.dataset_info(main).sha
    api.create_branch(main, branch="side", **DATASET)
    fails(HfHubHTTPError, api.create_branch, main, branch="side", **DATASET, status=409)
    api.create_tag(main, tag="v1", tag_message="first", **DATASET)
    side = commit(main, add("side.txt", b"side"), revision="side").oid
    refs = api.list_repo_refs(main, **DATASET)
    check({b.name: b.target_commit for b in refs.branches} == {"main": sha, "side": side}, refs)
    check([(t.name, t.ref) for t in refs.tags] == [("v1", "refs/tags/v1")], refs)
    check("side.txt" in paths(main, revision="side") and "side.txt" not in paths(main, revision="v1"), "revisions")
    check(api.revision_exists(main, "side", **DATASET) and not api.revision_exists(main, "nothing", **DATASET), "revision_exists")
    api.delete_tag(main, tag="v1", **DATASET)
    api.delete_branch(main, branch="side", **DATASET)
    check(not api.revision_exists(main, "side", **DATASET), "the branch is still there")


@step
def pull_requests():
    head = api.dataset_info(main).sha
    one = commit(main, add("proposed.txt", b"proposed"), create_pr=True)
    check(one.pr_num == 1 and one.pr_revision == "refs/pr/1", one)
    two = api.create_pull_request(main, "a title", description="text", **DATASET)
    check(two.num == 2, two)
    commit(main, add("more.parquet", BLOB[:1000]), revision="refs/pr/2")
    check(api.dataset_info(main).sha == head and "proposed.txt" not in paths(main), "main has moved")
    check({"proposed.txt"} == paths(main, revision="refs/pr/1") - paths(main), paths(main, revision="refs/pr/1"))
    path = hf.hf_hub_download(main, "more.parquet", **DATASET, revision="refs/pr/2")
    check(pathlib.Path(path).read_bytes() == BLOB[:1000], path)
    refs = api.list_repo_refs(main, include_pull_requests=True, **DATASET)
    check([p.ref for p in refs.pull_requests] == ["refs/pr/1", "refs/pr/2"], refs)


@step
def copy_and_delete():
    commit(main, hf.CommitOperationCopy("data/blob.parquet", "copy/blob.parquet"), hf.CommitOperationCopy("README.md", "copy/README.md"))
    found = api.get_paths_info(main, ["copy/blob.parquet", "copy/README.md"], **DATASET)
    check({f.blob_id for f in found} >= {git_id(README)} and len(found) == 2, found)
    api.delete_file("copy/README.md", main, **DATASET)
    check("copy/blob.parquet" in paths(main) and "copy/README.md" not in paths(main), paths(main))
    api.delete_folder("copy", main, **DATASET)
    check(not any(p.startswith("copy") for p in paths(main)), paths(main))


@step
def folders():
    with tempfile.TemporaryDirectory() as folder:
        for i in range(3):
            (pathlib.Path(folder) / f"part-{i}.bin").write_bytes(BLOB[i * 100_000 :][:100_000])
        first = api.upload_folder(repo_id=main, folder_path=folder, path_in_repo="parts", **DATASET).oid
        check({p for p in paths(main) if p.startswith("parts/")} == {f"parts/part-{i}.bin" for i in range(3)}, paths(main))
        check(api.upload_folder(repo_id=main, folder_path=folder, path_in_repo="parts", **DATASET).oid == first, "a commit of nothing")
        os.remove(pathlib.Path(folder) / "part-0.bin")
        api.upload_folder(repo_id=main, folder_path=folder, path_in_repo="parts", delete_patterns="*.bin", **DATASET)
        check({p for p in paths(main) if p.startswith("parts/")} == {"parts/part-1.bin", "parts/part-2.bin"}, paths(main))
        with open(pathlib.Path(folder) / "part-1.bin", "rb") as file:
            api.upload_file(path_or_fileobj=file, path_in_repo="from a file.parquet", repo_id=main, **DATASET)
    check(api.file_exists(main, "from a file.parquet", **DATASET), paths(main))


@step
def many_files_and_odd_names():
    """More than a page of the tree, and more than one preupload holds."""
    names = [f"many/{i:03}.txt" for i in range(300)] + ["odd/a b+c.txt", "odd/50%.txt", "odd/#1?.txt", "odd/é 日本.txt", "odd/[x]&=.parquet"]
    commit(main, *(add(n, n.encode()) for n in names))
    check(set(names) <= paths(main), set(names) - paths(main))
    for name in names[-5:]:
        path = hf.hf_hub_download(main, name, **DATASET)
        check(pathlib.Path(path).read_bytes() == name.encode(), name)


@step
def file_system():
    fs = hf.HfFileSystem()
    at = f"datasets/{main}@{api.dataset_info(main).sha}"
    check(fs.info(f"{at}/data/blob.parquet")["size"] == len(BLOB), "info")
    check(len(fs.glob(f"{at}/many/*.txt")) == 300 and not fs.exists(f"{at}/nothing"), "glob")
    check(sorted(p.rsplit("/", 1)[1] for p in fs.ls(f"{at}/parts", detail=False)) == ["part-1.bin", "part-2.bin"], "ls")
    with fs.open(f"{at}/data/blob.parquet", block_size=1 << 16) as file:
        for offset in (len(BLOB) - 7, 5 << 20, 0):
            file.seek(offset)
            check(file.read(10) == BLOB[offset:][:10], "bytes at", offset)
    check(fs.cat_file(f"{at}/data/blob.parquet", start=100, end=164) == BLOB[100:164], "a range")
    with fs.open(f"datasets/{main}/written.txt", "w") as file:
        file.write("written")
    fs.cp_file(f"datasets/{main}/written.txt", f"datasets/{main}/copied.txt")
    check(fs.read_text(f"datasets/{main}/copied.txt") == "written", "copied")
    fs.rm(f"datasets/{main}/written.txt")
    check("written.txt" not in paths(main), "removed")


@step
def private_repository():
    secret = "tester/secret"
    api.create_repo(secret, private=True, **DATASET)
    commit(secret, add("a.parquet", BLOB[:500]))
    check(api.dataset_info(secret).private, "not private")
    for call in (anonymous.dataset_info, anonymous.list_repo_files):
        fails(RepositoryNotFoundError, call, secret, **({} if call == anonymous.dataset_info else DATASET), status=401)
    fails(RepositoryNotFoundError, hf.hf_hub_download, secret, "a.parquet", **DATASET, token=False, cache_dir=tempfile.mkdtemp())
    check(pathlib.Path(hf.hf_hub_download(secret, "a.parquet", **DATASET)).read_bytes() == BLOB[:500], "its owner cannot read it")
    api.delete_repo(secret, **DATASET)
    fails(RepositoryNotFoundError, api.dataset_info, secret)
    fails(RepositoryNotFoundError, api.delete_repo, secret, **DATASET)
    api.delete_repo(secret, **DATASET, missing_ok=True)


@step
def squash():
    repo = "tester/squashed"
    api.create_repo(repo, **DATASET)
    old = commit(repo, add("a.txt", b"a")).oid
    commit(repo, add("b.txt", b"b"))
    api.super_squash_history(repo, commit_message="one", **DATASET)
    check(len(commits(repo)) == 1 and {"a.txt", "b.txt"} <= paths(repo), commits(repo))
    fails(RevisionNotFoundError, api.dataset_info, repo, revision=old)


@step
def command_line():
    tool, repo = str(pathlib.Path(sys.executable).parent / "hf"), "tester/command"

    def run(*args):
        done = subprocess.run([tool, *args], capture_output=True, text=True)
        check(done.returncode == 0, "hf", *args, done.stdout, done.stderr)
        return done.stdout

    check("tester" in run("auth", "whoami"), "whoami")
    run("repos", "create", repo, "--repo-type", "dataset")
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "blob.parquet").write_bytes(BLOB)
        run("upload", repo, folder, ".", "--repo-type", "dataset")
        run("download", repo, "--repo-type", "dataset", "--local-dir", folder + "/back")
        check((pathlib.Path(folder) / "back/blob.parquet").read_bytes() == BLOB, "downloaded")
    run("repos", "delete", repo, "--repo-type", "dataset", "--yes")


@step
def pull_what_others_published():
    published = json.loads((pathlib.Path(sys.argv[1]) / "published.json").read_text())
    repo, revision = published["repo"], published["revision"]
    listed = {e.path: e for e in api.list_repo_tree(repo, recursive=True, revision=revision, **DATASET) if isinstance(e, hf.hf_api.RepoFile)}
    check(set(listed) == set(published["files"]) | {".gitattributes"}, set(listed) ^ set(published["files"]))
    folder = pathlib.Path(hf.snapshot_download(repo, revision=revision, **DATASET))
    for path, digest in published["files"].items():
        check(sha256((folder / path).read_bytes()) == digest, path)
        check(listed[path].lfs is None or listed[path].lfs.sha256 == digest, path)
        check(path.endswith(".parquet") <= (listed[path].lfs is not None), path)


@step
def leave_something_to_pull():
    repo, kept = "tester/pushed-by-python", {}
    api.create_repo(repo, **DATASET)
    contents = {
        "README.md": README, "empty.txt": b"", "data/blob.parquet": BLOB, "data/small.parquet": BLOB[:77], "large.bin": BLOB[:-1],
        "data/é %41 #?.txt": "text é\n".encode(),
    }
    revision = commit(repo, *(add(p, c) for p, c in contents.items())).oid
    kept = {"repo": repo, "revision": revision, "files": {p: sha256(c) for p, c in contents.items()}}
    (pathlib.Path(sys.argv[1]) / "pushed.json").write_text(json.dumps(kept))
