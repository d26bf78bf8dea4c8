package audit

import (
	"testing"

	"finest/internal/contract"
)

func TestWiden(t *testing.T) {
	m := contract.Manifest{Inputs: []contract.Input{{Bytes: 100}, {Bytes: 1000}, {Bytes: 50}}}
	row := func(file int32, offset int64, outcome string) contract.LedgerRow {
		return contract.LedgerRow{File: file, Offset: offset, Length: 10, Outcome: outcome}
	}
	ledger := []contract.LedgerRow{
		row(0, 0, "kept"),
		row(1, 50, "damaged"), // 1
		row(1, 100, "kept"),   // 2
		row(1, 200, "damaged"),
		row(1, 300, "skipped"), // 4
		row(1, 400, "kept"),
		row(1, 500, "c4"),      // 6
		row(1, 900, "damaged"), // 7
		row(2, 0, "kept"),      // 8
	}
	for _, tc := range []struct {
		file        int32
		from, to    int64
		want        segment
		explanation string
	}{
		{0, 0, 100, segment{0, 0, 100, 0, 1, EdgeRow, 0}, "a whole file"},
		{1, 0, 0, segment{1, 0, 100, 1, 2, EdgeFile, 1}, "an empty slice at the start reaches the first border"},
		{1, 60, 90, segment{1, 0, 100, 1, 2, EdgeFile, 1}, "damage is no border, the file's start is"},
		{1, 100, 101, segment{1, 100, 300, 2, 4, EdgeRow, 1}, "from a border to the next that is not damage"},
		{1, 250, 300, segment{1, 100, 300, 2, 4, EdgeRow, 1}, "a slice that ends at a border"},
		{1, 300, 301, segment{1, 300, 400, 4, 5, EdgeRow, 2}, "kept rows before are counted"},
		{1, 450, 510, segment{1, 400, 1000, 5, 8, EdgeRow, 2}, "the file's end is a border"},
		{1, 999, 1000, segment{1, 500, 1000, 6, 8, EdgeRow, 3}, "the file's last byte"},
		{2, 20, 30, segment{2, 0, 50, 8, 9, EdgeRow, 3}, "the last file"},
	} {
		rows := func(yield func(contract.LedgerRow, error) bool) {
			for _, r := range ledger {
				if !yield(r, nil) {
					return
				}
			}
		}
		got, err := widen(rows, m, tc.file, tc.from, tc.to)
		if err != nil || got != tc.want {
			t.Errorf("%s: file %d [%d, %d) gives %+v, %v; want %+v", tc.explanation, tc.file, tc.from, tc.to, got, err, tc.want)
		}
	}
}
