package torch

import (
	"errors"
	"fmt"

	"finest/eval/lm"
)

// validate says why a job cannot be given to the program, which trusts it.
func validate(j lm.Job) error {
	if err := j.Spec.Validate(); err != nil {
		return err
	}
	if j.Data == nil {
		return lm.ErrNoTokens
	}
	if got, want := j.Data.Steps(), j.Spec.Steps(); got != want {
		return fmt.Errorf("data of %d steps for a spec of %d", got, want)
	}
	for i, e := range j.Examples {
		if e.From < 1 || e.From >= len(e.Tokens) || len(e.Tokens) > j.Spec.Config.Context+1 {
			return fmt.Errorf("example %d of %d tokens, predicted from %d on, in a context of %d", i, len(e.Tokens), e.From, j.Spec.Config.Context)
		}
		if err := known(e.Tokens, j.Spec.Config.Vocab); err != nil {
			return fmt.Errorf("example %d: %w", i, err)
		}
	}
	return nil
}

var errVocabulary = errors.New("token is not of the vocabulary")

// known says whether all tokens are of the vocabulary.
func known(tokens []uint16, vocab int) error {
	for i, t := range tokens {
		if int(t) >= vocab {
			return fmt.Errorf("token %d at %d of a vocabulary of %d: %w", t, i, vocab, errVocabulary)
		}
	}
	return nil
}
