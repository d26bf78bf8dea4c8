package contract_test

import (
	"math"
	"reflect"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
)

// fields sets every field of a row, one by one, to something else, and hands
// out the rows.
func fields[R any](t *testing.T, visit func(name string, row R)) {
	t.Helper()
	for i := range reflect.TypeFor[R]().NumField() {
		var row R
		f := reflect.ValueOf(&row).Elem().Field(i)
		switch f.Kind() {
		case reflect.String:
			f.SetString("x")
		case reflect.Float64:
			f.SetFloat(0.5)
		case reflect.Int32, reflect.Int64:
			f.SetInt(7)
		case reflect.Slice:
			f.Set(reflect.ValueOf([]uint64{math.MaxUint64, 1}))
		default:
			t.Fatalf("field of kind %s", f.Kind())
		}
		visit(reflect.TypeFor[R]().Field(i).Name, row)
	}
}

// TestLeavesCoverEveryColumn: a change of any column changes the leaf, and the
// array has the columns in their order.
func TestLeavesCoverEveryColumn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	leaf := func(name string, row []any, columns int) {
		raw, err := canon.Marshal(row)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if other, ok := seen[string(raw)]; ok {
			t.Errorf("%s and %s have one leaf", name, other)
		}
		if len(row) != columns {
			t.Errorf("leaf of %d values for %d columns", len(row), columns)
		}
		seen[string(raw)] = name
	}
	rowColumns := reflect.TypeFor[contract.Row]().NumField()
	leaf("empty row", contract.Row{}.Canonical(), rowColumns)
	fields(t, func(name string, r contract.Row) { leaf(name, r.Canonical(), rowColumns) })
	clear(seen)
	ledgerColumns := reflect.TypeFor[contract.LedgerRow]().NumField()
	leaf("empty ledger row", contract.LedgerRow{}.Canonical(), ledgerColumns)
	fields(t, func(name string, r contract.LedgerRow) { leaf(name, r.Canonical(), ledgerColumns) })
}

func TestLeafSpelling(t *testing.T) {
	t.Parallel()
	row := contract.LedgerRow{
		File: 1, Offset: 1 << 40, Length: 9, ID: "<urn:uuid:1>", Outcome: contract.OutcomeKept, Value: -0.5,
		Language: "en", LanguageScore: 0.75, Characters: 3, BandKeys: []uint64{1, math.MaxUint64}, KeptFile: 1, KeptOffset: 1 << 40,
	}
	got, err := canon.Marshal(row.Canonical())
	if err != nil {
		t.Fatal(err)
	}
	want := `[1,1099511627776,9,"<urn:uuid:1>","kept","","bfe0000000000000","en","3fe8000000000000",3,"0000000000000001ffffffffffffffff",1,1099511627776]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestFloatBits(t *testing.T) {
	t.Parallel()
	negativeZero := math.Copysign(0, -1)
	for f, want := range map[float64]string{1: "3ff0000000000000", math.Inf(1): "7ff0000000000000", 0x1p-1074: "0000000000000001"} {
		if got := contract.FloatBits(f); got != want {
			t.Errorf("bits of %v are %s, want %s", f, got, want)
		}
	}
	if contract.FloatBits(0) == contract.FloatBits(negativeZero) {
		t.Error("zeros of both signs have the same bits")
	}
}

func TestLedgerRowKinds(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[string][2]bool{ // page, reached MinHash
		contract.OutcomeKept: {true, true}, contract.OutcomeMinHash: {true, true}, "url": {true, false}, "read": {true, false},
		contract.OutcomeSkipped: {}, contract.OutcomeDamaged: {}, contract.OutcomeNoRanges: {},
	} {
		r := contract.LedgerRow{Outcome: outcome, Offset: 5, Length: 6}
		if r.IsPage() != want[0] || r.ReachedMinHash() != want[1] {
			t.Errorf("%s: page %v, reached MinHash %v", outcome, r.IsPage(), r.ReachedMinHash())
		}
		if r.End() != 11 {
			t.Errorf("end is %d", r.End())
		}
	}
}
