"""Reads and writes wallets with the Python package bittensor-wallet.

Usage: wallet.py read FOLDER < JSON     wallets that finest made
       wallet.py write FOLDER < JSON    wallets that finest is to read

Standard input is an object: "message", "password", and for read "signatures", by
wallet, in hex. Standard output is an object by wallet.
"""

import json
import os
import subprocess
import sys

import bittensor_wallet
from bittensor_wallet import keyfile


def keys(wallet):
    """The address of both keys, and a signature by the hotkey."""
    return {
        "coldkey": wallet.coldkey.ss58_address,
        "coldkeypub": wallet.coldkeypub.ss58_address,
        "hotkey": wallet.hotkey.ss58_address,
        "hotkeypub": wallet.hotkeypub.ss58_address,
        "signature": wallet.hotkey.sign(message).hex(),
    }


def read(folder):
    out = {}
    for name, signature in request["signatures"].items():
        # The password of an encrypted coldkey is in the environment.
        wallet = bittensor_wallet.Wallet(name=name, hotkey="h", path=folder)
        out[name] = keys(wallet)
        out[name]["verified"] = wallet.hotkeypub.verify(message, bytes.fromhex(signature))
    return out


def write(folder):
    out = {}
    for name in ("plain", "sealed"):
        wallet = bittensor_wallet.Wallet(name=name, hotkey="h", path=folder)
        sealed = name == "sealed"
        wallet.create_new_coldkey(
            n_words=24, use_password=sealed, overwrite=True, suppress=True,
            coldkey_password=request["password"] if sealed else None,
        )
        wallet.create_new_hotkey(n_words=12, use_password=False, overwrite=True, suppress=True)
        wallet.coldkey_file.save_password_to_env(request["password"])
        out[name] = keys(wallet)
        # The package sets variables of the process, which os.environ does not see.
        variable = wallet.coldkey_file.env_var_name()
        lines = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout.splitlines()
        out[name]["variable"] = variable
        out[name]["value"] = next(v for k, _, v in (line.partition("=") for line in lines) if k == variable)
    uri = bittensor_wallet.Wallet(name="uri", hotkey="h", path=folder)
    uri.create_coldkey_from_uri("//Alice", use_password=False, overwrite=True, suppress=True)
    uri.create_hotkey_from_uri("//Bob//stash", use_password=False, overwrite=True, suppress=True)
    out["uri"] = keys(uri)
    data = keyfile.serialized_keypair_to_keyfile_data(uri.coldkey)
    os.makedirs(os.path.join(folder, "old"))
    with open(os.path.join(folder, "old", "coldkey"), "wb") as f:
        f.write(bytes(keyfile.legacy_encrypt_keyfile_data(bytes(data), request["password"])))
    return out


request = json.load(sys.stdin)
message = request["message"].encode()
# The package prints what it does, some versions behind the back of sys.stdout.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
json.dump({"read": read, "write": write}[sys.argv[1]](sys.argv[2]), answers)
answers.close()
