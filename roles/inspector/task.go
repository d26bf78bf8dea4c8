package inspector

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/roles/submission"
)

// tasks looks into the newest tasks of the chosen claim's log.
func (in *inspection) tasks(ctx context.Context) error {
	claim := in.claims[in.chosen]
	if claim.State != submission.Valid {
		return nil
	}
	type line struct {
		task       string
		generation int64
	}
	var cases []submission.Bound
	seen := make(map[line]bool)
	for _, b := range in.bound {
		if key := (line{b.Line.Task, b.Line.Generation}); b.Block <= claim.Block && !seen[key] {
			seen[key] = true
			cases = append(cases, b)
		}
	}
	in.story.Earlier = max(0, len(cases)-in.Tasks)
	for _, b := range cases[in.story.Earlier:] {
		t, err := in.task(ctx, b)
		if err != nil {
			return fmt.Errorf("task %s generation %d: %w", b.Line.Task, b.Line.Generation, err)
		}
		in.story.Tasks = append(in.story.Tasks, t)
	}
	return nil
}

func (in *inspection) task(ctx context.Context, b submission.Bound) (Task, error) {
	c := submission.Case{Hotkey: in.hotkey, Bound: b}
	c.Uncertain = false // told, not judged
	for _, claim := range in.claims {
		if claim.State == submission.Valid && claim.Block >= b.Block {
			c.Claims = append(c.Claims, claim.Claim)
		}
	}
	seed, err := in.seed(ctx, b.Block)
	if err != nil {
		return Task{}, err
	}
	// Without accepted tasks everything is audited.
	result, err := in.Resolver.Check(ctx, c, submission.Chance{Block: seed, Validator: in.Validator})
	if err != nil {
		return Task{}, err
	}
	v := result.Verdict
	t := Task{
		Task: b.Line.Task, Generation: b.Line.Generation, Manifest: b.Line.Manifest,
		Block: b.Block, BlockCertain: !b.Uncertain,
		Outcome: v.Outcome, Fault: v.Fault, Reason: v.Reason, Checks: v.Checks,
	}
	if s := result.Submission; s != nil {
		in.describe(&t, s, seed)
	}
	if t.Outcome == eval.Rejected {
		t.Problem = in.problem(ctx, c, v, result.Submission)
	}
	return t, nil
}

// seed returns the block that seeds the audit of a task, the zero block while
// it is not final.
func (in *inspection) seed(ctx context.Context, block uint64) (chain.Block, error) {
	number := in.Resolver.Protocol.SeedBlock(block)
	if number > in.final.Number {
		in.note("block %d, which seeds the audit of what was claimed in block %d, is not final yet", number, block)
		return chain.Block{}, nil
	}
	at, err := in.Chain.BlockAt(ctx, number)
	if err != nil {
		return chain.Block{}, fmt.Errorf("read block %d: %w", number, err)
	}
	return at, nil
}

// describe tells what the manifest says.
func (in *inspection) describe(t *Task, s *audit.Submission, seed chain.Block) {
	p, m := in.Resolver.Protocol, s.Manifest
	t.Publication, t.Recipe, t.Funnel = s.Claim.String(), m.Recipe.Name, m.Counts
	for _, i := range m.Inputs {
		t.Records += i.Records
		t.Pages += i.Pages
	}
	for _, f := range m.Shards() {
		t.Kept += f.Rows
	}
	if r := m.Receipt; r != nil {
		t.Receipt = &Receipt{Server: r.Server, Block: r.Block, DeadlineBlock: r.DeadlineBlock, RecipeHash: r.Recipe.Hash, Files: r.Files}
		t.Work = r.Bytes()
		t.Elapsed = eval.Submission{Block: s.Block, Leased: r.Block}.Elapsed()
		t.ReferenceTime = p.ReferenceTime(t.Work)
		t.Timeliness = p.Timeliness(t.Elapsed, t.Work)
	}
	for _, check := range t.Checks {
		if check.Name == eval.CheckSlice && seed != (chain.Block{}) {
			t.Slice = in.slice(s, seed, check)
		}
	}
}

func (in *inspection) slice(s *audit.Submission, seed chain.Block, check eval.Check) *Slice {
	manifest, err := canon.ParseHash(s.Line.Manifest)
	if err != nil {
		return nil // a log with such a line is not valid
	}
	draw := eval.Draw{BlockHash: seed.Hash, Hotkey: in.hotkey, Manifest: manifest}
	file, from, to := audit.DrawSlice(draw.AuditSeed(eval.PurposeSlice, in.Validator), s.Manifest.Inputs, in.Resolver.Protocol.Slice)
	facts := check.Evidence.Facts
	return &Slice{
		SeedBlock: seed.Number, File: s.Manifest.Inputs[file].Path, From: from, To: to,
		Range: facts["range"], LedgerRows: facts["ledger_rows"], SHA256: facts["sha256"],
	}
}

// problem says where in the crawl the check that rejected found something.
func (in *inspection) problem(ctx context.Context, c submission.Case, v eval.Verdict, s *audit.Submission) *Problem {
	p := &Problem{Sentence: v.Reason}
	for _, check := range v.Checks {
		if check.Outcome == eval.Rejected {
			p.Check = check.Name
			break
		}
	}
	proof, err := audit.ParseProof(v.Proof())
	if err != nil || s == nil || proof.File < 0 || int(proof.File) >= len(s.Manifest.Inputs) || proof.Kind == audit.KindClusters {
		return p // of no file; a sentence about clusters names both documents
	}
	p.File = s.Manifest.Inputs[proof.File].Path
	if proof.Kind == audit.KindSize {
		return p
	}
	p.From, p.To = proofSpan(proof)
	if proof.Kind == audit.KindDocument {
		p.Sentence += fmt.Sprintf("; its record is bytes %d–%d", p.From, p.To)
	}
	// The page's address is a help, not a finding: without it the story is told too.
	if row, found, err := in.Resolver.Document(ctx, c, p.File, p.From); err == nil && found {
		p.URL = row.URL
		if !strings.Contains(p.Sentence, p.URL) {
			p.Sentence += fmt.Sprintf("; the row is of the page %.200q", p.URL)
		}
	}
	return p
}

// proofSpan returns the bytes that the wrong row of a proof claims to stand for;
// without one, those between its leaves.
func proofSpan(proof audit.Proof) (from, to int64) {
	first, offset, length := true, 1, 2
	if proof.Kind == audit.KindDocument {
		offset, length = 9, 10
	}
	for _, leaf := range proof.Leaves {
		var cells []json.RawMessage
		var at, n int64
		if json.Unmarshal(leaf.Row, &cells) != nil || len(cells) <= length ||
			json.Unmarshal(cells[offset], &at) != nil || json.Unmarshal(cells[length], &n) != nil {
			continue
		}
		if proof.Claimed >= 0 && leaf.Index == uint64(proof.Claimed) {
			return at, at + n
		}
		if first {
			from, first = at, false
		}
		to = at + n
	}
	return from, to
}
