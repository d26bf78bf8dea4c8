package miner_test

import (
	"errors"
	"strings"
	"testing"

	"finest/chain"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/miner"
)

func TestReceiptsThatAreNoGood(t *testing.T) {
	t.Parallel()
	other := hotkey(t, "//Other").Address()
	for name, change := range map[string]func(*contract.Receipt){
		"form":             func(r *contract.Receipt) { r.V = 2 },
		"path":             func(r *contract.Receipt) { r.Files[0].Path = "../x" },
		"hotkey":           func(r *contract.Receipt) { r.Hotkey = other },
		"recipe hash":      func(r *contract.Receipt) { r.Recipe.Hash = canon.Sum(nil) },
		"recipe":           func(r *contract.Receipt) { r.Recipe.Name = "other" },
		"server":           func(r *contract.Receipt) { r.Server = r.Hotkey },
		"signature":        func(r *contract.Receipt) { r.Server = other },
		"block hash":       func(r *contract.Receipt) { r.BlockHash = canon.Sum(nil) },
		"block far ahead":  func(r *contract.Receipt) { r.Block, r.DeadlineBlock = 1<<40, 1<<41 },
		"address misspelt": func(r *contract.Receipt) { r.Server = strings.Repeat("1", 47) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tamperReceipt = change
			if out, err := w.once(func(o *miner.Options) {
				if name == "signature" || name == "address misspelt" {
					o.ServerKeys = []audit.ServerKey{{Address: other}, {Address: strings.Repeat("1", 47)}}
				}
			}); !errors.Is(err, miner.ErrReceipt) {
				t.Fatalf("outcome %+v, error %v", out, err)
			}
			if len(w.refined) > 0 {
				t.Error("work was done for it")
			}
			w.tamperReceipt = nil
			w.submitsTask(0)
		})
	}
}

func TestConfiguredServerKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	keys := []audit.ServerKey{{Address: hotkey(t, "//Other").Address()}, {Address: w.server.Address(), Last: 1}}
	if _, err := w.once(func(o *miner.Options) { o.ServerKeys = keys }); !errors.Is(err, miner.ErrReceipt) {
		t.Errorf("receipt of the owner, although its key ended at block 1: %v", err)
	}
	w.submitsTask(0, func(o *miner.Options) {
		o.ServerKeys = append(keys, audit.ServerKey{Address: w.server.Address(), First: 1})
	})
}

func TestNotRegistered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.once(func(o *miner.Options) { o.Signer = hotkey(t, "//Stranger") })
	if !errors.Is(err, chain.ErrNotRegistered) {
		t.Errorf("error %v", err)
	}
	if _, err := w.hub.Store.Head(t.Context(), hub.Ref{Repo: repo, Revision: hub.MainBranch}); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("a repository was made: %v", err)
	}
}

func TestRepositoryOfAnotherHotkey(t *testing.T) {
	t.Parallel()
	for name, files := range map[string]map[string][]byte{
		"other hotkey": {
			contract.LogPath:                  contract.LogLine{Task: "x-000001", Generation: 1, Manifest: canon.Sum(nil)}.Encode(),
			contract.ManifestPath("x-000001"): []byte(`{"hotkey":"somebody"}`),
		},
		"no log": {contract.LogPath: []byte("2026-11-01 started\n")},
	} {
		w := newWorld(t)
		w.commitByHand(repo, files)
		if _, err := w.once(); !errors.Is(err, miner.ErrRepoInUse) {
			t.Errorf("%s: %v", name, err)
		}
		if len(w.refined) > 0 {
			t.Errorf("%s: work was done", name)
		}
	}
}
