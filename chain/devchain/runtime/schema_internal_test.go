package runtime

import (
	"strings"
	"testing"
)

// A mistake in the schema is named with the statement that has it.
func TestSchemaMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"call 0 f()":                                 "call without pallet",
		"method f() -> u8":                           "method without api",
		"pallet P 300 crate":                         "no number of 8 bits",
		"pallet P 1 c\nthing x":                      `no statement begins with "thing"`,
		"pallet P 1 c\nstorage S u8 = 01":            "no hex",
		"pallet P 1 c\nstorage S Identity u8 = 0x00": `"=>" was expected`,
		"pallet P 1 c\ncall 1 f(a: u8":               "was expected",
		"pallet P 1 c\nerror 1 E extra":              `"extra" is left`,
		"pallet P 1":                                 "ends early",
		"type A = u8\ntype A = u16":                  "declared twice",
		"type A = enum p::A{0 B, x C}":               "no number",
		"type A = [u8; many]":                        "no number of 32 bits",
		"# a comment\ntype A = p::A{f: u8}\n  rest":  `"rest" is left`,
	} {
		s := &schema{types: map[string]typeDecl{}}
		if err := s.parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

// Types of one shape are one entry, whatever names stand for them.
func TestBuilderKeepsTypesOnce(t *testing.T) {
	b := newBuilder(V1)
	for _, pair := range [][2]string{{"NetUid", "u16"}, {"Vec<Balance>", "Vec<u64>"}, {"Option<Box<AccountId>>", "Option<AccountId32>"}, {"(u8, MechId)", "(u8, u8)"}} {
		if one, two := b.typ(pair[0]), b.typ(pair[1]); one != two {
			t.Errorf("%s is %d, %s is %d", pair[0], one, pair[1], two)
		}
	}
	n := len(b.types)
	b.typ("Vec<NetUid>")
	b.typ("Vec<u16>")
	if len(b.types) != n+1 {
		t.Errorf("%d types became %d", n, len(b.types))
	}
	if b := newBuilder(V2); b.typ("NetUid") == b.typ("u16") {
		t.Error("NetUid is no newtype in the second runtime")
	}
}
