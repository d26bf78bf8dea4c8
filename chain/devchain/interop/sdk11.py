"""Drives a devchain with the Python SDK, bittensor 11.x.

Usage: sdk11.py ws://127.0.0.1:PORT FOLDER

The chain is that of interop_test.go. A line is printed for every step that
passed; the first step that fails ends the run with a traceback and status 1.
"""

import asyncio
import os
import sys
from types import SimpleNamespace

PLAIN, SEALED = 1, 2  # netuids: commit-reveal off and on
UPGRADED = 425  # spec version after the upgrade
CLAIM = "alice/fineweb@0123456789abcdef0123456789abcdef01234567"


def step(name):
    print(f"ok: {name}", flush=True)


def main():
    endpoint, folder = sys.argv[1:3]
    os.environ["BITTENSOR_RUNTIME_CACHE_DIR"] = folder  # of metadata
    import bittensor as bt
    from bittensor.keyfiles import Keypair

    def wallet_of(uri):
        key = Keypair.create_from_uri(uri)
        return SimpleNamespace(name=uri, coldkey=key, hotkey=key, coldkeypub=key, hotkeypub=key)

    alice, bob, eve = (wallet_of(u) for u in ("//Alice", "//Bob", "//Eve"))
    address = {w.name: w.hotkey.ss58_address for w in (alice, bob, eve)}

    def commit(sub, wallet):
        call = bt.calls.Commitments.set_commitment(PLAIN, {"fields": [{f"Raw{len(CLAIM)}": CLAIM.encode()}]})
        return sub.submit_call(call, wallet, signer="hotkey")

    with bt.Subtensor(endpoint) as sub:
        assert sub.block >= sub.finalized_block >= 0
        assert sub.spec_version > 0 and sub.time.year >= 2024
        step("connect, block number, time")

        graph = sub.subnets.metagraph(PLAIN)
        assert [n.hotkey for n in graph] == [address["//Alice"], address["//Bob"]], graph
        assert [n.validator_permit for n in graph] == [True, False]
        assert len(sub.neurons.all(PLAIN)) == 2
        step("metagraph, neurons")

        assert sub.subnets.commit_reveal_enabled(SEALED) and not sub.subnets.commit_reveal_enabled(PLAIN)
        assert sub.subnets.subnet_hyperparameters(PLAIN)["tempo"] == 50
        assert sub.epochs.next_epoch_start_block(PLAIN) > 0
        assert sub.balances.get(address["//Alice"]).rao > 0
        step("hyperparameters, next epoch, balance")

        result = commit(sub, bob)
        assert result.success, result
        assert sub.subnets.commitments(PLAIN)[address["//Bob"]].data == CLAIM
        step("commitment written and read")

        refused = commit(sub, eve)
        assert not refused.success and "not allowed commit" in refused.message, refused
        step("commitment of a stranger refused")

        # bt.SetWeights reads SubtensorModule.SubnetEpochConsensus first, which is
        # younger than spec 424; the call itself is the same.
        call = bt.calls.SubtensorModule.set_mechanism_weights(PLAIN, 0, [0, 1], [1, 4], 0)
        result = sub.submit_call(call, alice, signer="hotkey")
        assert result.success, result
        shares = sub.weights.weights(PLAIN)[0]
        assert abs(shares[1] / shares[0] - 4) < 1e-3, shares
        step("weights set and read")

        result = sub.execute(bt.Transfer(dest_ss58=address["//Eve"], amount_tao=1), alice)
        assert result.success, result
        step("transfer")

        print("upgrade", flush=True)  # asks the test for it
        while sub.spec_version != UPGRADED:
            sub.wait_for_block(sub.block + 1)
        result = commit(sub, bob)
        assert result.success, result
        assert [n.hotkey for n in sub.subnets.metagraph(PLAIN)] == [address["//Alice"], address["//Bob"]]
        step("runtime upgrade with moved indices, without a new connection")

    async def asynchronous():
        async with bt.Subtensor(endpoint) as client:
            assert (await client.subnets.metagraph(PLAIN)) is not None
            async for header in client.blocks():
                assert header.number > 0
                break

    asyncio.run(asynchronous())
    step("asynchronous client, subscription of heads")


if __name__ == "__main__":
    main()
