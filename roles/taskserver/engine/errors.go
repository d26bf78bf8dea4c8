package engine

import "errors"

// Errors that callers tell apart with errors.Is. All but ErrNotFound and
// ErrConflict are refusals: the request is answered, nothing changed.
var (
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the name is taken by something else.
	ErrConflict = errors.New("conflict")
	// ErrReplayed: the UUID was used before.
	ErrReplayed = errors.New("request was used before")
	// ErrNoTask: nothing is available.
	ErrNoTask = errors.New("no task is available")
	// ErrNotHolder: the lease is another hotkey's.
	ErrNotHolder = errors.New("lease is held by another hotkey")
	// ErrFenced: the lease is over.
	ErrFenced = errors.New("lease is over")
	// ErrSubmitted: the lease has another result already.
	ErrSubmitted = errors.New("lease has another result already")
	// ErrRecipe: the recipe is not served at this block.
	ErrRecipe = errors.New("recipe is not served")
	// ErrBanned: the operator keeps this hotkey or its coldkey from leasing.
	ErrBanned = errors.New("banned")
)
