package compare

import (
	"fmt"
	"strings"

	"finest/eval"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
)

// Evidence is what a verdict of a tier may be used for.
type Evidence string

// Classes of evidence, weakest first.
const (
	// EvidenceNone: the tier shows that an installation works, and nothing about
	// data.
	EvidenceNone Evidence = "none"
	// EvidenceSmoke: gross faults of the data are seen, fine differences are not.
	EvidenceSmoke Evidence = "smoke"
	// EvidenceGate: good data is told from mediocre data.
	EvidenceGate Evidence = "gate"
	// EvidenceRanking: the compute at which small models predict the ranking of
	// larger ones for four pairs in five (Magnusson and others, DataDecide, 2025,
	// arXiv 2504.11393).
	EvidenceRanking Evidence = "ranking"
)

// Trainers that a tier may be made for.
const (
	TrainerNative = "native"
	TrainerTorch  = "torch"
)

// Tier is how much is spent on a comparison: the model, the tokens and the number
// of seeds, and the caps that keep a sample from being one page or one site.
type Tier struct {
	Name     string   `json:"name"`
	Evidence Evidence `json:"evidence"`
	// Trainer is the kind of trainer that the tier is made for; others of the same
	// architecture will do.
	Trainer string `json:"trainer"`
	// Spec is that of every run, without its seed.
	Spec lm.Spec `json:"spec"`
	// Seeds is the number of runs for each dataset, at least stats.LeastSeeds.
	Seeds int `json:"seeds"`
	// Panel says how much of the held-out text is scored.
	Panel panel.Size `json:"panel"`
	// DocumentBytes is the most that one document counts: a longer one is cut to
	// one contiguous piece of that many bytes, drawn by the seed, so that no book
	// takes the place of hundreds of pages.
	DocumentBytes int `json:"document_bytes"`
	// HostShare is the most that one host may fill of a sample while there is text
	// of others, so that no site decides; documents without a URL have none.
	HostShare eval.Decimal `json:"host_share"`
	// BytesPerToken is how much text is drawn for each token wanted: more than any
	// prose takes, so that what the caps hold back is replaced by other pages.
	BytesPerToken int `json:"bytes_per_token"`
}

// Vocab is the size of the vocabulary that the tier's models have.
func (t Tier) Vocab() int { return t.Spec.Config.Vocab }

// Validate says what no comparison can be made with.
func (t Tier) Validate() error {
	switch {
	case t.Seeds < stats.LeastSeeds:
		return fmt.Errorf("tier %s: %d seeds, at least %d are needed", t.Name, t.Seeds, stats.LeastSeeds)
	case t.Seeds > maxSeeds:
		return fmt.Errorf("tier %s: %d seeds, at most %d are taken", t.Name, t.Seeds, maxSeeds)
	case t.DocumentBytes < 1 || t.BytesPerToken < 1 || t.HostShare <= 0 || t.HostShare > 1:
		return fmt.Errorf("tier %s: caps of %d bytes a document, %v of a sample a host, %d bytes a token", t.Name, t.DocumentBytes, float64(t.HostShare), t.BytesPerToken)
	case t.Spec.Seed != eval.Seed{}:
		return fmt.Errorf("tier %s: the training spec has a seed of its own", t.Name)
	}
	if err := t.Spec.Validate(); err != nil {
		return fmt.Errorf("tier %s: %w", t.Name, err)
	}
	return nil
}

const maxSeeds = 64

// Tiers returns all tiers, cheapest first.
func Tiers() []Tier {
	small := lm.Config{Vocab: 2048, Dim: 128, Layers: 4, Heads: 4, Hidden: 512, Context: 128}
	return []Tier{
		newTier("tiny", EvidenceNone, TrainerNative, 2, panel.Quick,
			lm.Config{Vocab: 2048, Dim: 32, Layers: 1, Heads: 2, Hidden: 128, Context: 64}, 32_768, 16),
		newTier("quick", EvidenceSmoke, TrainerNative, 2, panel.Quick, small, 300_000, 16),
		newTier("cpu", EvidenceSmoke, TrainerNative, 2, panel.CPU, small, 1_000_000, 16),
		newTier("cpu-long", EvidenceGate, TrainerNative, 2, panel.Long,
			lm.Config{Vocab: 4096, Dim: 256, Layers: 6, Heads: 4, Hidden: 1024, Context: 256}, 10_000_000, 16),
		newTier("gpu", EvidenceRanking, TrainerTorch, 3, panel.GPU,
			lm.Config{Vocab: 8192, Dim: 512, Layers: 6, Heads: 8, Hidden: 2048, Context: 1024, Tied: true}, 400_000_000, 128),
	}
}

// newTier returns a tier with what all of them have in common. The rates are the
// best of a grid of factors of two and three at tier quick, measured by bits per
// byte of held-out pages. No document may be more than a few thousandths of a
// sample, so that a sample has hundreds of them: the fewer, the more two samples
// of the same data differ.
func newTier(name string, evidence Evidence, trainer string, seeds int, size panel.Size, config lm.Config, tokens int64, batch int) Tier {
	return Tier{
		Name: name, Evidence: evidence, Trainer: trainer, Seeds: seeds, Panel: size,
		Spec: lm.Spec{
			Version: lm.Version, Config: config, Tokens: tokens, Batch: batch,
			MuonRate: 0.02, AdamRate: 0.01, WarmUp: 0.02, Decay: 0.6,
		},
		DocumentBytes: int(min(64<<10, max(4<<10, tokens/128))), HostShare: 0.05, BytesPerToken: 8,
	}
}

// TierNamed returns the tier of that name.
func TierNamed(name string) (Tier, error) {
	var names []string
	for _, t := range Tiers() {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Tier{}, fmt.Errorf("no tier %q; there are %s", name, strings.Join(names, ", "))
}

// SpecHash is the hash of the tier's training spec, without a seed.
func (t Tier) SpecHash() (string, error) { return t.Spec.Hash() }

// Calibration returns the tier's calibration among all; false where it has none.
func (t Tier) Calibration(all []stats.Calibration) (stats.Calibration, bool, error) {
	hash, err := t.SpecHash()
	if err != nil {
		return stats.Calibration{}, false, err
	}
	c, found := stats.Find(all, t.Name, hash)
	return c, found, nil
}
