package extrinsic_test

import (
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"

	"finest/chain/extrinsic"
	"finest/chain/scale"
)

// The first two vectors are from the tests of sp_runtime::generic::Era, the last from
// polkadot.js.
func TestEra(t *testing.T) {
	tests := []struct {
		block, period uint64
		era           extrinsic.Era
		bytes         string
		birth         uint64
	}{
		{42, 64, extrinsic.Era{Period: 64, Phase: 42}, "a502", 42},
		{20000, 32768, extrinsic.Era{Period: 32768, Phase: 20000}, "4e9c", 20000},
		{200_000, 513, extrinsic.Era{Period: 1024, Phase: 320}, "0914", 200_000},
		{1, 2, extrinsic.Era{Period: 4, Phase: 1}, "1100", 1},
		{5, 4, extrinsic.Era{Period: 4, Phase: 1}, "1100", 5},
		{700_001, 1 << 40, extrinsic.Era{Period: 65536, Phase: 44640}, "6fae", 700_000},
	}
	for _, tt := range tests {
		era := extrinsic.MortalAt(tt.block, tt.period)
		if era != tt.era {
			t.Errorf("era of %d blocks at %d is %+v, want %+v", tt.period, tt.block, era, tt.era)
		}
		if got := hex.EncodeToString(era.Append(nil)); got != tt.bytes {
			t.Errorf("%+v encodes as %s, want %s", era, got, tt.bytes)
		}
		if got := era.Birth(tt.block); got != tt.birth {
			t.Errorf("%+v at %d begins with block %d, want %d", era, tt.block, got, tt.birth)
		}
		if got, want := era.Death(tt.block), tt.birth+tt.era.Period; got != want {
			t.Errorf("%+v at %d ends with block %d, want %d", era, tt.block, got, want)
		}
	}
}

func TestImmortalEra(t *testing.T) {
	var era extrinsic.Era
	if got := hex.EncodeToString(era.Append(nil)); got != "00" || !era.Immortal() || era.Birth(9) != 0 || era.Death(9) != 1<<64-1 {
		t.Errorf("the immortal era is %s, from %d to %d", got, era.Birth(9), era.Death(9))
	}
	for _, wrong := range []string{"1000", "0504", "01"} { // one of 2 blocks, a phase beyond the period, a short one
		b, err := hex.DecodeString(wrong)
		if err != nil {
			t.Fatal(err)
		}
		d := scale.NewDecoder(b)
		if era := extrinsic.DecodeEra(d); d.End() == nil {
			t.Errorf("%s is %+v", wrong, era)
		}
	}
}

func TestEraHoldsItsBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		block := rapid.Uint64Range(0, 1<<32).Draw(t, "block")
		period := rapid.Uint64Range(0, 1<<18).Draw(t, "period")
		era := extrinsic.MortalAt(block, period)
		d := scale.NewDecoder(era.Append(nil))
		if got := extrinsic.DecodeEra(d); got != era || d.End() != nil {
			t.Fatalf("%+v is read as %+v, %v", era, got, d.End())
		}
		// The phase is rounded down, so the block is within the first steps.
		if birth := era.Birth(block); birth > block || block-birth > max(era.Period>>12, 1)-1 || era.Death(block) <= block {
			t.Fatalf("%+v of block %d begins with %d and ends with %d", era, block, birth, era.Death(block))
		}
		if later := block + era.Period - 1 - (block - era.Birth(block)); era.Birth(later) != era.Birth(block) {
			t.Fatalf("block %d has another birth than %d", later, block)
		}
	})
}
