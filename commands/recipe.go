package commands

import (
	"fmt"
	"io"

	"github.com/pelletier/go-toml/v2"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/recipes"
)

// recipeResult is what refine --print-recipe --json prints: one object.
type recipeResult struct {
	Name   string          `json:"name"`
	Hash   string          `json:"hash"`
	Recipe contract.Recipe `json:"recipe"`
}

// printRecipe shows a recipe as a file that under another name can be read back.
func printRecipe(c *invocation) error {
	r, err := recipes.Load(c.String("recipe"))
	if err != nil {
		return usageError("%w", err)
	}
	hash, err := pipeline.HashRecipe(r)
	if err != nil {
		return err
	}
	text, err := recipeText(r)
	if err != nil {
		return fmt.Errorf("print recipe %s: %w", r.Name, err)
	}
	return c.out.result(recipeResult{r.Name, hash, r}, func(w io.Writer) { fmt.Fprintf(w, "# hash %s\n%s", hash, text) })
}

func recipeText(r contract.Recipe) ([]byte, error) {
	type asset struct {
		Name   string `toml:"name"`
		SHA256 string `toml:"sha256"`
	}
	type stage struct {
		Name   string            `toml:"name"`
		Params map[string]string `toml:"params,omitempty"`
		Assets []asset           `toml:"asset,omitempty"`
	}
	file := struct {
		Name            string  `toml:"name"`
		PipelineVersion int     `toml:"pipeline_version"`
		Stages          []stage `toml:"stage"`
	}{Name: r.Name, PipelineVersion: r.PipelineVersion}
	for _, s := range r.Stages {
		out := stage{Name: s.Name, Params: s.Params}
		for _, a := range s.Assets {
			out.Assets = append(out.Assets, asset(a))
		}
		file.Stages = append(file.Stages, out)
	}
	return toml.Marshal(file)
}
