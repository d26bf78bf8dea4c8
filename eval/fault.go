package eval

import "errors"

// Fault says why a check could not be made. It decides what becomes of a
// verdict that is still undecided when its time is up; see Verdict.Settle.
type Fault string

// Faults, from the one that weighs least to the one that weighs most.
const (
	FaultNone Fault = ""
	// FaultCrawl: the crawl cannot be read, or gives different bytes each time.
	FaultCrawl Fault = "crawl"
	// FaultHub: the publication cannot be read.
	FaultHub Fault = "hub"
	// FaultRecipe: the quality of the recipe is not judged yet, or no slice of it
	// can be checked.
	FaultRecipe Fault = "recipe"
	// FaultOwn: the validator itself cannot check it: another pipeline version,
	// a missing asset, a gap in its blocks, a full disk.
	FaultOwn Fault = "own"
)

var faultWeight = map[Fault]int{FaultNone: 0, FaultCrawl: 1, FaultHub: 2, FaultRecipe: 3, FaultOwn: 4}

// FaultError is an error that leaves a check undecided, with whose fault it is.
type FaultError struct {
	Fault Fault
	Err   error
}

func (e *FaultError) Error() string { return e.Err.Error() }

func (e *FaultError) Unwrap() error { return e.Err }

// Blame marks err as the fault of one side; nil stays nil, and an error that
// already carries a fault keeps it.
func Blame(fault Fault, err error) error {
	if err == nil {
		return nil
	}
	if known := (*FaultError)(nil); errors.As(err, &known) {
		return err
	}
	return &FaultError{Fault: fault, Err: err}
}

// FaultOf returns the fault that err carries, FaultNone without one.
func FaultOf(err error) Fault {
	if known := (*FaultError)(nil); errors.As(err, &known) {
		return known.Fault
	}
	return FaultNone
}
