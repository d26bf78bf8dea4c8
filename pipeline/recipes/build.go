package recipes

import (
	"fmt"
	"runtime"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup"
	"finest/pipeline/extract"
	"finest/pipeline/filter"
	"finest/pipeline/langid"
	"finest/pipeline/minhash"
	"finest/pipeline/pii"
	"finest/pipeline/tokens"
	"finest/pipeline/words"
)

const stageURL = "url"

// kind is a stage that recipes can name: with the parameters and assets that it
// has if the recipe gives none, and how it is built. StageRead has no
// constructor.
type kind struct {
	spec  contract.StageSpec
	build func(spec contract.StageSpec, assetsDir string) (pipeline.Stage, error)
}

// plain builds a stage that needs no files.
func plain(build func(contract.StageSpec) (pipeline.Stage, error)) func(contract.StageSpec, string) (pipeline.Stage, error) {
	return func(s contract.StageSpec, _ string) (pipeline.Stage, error) {
		if len(s.Assets) > 0 {
			return nil, fmt.Errorf("stage %s: needs no asset, the recipe names %s", s.Name, s.Assets[0].Name)
		}
		return build(s)
	}
}

// stages returns all kinds: those of the recipe fineweb in its order, and those
// that it does not have.
func stages() []kind {
	return []kind{
		{spec: pipeline.ReadSpec()},
		{filter.URLSpec(), filter.NewURL},
		{extract.Spec(), plain(extract.New)},
		{langid.LanguageSpec(), langid.NewLanguage},
		{filter.GopherRepetitionSpec(), plain(filter.NewGopherRepetition)},
		{filter.GopherQualitySpec(), plain(filter.NewGopherQuality)},
		{filter.C4Spec(), plain(filter.NewC4)},
		{filter.FineWebSpec(), plain(filter.NewFineWeb)},
		{minhash.Spec(), plain(func(s contract.StageSpec) (pipeline.Stage, error) {
			return minhash.New(s, words.FromParams(pipeline.NewParams(s)))
		})},
		{tokens.Spec(), plain(tokens.New)},
		{pii.Spec(), plain(pii.New)},

		{extract.VisibleSpec(), plain(extract.NewVisible)},
		{filter.C4BadWordsSpec(), filter.NewC4BadWords},
		{filter.C4ParagraphsSpec(), plain(filter.NewC4Paragraphs)},
		{filter.DecontaminateSpec(), filter.NewDecontaminate},
		{dedup.URLSpec(), plain(dedup.NewURL)},
		{dedup.ExactSpec(), plain(dedup.NewExact)},
		{dedup.SentenceSpec(), plain(dedup.NewSentence)},
	}
}

func stageNamed(name string) (kind, error) {
	var known []string
	for _, k := range stages() {
		if k.spec.Name == name {
			return k, nil
		}
		known = append(known, k.spec.Name)
	}
	return kind{}, fmt.Errorf("unknown stage %q: known are %s", name, strings.Join(known, ", "))
}

// Build returns a runner of r with one worker per CPU. Stages that need files
// look for them in assetsDir; the error is a *assets.MissingError if some
// are not there.
func Build(r contract.Recipe, assetsDir string) (*pipeline.Runner, error) {
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("build recipe: %w", err)
	}
	if r.PipelineVersion != pipeline.Version {
		return nil, fmt.Errorf("build recipe %s: it is for version %d of the pipeline, this is version %d", r.Name, r.PipelineVersion, pipeline.Version)
	}
	var built []pipeline.Stage
	seen := make(map[string]bool)
	for i, spec := range r.Stages {
		if seen[spec.Name] {
			return nil, fmt.Errorf("build recipe %s: stage %s stands in it twice", r.Name, spec.Name)
		}
		seen[spec.Name] = true
		k, err := stageNamed(spec.Name)
		if err != nil {
			return nil, fmt.Errorf("build recipe %s: %w", r.Name, err)
		}
		if k.build == nil {
			if i > 0 {
				return nil, fmt.Errorf("build recipe %s: stage %s must be the first", r.Name, spec.Name)
			}
			continue
		}
		s, err := k.build(spec, assetsDir)
		if err != nil {
			return nil, fmt.Errorf("build recipe %s: %w", r.Name, err)
		}
		built = append(built, s)
	}
	switch text, visible := seen[extract.Name], seen[extract.VisibleName]; {
	case !text && !visible:
		return nil, fmt.Errorf("build recipe %s: without the stage %s or %s no page has a text", r.Name, extract.Name, extract.VisibleName)
	case text && visible:
		return nil, fmt.Errorf("build recipe %s: the stages %s and %s both take the text from the page: name one of them", r.Name, extract.Name, extract.VisibleName)
	}
	runner, err := pipeline.NewRunner(r, built)
	if err != nil {
		return nil, err
	}
	runner.Workers = runtime.GOMAXPROCS(0)
	return runner, nil
}
