package conformance

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/metadata"
)

// Group 1: what a client needs to know before it can do anything.
func testIdentity(t *testing.T, n *node, _ subnet) {
	if n.genesis == (chain.Hash{}) || n.hash(t, "chain_getBlockHash", 0) != n.genesis {
		t.Errorf("genesis hash is %s, then another", n.genesis)
	}
	for _, pallet := range []string{"System", "Timestamp", "Balances", "SubtensorModule", "Commitments"} {
		if _, ok := n.meta.Pallet(pallet); !ok {
			t.Errorf("metadata of runtime %d has no pallet %s", n.spec, pallet)
		}
	}
	if n.spec == 0 || n.tx == 0 {
		t.Errorf("runtime has spec %d and transaction version %d", n.spec, n.tx)
	}
	head := n.head(t)
	if got := n.hash(t, "chain_getBlockHash", head.Number); got != head.Hash {
		t.Errorf("block %d is %s by number and %s by head", head.Number, got, head.Hash)
	}
	if got := n.number(t, head.Hash); got != head.Number {
		t.Errorf("state after block %d says number %d", head.Number, got)
	}
}

// Calls and keys of spec 424 as polkadot.js writes them. Indices of pallets and
// calls move from one runtime to the next; all else stays.
func testGolden(t *testing.T, n *node, _ subnet) {
	folder := os.Getenv("FINEST_TESTDATA")
	if folder == "" {
		t.Skip("FINEST_TESTDATA is not set: the golden file is not at hand")
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(folder, "chain", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	meta, err := metadata.Decode(read("metadata-spec424-v16.scale"))
	if err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(read("golden-calls-spec424.txt"))) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 {
			continue
		}
		lines++
		t.Run(f[1], func(t *testing.T) {
			want := unhex(t, f[2])
			if f[0] == "key" {
				n.goldenKey(t, meta, f[1], want)
			} else {
				n.goldenCall(t, meta, want)
			}
		})
	}
	if lines == 0 {
		t.Error("the golden file has no line")
	}
}

func (n *node) goldenCall(t *testing.T, from *metadata.Metadata, want []byte) {
	call, err := from.DecodeCall(want)
	if err != nil {
		t.Fatal(err)
	}
	args := metadata.Args{}
	for _, a := range call.Args {
		args[a.Name] = a.Value
	}
	n.needCall(t, call.Pallet, call.Name)
	const indices = 2
	got, err := n.meta.Call(call.Pallet, call.Name, args)
	if err != nil && strings.Contains(err.Error(), "has no variant") {
		t.Skipf("runtime %d lacks it: %v", n.spec, err)
	}
	if err != nil || len(got) < indices || !bytes.Equal(got[indices:], want[indices:]) {
		t.Errorf("arguments are %x, %v; want %x", got, err, want)
	}
}

func (n *node) goldenKey(t *testing.T, from *metadata.Metadata, label string, want []byte) {
	name, _, _ := strings.Cut(label, "(")
	pallet, item, _ := strings.Cut(name, ".")
	source, err := from.StorageItem(pallet, item)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := source.DecodeKey(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := storageKey(t, n.item(t, pallet, item), keys...); !bytes.Equal(got, want) {
		t.Errorf("key is %x, want %x", got, want)
	}
}

// pageSize is smaller than the number of commitments, so that there are pages.
const pageSize = 2

// Group 6: the keys of a map page by page are those of the map, in order.
func testPages(t *testing.T, n *node, s subnet) {
	for _, by := range append(s.hotkeys, s.owner) {
		_, err := n.try(t, by, "Commitments", "set_commitment", s.commitmentArgs(rawField([]byte(by.Address()))))
		var r *refusal
		if err != nil && (!errors.As(err, &r) || r.Text != spaceLimit) {
			t.Fatal(err)
		}
	}
	item := n.item(t, "Commitments", "CommitmentOf")
	prefix, head := storageKey(t, item, s.id), n.head(t)
	var all, page []string
	n.call(t, &all, "state_getKeysPaged", tohex(prefix), 1000, nil, tohex(head.Hash[:]))
	var paged []string
	for last := any(nil); ; last = page[len(page)-1] {
		page = nil
		n.call(t, &page, "state_getKeysPaged", tohex(prefix), pageSize, last, tohex(head.Hash[:]))
		paged = append(paged, page...)
		if len(page) < pageSize {
			break
		}
	}
	if want := len(s.hotkeys) + 1; len(all) != want || !slices.Equal(all, paged) {
		t.Errorf("%d keys in pages of %d, %d at once, want %d", len(paged), pageSize, len(all), want)
	}
	if !slices.IsSorted(paged) {
		t.Errorf("keys are not in order: %v", paged)
	}
	list, err := n.client.Commitments(t.Context(), s.id, head)
	if err != nil || len(list) != len(all) {
		t.Errorf("client lists %d commitments, %v; want %d", len(list), err, len(all))
	}
}
