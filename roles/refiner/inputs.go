package refiner

import (
	"errors"

	"finest/internal/polite"
)

// ExpandInputs turns arguments — files, folders, URLs — into inputs.
func ExpandInputs(args []string, base string, client *polite.Client) ([]Input, error) {
	return nil, errors.New("expand inputs: not built yet")
}
