package validator

import (
	"testing"

	"finest/eval/compare"
)

// TestTiersFindEnoughText: what is drawn for a tier gives, by the yield that it is
// sized by, a fifth more text than the least that the tier is content with.
func TestTiersFindEnoughText(t *testing.T) {
	for _, tier := range compare.Tiers() {
		const bytesPerToken = 4 * leastBytes
		text := float64(wantedBytes(tier)) / warcPerToken * bytesPerToken
		if least := leastBytes * float64(tier.Spec.Tokens); text < 1.2*least {
			t.Errorf("tier %s draws %d bytes of WARC for %.0f bytes of text, and needs %.0f", tier.Name, wantedBytes(tier), text, least)
		}
	}
}
