package subtensor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"finest/chain"
	"finest/chain/rpc"
)

func TestStatus(t *testing.T) {
	hash := chain.Hash{31: 7}
	for note, want := range map[string]string{
		`"ready"`:                               "ready",
		`{"inBlock":"0x` + hash.String() + `"}`: "inBlock",
		`{"broadcast":["a","b"]}`:               "broadcast",
		`{"a":1,"b":2}`:                         "",
		`7`:                                     "", `null`: "", `{}`: "",
	} {
		name, h := status(json.RawMessage(note))
		if name != want || (want == "inBlock") != (h == hash) {
			t.Errorf("status of %s is %q, %s, want %q", note, name, h, want)
		}
	}
}

func TestUnknownBlockErrors(t *testing.T) {
	for text, want := range map[string]bool{
		"Client error: Api called for an unknown Block: State already discarded for 0x12": true,
		"Client error: UnknownBlock: Header was not found in the database: 0x12":          true,
		"Client error: Execution failed: Other: Exported method X is not found":           false,
		"Client error: UnknownBlock: Expect block number from id: BlockId::Hash(0x12)":    true,
		"Method not found": false,
	} {
		if got := isUnknownBlock(fmt.Errorf("call: %w", &rpc.Error{Code: 4003, Message: text})); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if isUnknownBlock(errors.New("unknown block")) || isUnknownBlock(nil) {
		t.Error("an error of our own is one of a node")
	}
}

func TestHexBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := hexBytes(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got hexBytes
		if err := json.Unmarshal(data, &got); err != nil || !bytes.Equal(got, want) || got == nil {
			t.Fatalf("%s is %x, %v, want %x", data, got, err, want)
		}
	})
}

// The cache holds the newest entries and no more.
func TestCache(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 5).Draw(t, "size")
		c := newCache[int, int](size)
		var order []int
		for i, k := range rapid.SliceOf(rapid.IntRange(0, 9)).Draw(t, "keys") {
			if _, ok := c.get(k); !ok {
				order = append(order, k)
			}
			c.put(k, i)
			if v, ok := c.get(k); !ok || v != i {
				t.Fatalf("key %d holds %d, %v, want %d", k, v, ok, i)
			}
			order = order[max(0, len(order)-size):]
			for k := range 10 {
				_, held := c.get(k)
				if want := bytes.IndexByte(asBytes(order), byte(k)) >= 0; held != want {
					t.Fatalf("after %v of size %d: key %d held %v", order, size, k, held)
				}
			}
		}
	})
}

func asBytes(ints []int) []byte {
	b := make([]byte, len(ints))
	for i, v := range ints {
		b[i] = byte(v)
	}
	return b
}

// Whatever a node answers is read, or refused with an error.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`"0x00ff"`, `"0x"`, `null`, `"0xf"`, `"00"`, `["0x00",null]`, `["0x00","0x01"]`, `[]`,
		`{"parentHash":"0x0000000000000000000000000000000000000000000000000000000000000007","number":"0x1f"}`,
		`{"specVersion":424,"transactionVersion":1}`, `[{"block":"0x00","changes":[["0x00",null]]}]`,
		`{"finalized":"0x00"}`, `"ready"`, `"0xffffffffffffffffff"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var b hexBytes
		if json.Unmarshal(data, &b) == nil && len(b) > len(data)/2 {
			t.Errorf("%d bytes of text hold %d bytes", len(data), len(b))
		}
		var hash hexHash
		var h *header
		var v version
		var c change
		var sets []struct {
			Changes []change `json:"changes"`
		}
		for _, into := range []any{&hash, &h, &v, &c, &sets} {
			_ = json.Unmarshal(data, into)
		}
		status(data)
	})
}
