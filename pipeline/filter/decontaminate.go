package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/minhash"
	"finest/pipeline/words"
)

// Decontaminate drops text that shares an n-gram of words with the items of an
// evaluation, as datatrove 0.10.1 does. FineWeb did not use it.
//
// The n-grams of the items are held as they are, not as hashes: about 100 bytes
// for each.
type Decontaminate struct {
	splitter         pipeline.Splitter
	normalization    minhash.Normalization
	n                int
	queries, overlap bool
	index            map[string]struct{}
}

// DecontaminateSpec returns the stage with the settings of the reference. A
// recipe adds the evaluations as assets: files of JSON objects, one a line, with
// the answer as "text" and the question as "query", which may also stand in an
// object "metadata"; other keys are not read.
//
//	normalization        how text is simplified first: head, as the reference does,
//	                     or release
//	words                the word splitter
//	n_grams              words per n-gram
//	find_query_ngrams    look for n-grams of questions too
//	find_overlap_ngrams  and for those that begin in a question and end in its answer
func DecontaminateSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "decontaminate",
		Params: map[string]string{
			"normalization":       string(minhash.Head),
			"words":               "spacy",
			"n_grams":             "12",
			"find_query_ngrams":   "false",
			"find_overlap_ngrams": "true",
		},
	}
}

// NewDecontaminate builds the stage and its index from the files in assetsDir.
func NewDecontaminate(spec pipeline.StageSpec, assetsDir string) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	c := &Decontaminate{
		splitter:      words.FromParams(p),
		normalization: minhash.Normalization(p.Choice("normalization", string(minhash.Release), string(minhash.Head))),
		n:             p.Int("n_grams"),
		queries:       p.Bool("find_query_ngrams"),
		overlap:       p.Bool("find_overlap_ngrams"),
		index:         make(map[string]struct{}),
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if c.n < 1 {
		return nil, fmt.Errorf("stage %s: parameter n_grams: %d is less than 1", spec.Name, c.n)
	}
	if len(spec.Assets) == 0 {
		return nil, fmt.Errorf("stage %s: the recipe pins no asset to look for", spec.Name)
	}
	files, err := assets.Read(spec, assetsDir)
	if err != nil {
		return nil, err
	}
	for _, asset := range spec.Assets {
		if err := c.addFile(files[asset.Name]); err != nil {
			return nil, fmt.Errorf("stage %s: asset %s: %w", spec.Name, asset.Name, err)
		}
	}
	return c, nil
}

// evaluationItem is a line of an asset.
type evaluationItem struct {
	Text     *string `json:"text"`
	Query    *string `json:"query"`
	Metadata struct {
		Query string `json:"query"`
	} `json:"metadata"`
}

func (c *Decontaminate) addFile(data []byte) error {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var item evaluationItem
		err := json.Unmarshal(line, &item)
		if err == nil && item.Text == nil {
			err = errors.New("it has no text")
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		query := item.Metadata.Query
		if item.Query != nil {
			query = *item.Query
		}
		c.add(*item.Text, query)
	}
	return nil
}

// add puts the n-grams of an item into the index.
func (c *Decontaminate) add(answer, query string) {
	answerTokens := c.tokens(answer)
	c.addNgrams(answerTokens)
	queryTokens := c.tokens(query)
	if c.queries {
		c.addNgrams(queryTokens)
	}
	if !c.overlap {
		return
	}
	for fromAnswer := 1; fromAnswer < c.n && fromAnswer <= len(answerTokens); fromAnswer++ {
		if fromQuery := c.n - fromAnswer; fromQuery <= len(queryTokens) {
			query := strings.Join(queryTokens[len(queryTokens)-fromQuery:], " ")
			answer := strings.Join(answerTokens[:fromAnswer], " ")
			c.index[query+" "+answer] = struct{}{}
		}
	}
}

func (c *Decontaminate) addNgrams(tokens []string) {
	joined := joinWords(tokens, " ")
	for at := range joined.ngrams(c.n) {
		c.index[joined.ngram(uint32(at), c.n)] = struct{}{}
	}
}

func (c *Decontaminate) tokens(text string) []string {
	return c.splitter.Words(c.normalization.Apply(text))
}

// Name is "decontaminate".
func (*Decontaminate) Name() string { return "decontaminate" }

// Process drops for the reason contaminated; the value is the number of words
// before the first n-gram that was found.
func (c *Decontaminate) Process(d *pipeline.Document) *pipeline.Drop {
	joined := joinWords(c.tokens(d.Text), " ")
	for at := range joined.ngrams(c.n) {
		if _, ok := c.index[joined.ngram(uint32(at), c.n)]; ok {
			return drop("contaminated", float64(at))
		}
	}
	return nil
}
