package metadata_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
)

// goldenFile holds calls and keys of spec 424 as polkadot.js writes them.
const goldenFile = "golden-calls-spec424.txt"

// bob is the public key of //Bob.
var bob = key("8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48")

func key(digits string) chain.PublicKey {
	b, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return chain.PublicKey(b)
}

type args = metadata.Args

// netuid is a named integer, as callers have it.
type netuid uint16

// goldenCalls are the calls of the golden file, by label, and the specs of the
// fixture that lack them.
var goldenCalls = map[string]struct {
	pallet, name string
	args         args
	missing      []int
}{
	`set_commitment(2, Raw3 "abc")`: {"Commitments", "set_commitment", args{
		"netuid": 2, "info": []metadata.Enum{metadata.NewEnum("Raw3", []byte("abc"))}}, nil},
	"set_commitment(2, BigRaw 130 bytes of 0x61)": {"Commitments", "set_commitment", args{
		"netuid": uint16(2), "info": []any{metadata.NewEnum("BigRaw", bytes.Repeat([]byte("a"), 130))}}, []int{240}},
	"set_commitment(2, TimelockEncrypted ct=0x0102, round=1000)": {"Commitments", "set_commitment", args{
		"netuid": netuid(2), "info": []any{metadata.Enum{Name: "TimelockEncrypted", Fields: metadata.Record{
			{Name: "reveal_round", Value: 1000}, {Name: "encrypted", Value: []byte{1, 2}}}}}}, []int{240}},
	"set_weights(2, [1, 2], [65535, 30000], 7)": {"SubtensorModule", "set_weights", args{
		"netuid": 2, "dests": []uint16{1, 2}, "weights": []any{65535, uint64(30000)}, "version_key": 7}, nil},
	"set_mechanism_weights(2, 0, [1, 2], [65535, 30000], 7)": {"SubtensorModule", "set_mechanism_weights", args{
		"netuid": 2, "mecid": 0, "dests": []uint16{1, 2}, "weights": []uint16{65535, 30000}, "version_key": 7}, []int{240, 293}},
	"commit_timelocked_weights(2, 0x0102, 1000, 4)": {"SubtensorModule", "commit_timelocked_weights", args{
		"netuid": 2, "commit": []byte{1, 2}, "reveal_round": 1000, "commit_reveal_version": 4}, []int{240, 293}},
	"commit_timelocked_mechanism_weights(2, 0, 0x0102, 1000, 4)": {"SubtensorModule", "commit_timelocked_mechanism_weights", args{
		"netuid": 2, "mecid": 0, "commit": []byte{1, 2}, "reveal_round": 1000, "commit_reveal_version": 4}, []int{240, 293}},
	"commit_weights(2, 0x11 repeated 32 times)": {"SubtensorModule", "commit_weights", args{
		"netuid": 2, "commit_hash": bytes.Repeat([]byte{0x11}, 32)}, nil},
	"reveal_weights(2, [1, 2], [100, 200], [1, 2, 3, 4], 7)": {"SubtensorModule", "reveal_weights", args{
		"netuid": 2, "uids": []int{1, 2}, "values": [2]uint8{100, 200}, "salt": []uint16{1, 2, 3, 4}, "version_key": 7}, nil},
	"serve_axon(2, 1, 0x7f000001, 8091, 4, 4, 0, 0)": {"SubtensorModule", "serve_axon", args{
		"netuid": 2, "version": 1, "ip": uint32(0x7f000001), "port": 8091, "ip_type": 4, "protocol": 4, "placeholder1": 0, "placeholder2": 0}, nil},
	"burned_register(2, bob)": {"SubtensorModule", "burned_register", args{"netuid": 2, "hotkey": bob}, nil},
}

// goldenKeys are the keys of the golden file, by label.
var goldenKeys = map[string]struct {
	pallet, item string
	keys         []any
}{
	"Commitments.CommitmentOf(2, bob)":                    {"Commitments", "CommitmentOf", []any{2, bob}},
	"Commitments.RevealedCommitments(2, bob)":             {"Commitments", "RevealedCommitments", []any{uint16(2), bob[:]}},
	"SubtensorModule.Keys(2, 1)":                          {"SubtensorModule", "Keys", []any{2, 1}},
	"SubtensorModule.Uids(2, bob)":                        {"SubtensorModule", "Uids", []any{netuid(2), [32]byte(bob)}},
	"SubtensorModule.LastUpdate(2)":                       {"SubtensorModule", "LastUpdate", []any{2}},
	"SubtensorModule.IsNetworkMember(bob, 2)":             {"SubtensorModule", "IsNetworkMember", []any{bob, 2}},
	"SubtensorModule.BlockAtRegistration(2, 1)":           {"SubtensorModule", "BlockAtRegistration", []any{2, 1}},
	"SubtensorModule.TimelockedWeightCommits(2, epoch 5)": {"SubtensorModule", "TimelockedWeightCommits", []any{2, 5}},
	"SubtensorModule.RevealPeriodEpochs(2)":               {"SubtensorModule", "RevealPeriodEpochs", []any{2}},
	"System.Account(bob)":                                 {"System", "Account", []any{bob}},
}

