package localchain_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/chaintest"
	"finest/chain/localchain"
	"finest/internal/durable"
)

func TestOpenReplays(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(t, config(t), clock)
	c := open(t, dir, clock)
	for i := range 5 {
		if _, err := c.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.SetWeights(t.Context(), key(t, "//Validator"), netuid, []chain.Weight{{UID: 2, Value: 1}, {UID: 3, Value: 3}}, 3); err != nil {
		t.Fatal(err)
	}
	at := head(t, c)
	again := open(t, dir, clock)
	for number := range at.Number + 1 {
		if a, b := blockAt(t, c, number), blockAt(t, again, number); a != b {
			t.Fatalf("block %d is %v, after opening again %v", number, a, b)
		}
		if a, b := events(t, c, number), events(t, again, number); !reflect.DeepEqual(a, b) {
			t.Errorf("events of block %d are %q, after opening again %q", number, a, b)
		}
	}
	a, _ := c.Neurons(t.Context(), netuid, at)
	b, err := again.Neurons(t.Context(), netuid, at)
	if err != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("neurons are %v, after opening again %v, %v", a, b, err)
	}
}

func TestDamagedFolder(t *testing.T) {
	edit := func(file string, f func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			raw, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, file), f(raw), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	// reseal gives a changed journal line its right checksum.
	reseal := func(old, new string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, "extrinsics.journal")
			j, entries, err := durable.OpenJournal(path)
			if err == nil {
				err = errors.Join(j.Close(), os.Remove(path))
			}
			if err != nil {
				t.Fatal(err)
			}
			if j, _, err = durable.OpenJournal(path); err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				if err := j.Append(bytes.Replace(e, []byte(old), []byte(new), 1)); err != nil {
					t.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		says   string // "" when the chain opens
	}{
		"intact":             {func(*testing.T, string) {}, ""},
		"torn last line":     {edit("extrinsics.journal", func(b []byte) []byte { return append(b, "00000000 {\"blo"...) }), ""},
		"flipped bit":        {edit("extrinsics.journal", func(b []byte) []byte { b[20] ^= 1; return b }), "damaged"},
		"forged commitment":  {reseal(`"fields":["61"]`, `"fields":["62"]`), "bad signature"},
		"forged hotkey":      {reseal(`"nonce":1`, `"nonce":0`), "nonce"},
		"unknown call":       {reseal(`"name":"set_commitment"`, `"name":"mint"`), "extrinsic 0"},
		"unknown field":      {reseal(`"netuid":7`, `"netuid":7,"x":1`), "extrinsic 0"},
		"seed":               {edit("seed", func(b []byte) []byte { return b[:10] }), "seed"},
		"other seed":         {edit("seed", func(b []byte) []byte { return bytes.Repeat([]byte("0"), 64) }), "genesis"},
		"genesis":            {edit("genesis.json", func(b []byte) []byte { return b[:len(b)-1] }), "genesis.json"},
		"other genesis":      {edit("genesis.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"tempo":"100"`), []byte(`"tempo":"101"`), 1) }), "genesis"},
		"genesis of version": {edit("genesis.json", func(b []byte) []byte { return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1) }), "version 2"},
		"head":               {edit("head", func(b []byte) []byte { return []byte("what") }), "head"},
	} {
		t.Run(name, func(t *testing.T) {
			clock := chaintest.NewAutoClock(genesisTime)
			dir := create(t, config(t), clock)
			chn := open(t, dir, clock)
			for _, text := range []string{"a", "b"} {
				if _, err := chn.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{[]byte(text)}); err != nil {
					t.Fatal(err)
				}
			}
			c.damage(t, dir)
			again, err := localchain.Open(dir, clock)
			if c.says == "" {
				if err != nil {
					t.Fatal(err)
				}
				if got := events(t, again, 2); !reflect.DeepEqual(got, []string{"b"}) {
					t.Errorf("events of block 2 are %q", got)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, chain.ErrUnavailable) {
				t.Errorf("opening it: %v, want a permanent error with %q", err, c.says)
			}
		})
	}
}

func TestFolderOutOfReach(t *testing.T) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(t, config(t), clock)
	c := open(t, dir, clock)
	away := dir + ".away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil { // a file where the folder was
		t.Fatal(err)
	}
	clock.Advance(blockTime)
	if _, err := c.Head(t.Context()); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("without its folder: %v, want ErrUnavailable", err)
	}
	if _, err := c.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{{1}}); !errors.Is(err, chain.ErrUnavailable) {
		t.Errorf("writing without its folder: %v, want ErrUnavailable", err)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(away, dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetCommitment(t.Context(), key(t, "//Miner"), netuid, [][]byte{{1}}); err != nil {
		t.Errorf("with the folder back: %v", err)
	}
}

func TestCreate(t *testing.T) {
	clock := chaintest.NewClock(genesisTime)
	if _, err := localchain.Open(t.TempDir(), clock); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening an empty folder: %v", err)
	}
	dir := create(t, config(t), clock)
	before := head(t, open(t, dir, clock))
	if err := localchain.Create(dir, config(t), clock); !errors.Is(err, localchain.ErrExists) {
		t.Errorf("creating it again: %v, want ErrExists", err)
	}
	if got := head(t, open(t, dir, clock)); got != before {
		t.Error("creating it again changed the chain")
	}
	for name, change := range map[string]func(*localchain.Config){
		"no block time": func(c *localchain.Config) { c.BlockTime = 0 },
		"finality lag":  func(c *localchain.Config) { c.FinalityLag = 1 << 40 },
		"root subnet":   func(c *localchain.Config) { c.Subnets[0].Netuid = 0 },
		"subnet twice":  func(c *localchain.Config) { c.Subnets = append(c.Subnets, c.Subnets[0]) },
		"no tempo":      func(c *localchain.Config) { c.Subnets[0].Tempo = 0 },
		"neuron twice":  func(c *localchain.Config) { c.Subnets[0].Neurons[1] = c.Subnets[0].Neurons[0] },
		"too many hotkeys": func(c *localchain.Config) {
			for i := range localchain.MaxNeurons {
				c.Subnets[0].Neurons = append(c.Subnets[0].Neurons, localchain.Registration{Hotkey: chain.PublicKey{byte(i), 1}})
			}
		},
	} {
		cfg := config(t)
		change(&cfg)
		if err := localchain.Create(t.TempDir(), cfg, clock); err == nil {
			t.Errorf("%s: the chain is created", name)
		}
	}
}

// FuzzLoad opens chains whose journal holds an arbitrary extrinsic.
func FuzzLoad(f *testing.F) {
	clock := chaintest.NewAutoClock(genesisTime)
	dir := create(f, config(f), clock)
	c := open(f, dir, clock)
	if _, err := c.Register(f.Context(), netuid, localchain.Registration{Hotkey: chain.PublicKey{9}}); err != nil {
		f.Fatal(err)
	}
	if _, err := c.SetCommitment(f.Context(), key(f, "//Miner"), netuid, [][]byte{{1}}); err != nil {
		f.Fatal(err)
	}
	path := filepath.Join(dir, "extrinsics.journal")
	j, entries, err := durable.OpenJournal(path)
	if err != nil {
		f.Fatal(err)
	}
	if err := j.Close(); err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, entry []byte) {
		if bytes.IndexByte(entry, '\n') >= 0 {
			return
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		j, _, err := durable.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Append(entry), j.Close()); err != nil {
			t.Fatal(err)
		}
		if c, err := localchain.Open(dir, clock); err == nil {
			_ = head(t, c)
		}
	})
}
