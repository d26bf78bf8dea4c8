package subtensor

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"finest/chain"
	"finest/chain/rpc"
)

// hexBytes are bytes as nodes write them in JSON: "0x…", or null for none.
type hexBytes []byte

// UnmarshalJSON reads the bytes without making a string of them first: a chunk
// of storage is megabytes.
func (h *hexBytes) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*h = nil
		return nil
	}
	digits, ok := bytes.CutPrefix(data, []byte(`"0x`))
	if !ok || !bytes.HasSuffix(digits, []byte(`"`)) {
		return errors.New("value is no 0x text")
	}
	digits = digits[:len(digits)-1]
	out := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(out, digits); err != nil {
		return fmt.Errorf("value is no 0x text: %w", err)
	}
	*h = out
	return nil
}

// MarshalJSON writes 0x and the digits.
func (h hexBytes) MarshalJSON() ([]byte, error) {
	return json.Marshal("0x" + hex.EncodeToString(h))
}

// hexHash is a hash; null is the zero hash.
type hexHash chain.Hash

func (h *hexHash) UnmarshalJSON(data []byte) error {
	var b hexBytes
	if err := b.UnmarshalJSON(data); err != nil {
		return err
	}
	if b != nil && len(b) != len(h) {
		return fmt.Errorf("hash has %d bytes", len(b))
	}
	*h = hexHash{}
	copy(h[:], b)
	return nil
}

// hexNumber is a number as nodes write those of blocks: "0x1f".
type hexNumber uint64

func (n *hexNumber) UnmarshalJSON(data []byte) error {
	digits, ok := strings.CutPrefix(strings.Trim(string(data), `"`), "0x")
	if !ok {
		return errors.New("number is no 0x text")
	}
	v, err := strconv.ParseUint(digits, 16, 64)
	*n = hexNumber(v)
	return err
}

// wire is a hash as a parameter.
func wire(h chain.Hash) hexBytes { return h[:] }

// prunedText is in what nodes answer about a block whose state they have pruned.
const prunedText = "state already discarded"

// unknownTexts are found, in any case, in what nodes answer about a block that
// they do not have, or whose state they have pruned (sc-client, sp-blockchain).
var unknownTexts = []string{prunedText, "unknownblock", "unknown block", "header was not found", "header not found", "not found in the database"}

func isUnknownBlock(err error) bool {
	var e *rpc.Error
	if !errors.As(err, &e) {
		return false
	}
	text := strings.ToLower(e.Message + " " + e.Text())
	return slices.ContainsFunc(unknownTexts, func(u string) bool { return strings.Contains(text, u) })
}

// isPruned tells the errors of isUnknownBlock apart: the state of the block is
// gone for good, while a block that is not known may only be too new for a node.
func isPruned(err error) bool {
	var e *rpc.Error
	return errors.As(err, &e) && strings.Contains(strings.ToLower(e.Message+" "+e.Text()), prunedText)
}
