// Package whatlanggo stands in for the language detector that the extraction
// library runs over every text. It knows no language.
package whatlanggo

// Lang is a language.
type Lang struct{}

// DetectLang returns the one language there is.
func DetectLang(string) Lang { return Lang{} }

// Iso6391 returns the empty code, which the library takes for an unknown
// language.
func (Lang) Iso6391() string { return "" }
