package recipes

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"finest/internal/contract"
	"finest/pipeline"
)

// maxFileBytes bounds recipe files; real ones have a few KiB.
const maxFileBytes = 1 << 20

// file is a recipe as people write it. A stage that is named without parameters
// or assets gets those of the recipe fineweb, or those of its own package if it
// has no place there, so that only changes need be written:
//
//	name = "longer-documents"
//
//	[[stage]]
//	name = "read"
//
//	[[stage]]
//	name = "extract"
//
//	[[stage]]
//	name = "gopher_quality"
//	params = { min_doc_words = 200 }
type file struct {
	Name string `toml:"name"`
	// PipelineVersion is that of this program if absent.
	PipelineVersion int         `toml:"pipeline_version"`
	Stages          []fileStage `toml:"stage"`
}

type fileStage struct {
	Name   string         `toml:"name"`
	Params map[string]any `toml:"params"`
	Assets []fileAsset    `toml:"asset,omitempty"`
}

type fileAsset struct {
	Name   string `toml:"name"`
	SHA256 string `toml:"sha256"`
}

// Load returns the built-in recipe of that name, or the one in that TOML file. A
// file may bear the name of a built-in recipe only if it is that recipe.
func Load(nameOrFile string) (contract.Recipe, error) {
	if slices.Contains(Names(), nameOrFile) {
		return Named(nameOrFile)
	}
	info, err := os.Stat(nameOrFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return contract.Recipe{}, fmt.Errorf("recipe %q is neither a file nor one of %s", nameOrFile, strings.Join(Names(), ", "))
	case err != nil:
		return contract.Recipe{}, fmt.Errorf("load recipe: %w", err)
	case !info.Mode().IsRegular() || info.Size() > maxFileBytes:
		return contract.Recipe{}, fmt.Errorf("load recipe %s: not a file of at most %d bytes", nameOrFile, maxFileBytes)
	}
	raw, err := os.ReadFile(nameOrFile)
	if err != nil {
		return contract.Recipe{}, fmt.Errorf("load recipe: %w", err)
	}
	r, err := parse(raw)
	if err == nil {
		err = checkName(r)
	}
	if err != nil {
		return contract.Recipe{}, fmt.Errorf("load recipe %s: %w", nameOrFile, err)
	}
	return r, nil
}

// checkName makes sure that no recipe passes for a built-in one.
func checkName(r contract.Recipe) error {
	if !slices.Contains(Names(), r.Name) {
		return nil
	}
	named, err := Named(r.Name)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(r, named) {
		return fmt.Errorf("the name %s belongs to a built-in recipe, and this one differs: give it another name", r.Name)
	}
	return nil
}

func parse(raw []byte) (contract.Recipe, error) {
	var f file
	if err := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields().Decode(&f); err != nil {
		return contract.Recipe{}, locate(err)
	}
	if f.PipelineVersion == 0 {
		f.PipelineVersion = pipeline.Version
	}
	r := contract.Recipe{Name: f.Name, PipelineVersion: f.PipelineVersion}
	for _, s := range f.Stages {
		spec, err := s.complete()
		if err != nil {
			return contract.Recipe{}, err
		}
		r.Stages = append(r.Stages, spec)
	}
	return r, r.Validate()
}

// locate adds the line to an error of the TOML parser.
func locate(err error) error {
	var strict *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &strict) && len(strict.Errors) > 0:
		row, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: unknown key %q", row, strings.Join(strict.Errors[0].Key(), "."))
	case errors.As(err, &bad):
		row, _ := bad.Position()
		return fmt.Errorf("line %d: %w", row, err)
	}
	return err
}

// complete adds what the file leaves out. A parameter that the stage does not
// have is found by Build.
func (s fileStage) complete() (contract.StageSpec, error) {
	k, err := stageNamed(s.Name)
	if err != nil {
		return contract.StageSpec{}, err
	}
	spec := k.spec
	// Absent lists have one spelling in canonical JSON.
	if spec.Params == nil {
		spec.Params = map[string]string{}
	}
	if spec.Assets == nil {
		spec.Assets = []contract.Asset{}
	}
	for name, v := range s.Params {
		if spec.Params[name], err = spell(v); err != nil {
			return contract.StageSpec{}, fmt.Errorf("stage %s: parameter %s: %w", s.Name, name, err)
		}
	}
	if s.Assets != nil {
		spec.Assets = make([]contract.Asset, 0, len(s.Assets))
		for _, a := range s.Assets {
			spec.Assets = append(spec.Assets, contract.Asset(a))
		}
	}
	return spec, nil
}

// spell writes a TOML value as recipes do.
func spell(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			word, ok := e.(string)
			if !ok || len(strings.Fields(word)) != 1 {
				return "", errors.New("lists hold single words")
			}
			words[i] = word
		}
		return strings.Join(words, " "), nil
	}
	return "", fmt.Errorf("%v is neither text, number, true, false nor a list", v)
}
