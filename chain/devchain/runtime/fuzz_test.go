package runtime_test

import (
	"encoding/hex"
	"errors"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
)

// Bytes from outside are refused or applied, in both runtimes, and a refusal
// changes nothing.
func FuzzApply(f *testing.F) {
	w := newWorld(f, config(f))
	xt := w.sign(key(f, "//Alice"), "System", "remark", hello)
	f.Add(xt)
	f.Add(w.runtime().Inherent(start))
	f.Add(xt[:40])
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, xt []byte) {
		for _, v := range []runtime.Version{runtime.V1, runtime.V2} {
			r, s := runtime.New(v, w.cfg), w.state.Copy()
			r.Begin(s, 1, w.head)
			before := s.Len()
			var pool *runtime.PoolError
			if err := r.Apply(s, 1, xt); err != nil && (!errors.As(err, &pool) || s.Len() != before) {
				t.Errorf("%v, %d keys became %d", err, before, s.Len())
			}
		}
	})
}

// Any call, well signed, by the one who may most: it is refused, fails or
// succeeds.
func FuzzDispatch(f *testing.F) {
	cfg := config(f)
	alice := key(f, "//Alice")
	cfg.Subnets[0].Neurons = append(cfg.Subnets[0].Neurons, runtime.Neuron{Hotkey: alice.PublicKey(), Stake: 1, Permit: true})
	w := newWorld(f, cfg)
	m := w.runtime().Metadata()
	for _, c := range []struct {
		pallet, call string
		args         metadata.Args
	}{
		{"SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)},
		{"SubtensorModule", "batch_set_weights", metadata.Args{"netuids": []uint16{7}, "weights": []any{[]any{[]any{1, 2}}}, "version_keys": []uint64{1}}},
		{"SubtensorModule", "batch_reveal_weights", metadata.Args{"netuid": 7, "uids_list": []any{[]uint16{1}}, "values_list": []any{[]uint16{1}}, "salts_list": []any{[]uint16{1}}, "version_keys": []uint64{1}}},
		{"SubtensorModule", "batch_commit_weights", metadata.Args{"netuids": []uint16{7}, "commit_hashes": []any{chain.Hash{}}}},
		{"SubtensorModule", "register_network", metadata.Args{"hotkey": chain.PublicKey{1}}},
		{"Commitments", "set_commitment", info(raw(3), metadata.NewEnum("TimelockEncrypted", []byte{1}, 9))},
		{"Sudo", "sudo", w.sudo("sudo_set_tempo", metadata.Args{"netuid": 7, "tempo": 0})},
		{"Balances", "transfer_all", metadata.Args{"dest": metadata.NewEnum("Id", chain.PublicKey{1}), "keep_alive": false}},
	} {
		raw, err := m.Call(c.pallet, c.call, c.args)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, golden := range []string{
		"07040200010000000100007f0000000000000000000000009b1f04040000", "076002001111111111111111111111111111111111111111111111111111111111111111",
		"076102000801000200086400c8001001000200030004000700000000000000", "0776020000080102e8030000000000000400",
	} {
		b, err := hex.DecodeString(golden)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, call []byte) {
		for _, v := range []runtime.Version{runtime.V1, runtime.V2} {
			r, s := runtime.New(v, w.cfg), w.state.Copy()
			r.Begin(s, 1, w.head)
			p := extrinsic.Params{Spec: v.Spec(), TxVersion: runtime.TxVersion, Genesis: w.head, EraBlock: w.head}
			xt, err := extrinsic.Sign(r.Metadata(), alice, call, p)
			if err != nil {
				t.Fatal(err)
			}
			var pool *runtime.PoolError
			if err := r.Apply(s, 1, xt); err != nil && !errors.As(err, &pool) {
				t.Error(err)
			}
			r.End(s)
			r.Begin(s, 2, blockHash(1))
		}
	})
}
