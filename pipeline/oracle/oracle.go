// Package oracle holds the pipeline against the reference implementation,
// datatrove, stage by stage: the same text goes into each stage of both, and
// what they decide is compared. oracle.py runs the reference and writes its
// decisions, which lie under testdata as ids, reasons, values and hashes; the
// tests of this package run ours. README.md says how the decisions are made
// anew, docs/parity.md what came out.
package oracle

import (
	"fmt"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/filter"
	"finest/pipeline/langid"
	"finest/pipeline/minhash"
	"finest/pipeline/pii"
	"finest/pipeline/tokens"
	"finest/pipeline/words"
)

// Profiles are the profiles of the reference that it is compared in.
var Profiles = [...]string{pipeline.ProfileRelease, pipeline.ProfileHead}

// Stages are the stages of one profile between extraction and writing, and what
// some of them look at. Replacements for addresses begin with the first of each
// document, as they do in a fresh instance of the reference.
type Stages struct {
	// URL is nil without a folder of assets.
	URL                                        pipeline.Stage
	Language, Repetition, Quality, C4, FineWeb pipeline.Stage
	MinHash, Tokens, PII                       pipeline.Stage
	Splitter                                   pipeline.Splitter
	CountSentences                             func(string) int
	Normalization                              minhash.Normalization
}

// New returns the stages of a profile. The URL filter's lists are looked for in
// assetsDir, if that is not empty.
func New(profile, assetsDir string) (*Stages, error) {
	s := &Stages{Splitter: words.NLTK(), CountSentences: words.CountSentences, Normalization: minhash.Release}
	url := filter.URLSpec()
	set := map[string]string{"profile": profile, "first_replacement": "list", "email_case": "lower"}
	if profile == pipeline.ProfileHead {
		s.Splitter, s.CountSentences, s.Normalization = words.SpaCy(), words.CountSpaCySentences, minhash.Head
		url = filter.URLHeadSpec()
		set["email_case"], set["stop_chars"] = "any", "terminal"
	}
	set["words"], set["normalization"] = s.Splitter.Name(), string(s.Normalization)
	plain := func(build func(contract.StageSpec) (pipeline.Stage, error)) func(contract.StageSpec, string) (pipeline.Stage, error) {
		return func(spec contract.StageSpec, _ string) (pipeline.Stage, error) { return build(spec) }
	}
	kinds := []struct {
		stage *pipeline.Stage
		spec  contract.StageSpec
		build func(contract.StageSpec, string) (pipeline.Stage, error)
	}{
		{&s.URL, url, filter.NewURL},
		{&s.Language, langid.LanguageSpec(), langid.NewLanguage},
		{&s.Repetition, filter.GopherRepetitionSpec(), plain(filter.NewGopherRepetition)},
		{&s.Quality, filter.GopherQualitySpec(), plain(filter.NewGopherQuality)},
		{&s.C4, filter.C4Spec(), plain(filter.NewC4)},
		{&s.FineWeb, filter.FineWebSpec(), plain(filter.NewFineWeb)},
		{&s.MinHash, minhash.Spec(), plain(func(spec contract.StageSpec) (pipeline.Stage, error) { return minhash.New(spec, s.Splitter) })},
		{&s.Tokens, tokens.Spec(), plain(tokens.New)},
		{&s.PII, pii.Spec(), plain(pii.New)},
	}
	for _, k := range kinds {
		if k.stage == &s.URL && assetsDir == "" {
			continue
		}
		for name, value := range set {
			if _, ok := k.spec.Params[name]; ok {
				k.spec.Params[name] = value
			}
		}
		var err error
		if *k.stage, err = k.build(k.spec, assetsDir); err != nil {
			return nil, fmt.Errorf("stages of profile %s: %w", profile, err)
		}
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
