package devchain_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/extrinsic"
	"finest/internal/durable"
)

// Whatever happens to a chain, final blocks stay, every extrinsic that was taken
// is on the chain once, and a chain opened again is what it was.
func TestChainHolds(t *testing.T) {
	alice := key(t, "//Alice")
	rapid.Check(t, func(rt *rapid.T) {
		dir := create(t)
		n := open(t, dir)
		w := connect(t, n)
		var sent []string
		final := map[uint64]chain.Hash{}
		rt.Repeat(map[string]func(*rapid.T){
			"seal": func(rt *rapid.T) { n.Seal(rapid.IntRange(1, 3).Draw(rt, "blocks")) },
			"submit": func(rt *rapid.T) {
				nonce := func(p *extrinsic.Params) { p.Nonce = uint32(len(sent)) }
				xt := w.remark(alice, fmt.Sprint(len(sent)), nonce)
				w.call(nil, "author_submitExtrinsic", xt)
				sent = append(sent, xt)
			},
			"delay": func(rt *rapid.T) { n.Faults().DelayInclusion(rapid.Uint64Max(2).Draw(rt, "blocks")) },
			"hold":  func(rt *rapid.T) { n.Faults().HoldFinality(rapid.Bool().Draw(rt, "hold")) },
			"reorg": func(rt *rapid.T) {
				open := int(n.Head().Number - n.Finalized().Number)
				if open == 0 {
					rt.Skip()
				}
				if err := n.Faults().Reorg(rapid.IntRange(1, open).Draw(rt, "depth")); err != nil {
					rt.Fatal(err)
				}
			},
			"reopen": func(rt *rapid.T) {
				before := n.Head()
				var pending []string
				if w.call(&pending, "author_pendingExtrinsics"); len(pending) > 0 {
					rt.Skip() // the pool is not kept
				}
				shut(t, n)
				n = open(t, dir)
				w = connect(t, n)
				if n.Head() != before {
					rt.Fatalf("reopened at %v, was at %v", n.Head(), before)
				}
			},
			"": func(rt *rapid.T) {
				last := n.Finalized()
				for number, hash := range final {
					if number > last.Number || w.hash(number) != hash {
						rt.Fatalf("block %d was final with hash %s", number, hash)
					}
				}
				final[last.Number] = last.Hash
			},
		})
		n.Faults().HoldFinality(false)
		n.Seal(3 + lag)
		found := map[string]int{}
		for number := range n.Head().Number + 1 {
			for _, xt := range w.body(w.hash(number)) {
				found[xt]++
			}
		}
		for i, xt := range sent {
			if found[xt] != 1 {
				rt.Fatalf("extrinsic %d is on the chain %d times", i, found[xt])
			}
		}
		shut(t, n)
	})
}

// What a client sends cannot harm the node.
func FuzzMessage(f *testing.F) {
	for _, s := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"system_chain"}`,
		`[{"id":1,"method":"state_getKeysPaged","params":["0x",5,null]},{"id":2}]`,
		`{"id":1,"method":"chain_getBlockHash","params":[[1,"0x0",null]]}`,
		`{"id":1,"method":"author_submitAndWatchExtrinsic","params":["0x280400000b00000000000000"]}`,
		`{"id":1,"method":"dev_setStorage","params":[[["0x01",null]]]}`,
		`{"id":1,"method":"state_queryStorage","params":[["0x"],null,null]}`,
		`{"id":1,"method":"state_call","params":["Core_version",""]}`,
	} {
		f.Add([]byte(s))
	}
	n, err := devchain.New(devchain.Options{Genesis: config(f), FinalityLag: lag})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = n.Close() })
	f.Fuzz(func(_ *testing.T, message []byte) { n.Handle(message) })
}

// An entry of a journal is refused or is a block of the chain.
func FuzzJournal(f *testing.F) {
	dir := create(f)
	n := open(f, dir)
	n.Seal(1)
	journal, entries, err := durable.OpenJournal(filepath.Join(dir, "blocks.journal"))
	if err != nil {
		f.Fatal(err)
	}
	_ = journal.Close()
	f.Add(entries[0])
	parent := n.Head().Hash.String()
	for _, s := range []string{
		`{}`,
		`{"hash":"","parent":"` + parent + `","time":-1,"final":99}`,
		`{"hash":"","parent":"` + parent + `","time":9223372036854775807,"changes":[["0x01",null],["0x",""],[null,null]]}`,
		`{"hash":"","parent":"` + parent + `","time":0,"extrinsics":["00","zz"]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		before := n.Head()
		if err := n.Replay(entry); err != nil && n.Head() != before {
			t.Errorf("an entry that was refused (%v) moved the chain to %v", err, n.Head())
		}
	})
}
