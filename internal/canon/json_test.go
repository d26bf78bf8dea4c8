package canon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/canon"
)

func TestCanonicalize(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"white space", " { \"a\" : [ 1 ,\n\t2 ] } \r\n", `{"a":[1,2]}`},
		{"literals", `[null, true ,false]`, `[null,true,false]`},
		{"empty", `[{},[],""]`, `[{},[],""]`},
		// The order of RFC 8785 section 3.2.3: by UTF-16 code units, so a key
		// outside the basic plane comes before U+FB33.
		{"key order", `{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`,
			"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"\u00f6\":7,\"\u20ac\":1,\"\U0001f600\":5,\"\ufb33\":3}"},
		{"prefix first", `{"ab":1,"a":2,"":3}`, `{"":3,"a":2,"ab":1}`},
		{"nested order", `{"b":{"z":1,"y":2},"a":[{"d":3,"c":4}]}`, `{"a":[{"c":4,"d":3}],"b":{"y":2,"z":1}}`},
		{"short escapes", `"\u0008\u0009\u000a\u000c\u000d\u0022\u005c"`, `"\b\t\n\f\r\"\\"`},
		{"control characters", `"\u0000\u001F"`, `"\u0000\u001f"`},
		{"needless escapes", `"\/\u003c\u003E\u0026\u2028\u007f\u00e9"`, "\"/<>&\u2028\u007f\u00e9\""},
		{"escaped escape", `"\\ud800"`, `"\\ud800"`},
		{"surrogate pair", `"\ud834\udd1e"`, "\"\U0001d11e\""},
		{"replacement character", `"\ufffd"`, "\"\ufffd\""},
		{"negative zero", `-0`, `0`},
		{"largest", `[9007199254740991,-9007199254740991]`, `[9007199254740991,-9007199254740991]`},
		{"deepest", strings.Repeat("[", canon.MaxDepth) + strings.Repeat("]", canon.MaxDepth),
			strings.Repeat("[", canon.MaxDepth) + strings.Repeat("]", canon.MaxDepth)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := canon.Canonicalize([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestCanonicalizeRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in string }{
		{"nothing", ""},
		{"two values", "1 2"},
		{"text after the value", "{} x"},
		{"cut off", `{"a":1`},
		{"trailing comma", `[1,]`},
		{"missing colon", `{"a" 1}`},
		{"duplicate key", `{"a":1,"b":2,"a":3}`},
		{"duplicate key, other spelling", `{"a":1,"\u0061":2}`},
		{"not UTF-8", "\"\xff\""},
		{"raw control character", "\"\n\""},
		{"high surrogate alone", `"\ud800"`},
		{"high surrogate before text", `"\ud800x"`},
		{"two high surrogates", `"\ud800\ud800"`},
		{"low surrogate alone", `"\udc00"`},
		{"lone surrogate in a key", `{"\udfff":1}`},
		{"fraction", "1.5"},
		{"exponent", "1e3"},
		{"not a number", "NaN"},
		{"2^53", "9007199254740992"},
		{"-2^53", "-9007199254740992"},
		{"leading zero", "01"},
		{"too deep", strings.Repeat("[", canon.MaxDepth+2) + strings.Repeat("]", canon.MaxDepth+2)},
		{"very deep", strings.Repeat(`{"a":`, 1<<16)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := canon.Canonicalize([]byte(tt.in)); err == nil {
				t.Errorf("accepted as %.80s", got)
			}
		})
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	got, err := canon.Marshal(map[string]any{"b": "<&>\u2028", "a": []int64{1, -2}, "\ufffd": "\ufffd"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "{\"a\":[1,-2],\"b\":\"<&>\u2028\",\"\ufffd\":\"\ufffd\"}"; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, v := range map[string]any{
		"string that is not UTF-8": "a\xffb",
		"cut UTF-8":                "\xe2\x82",
		"key that is not UTF-8":    map[string]int{"\xc0": 1},
		"surrogate in UTF-8":       "\xed\xa0\x80",
		"fraction":                 0.5,
		"large":                    uint64(1 << 60),
		"function":                 func() {},
	} {
		if got, err := canon.Marshal(v); err == nil {
			t.Errorf("%s: accepted as %s", name, got)
		}
	}
}

type thing struct {
	Name  string   `json:"name"`
	Count int64    `json:"count"`
	Tags  []string `json:"tags"`
	Note  string   `json:"note,omitempty"`
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	var got thing
	if err := canon.Unmarshal([]byte(`{"count":3,"name":"x","tags":["a"]}`), &got); err != nil {
		t.Fatal(err)
	}
	if want := (thing{Name: "x", Count: 3, Tags: []string{"a"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	tests := []struct {
		name, in     string
		notCanonical bool
	}{
		{"unsorted", `{"name":"x","count":3,"tags":[]}`, true},
		{"white space", `{"count":3, "name":"x","tags":[]}`, true},
		{"other escapes", `{"count":3,"name":"\u0078","tags":[]}`, true},
		{"other case", `{"Name":"x","count":3,"tags":[]}`, true},
		{"missing field", `{"name":"x","tags":[]}`, true},
		{"absent and empty", `{"count":3,"name":"x","note":"","tags":[]}`, true},
		{"null", `{"count":null,"name":"x","tags":[]}`, true},
		{"trailing newline", "{\"count\":3,\"name\":\"x\",\"tags\":[]}\n", true},
		{"unknown field", `{"count":3,"name":"x","tags":[],"zeal":1}`, false},
		{"wrong type", `{"count":"3","name":"x","tags":[]}`, false},
		{"not JSON", `{`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var v thing
			err := canon.Unmarshal([]byte(tt.in), &v)
			if err == nil {
				t.Fatalf("accepted as %+v", v)
			}
			if errors.Is(err, canon.ErrNotCanonical) != tt.notCanonical {
				t.Errorf("error %v: is ErrNotCanonical %v", err, !tt.notCanonical)
			}
		})
	}
}

// anyValue draws a value of canonical JSON.
func anyValue(t *rapid.T, depth int) any {
	kinds := 5
	if depth > 3 {
		kinds = 3
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.String().Draw(t, "string")
	case 1:
		return rapid.Int64Range(-1<<53+1, 1<<53-1).Draw(t, "integer")
	case 2:
		return rapid.SampledFrom([]any{nil, true, false}).Draw(t, "literal")
	case 3:
		list := make([]any, rapid.IntRange(0, 4).Draw(t, "length"))
		for i := range list {
			list[i] = anyValue(t, depth+1)
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "members") {
		object[rapid.String().Draw(t, "key")] = anyValue(t, depth+1)
	}
	return object
}

// TestOneSpelling: whatever white space and escapes JSON is written with, its
// canonical form is the same, and it is its own canonical form.
func TestOneSpelling(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(t, 0)
		want, err := canon.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		indented, err := json.MarshalIndent(v, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		for _, spelling := range [][]byte{indented, want, escapeAll(want)} {
			got, err := canon.Canonicalize(spelling)
			if err != nil {
				t.Fatalf("%v of %s", err, spelling)
			}
			if string(got) != string(want) {
				t.Fatalf("got %s\nwant %s", got, want)
			}
		}
	})
}

// escapeAll writes every character beyond ASCII, which only strings hold, as an
// escape.
func escapeAll(raw []byte) []byte {
	var out []byte
	for _, r := range string(raw) {
		switch {
		case r < 0x80:
			out = append(out, byte(r))
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04X`, r)
		default:
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return out
}

func FuzzCanonicalize(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,-2,null],"a":{"\u00e9":"\ud83d\ude00"}}`, `"\ud800"`, `[1,2,]`, `{"a":1,"a":2}`, ` [ ] `,
		`1e5`, `"\\u12"`, `{"":"\/"}`, `[[[[]]]]`, `-0`, "\"\u2028\"", `"\u`, `\`, `{"a":tru`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := canon.Canonicalize(raw)
		if err != nil {
			return
		}
		if !json.Valid(raw) {
			t.Fatalf("accepted %q, which is not JSON", raw)
		}
		again, err := canon.Canonicalize(got)
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q became %q, then %q (%v)", raw, got, again, err)
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil || json.Unmarshal(got, &after) != nil || !reflect.DeepEqual(before, after) {
			t.Fatalf("%q and %q are different values", raw, got)
		}
	})
}

// A receipt, as leases are signed and hashed.
func BenchmarkCanonicalize(b *testing.B) {
	sum, address := strings.Repeat("a", 64), strings.Repeat("5", 48)
	raw := []byte(`{"v":1,"task":"CC-MAIN-2024-10-000001","crawl":"CC-MAIN-2024-10","catalogue_sha256":"` + sum +
		`","files":[{"path":"crawl-data/CC-MAIN-2024-10/segments/1/warc/0.warc.gz","bytes":1073741824}],"recipe":{"name":"fineweb","hash":"` + sum +
		`"},"hotkey":"` + address + `","generation":1,"block":100,"block_hash":"` + sum + `","deadline_block":7300,"server":"` + address + `"}`)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := canon.Canonicalize(raw); err != nil {
			b.Fatal(err)
		}
	}
}
