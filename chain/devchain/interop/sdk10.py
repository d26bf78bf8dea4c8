"""Drives a devchain with the Python SDK, bittensor 10.x.

Usage: sdk10.py ws://127.0.0.1:PORT WALLET_FOLDER

The chain is that of interop_test.go. A line is printed for every step that
passed; the first step that fails ends the run with a traceback and status 1.
"""

import asyncio
import sys

import bittensor as bt
from async_substrate_interface import SubstrateInterface
from bittensor_wallet import Keypair, Wallet

PLAIN, SEALED = 1, 2  # netuids: commit-reveal off and on
HASHED = 3  # netuid: commit-reveal on, short epochs
UPGRADED = 425  # spec version after the upgrade
ALICE, BOB = "//Alice", "//Bob"  # uid 0, a validator, and uid 1
STRANGER = "//Eve"  # registered nowhere
CLAIM = "alice/fineweb@0123456789abcdef0123456789abcdef01234567"


def step(name):
    print(f"ok: {name}", flush=True)


def wallet_of(uri, folder):
    """A wallet folder whose coldkey and hotkey are both the key of a URI."""
    w = Wallet(name=uri.strip("/").lower(), hotkey="default", path=folder)
    w.create_coldkey_from_uri(uri, use_password=False, overwrite=True, suppress=True)
    w.create_hotkey_from_uri(uri, use_password=False, overwrite=True, suppress=True)
    return w


def address(uri):
    return Keypair.create_from_uri(uri).ss58_address


def check(response, what):
    assert response.success, f"{what}: {response.message}"


def reads(st):
    head = st.get_current_block()
    assert head >= 1, head
    assert st.get_block_hash(head).startswith("0x")
    assert st.subnet_exists(PLAIN) and not st.subnet_exists(77)
    assert not st.commit_reveal_enabled(PLAIN) and st.commit_reveal_enabled(SEALED)
    step("connect, block number and hash, hyperparameters")

    for lite in (True, False):
        graph = st.metagraph(PLAIN, lite=lite)
        assert int(graph.n) == 2, graph.n
        assert graph.hotkeys == [address(ALICE), address(BOB)], graph.hotkeys
        assert list(graph.validator_permit) == [True, False], graph.validator_permit
        assert float(graph.stake[0]) > 0, graph.stake
        assert graph.tempo == st.tempo(PLAIN)
    step("metagraph, lite and whole")

    params = st.get_subnet_hyperparameters(PLAIN)
    assert params.tempo == st.tempo(PLAIN) and params.commit_reveal_weights_enabled is False
    assert st.get_next_epoch_start_block(PLAIN) >= head
    assert {d.netuid for d in st.all_subnets()} == {0, PLAIN, SEALED, HASHED}
    assert st.get_uid_for_hotkey_on_subnet(address(BOB), PLAIN) == 1
    assert st.get_uid_for_hotkey_on_subnet(address(STRANGER), PLAIN) is None
    assert len(st.neurons(PLAIN)) == 2 and len(st.get_stake_info_for_coldkey(address(ALICE))) >= 1
    step("runtime APIs: hyperparameters, next epoch, all subnets, neurons, stake")

    assert st.get_balance(address(ALICE)).rao > 0
    assert st.get_timestamp(head).year >= 2024
    st.wait_for_block()
    step("balance, timestamp, subscription of heads")


def commits(st, bob, eve):
    check(st.set_commitment(bob, PLAIN, CLAIM), "commitment")
    assert st.get_commitment(PLAIN, 1) == CLAIM
    assert st.get_all_commitments(PLAIN) == {address(BOB): CLAIM}
    info = st.get_metagraph_info(PLAIN)
    assert dict(info.commitments)[address(BOB)] == CLAIM, info.commitments
    step("commitment written, and read by uid, by map and in the metagraph")

    refused = st.set_commitment(eve, PLAIN, CLAIM)
    assert not refused.success and "AccountNotAllowedCommit" in refused.message, refused
    step("commitment of a stranger refused by name")

    check(st.set_reveal_commitment(bob, SEALED, "later", blocks_until_reveal=3), "timelocked commitment")
    step("timelocked commitment accepted")


def weights(st, alice):
    check(st.set_weights(alice, PLAIN, [0, 1], [0.25, 1.0]), "weights")
    assert dict(st.weights(PLAIN))[0] == [(0, 16384), (1, 65535)], st.weights(PLAIN)
    step("weights set and read")

    st.wait_for_block(st.weights_rate_limit(SEALED) + 1)  # the SDK counts from block 0
    check(st.set_weights(alice, SEALED, [0, 1], [0.5, 0.5]), "sealed weights")
    committed = st.get_timelocked_weight_commits(SEALED)
    assert [c[0] for c in committed] == [address(ALICE)], committed
    step("timelocked weights committed and read")

    again = st.set_weights(alice, SEALED, [0, 1], [0.5, 0.5], max_attempts=1)
    assert not again.success
    step("second commit within the rate limit not made")


