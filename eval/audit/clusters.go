package audit

import (
	"context"
	"fmt"
	"iter"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
)

// MaxDocuments bounds the documents that one task's clusters are replayed over;
// each needs about 260 bytes of memory.
const MaxDocuments = 1 << 24

// Clusters is check 4: the band keys of the whole ledger are clustered again,
// and exactly the lowest document of each cluster must be kept. It relies on
// Content having passed.
func Clusters(ctx context.Context, s *Submission, files Files) (eval.Check, error) {
	r, err := replay(ctx, ledgerRows(ctx, files, s.Manifest), s.Manifest)
	if err != nil {
		return conclude(ctx, eval.CheckClusters, err)
	}
	if r.violation == "" {
		return eval.Pass(eval.CheckClusters, fmt.Sprintf("%d documents with band keys form %d clusters, and the first of each is kept", r.documents, r.clusters)).
			With("documents", fmt.Sprint(r.documents)).
			With("clusters", fmt.Sprint(r.clusters)), nil
	}
	p := newProof(s, KindClusters)
	p.Reason = r.violation
	return p.attach(eval.Reject(eval.CheckClusters, r.violation))
}

type clustering struct {
	root                string
	rows                uint64
	documents, clusters int
	// violation says what the ledger should say instead; empty if it agrees.
	violation string
}

// document is what the ledger says of a document with band keys.
type document struct {
	index      uint64
	file       int32
	keptFile   int32
	offset     int64
	keptOffset int64
}

func (d document) kept() bool { return d.keptFile == d.file && d.keptOffset == d.offset }

// replay clusters a ledger. Whether a row is kept is read from its keeper:
// outcome and keeper of a row agree in every ledger that has the right form,
// which replay checks too.
func replay(ctx context.Context, rows iter.Seq2[contract.LedgerRow, error], m contract.Manifest) (clustering, error) {
	var tree canon.Tree
	var docs []document
	clusterer := minhash.NewClusterer(keysort.Options{})
	form := newLedgerForm(m)
	for row, err := range rows {
		if err != nil {
			return clustering{}, err
		}
		if err := form.add(row); err != nil {
			return clustering{}, err
		}
		if err := addLeaf(&tree, row); err != nil {
			return clustering{}, err
		}
		if len(row.BandKeys) == 0 {
			continue
		}
		if len(docs) == MaxDocuments {
			return clustering{}, eval.Blame(eval.FaultOwn, fmt.Errorf("replay clusters: more than the %d documents that fit into memory", MaxDocuments))
		}
		if err := clusterer.Add(row.BandKeys); err != nil {
			return clustering{}, eval.Blame(eval.FaultOwn, err)
		}
		docs = append(docs, document{tree.Size() - 1, row.File, row.KeptFile, row.Offset, row.KeptOffset})
	}
	out := clustering{root: tree.Root().String(), rows: tree.Size(), documents: len(docs)}
	keepers, err := clusterer.Keepers(ctx)
	if err != nil {
		return clustering{}, err
	}
	for i, keeper := range keepers {
		if int(keeper) == i {
			out.clusters++
		}
		if d, want := docs[i], docs[keeper]; out.violation == "" && (d.keptFile != want.file || d.keptOffset != want.offset) {
			out.violation = clusterSentence(d, want, m)
		}
	}
	return out, nil
}

func clusterSentence(d, want document, m contract.Manifest) string {
	where := fmt.Sprintf("ledger row %d (byte %d of %s)", d.index, d.offset, m.Inputs[d.file].Path)
	first := fmt.Sprintf("row %d (byte %d of %s)", want.index, want.offset, m.Inputs[want.file].Path)
	switch {
	case d.kept():
		return fmt.Sprintf("%s is kept, but its band keys make it a duplicate of %s", where, first)
	case want.index == d.index:
		return fmt.Sprintf("%s is called a duplicate, but its band keys match no document before it", where)
	default:
		return fmt.Sprintf("%s is called a duplicate of byte %d of file %d, but its cluster begins with %s", where, d.keptOffset, d.keptFile, first)
	}
}
