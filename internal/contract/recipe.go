package contract

// Recipe is a named list of stages with all their parameters and the hashes of
// their assets. Its canonical JSON is hashed, so a field added here changes
// every recipe.
type Recipe struct {
	Name string `json:"name"`
	// PipelineVersion is the version of the code that gives the stages their
	// meaning.
	PipelineVersion int         `json:"pipeline_version"`
	Stages          []StageSpec `json:"stages"`
}

// StageSpec is one stage of a recipe.
type StageSpec struct {
	// Name is the stage's name, also in ledgers: "url", "extract", "language".
	Name string `json:"name"`
	// Params are all parameters of the stage; decimals as written, lists
	// separated by spaces.
	Params map[string]string `json:"params"`
	// Assets are the files the stage reads, by name.
	Assets []Asset `json:"assets"`
}

// Asset pins a file that a stage uses: a model, a word list.
type Asset struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// Validate bounds a recipe that came from outside.
func (r Recipe) Validate() error {
	if !recipeRE.MatchString(r.Name) || r.PipelineVersion < 1 || len(r.Stages) == 0 || len(r.Stages) > 64 {
		return invalid("recipe %.80q with %d stages", r.Name, len(r.Stages))
	}
	for _, s := range r.Stages {
		if !recipeRE.MatchString(s.Name) || len(s.Params) > 64 || len(s.Assets) > 16 {
			return invalid("recipe stage %.80q", s.Name)
		}
		for _, a := range s.Assets {
			if a.Name == "" || len(a.Name) > 128 || !hex64.MatchString(a.SHA256) {
				return invalid("recipe asset %.80q", a.Name)
			}
		}
	}
	return nil
}
