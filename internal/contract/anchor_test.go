package contract_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
)

func TestAnchor(t *testing.T) {
	want := contract.Anchor{Seq: 1<<62 - 1, Hash: hexDigits(64)}
	fields := want.Fields()
	if len(fields) != 1 || len(fields[0]) > contract.MaxField {
		t.Fatalf("%q does not fit one field", fields)
	}
	if got, err := contract.ParseAnchor([][]byte{[]byte("finest-audit/1 17 " + hexDigits(64))}); err != nil || got != (contract.Anchor{Seq: 17, Hash: hexDigits(64)}) {
		t.Errorf("got %+v and error %v", got, err)
	}
	for name, fields := range map[string][][]byte{
		"nothing":      nil,
		"two fields":   {[]byte("a"), []byte("b")},
		"no entry":     {[]byte("finest-audit/1 0 " + hexDigits(64))},
		"short hash":   {[]byte("finest-audit/1 1 " + hexDigits(63))},
		"other format": {[]byte("finest-audit/2 1 " + hexDigits(64))},
		"line end":     {[]byte("finest-audit/1 1 " + hexDigits(64) + "\n")},
		"huge":         {[]byte("finest-audit/1 " + strings.Repeat("9", 30) + " " + hexDigits(64))},
	} {
		if _, err := contract.ParseAnchor(fields); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

// TestAnchorIsNoClaim: validators follow the commitments of all hotkeys, that of
// an operator too, and must take nothing but a claim for one.
func TestAnchorIsNoClaim(t *testing.T) {
	anchor := contract.Anchor{Seq: 1, Hash: hexDigits(64)}.Fields()
	if c, err := contract.ParseClaim(anchor); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("an anchor reads as claim %+v with error %v", c, err)
	}
	claim := contract.Claim{Repo: "someone/data", Commit: hexDigits(40), LogSHA256: hexDigits(64)}
	if a, err := contract.ParseAnchor(claim.Fields()); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("a claim reads as anchor %+v with error %v", a, err)
	}
}
