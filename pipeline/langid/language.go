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
	"finest/pipeline/assets"
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
	profile   profile
	model     *Model
	languages []int // as places in the model's labels; nil for all
	threshold float64
}

// profile is what the profiles do differently.
type profile struct {
	// feed is what a line feed becomes before the model reads the text.
	feed string
	// judge returns the best label and whether the text stays.
	judge func(l *Language, text string) (label string, score float64, keep bool)
}

func profileOf(p *pipeline.Params) profile {
	return pipeline.Profile(p,
		profile{feed: "", judge: (*Language).judgeBest},
		profile{feed: " ", judge: (*Language).judgeWanted})
}

// LanguageSpec returns the stage as FineWeb used it (Penedo et al. 2024, section
// 3.2), but for the model: FineWeb used lid.176.bin, this is its quantised form,
// whose scores differ a little. The asset is the model, any that Load reads.
//
//	profile    release: line feeds are deleted before the model reads the text,
//	           and the best label must be wanted and score above the threshold;
//	           head: they become spaces, and any wanted label may score above it
//	languages  labels of the languages to keep; * for all
//	threshold  keep only what scores higher
func LanguageSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "language",
		Params: map[string]string{
			"profile":   pipeline.ProfileRelease,
			"languages": "en",
			"threshold": "0.65",
		},
		Assets: []contract.Asset{{Name: ModelName, SHA256: ModelSHA256}},
	}
}

// allLanguages stands for every label of the model.
const allLanguages = "*"

// NewLanguage builds the stage. A model other than the one that this package
// carries is read from assetsDir and held once per stage.
func NewLanguage(spec pipeline.StageSpec, assetsDir string) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	l := &Language{profile: profileOf(p), threshold: p.Float("threshold")}
	languages := p.List("languages")
	if err := p.Err(); err != nil {
		return nil, err
	}
	var err error
	if l.model, err = modelOf(spec, assetsDir); err != nil {
		return nil, err
	}
	if len(languages) == 0 {
		return nil, fmt.Errorf("stage %s: parameter languages: is empty, %s keeps all", spec.Name, allLanguages)
	}
	if slices.Equal(languages, []string{allLanguages}) {
		return l, nil
	}
	for _, language := range languages {
		at := slices.Index(l.model.Labels(), language)
		if at < 0 {
			return nil, fmt.Errorf("stage %s: parameter languages: %q is none of the %d labels of %s",
				spec.Name, language, len(l.model.Labels()), spec.Assets[0].Name)
		}
		l.languages = append(l.languages, at)
	}
	return l, nil
}

// modelOf returns the model that a spec pins.
func modelOf(spec pipeline.StageSpec, assetsDir string) (*Model, error) {
	if len(spec.Assets) != 1 {
		return nil, fmt.Errorf("stage %s: needs one asset, the model, not %d", spec.Name, len(spec.Assets))
	}
	if spec.Assets[0] == LanguageSpec().Assets[0] {
		return embedded()
	}
	files, err := assets.Read(spec, assetsDir)
	if err != nil {
		return nil, err
	}
	model, err := Load(files[spec.Assets[0].Name])
	if err != nil {
		return nil, fmt.Errorf("stage %s: asset %s: %w", spec.Name, spec.Assets[0].Name, err)
	}
	return model, nil
}

// Name is "language".
func (*Language) Name() string { return "language" }

// Process drops with reason "language" and the score of the best label.
func (l *Language) Process(d *pipeline.Document) *pipeline.Drop {
	var keep bool
	d.Language, d.LanguageScore, keep = l.profile.judge(l, strings.ReplaceAll(d.Text, "\n", l.profile.feed))
	if keep {
		return nil
	}
	return &pipeline.Drop{Reason: "language", Value: d.LanguageScore}
}

func (l *Language) judgeBest(text string) (label string, score float64, keep bool) {
	label, score = l.model.Predict(text)
	wanted := l.languages == nil || slices.ContainsFunc(l.languages, func(at int) bool { return l.model.Labels()[at] == label })
	return label, score, wanted && score > l.threshold
}

func (l *Language) judgeWanted(text string) (label string, score float64, keep bool) {
	scores := l.model.Probabilities(text)
	best := -1
	for at, s := range scores {
		if s > score {
			best, score = at, s
		}
	}
	if best < 0 {
		return "", 0, false
	}
	keep = l.languages == nil && score > l.threshold ||
		slices.ContainsFunc(l.languages, func(at int) bool { return scores[at] > l.threshold })
	return l.model.Labels()[best], score, keep
}
