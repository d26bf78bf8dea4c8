package inspector

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"finest/eval"
	"finest/internal/contract"
)

// Print tells the story to a person.
func (s Story) Print(w io.Writer) error {
	p := &page{}
	p.field(0, "claim", "%s@%s", s.Claim.Repo, s.Claim.Commit)
	p.field(0, "miner", "%s, %s", s.Miner.Hotkey, s.Miner.text())
	p.field(0, "claimed", "in block %d; looked at in block %d", s.Claim.Block, s.Block)
	p.field(0, "log", "%s", s.logText())
	p.field(0, "verdict", "%s", strings.ToUpper(string(s.Outcome)))
	if s.Problem != "" {
		p.field(0, "", "%s", s.Problem)
	}
	for _, n := range s.Notes {
		p.field(0, "note", "%s", n)
	}
	if len(s.Claims) > 1 {
		p.line("\nclaims of this hotkey since block %d, oldest first:", s.FromBlock)
		for _, c := range s.Claims {
			p.line("  block %-9d %-8s %s@%.12s  %s", c.Block, c.State, c.Repo, c.Commit, c.Reason)
		}
	}
	if s.Earlier > 0 {
		p.line("\n%d earlier tasks of the log were not looked into.", s.Earlier)
	}
	for _, t := range s.Tasks {
		t.print(p)
	}
	_, err := io.WriteString(w, p.String())
	return err
}

func (m Miner) text() string {
	if m.UID < 0 {
		return "not registered any more"
	}
	return fmt.Sprintf("uid %d, registered in block %d", m.UID, m.RegisteredAt)
}

func (s Story) logText() string {
	text := fmt.Sprintf("%s, SHA-256 %s", s.Claim.State, s.Claim.LogSHA256)
	if s.Claim.LogBytes > 0 {
		text = fmt.Sprintf("%s, %d bytes, %s, SHA-256 %s", s.Claim.State, s.Claim.LogBytes, taskCount(len(s.Tasks)+s.Earlier), s.Claim.LogSHA256)
	}
	return text
}

func (t Task) print(p *page) {
	p.line("\ntask %s, generation %d: %s", t.Task, t.Generation, strings.ToUpper(string(t.Outcome)))
	if t.Problem != nil {
		p.field(1, "wrong", "%s", t.Problem.Sentence)
	}
	certainty := ""
	if !t.BlockCertain {
		certainty = " or before"
	}
	p.field(1, "claimed", "in block %d%s", t.Block, certainty)
	p.field(1, "manifest", "%s", t.Manifest)
	if t.Publication != "" {
		p.field(1, "read from", "%s", t.Publication)
	}
	if r := t.Receipt; r != nil {
		p.field(1, "receipt", "of block %d by %s, recipe %s, deadline block %d", r.Block, r.Server, t.Recipe, r.DeadlineBlock)
		for _, f := range r.Files {
			p.field(1, "", "%s, %d bytes", f.Path, f.Bytes)
		}
		p.field(1, "time", "%d blocks, %d are timely: timeliness %.3f", t.Elapsed, t.ReferenceTime, t.Timeliness)
		p.field(1, "work", "%d bytes of WARC", t.Work)
	}
	p.line("  checks")
	for _, c := range t.Checks {
		fault := ""
		if c.Outcome == eval.Undecided {
			fault = fmt.Sprintf(" (%s)", c.Fault)
		}
		p.field(2, c.Name, "%s%s: %s", c.Outcome, fault, c.Reason)
		if c.Name == eval.CheckSlice && t.Slice != nil {
			p.field(2, "", "block %d drew bytes %d to %d of %s", t.Slice.SeedBlock, t.Slice.From, t.Slice.To, t.Slice.File)
		}
		if c.Name == eval.CheckQuality {
			printQuality(p, c.Evidence.Facts)
		}
	}
	t.printFunnel(p)
}

// printQuality shows what the models came to that a recipe is judged by.
func printQuality(p *page, facts map[string]string) {
	if facts["tier"] == "" {
		return
	}
	p.field(2, "", "tier %s (%s) with %s seeds on %s; panel %s %.12s, tokenizer %s", facts["tier"], facts["evidence"], facts["seeds"], facts["kernel"],
		facts["panel"], facts["panel_hash"], facts["tokenizer"])
	p.field(2, "", "%s tasks, %s bytes of WARC; documents: %s; held out: %s pages", facts["tasks"], facts["warc_bytes"], facts["documents"], facts["held_out_pages"])
	const first, last = "candidate_", "_bits_per_byte"
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		if !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
			continue
		}
		suite := strings.TrimSuffix(strings.TrimPrefix(name, first), last)
		of := func(measure string) string {
			return fmt.Sprintf("%s (naive %s, reference %s)", facts[first+suite+measure], facts["naive_"+suite+measure], facts["reference_"+suite+measure])
		}
		p.field(2, "", "%-13s bits per byte %s, accuracy %s", suite, of(last), of("_accuracy"))
	}
}

// printFunnel shows what became of the pages, most frequent fate first.
func (t Task) printFunnel(p *page) {
	if len(t.Funnel) == 0 {
		return
	}
	p.line("  funnel: %d records, %d pages, %d kept", t.Records, t.Pages, t.Kept)
	funnel := slices.Clone(t.Funnel)
	slices.SortStableFunc(funnel, func(a, b contract.Count) int { return cmp.Compare(b.Rows, a.Rows) })
	for _, c := range funnel {
		p.line("    %9d  %s", c.Rows, strings.TrimSuffix(c.Outcome+": "+c.Reason, ": "))
	}
}

// page collects lines.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// field writes a named value, or goes on with the value before where the name
// is empty.
func (p *page) field(depth int, name, format string, args ...any) {
	p.line("%s%-10s %s", strings.Repeat("  ", depth), name, fmt.Sprintf(format, args...))
}

func taskCount(n int) string {
	if n == 1 {
		return "1 task"
	}
	return fmt.Sprintf("%d tasks", n)
}
