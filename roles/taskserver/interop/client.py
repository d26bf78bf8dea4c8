"""Drives a task server with a client generated from its OpenAPI document.

Usage: client.py CONFIG.json

The server is that of interop_test.go, which writes the configuration and puts
the generated package on the path. A line is printed for every step that passed;
the first step that fails ends the run with a traceback and status 1.
"""

import hashlib
import json
import re
import sys
import time
import uuid

import httpx
import sr25519
from jsonschema import Draft202012Validator

from generated import Client, models
from generated.api.default import (
    get_audit,
    get_crawls,
    get_health,
    get_leaderboard,
    get_openapi,
    get_proofs,
    get_ready,
    get_recipes,
    get_server,
    get_statement,
    get_stats,
    get_submissions,
    get_task,
    get_tasks,
    get_verdicts,
    lease,
    proof,
    release,
    renew,
    score,
    submit,
)

CLAIM = "someone/data@" + "c" * 40
MANIFEST = "a" * 64


def step(name):
    print(f"ok: {name}", flush=True)


def compact(value):
    """JSON as httpx sends it, and with sorted keys, for integers and ASCII, that of RFC 8785."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class Document:
    """Checks answers against the OpenAPI document."""

    def __init__(self, document):
        self.components = document["components"]
        self.paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", p)), item) for p, item in document["paths"].items()]
        self.answers = 0

    def check(self, response):
        request = response.request
        item = next(item for pattern, item in self.paths if pattern.fullmatch(request.url.path))
        told = item[request.method.lower()]["responses"][str(response.status_code)]
        response.read()
        self.answers += 1
        if "content" not in told:
            assert response.content == b"", response.content
            return
        schema = told["content"][response.headers["Content-Type"]]["schema"]
        Draft202012Validator({**schema, "components": self.components}).validate(response.json())
        for name in told.get("headers", {}):
            assert int(response.headers[name]) > 0, (name, response.headers)


class Hotkey:
    """Signs requests: Epistula v2 with sr25519."""

    def __init__(self, client, config, receiver):
        self.client, self.address, self.receiver = client, config["address"], receiver
        self.pair = sr25519.pair_from_seed(bytes.fromhex(config["seed"]))

    def headers(self, body, **other):
        raw = compact(body.to_dict())
        at, once = other.get("timestamp", str(time.time_ns() // 1_000_000)), str(uuid.uuid4())
        receiver = other.get("receiver", self.receiver)
        message = f"{hashlib.sha256(raw).hexdigest()}.{once}.{at}.{receiver}".encode()
        return dict(
            epistula_version="2",
            epistula_timestamp=at,
            epistula_uuid=once,
            epistula_signed_by=self.address,
            epistula_signed_for=receiver,
            epistula_request_signature="0x" + sr25519.sign(self.pair, message).hex(),
            finest_client="1",
        )

    def send(self, operation, body, **other):
        return operation.sync(client=self.client, body=body, **self.headers(body, **other))


def refused(answer, kind):
    assert isinstance(answer, models.Problem) and answer.type_ == f"urn:finest:{kind}", (answer, kind)
    return answer


def verified(signature, message, key):
    return sr25519.verify(bytes.fromhex(signature), message, bytes.fromhex(key))


def reads(client, config):
    info = get_server.sync(client=client)
    assert info.server == config["server"]["address"] and info.deadline_blocks == config["deadline"], info
    assert [k.from_block for k in info.keys] == [0], info.keys
    assert get_health.sync(client=client) and get_ready.sync(client=client)
    assert [r.name for r in get_recipes.sync(client=client).recipes] == [config["recipe"]]
    (crawl,) = get_crawls.sync(client=client).crawls
    assert (crawl.crawl, crawl.tasks, crawl.tally.ready) == (config["crawl"], config["tasks"], config["tasks"]), crawl
    assert get_stats.sync(client=client).tally.available == config["tasks"]
    assert get_audit.sync(client=client).seq >= 1
    assert get_leaderboard.sync(client=client).standings == []
    assert get_openapi.sync_detailed(client=client).status_code == 200
    for page in (get_submissions, get_verdicts, get_proofs):
        assert page.sync(client=client)
    step("who serves what; empty pages")

    seen, after = [], ""
    for _ in range(config["tasks"]):
        page = get_tasks.sync(client=client, state="available", after=after, limit=2)
        assert 1 <= len(page.tasks) <= 2, page
        seen += [t.task for t in page.tasks]
        after = page.next_
        if not after:
            break
    assert len(seen) == len(set(seen)) == config["tasks"], seen
    refused(get_tasks.sync(client=client, limit=0), "malformed")
    refused(get_task.sync(client=client, id=config["crawl"] + "-999999"), "unknown-task")
    refused(get_statement.sync(client=client, sha256="0" * 64), "not-found")
    step("all tasks in pages; what is not there")
    return info


def leases(miner, other, config):
    body = models.LeaseRequest(op=models.LeaseRequestOp.LEASE, slot=1, recipe=config["recipe"])
    receipt = miner.send(lease, body)
    assert isinstance(receipt, models.Receipt) and receipt.hotkey == miner.address, receipt
    assert miner.send(lease, body).to_dict() == receipt.to_dict()
    signed = receipt.to_dict()
    signature = signed.pop("signature")
    assert verified(signature, compact(signed), config["server"]["key"])
    shown = get_task.sync_detailed(client=miner.client, id=receipt.task)
    assert shown.parsed.state == "leased" and miner.address.encode() not in shown.content, shown.content
    step("lease, twice the same; its receipt is signed; its holder is not shown")

    sign_of_life = models.RenewRequest(op=models.RenewRequestOp.RENEW, task=receipt.task, generation=receipt.generation)
    assert miner.send(renew, sign_of_life).state == "live"
    refused(other.send(renew, sign_of_life), "not-holder")
    headers = miner.headers(sign_of_life)
    assert renew.sync(client=miner.client, body=sign_of_life, **headers).state == "live"
    refused(renew.sync(client=miner.client, body=sign_of_life, **headers), "replayed")
    step("renewed; another's lease and a replayed request refused")

    def spoilt(kind, **change):
        refused(renew.sync(client=miner.client, body=sign_of_life, **{**miner.headers(sign_of_life), **change}), kind)

    signature = miner.headers(sign_of_life)["epistula_request_signature"]
    now = time.time_ns() // 1_000_000
    spoilt("bad-signature", epistula_request_signature=signature)
    spoilt("truncated-signature", epistula_request_signature=signature[:-2])
    spoilt("wrong-scheme", epistula_request_signature=signature[:-2] + "00")
    spoilt("malformed-header", epistula_version="1")
    spoilt("stale-timestamp", epistula_timestamp=str(now - 3_600_000))
    spoilt("future-timestamp", epistula_timestamp=str(now + 3_600_000))
    spoilt("outdated-client", finest_client="0")
    refused(miner.send(renew, sign_of_life, receiver=other.address), "wrong-receiver")
    step("requests spoilt in eight ways refused, each with its own type")
    return receipt


def submits(miner, receipt):
    body = models.SubmitRequest(
        op=models.SubmitRequestOp.SUBMIT,
        task=receipt.task,
        generation=receipt.generation,
        claim=CLAIM,
        manifest=MANIFEST,
        block=receipt.block + 1,
    )
    for _ in range(100):
        answer = miner.send(submit, body)
        if isinstance(answer, models.LeaseStatus):
            break
        time.sleep(refused(answer, "ahead").retry_after_ms / 1000)
    assert answer.state == "submitted", answer
    assert miner.send(submit, body).state == "submitted"
    (listed,) = get_submissions.sync(client=miner.client, task=receipt.task).submissions
    assert (listed.hotkey, listed.manifest) == (miner.address, MANIFEST), listed
    body.manifest = "b" * 64
    refused(miner.send(submit, body), "already-submitted")
    step("submitted once its block was final; a second time; not with another result")


def judges(miner, validator, receipt):
    verdict = models.Verdict(
        task=receipt.task,
        generation=receipt.generation,
        hotkey=miner.address,
        manifest=MANIFEST,
        outcome=models.VerdictOutcome.ACCEPTED,
        reason="rows ≡ pages",
        pay="12.5",
    )
    body = models.ScoreRequest(op=models.ScoreRequestOp.SCORE, weights_block=receipt.block, verdicts=[verdict])
    refused(miner.send(score, body), "no-permit")
    assert validator.send(score, body) is None
    assert get_task.sync(client=miner.client, id=receipt.task).state == "accepted"
    (listed,) = get_verdicts.sync(client=miner.client, task=receipt.task).verdicts
    assert (listed.validator, listed.pay, listed.reason) == (validator.address, "12.5", "rows ≡ pages"), listed
    told = get_statement.sync(client=miner.client, sha256=listed.statement)
    raw = compact(told.body)
    said = hashlib.sha256(raw).hexdigest()
    assert hashlib.sha256(f"{told.validator}.{said}".encode()).hexdigest() == told.sha256 == listed.statement
    message = f"{said}.{told.uuid}.{told.timestamp}.{told.signed_for}".encode()
    assert verified(told.signature, message, validator.pair[0].hex())
    assert get_leaderboard.sync(client=miner.client).standings[0].hotkey == miner.address
    step("a verdict published by a validator only, with the statement that it signed")

    shared = models.ProofRequest(op=models.ProofRequestOp.PROOF, proof={"kind": "of a test"})
    refused(miner.send(proof, shared), "no-permit")
    assert validator.send(proof, shared) is None
    (listed,) = get_proofs.sync(client=miner.client).proofs
    assert listed.proof == {"kind": "of a test"}, listed
    step("a fraud proof shared and read")


def releases(miner, config):
    body = models.LeaseRequest(op=models.LeaseRequestOp.LEASE, slot=1, recipe=config["recipe"])
    receipt = miner.send(lease, body)
    back = models.ReleaseRequest(
        op=models.ReleaseRequestOp.RELEASE, task=receipt.task, generation=receipt.generation, reason="no time", missing=""
    )
    assert miner.send(release, back).state == "released"
    assert miner.send(release, back).state == "released"
    assert refused(miner.send(lease, body), "quota").retry_after_ms > 0
    assert get_task.sync(client=miner.client, id=receipt.task).state == "available"
    body.slot = config["slots"] + 1
    refused(miner.send(lease, body), "slot-beyond-quota")
    step("released; the next lease has to wait")


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        config = json.load(f)
    document = Document(httpx.get(config["url"] + "/v1/openapi.json").json())
    with Client(
        base_url=config["url"],
        raise_on_unexpected_status=True,
        httpx_args={"event_hooks": {"response": [document.check]}},
    ) as client:
        info = reads(client, config)
        miner, other, validator = (Hotkey(client, config[name], info.server) for name in ("miner", "other", "validator"))
        receipt = leases(miner, other, config)
        submits(miner, receipt)
        judges(miner, validator, receipt)
        releases(miner, config)
    step(f"{document.answers} answers are as the document says")


if __name__ == "__main__":
    main()
