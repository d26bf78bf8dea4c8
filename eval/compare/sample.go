package compare

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"finest/eval"
	"finest/eval/lm"
	"finest/eval/panel"
)

// poolMemory is how much text is held at once while datasets are read: as many
// runs are drawn in one reading as fit, but at least one.
const poolMemory = 1 << 30

// leastTokens is what a document counts at least when a sample is drawn, so that
// rows of a few bytes each cannot fill the memory: a sample of shorter documents is
// repeated more often instead.
const leastTokens = 16

// SampleFacts says what one run was trained on.
type SampleFacts struct {
	// Documents is how many were taken, Cut how many of them are a piece of a
	// longer one, Bytes what their texts have.
	Documents int   `json:"documents"`
	Cut       int   `json:"cut"`
	Bytes     int64 `json:"bytes"`
	// Tokens that differ, and how often each was trained on.
	Tokens int64   `json:"tokens"`
	Epochs float64 `json:"epochs"`
	// Held is the number of tokens that the cap on hosts held back; Refilled is
	// how many of them were taken after all, because there was no other text.
	Held     int64 `json:"held"`
	Refilled int64 `json:"refilled"`
}

// sample is what one run is trained on.
type sample struct {
	documents [][]uint16
	facts     SampleFacts
}

// drawer draws the samples of one dataset.
type drawer struct {
	tier    Tier
	encoder panel.Encoder
	// keep says whether a document may be trained on; it is asked once for each,
	// however often the dataset is read.
	keep func(Document) bool
	// reading is told how many documents are read, now and then.
	reading func(documents int64)
}

// drawn is what a dataset gave.
type drawn struct {
	documents, empty int64
	dropped          marks // by position, for those who read again
	samples          []sample
}

// draw reads the dataset and returns one sample for each seed.
func (d drawer) draw(ctx context.Context, data Documents, seeds []eval.Seed) (drawn, error) {
	limit := d.tier.Spec.Tokens * int64(d.tier.BytesPerToken)
	group := int(max(1, min(int64(len(seeds)), poolMemory/limit)))
	var out drawn
	for first := 0; first < len(seeds); first += group {
		pools := make([]*pool, 0, group)
		for _, seed := range seeds[first:min(first+group, len(seeds))] {
			pools = append(pools, &pool{
				seed: seed, limit: limit, document: d.tier.DocumentBytes, least: leastTokens * int64(d.tier.BytesPerToken),
			})
		}
		last := first+group >= len(seeds)
		if err := d.read(ctx, data, pools, &out, last); err != nil {
			return drawn{}, err
		}
		for _, p := range pools {
			if err := ctx.Err(); err != nil {
				return drawn{}, err
			}
			out.samples = append(out.samples, d.take(p.sorted()))
		}
	}
	return out, nil
}

// read shows every document to the pools, and counts it on the first reading.
func (d drawer) read(ctx context.Context, data Documents, pools []*pool, out *drawn, last bool) error {
	again := len(out.samples) > 0
	n, empty := int64(0), int64(0)
	for doc, err := range keyed(ctx, data) {
		if err != nil {
			return err
		}
		n++
		if d.reading != nil && n%256 == 0 {
			d.reading(n)
		}
		if strings.TrimSpace(doc.Text) == "" {
			empty++
			continue
		}
		if out.dropped.has(n) {
			continue
		}
		if !again && !d.keep(doc) {
			if !last {
				out.dropped.set(n)
			}
			continue
		}
		host := panel.HostOf(doc.URL)
		for _, p := range pools {
			p.add(doc, n, host)
		}
	}
	if again && (n != out.documents || empty != out.empty) {
		return fmt.Errorf("the dataset changed while it was read: %d documents, then %d", out.documents, n)
	}
	out.documents, out.empty = n, empty
	return nil
}

// take tokenises documents, in order, until there are as many tokens as one pass
// of the tier's training takes. No host gives more than its share of them, unless
// there is no other text.
func (d drawer) take(entries []entry) sample {
	wanted := passTokens(d.tier.Spec)
	share := int64(float64(d.tier.HostShare) * float64(wanted))
	s := sample{}
	hosts := make(map[string]int64)
	var held [][]uint16
	var tokens []uint16
	for i := range entries {
		left := wanted - s.facts.Tokens
		if left <= 1 {
			break
		}
		e := &entries[i]
		tokens = d.encoder.Encode(tokens[:0], e.text)
		most := int64(len(tokens))
		if e.host != "" {
			most = min(most, share-hosts[e.host])
		}
		if most < int64(len(tokens)) {
			held = append(held, slices.Clone(tokens[most:]))
			s.facts.Held += int64(len(tokens)) - most
		}
		if most > 0 {
			s.add(tokens[:most], left)
			hosts[e.host] += most
			s.count(*e)
		}
		e.text = "" // its tokens are all that is needed
	}
	for _, rest := range held {
		if left := wanted - s.facts.Tokens; left > 1 {
			s.facts.Refilled += s.add(rest, left)
		}
	}
	return s
}

// add takes tokens of a document, at most left with the one that goes before it.
func (s *sample) add(tokens []uint16, left int64) int64 {
	n := min(int64(len(tokens)), left-1)
	s.documents = append(s.documents, slices.Clone(tokens[:n]))
	s.facts.Tokens += n + 1
	return n
}

func (s *sample) count(e entry) {
	s.facts.Documents++
	s.facts.Bytes += int64(len(e.text))
	if e.cut {
		s.facts.Cut++
	}
}

// pack makes training data of the sample.
func (s *sample) pack(spec lm.Spec, eos uint16, order eval.Seed) (lm.Data, error) {
	data, packed, err := lm.Pack(s.documents, eos, spec, order)
	if err != nil {
		return nil, err
	}
	s.facts.Tokens, s.facts.Epochs = packed.Unique, packed.Epochs
	return data, nil
}

// marks has a bit for each position: of a billion documents every one may be
// marked.
type marks []uint64

func (m *marks) set(n int64) {
	for int64(len(*m)) <= n/64 {
		*m = append(*m, 0)
	}
	(*m)[n/64] |= 1 << (n % 64)
}

func (m marks) has(n int64) bool { return n/64 < int64(len(m)) && m[n/64]>>(n%64)&1 != 0 }