def reveals(st, alice):
    """Weights by hash, shown one epoch later."""
    uids, values, salt, key = [0, 1], [65535, 32768], [1, 2, 3, 4], 0
    check(
        st.commit_weights(
            alice, HASHED, salt, uids, values, version_key=key, wait_for_inclusion=True, wait_for_finalization=True
        ),
        "hash of weights",
    )
    commits = st.substrate.query("SubtensorModule", "WeightCommits", [HASHED, address(ALICE)]).value
    epoch = commits[0][1]
    while st.get_subnet_epoch_index(HASHED) <= epoch:
        st.wait_for_block()
    check(st.reveal_weights(alice, HASHED, uids, values, salt, version_key=key), "revealed weights")
    assert dict(st.weights(HASHED))[0] == list(zip(uids, values)), st.weights(HASHED)
    step("weights committed by hash, and revealed in the next epoch")


def joins(st, eve, alice):
    """What a new miner does, and who stakes to it."""
    check(st.transfer(alice, address(STRANGER), bt.Balance.from_tao(10)), "transfer")
    check(st.burned_register(eve, HASHED), "registration")
    assert st.get_uid_for_hotkey_on_subnet(address(STRANGER), HASHED) == 2
    axon = bt.Axon(wallet=eve, ip="127.0.0.1", port=8091, external_ip="192.0.2.7", external_port=8091)
    check(st.serve_axon(HASHED, axon), "axon")
    served = st.metagraph(HASHED).axons[2]
    assert (served.ip, served.port, served.hotkey) == ("192.0.2.7", 8091, address(STRANGER)), served
    check(st.add_stake(eve, HASHED, address(STRANGER), bt.Balance.from_tao(2)), "stake")
    assert st.get_stake(address(STRANGER), address(STRANGER), HASHED).tao > 0
    step("hotkey registered by a burn, axon served, stake added")


def upgrade(st, bob):
    print("upgrade", flush=True)  # asks the test for it
    while st.substrate.get_block_runtime_info(st.substrate.get_chain_head())["specVersion"] != UPGRADED:
        st.wait_for_block()
    st.wait_for_block()  # its state is the first that the new runtime wrote
    check(st.set_commitment(bob, PLAIN, CLAIM[::-1]), "commitment after the upgrade")
    assert st.get_all_commitments(PLAIN) == {address(BOB): CLAIM[::-1]}
    graph = st.metagraph(PLAIN)
    assert graph.hotkeys == [address(ALICE), address(BOB)], graph.hotkeys
    assert st.substrate.runtime.runtime_version == UPGRADED
    step("runtime upgrade with moved indices, without a new connection")


def money(st, alice):
    before = st.get_balance(address(STRANGER))
    check(st.transfer(alice, address(STRANGER), bt.Balance.from_tao(1)), "transfer")
    assert (st.get_balance(address(STRANGER)) - before).tao == 1
    step("transfer with a fee")

    st.sign_and_send_extrinsic(
        st.compose_call("System", "remark", {"remark": b"finest"}), alice, sign_with="coldkey"
    )
    step("remark")


def interface(endpoint):
    """What the SDK leaves aside of async-substrate-interface."""
    with SubstrateInterface(endpoint, ss58_format=42) as si:
        assert si.query("System", "Account", [address(ALICE)]).value["nonce"] >= 1
        accounts = {key for key, _ in si.query_map("System", "Account", page_size=2)}
        assert address(ALICE) in accounts, accounts
        events = si.get_events(si.get_chain_head())
        assert isinstance(events, list)
        assert si.get_constant("System", "SS58Prefix").value == 42
        assert len(si.get_block()["extrinsics"]) >= 1
        assert si.properties["tokenSymbol"] == "TAO"
    step("async-substrate-interface: maps in pages, events, constants, blocks")


async def asynchronous(endpoint):
    async with bt.AsyncSubtensor(network=endpoint) as st:
        graph, claims, head = await asyncio.gather(
            st.metagraph(PLAIN), st.get_all_commitments(PLAIN), st.get_current_block()
        )
        assert int(graph.n) == 2 and claims[address(BOB)] == CLAIM and head > 0
    step("asynchronous client")


def main():
    endpoint, folder = sys.argv[1:3]
    alice, bob, eve = (wallet_of(u, folder) for u in (ALICE, BOB, STRANGER))
    with bt.Subtensor(network=endpoint) as st:
        reads(st)
        commits(st, bob, eve)
        weights(st, alice)
        reveals(st, alice)
        money(st, alice)
        joins(st, eve, alice)
        interface(endpoint)
        asyncio.run(asynchronous(endpoint))
        upgrade(st, bob)


if __name__ == "__main__":
    main()
