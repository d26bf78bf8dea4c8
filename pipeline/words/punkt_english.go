package words

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/neurosnap/sentences/data"
)

// english returns Punkt for English with the parameters that NLTK trained, as
// the module github.com/neurosnap/sentences carries them (MIT). They equal NLTK's
// punkt_tab files but for one sentence starter more, which is taken out.
var english = sync.OnceValue(func() *punkt {
	p, err := readPunkt(data.MustAsset("data/english.json"))
	if err != nil {
		panic(fmt.Sprintf("parameters compiled into the program: %v", err))
	}
	delete(p.starters, "she")
	return p
})

// readPunkt reads parameters in the JSON form of the module. It keeps a pair of
// words as one key with a comma between, which is safe only as long as no first
// word holds a comma.
func readPunkt(raw []byte) (*punkt, error) {
	var file struct {
		AbbrevTypes, Collocations, SentStarters map[string]int
		OrthoContext                            map[string]uint8
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("read Punkt parameters: %w", err)
	}
	p := &punkt{
		abbreviations: keys(file.AbbrevTypes),
		starters:      keys(file.SentStarters),
		collocations:  make(map[[2]string]struct{}, len(file.Collocations)),
		contexts:      file.OrthoContext,
	}
	for pair := range file.Collocations {
		first, second, ok := strings.Cut(pair, ",")
		if !ok {
			return nil, fmt.Errorf("read Punkt parameters: collocation %q is no pair", pair)
		}
		p.collocations[[2]string{first, second}] = struct{}{}
	}
	return p, nil
}

func keys(m map[string]int) map[string]struct{} {
	set := make(map[string]struct{}, len(m))
	for k := range m {
		set[k] = struct{}{}
	}
	return set
}
