package audit

import (
	"math"
	"reflect"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
)

func TestPathCollectorAgreesWithCanon(t *testing.T) {
	for size := 1; size <= 40; size++ {
		var tree canon.Tree
		hashes := make([]canon.Hash, size)
		for i := range hashes {
			hashes[i] = canon.Leaf([]byte{byte(i)})
			tree.Add(hashes[i])
		}
		for index := range size {
			c := newPathCollector(uint64(index), uint64(size))
			for i, h := range hashes {
				c.add(uint64(i), h)
			}
			leaf := Leaf{Index: uint64(index), Row: []byte{byte(index)}, Path: c.path()}
			if !leaf.verify(uint64(size), tree.Root()) {
				t.Fatalf("path of leaf %d of %d does not lead to the root", index, size)
			}
		}
	}
}

func TestDecodedRowsAreTheEncodedOnes(t *testing.T) {
	ledger := contract.LedgerRow{
		File: 3, Offset: 1 << 40, Length: 7, ID: "<urn:uuid:\u2028ü\"\\>", Outcome: "c4", Reason: "r", Value: math.Inf(-1), Language: "en",
		LanguageScore: math.Copysign(0, -1), Characters: 9, BandKeys: make([]uint64, contract.Bands), KeptFile: -1, KeptOffset: -1,
	}
	ledger.BandKeys[5] = math.MaxUint64
	raw, err := encodeRow(ledger)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeLedgerRow(raw); err != nil || !reflect.DeepEqual(got, ledger) {
		t.Errorf("decoded %+v, %v", got, err)
	}
	row := contract.Row{Text: "<a>\x01\n", ID: "i", Dump: "d", URL: "u", Date: "t", FilePath: "p", Language: "l", LanguageScore: 0.1, TokenCount: 3, WARCOffset: -1, WARCLength: 0}
	if raw, err = encodeRow(row); err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRow(raw); err != nil || got != row {
		t.Errorf("decoded %+v, %v", got, err)
	}
	for _, bad := range []string{``, `{}`, `[]`, `[1]`, string(raw) + ` `, `["a","i","d","u","t","p","l","00",3,-1,0]`,
		`["a","i","d","u","t","p","l","3FB999999999999A",3,-1,0]`, `["a","i","d","u","t","p","l","3fb999999999999a",3,-1,4294967296]`} {
		if _, err := decodeRow([]byte(bad)); err == nil {
			t.Errorf("%s is taken for a row", bad)
		}
	}
}
