// Package oracle holds the pipeline against the reference implementation,
// datatrove, stage by stage: the same text goes into each stage of both, and
// what they decide is compared. oracle.py runs the reference and writes its
// decisions, which lie under testdata as ids, reasons, values and hashes; the
// tests of this package run ours. README.md says how the decisions are made
// anew, docs/parity.md what came out.
package oracle

import (
	"fmt"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/langid"
	"finest/pipeline/minhash"
	"finest/pipeline/recipes"
	"finest/pipeline/words"
)

// Profiles are the profiles of the reference that it is compared in.
var Profiles = [...]string{pipeline.ProfileRelease, pipeline.ProfileHead}

// Stages are the stages between extraction and writing of the recipe that is
// strictly the reference of a profile, and what some of them look at.
type Stages struct {
	// URL is nil without a folder of assets.
	URL, Language, Repetition, Quality, C4, FineWeb, MinHash, Tokens, PII pipeline.Stage

	Splitter       pipeline.Splitter
	CountSentences func(string) int
	Normalization  minhash.Normalization
}

// New returns the stages of a profile. The URL filter's lists are looked for in
// assetsDir, if that is not empty. The recipe is followed but in two things: the
// language model is the one that the program holds, as the reference is given
// it too, and replacements for addresses begin with the first in each document,
// as they do in a fresh instance of the reference.
func New(profile, assetsDir string) (*Stages, error) {
	s := &Stages{Splitter: words.NLTK(), CountSentences: words.CountSentences, Normalization: minhash.Release}
	name := recipes.FineWeb2024
	if profile == pipeline.ProfileHead {
		s.Splitter, s.CountSentences, s.Normalization = words.SpaCy(), words.CountSpaCySentences, minhash.Head
		name = recipes.FineWebHead
	}
	recipe, err := recipes.Named(name)
	if err != nil {
		return nil, err
	}
	stages := map[string]*pipeline.Stage{
		"url": &s.URL, "language": &s.Language, "gopher_repetition": &s.Repetition, "gopher_quality": &s.Quality,
		"c4": &s.C4, "fineweb": &s.FineWeb, "minhash": &s.MinHash, "tokens": &s.Tokens, "pii": &s.PII,
	}
	recipe.Stages = slices.DeleteFunc(recipe.Stages, func(spec contract.StageSpec) bool { return spec.Name == "url" && assetsDir == "" })
	for i, spec := range recipe.Stages {
		switch spec.Name {
		case "language":
			recipe.Stages[i].Assets = langid.LanguageSpec().Assets
		case "pii":
			spec.Params["first_replacement"] = "list"
		}
	}
	runner, err := recipes.Build(recipe, assetsDir)
	if err != nil {
		return nil, err
	}
	for _, stage := range runner.Stages {
		if stage.Name() == extract.Name {
			continue
		}
		field := stages[stage.Name()]
		if field == nil {
			return nil, fmt.Errorf("recipe %s: stage %s is not compared with the reference", recipe.Name, stage.Name())
		}
		*field = stage
	}
	return s, nil
}

// Short names of stages, as the reference's decisions have them.
var shortNames = strings.NewReplacer("gopher_repetition", "repetition", "gopher_quality", "quality")

// Run takes a document through all stages. It returns the short name of the
// stage that drops it and the reason, or "kept" and nothing.
func (s *Stages) Run(d *pipeline.Document) (outcome, reason string) {
	for _, stage := range []pipeline.Stage{
		s.URL, s.Language, s.Repetition, s.Quality, s.C4, s.FineWeb, s.MinHash, s.Tokens, s.PII,
	} {
		if stage == nil || stage == s.URL && d.URL == "" {
			continue
		}
		if drop := stage.Process(d); drop != nil {
			return shortNames.Replace(stage.Name()), drop.Reason
		}
	}
	return contract.OutcomeKept, ""
}
