// Package recipes knows the recipes by name, reads others from files, and turns
// a recipe into the stages that run it.
package recipes

import (
	"fmt"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
)

const (
	// FineWeb is the reference: FineWeb as released (Penedo et al. 2024,
	// section 3; datatrove 0.2.0), with MinHash over a task. It needs the URL
	// lists as assets.
	FineWeb = "fineweb"
	// FineWebNoLists is the same without the URL filter, so that it runs with
	// nothing but this program.
	FineWebNoLists = "fineweb-nolists"
)

// Names returns the names of the built-in recipes.
func Names() []string { return []string{FineWeb, FineWebNoLists} }

// Named returns a built-in recipe.
func Named(name string) (contract.Recipe, error) {
	if !slices.Contains(Names(), name) {
		return contract.Recipe{}, fmt.Errorf("unknown recipe %q: known are %s", name, strings.Join(Names(), ", "))
	}
	r := contract.Recipe{Name: name, PipelineVersion: pipeline.Version}
	for _, s := range stages() {
		if name == FineWebNoLists && s.spec.Name == stageURL {
			continue
		}
		r.Stages = append(r.Stages, explicit(s.spec))
	}
	return r, nil
}

// explicit gives absent lists their one spelling in canonical JSON.
func explicit(s contract.StageSpec) contract.StageSpec {
	if s.Params == nil {
		s.Params = map[string]string{}
	}
	if s.Assets == nil {
		s.Assets = []contract.Asset{}
	}
	return s
}
