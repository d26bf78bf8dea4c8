package recipes

import (
	"fmt"

	"finest/internal/contract"
	"finest/pipeline/dedup"
)

// Checkable returns nil if rows of the recipe can be checked by who has a slice
// of the WARC files and the ledger, else an error that says why not. Only refine
// runs other recipes: nobody leases them, mines them or validates them.
func Checkable(r contract.Recipe) error {
	for _, s := range r.Stages {
		switch s.Name {
		case dedup.URL, dedup.Exact, dedup.Sentence:
			return fmt.Errorf("recipe %s is for refine only: its stage %s compares every document with all others, so nobody could check a slice of the result",
				r.Name, s.Name)
		}
	}
	return nil
}
