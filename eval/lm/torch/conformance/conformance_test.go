package conformance

import (
	"bufio"
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/lm/bpe"
	"finest/eval/lm/lmtest"
	"finest/eval/lm/torch"
)

// most is by how many bits per byte the two trainers may differ: less than the
// deviation between seeds at the tier quick.
const most = 0.02

// newTorch returns the trainer of FINEST_TORCH_PYTHON on the device, with the type
// of numbers and in the mode that the variables after it name.
func newTorch(t *testing.T) lm.Trainer {
	t.Helper()
	python := os.Getenv("FINEST_TORCH_PYTHON")
	if python == "" {
		t.Skip("FINEST_TORCH_PYTHON names no Python with PyTorch; make conformance-torch installs one")
	}
	trainer, err := torch.New(t.Context(), torch.Options{
		Command: []string{python}, Dir: t.TempDir(),
		Device: cmp.Or(os.Getenv("FINEST_TORCH_DEVICE"), "cpu"),
		Dtype:  os.Getenv("FINEST_TORCH_DTYPE"), Mode: os.Getenv("FINEST_TORCH_MODE"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return trainer
}

func TestSuite(t *testing.T) {
	trainer := newTorch(t)
	lmtest.Suite(t, func(*testing.T) lm.Trainer { return trainer })
}

// Both trainers train the model of the tier quick from the same weights on the
// same text, and score the same held-out documents.
func TestQuick(t *testing.T) {
	trainer := newTorch(t)
	tier, err := compare.TierNamed("quick")
	if err != nil {
		t.Fatal(err)
	}
	spec := tier.Spec
	spec.Seed = eval.Seed{}.Sub("conformance")
	tokenizer, err := bpe.Load(tier.Vocab())
	if err != nil {
		t.Fatal(err)
	}
	texts := sample(t)
	held := texts[:100]
	var documents [][]uint16
	for _, text := range texts[len(held):] {
		documents = append(documents, tokenizer.Encode(nil, text))
	}
	data, packed, err := lm.Pack(documents, tokenizer.EOS(), spec, spec.Seed.Sub("order"))
	if err != nil {
		t.Fatal(err)
	}
	examples, bytes := cut(held, tokenizer, spec.Config.Context)
	j := lm.Job{Spec: spec, Data: data, Examples: examples}
	t.Logf("%d tokens in %d steps, %.2f epochs; %d held-out documents of %d bytes", spec.Tokens, spec.Steps(), packed.Epochs, len(held), bytes)

	native := measure(t, &lm.Native{}, j, bytes)
	other := measure(t, trainer, j, bytes)
	apart := 0.0
	for i, p := range native.losses {
		apart = max(apart, math.Abs(p.Loss-other.losses[i].Loss))
	}
	t.Logf("difference: %+.6f bits per byte; losses of one step at most %.6f nats apart", other.bpb-native.bpb, apart)
	if d := math.Abs(other.bpb - native.bpb); !(d < most) {
		t.Errorf("%.4f bits per byte apart, want less than %v", d, most)
	}
}

// measured is what a trainer came to.
type measured struct {
	bpb    float64
	losses []lm.Point
}

func measure(t *testing.T, trainer lm.Trainer, j lm.Job, bytes int) measured {
	t.Helper()
	r, err := trainer.Train(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	var nats float64
	var correct, tokens int
	for _, s := range r.Scores {
		nats, correct, tokens = nats+s.NLL, correct+s.Correct, tokens+s.Tokens
	}
	m := measured{nats / math.Ln2 / float64(bytes), r.Losses}
	t.Logf("%s: %.6f bits per byte, %.4f of the next tokens right; training took %.1f s, scoring %.1f s, %.1f s of the processor, %.0f tokens/s",
		r.Kernel, m.bpb, float64(correct)/float64(tokens), r.TrainSeconds, r.EvalSeconds, r.CPUSeconds, float64(r.Tokens)/r.TrainSeconds)
	return m
}

// cut makes examples of whole documents, every token of which is predicted once.
func cut(texts []string, tokenizer *bpe.Tokenizer, context int) (examples []lm.Example, bytes int) {
	for _, text := range texts {
		bytes += len(text)
		tokens := tokenizer.Encode([]uint16{tokenizer.EOS()}, text)
		for len(tokens) > 1 {
			n := min(context, len(tokens)-1)
			examples = append(examples, lm.Example{Tokens: tokens[:n+1], From: 1})
			tokens = tokens[n:]
		}
	}
	return examples, bytes
}

// sample reads the texts of the sample of C4.
func sample(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA names no folder with text/c4_sample.jsonl")
	}
	f, err := os.Open(filepath.Join(dir, "text", "c4_sample.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var texts []string
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var document struct {
			Text string `json:"text"`
		}
		if err := json.Unmarshal(lines.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, document.Text)
	}
	if err := lines.Err(); err != nil || len(texts) < 500 {
		t.Fatalf("%d texts: %v", len(texts), err)
	}
	return texts
}
