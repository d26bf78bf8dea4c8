package pipeline

import (
	"fmt"

	"finest/internal/canon"
	"finest/internal/contract"
)

// StageSpec is one stage of a recipe.
type StageSpec = contract.StageSpec

// HashRecipe returns the SHA-256 of the recipe's canonical JSON: it names all
// parameters, all assets and the pipeline version.
func HashRecipe(r Recipe) (string, error) {
	raw, err := canon.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("hash recipe %s: %w", r.Name, err)
	}
	return canon.Sum(raw), nil
}
