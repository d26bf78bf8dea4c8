package langid

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"finest/internal/contract"
	"finest/pipeline"
)

// ModelName and ModelSHA256 name the model that this package carries; see
// data/ORIGIN.md for its source and licence.
const (
	ModelName   = "lid.176.ftz"
	ModelSHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
)

//go:embed data/lid.176.ftz
var modelFile []byte

// embedded is the model that this package carries, read once: about 8 MiB.
var embedded = sync.OnceValues(func() (*Model, error) {
	if sum := sha256.Sum256(modelFile); hex.EncodeToString(sum[:]) != ModelSHA256 {
		return nil, fmt.Errorf("load language model %s: its SHA-256 is %x, not %s", ModelName, sum, ModelSHA256)
	}
	return Load(modelFile)
})

// Language is the stage that finds a document's language and drops what is not
// in one of the wanted languages. It sets Document.Language and LanguageScore,
// of dropped documents too.
type Language struct {
	model     *Model
	languages []string
	threshold float64
}

// LanguageSpec returns the stage as FineWeb used it (Penedo et al. 2024, section
// 3.2; datatrove 0.2.0), but for the model: FineWeb used lid.176.bin, this is its
// quantised form, whose scores differ a little.
//
//	profile    release: line feeds are deleted before the model reads the text
//	languages  codes of the languages to keep
//	threshold  keep only what scores higher
func LanguageSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "language",
		Params: map[string]string{
			"profile":   "release",
			"languages": "en",
			"threshold": "0.65",
		},
		Assets: []contract.Asset{{Name: ModelName, SHA256: ModelSHA256}},
	}
}

// NewLanguage builds the stage. The spec must name the model that this package
// carries.
func NewLanguage(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	p.Choice("profile", "release")
	l := &Language{languages: p.List("languages"), threshold: p.Float("threshold")}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if want := LanguageSpec().Assets; !slices.Equal(spec.Assets, want) {
		return nil, fmt.Errorf("stage %s: the recipe asks for %v, this program has %v", spec.Name, spec.Assets, want)
	}
	var err error
	l.model, err = embedded()
	return l, err
}

// Name is "language".
func (*Language) Name() string { return "language" }

// Process drops with reason "language" and the score of the best label.
func (l *Language) Process(d *pipeline.Document) *pipeline.Drop {
	d.Language, d.LanguageScore = l.model.Predict(strings.ReplaceAll(d.Text, "\n", ""))
	if d.LanguageScore > l.threshold && slices.Contains(l.languages, d.Language) {
		return nil
	}
	return &pipeline.Drop{Reason: "language", Value: d.LanguageScore}
}
