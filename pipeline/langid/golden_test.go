package langid_test

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"
)

// prediction is what fastText 0.9.2 answers, numbers in hexadecimal; see
// testdata/train.py.
type prediction struct {
	Text   string            `json:"text"`
	Label  string            `json:"label"`
	Score  string            `json:"score"`
	Scores map[string]string `json:"scores"`
}

// maxError is how far a score may be from that of a fastText whose compiler
// fused or reordered operations.
const maxError = 1e-6

// TestGolden holds tiny models of every kind against fastText: dense and
// quantised, with and without pruned buckets, tree and softmax.
func TestGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/predictions.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string][]prediction
	if err := json.Unmarshal(raw, &golden); err != nil {
		t.Fatal(err)
	}
	for name, predictions := range golden {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile("testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			m := load(t, file)
			for _, p := range predictions {
				label, score := m.Predict(p.Text)
				if label != p.Label || !near(t, score, p.Score) {
					t.Errorf("%q is %s %v, want %s %s", p.Text, label, score, p.Label, p.Score)
				}
				for i, score := range m.Probabilities(p.Text) {
					want := p.Scores[m.Labels()[i]]
					if want == "" {
						want = "0"
					}
					if !near(t, score, want) {
						t.Errorf("%q is %s to %v, want %s", p.Text, m.Labels()[i], score, want)
					}
				}
			}
		})
	}
}

func near(t *testing.T, got float64, want string) bool {
	t.Helper()
	w, err := strconv.ParseFloat(want, 64)
	if err != nil {
		t.Fatal(err)
	}
	return math.Abs(got-w) <= maxError
}
