package commands

import (
	"io"
	"strings"

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
	var text strings.Builder
	if err := recipes.Print(&text, r); err != nil {
		return err
	}
	return c.out.result(recipeResult{r.Name, hash, r}, func(w io.Writer) { _, _ = io.WriteString(w, text.String()) })
}