// golden reads the golden file: kind, label, hex.
func golden(t *testing.T) (lines [][3]string) {
	t.Helper()
	scanner := bufio.NewScanner(bytes.NewReader(fixture(t, goldenFile)))
	for scanner.Scan() {
		if f := strings.Split(scanner.Text(), "\t"); len(f) == 3 {
			lines = append(lines, [3]string(f))
		}
	}
	if len(lines) != len(goldenCalls)+len(goldenKeys) {
		t.Fatalf("golden file has %d lines, this test %d", len(lines), len(goldenCalls)+len(goldenKeys))
	}
	return lines
}

func TestGoldenCalls(t *testing.T) {
	for _, line := range golden(t) {
		if line[0] != "call" {
			continue
		}
		c, ok := goldenCalls[line[1]]
		if !ok {
			t.Errorf("no such call here: %s", line[1])
			continue
		}
		for version := range files {
			t.Run(fmt.Sprint(version, " ", line[1]), func(t *testing.T) {
				m := spec(t, version)
				b, err := m.Call(c.pallet, c.name, c.args)
				if slices.Contains(c.missing, version) {
					checkMissing(t, m, c.pallet, c.name, err)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := "0x" + hex.EncodeToString(b); got != line[2] {
					t.Errorf("%s, want %s", got, line[2])
				}
				checkCall(t, m, c.pallet, c.name, b)
			})
		}
	}
}

// checkMissing expects a *MissingError for a call that the runtime lacks, and a
// plain error for a variant that it lacks.
func checkMissing(t *testing.T, m *metadata.Metadata, pallet, name string, err error) {
	t.Helper()
	var missing *metadata.MissingError
	switch {
	case err == nil:
		t.Errorf("%s.%s: no error", pallet, name)
	case m.HasCall(pallet, name):
		if !strings.Contains(err.Error(), "has no variant") {
			t.Errorf("%s.%s: %v", pallet, name, err)
		}
	case !errors.As(err, &missing) || *missing != (metadata.MissingError{What: "call", Name: pallet + "." + name}):
		t.Errorf("%s.%s: %v", pallet, name, err)
	}
}

// checkCall reads a call and writes it again.
func checkCall(t *testing.T, m *metadata.Metadata, pallet, name string, b []byte) {
	t.Helper()
	call, err := m.DecodeCall(b)
	if err != nil {
		t.Error(err)
		return
	}
	given := args{}
	for _, a := range call.Args {
		given[a.Name] = a.Value
	}
	again, err := m.Call(call.Pallet, call.Name, given)
	if err != nil || call.Pallet != pallet || call.Name != name || !bytes.Equal(again, b) {
		t.Errorf("%s.%s: read and written again it is %s.%s %x, %v; want %x", pallet, name, call.Pallet, call.Name, again, err, b)
	}
}

func TestGoldenKeys(t *testing.T) {
	m := spec(t, 424)
	for _, line := range golden(t) {
		if line[0] != "key" {
			continue
		}
		k, ok := goldenKeys[line[1]]
		if !ok {
			t.Errorf("no such key here: %s", line[1])
			continue
		}
		item, err := m.StorageItem(k.pallet, k.item)
		if err != nil {
			t.Error(err)
			continue
		}
		b, err := item.Key(k.keys...)
		if err != nil {
			t.Error(err)
		}
		if got := "0x" + hex.EncodeToString(b); got != line[2] {
			t.Errorf("%s = %s, want %s", line[1], got, line[2])
		}
		keys, err := item.DecodeKey(b)
		if err != nil || len(keys) != len(k.keys) {
			t.Errorf("%s: keys %v, %v", line[1], keys, err)
		}
		again, err := item.Key(keys...)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: key of the decoded keys is %x, %v", line[1], again, err)
		}
		prefix, err := item.Key(k.keys[:len(k.keys)-1]...)
		if err != nil || !bytes.HasPrefix(b, prefix) || len(prefix) == len(b) {
			t.Errorf("%s: prefix %x, %v", line[1], prefix, err)
		}
	}
}
