package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Params reads the parameters of a stage by name and remembers the first
// mistake. Every parameter of a stage must stand in the recipe, so that the
// recipe's hash names it; one that the stage does not know is a mistake too.
type Params struct {
	stage  string
	values map[string]string
	known  map[string]bool
	err    error
}

// NewParams returns a reader of the parameters of one stage.
func NewParams(spec StageSpec) *Params {
	return &Params{stage: spec.Name, values: spec.Params, known: make(map[string]bool)}
}

func (p *Params) fail(name, problem string) {
	if p.err == nil {
		p.err = fmt.Errorf("stage %s: parameter %s: %s", p.stage, name, problem)
	}
}

// String returns a parameter as written.
func (p *Params) String(name string) string {
	p.known[name] = true
	v, ok := p.values[name]
	if !ok {
		p.fail(name, "is missing")
	}
	return v
}

// Choice returns a parameter that must be one of options.
func (p *Params) Choice(name string, options ...string) string {
	v := p.String(name)
	if !slices.Contains(options, v) {
		p.fail(name, fmt.Sprintf("%q is none of %s", v, strings.Join(options, ", ")))
	}
	return v
}

// Profile returns what a stage does under the profile that its parameter of that
// name chooses: release is datatrove 0.2.0, the version nearest to FineWeb's
// release, and head is datatrove 0.10.1.
func Profile[T any](p *Params, release, head T) T {
	if p.Choice("profile", ProfileRelease, ProfileHead) == ProfileHead {
		return head
	}
	return release
}

// The profiles, as recipes name them.
const (
	ProfileRelease = "release"
	ProfileHead    = "head"
)

// Int returns a whole number.
func (p *Params) Int(name string) int {
	v, err := strconv.Atoi(p.String(name))
	if err != nil {
		p.fail(name, "is not a whole number")
	}
	return v
}

// Float returns a decimal number.
func (p *Params) Float(name string) float64 {
	v, err := strconv.ParseFloat(p.String(name), 64)
	if err != nil || v != v {
		p.fail(name, "is not a number")
	}
	return v
}

// Bool returns true or false.
func (p *Params) Bool(name string) bool { return p.Choice(name, "true", "false") == "true" }

// List returns the words of a parameter, separated by spaces.
func (p *Params) List(name string) []string { return strings.Fields(p.String(name)) }

// Err returns the first mistake, or names a parameter nobody asked for.
func (p *Params) Err() error {
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !p.known[name] {
			p.fail(name, "is not known to this stage")
		}
	}
	return p.err
}
