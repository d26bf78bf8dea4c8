// Package recipes knows the recipes by name, reads others from files, writes
// them, and turns a recipe into the stages that run it.
package recipes

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"finest/internal/contract"
)

// The built-in recipes; each says in its file what it is.
const (
	// FineWeb is the reference. It needs the URL lists as assets.
	FineWeb = "fineweb"
	// FineWebNoLists needs nothing but this program.
	FineWebNoLists = "fineweb-nolists"
	// FineWeb2024 needs the URL lists and a language model as assets.
	FineWeb2024 = "fineweb-2024"
	// FineWebHead needs newer URL lists as assets.
	FineWebHead = "fineweb-head"
	// Naive is the text of pages as it comes, of quality 0. It needs nothing but
	// this program.
	Naive = "naive"
)

//go:embed builtin
var builtin embed.FS

// Names returns the names of the built-in recipes.
func Names() []string { return []string{FineWeb, FineWebNoLists, FineWeb2024, FineWebHead, Naive} }

// Named returns a built-in recipe.
func Named(name string) (contract.Recipe, error) {
	if !slices.Contains(Names(), name) {
		return contract.Recipe{}, fmt.Errorf("unknown recipe %q: known are %s", name, strings.Join(Names(), ", "))
	}
	raw, err := builtin.ReadFile("builtin/" + name + ".toml")
	if err != nil {
		return contract.Recipe{}, fmt.Errorf("built-in recipe %s: %w", name, err)
	}
	r, err := parse(raw)
	if err != nil {
		return contract.Recipe{}, fmt.Errorf("built-in recipe %s: %w", name, err)
	}
	return r, nil
}
