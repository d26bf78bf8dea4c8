package lm

import "fmt"

// Validate says why no trainer can run the job. The tokens of its data are
// checked as they are read, see Config.Check.
func (j Job) Validate() error {
	if err := j.Spec.Validate(); err != nil {
		return err
	}
	if j.Data == nil {
		return ErrNoTokens
	}
	if got, want := j.Data.Steps(), j.Spec.Steps(); got != want {
		return fmt.Errorf("data of %d steps for a spec of %d", got, want)
	}
	for i, e := range j.Examples {
		if e.From < 1 || e.From >= len(e.Tokens) || len(e.Tokens) > j.Spec.Config.Context+1 {
			return fmt.Errorf("example %d of %d tokens, predicted from %d on, in a context of %d",
				i, len(e.Tokens), e.From, j.Spec.Config.Context)
		}
		if err := j.Spec.Config.Check(e.Tokens); err != nil {
			return fmt.Errorf("example %d: %w", i, err)
		}
	}
	return nil
}

// Check says which of the tokens is not of the vocabulary.
func (c Config) Check(tokens []uint16) error {
	for i, t := range tokens {
		if int(t) >= c.Vocab {
			return fmt.Errorf("token %d at %d is not of a vocabulary of %d", t, i, c.Vocab)
		}
	}
	return nil
}
