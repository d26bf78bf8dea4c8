package recipes

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"finest/internal/contract"
	"finest/pipeline"
)

// Print writes a recipe as TOML with all parameters and assets, under a line with
// its hash. Of a recipe that Build accepts, Load reads the same back.
func Print(w io.Writer, r contract.Recipe) error {
	hash, err := pipeline.HashRecipe(r)
	if err != nil {
		return err
	}
	f := file{Name: r.Name, PipelineVersion: r.PipelineVersion}
	for _, s := range r.Stages {
		stage := fileStage{Name: s.Name, Params: make(map[string]any, len(s.Params))}
		for name, v := range s.Params {
			stage.Params[name] = value(v)
		}
		for _, a := range s.Assets {
			stage.Assets = append(stage.Assets, fileAsset(a))
		}
		f.Stages = append(f.Stages, stage)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# hash %s\n", hash)
	if err := toml.NewEncoder(&text).Encode(f); err != nil {
		return fmt.Errorf("print recipe %s: %w", r.Name, err)
	}
	_, err = io.WriteString(w, text.String())
	return err
}

// value returns the TOML value that is spelled as the parameter is: a number or
// a boolean where there is one, else text.
func value(parameter string) any {
	if n, err := strconv.ParseInt(parameter, 10, 64); err == nil && strconv.FormatInt(n, 10) == parameter {
		return n
	}
	if x, err := strconv.ParseFloat(parameter, 64); err == nil && !math.IsInf(x, 0) && strings.Contains(parameter, ".") {
		if spelled, err := spell(x); err == nil && spelled == parameter {
			return x
		}
	}
	if b, err := strconv.ParseBool(parameter); err == nil && strconv.FormatBool(b) == parameter {
		return b
	}
	return parameter
}
